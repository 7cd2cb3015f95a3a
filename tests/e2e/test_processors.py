"""Processors with fewer instructions than this one: oneDNN, which computes for both engines, can be held to them."""

import importlib.util
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.utils.cpu import computes_in_bf16

READ = """
import json, sys
from ppocr import OCR
from ppocr.infer.options import OCROptions
ocr = OCR(OCROptions(
    det="random", cls="random", rec="random", threads=1, thresh=0.5, box_thresh=0.0, drop_score=0.0, cls_thresh=1.1,
    engine=sys.argv[2], precision=sys.argv[3],
))
print(json.dumps([[line.box, line.score] for line in ocr(sys.argv[1])[0].lines]))
assert "paddle" not in sys.modules  # which takes longer to import than to read a page
"""
HAS_OPENVINO = importlib.util.find_spec("openvino") is not None


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    page = np.full((160, 320, 3), 255, np.uint8)
    for line in range(3):
        cv2.putText(page, f"Line {line}: abc 123", (10, 40 + 45 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    path = tmp_path_factory.mktemp("pages") / "sample.png"
    cv2.imwrite(str(path), page)
    return path


def read(sample, home, *arguments, **environment):
    """Boxes and scores, read in a process whose engine is held to the given instructions."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(sample), *arguments],
        env={**os.environ, "PPOCR_HOME": str(home), **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def expected(sample, random_models):
    lines = read(sample, random_models, "paddle", "fp32")
    assert lines
    return lines


@pytest.mark.parametrize(
    ("engine", "precision", "limit"),
    [
        ("paddle", "auto", "ONEDNN_MAX_CPU_ISA"),
        ("paddle", "bf16", "DNNL_MAX_CPU_ISA"),
        pytest.param(
            "openvino", "auto", "ONEDNN_MAX_CPU_ISA", marks=pytest.mark.skipif(not HAS_OPENVINO, reason="an extra")
        ),
    ],
)
def test_bf16_becomes_fp32_where_the_processor_cannot(sample, random_models, expected, engine, precision, limit):
    lines = read(sample, random_models, engine, precision, **{limit: "AVX2"})
    assert [box for box, _ in lines] == [box for box, _ in expected]
    np.testing.assert_allclose([score for _, score in lines], [score for _, score in expected], atol=1e-4)


@pytest.mark.skipif(not computes_in_bf16(), reason="the processor does not multiply in bf16")
def test_linear_layers_one_after_another_load_in_bf16(tmp_path):
    """Paddle 3.3 mixes up their inputs: PP-OCRv6 small's recogniser, whose neck has them, did not load."""
    import paddle

    from ppocr.modeling.necks.light_svtr import LightSVTR

    paddle.seed(0)
    network = LightSVTR(8, dims=16, num_heads=2, mlp_ratio=2.0)
    network.eval()
    traced = paddle.jit.to_static(network, input_spec=[paddle.static.InputSpec([-1, 8, 1, -1])], full_graph=True)
    paddle.jit.save(traced, str(tmp_path / "inference"))
    runtime = PaddleRuntime(tmp_path / "inference.json", tmp_path / "inference.pdiparams", threads=1, precision="bf16")
    batch = np.random.default_rng(0).standard_normal((2, 8, 1, 6)).astype(np.float32)
    np.testing.assert_allclose(runtime.run(batch), network(paddle.to_tensor(batch)).numpy(), atol=0.05)
