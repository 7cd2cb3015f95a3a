"""The predictor's part of Paddle alone, and all of Paddle after it: neither changes what is computed."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from ppocr.infer.pipeline import OCR

READ = """
import json, sys
import numpy as np
from ppocr import OCR

options = dict(det="random", cls="random", rec="random", threads=1, thresh=0.5, box_thresh=0.0, drop_score=0.0)
page = np.kron(np.random.default_rng(0).integers(0, 2, (12, 20, 3)), np.full((8, 8, 1), 255)).astype(np.uint8)
first = [line.to_dict() for line in OCR(**options)(page)[0].lines]
assert "paddle" not in sys.modules

import paddle

layer = paddle.nn.Linear(3, 4)
layer(paddle.ones([2, 3])).sum().backward()
assert layer.weight.grad.numpy().tolist() == [[2.0] * 4] * 3
again = [line.to_dict() for line in OCR(**options)(page)[0].lines]
print(json.dumps([first, again]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows imports Paddle whole")
def test_paddle_may_come_later(random_models, random_options):
    environment = {**os.environ, "PPOCR_HOME": str(random_models)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, again = json.loads(done.stdout)
    assert first and first == again
    page = np.kron(np.random.default_rng(0).integers(0, 2, (12, 20, 3)), np.full((8, 8, 1), 255)).astype(np.uint8)
    here = OCR(random_options)(page)[0]  # in this process Paddle was imported first
    assert [line.to_dict() for line in here.lines] == first
