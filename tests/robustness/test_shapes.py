"""Pages of 1 to 64 by 1 to 60,000 pixels are read on every engine, both ways round."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

from ppocr.infer.pipeline import OCR

SIDES = ((1, 1), (1, 60_000), (30, 33_000))  # Paddle takes 32,768 a side
CROPS = ((7, 1), (1, 60_000), (20_000, 3))
if "PPOCR_FUZZ" in os.environ:  # `make robustness`
    SIDES = (*SIDES, (7, 1), (30, 40_000), (64, 4097), *((side, 300 * side) for side in range(2, 65, 7)))
    CROPS = (*CROPS, (48, 60_000), (64, 33_000))
ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"no {package}"))
    for name, package in (("paddle", "paddle"), ("onnxruntime", "onnxruntime"), ("openvino", "openvino"))
]


@pytest.mark.parametrize("engine", ENGINES)
def test_shapes(engine):
    ocr = OCR(det="slim", cls="slim", rec="slim", engine=engine)
    dice = np.random.default_rng(0)
    for height, width in SIDES:
        noise = dice.integers(0, 256, (height, width, 3), np.uint8)
        for page in (noise, np.rot90(noise)):
            (result,) = ocr(page)
            assert (result.height, result.width) == page.shape[:2]
    for height, width in CROPS:  # whatever a detector finds
        crop = dice.integers(0, 256, (height, width, 3), np.uint8)
        ((text, score),) = ocr.recognizer([crop])
        assert (text, score) == ("", 0) if height < 3 and width > 60 * height else 0 <= score <= 1
        assert len(ocr.classifier([crop])) == 1


def test_a_line_as_long_as_the_page_is_cropped():
    from ppocr.ops.boxes import MAX_WARP_SIDE, crop_quad

    page = np.zeros((40, 50_000, 3), np.uint8)
    slanted = np.array([[5, 3], [49_990, 9], [49_990, 35], [5, 30]], np.float32)
    crop = crop_quad(page, slanted)
    assert 0.9 * MAX_WARP_SIDE < crop.shape[1] <= MAX_WARP_SIDE and 10 < crop.shape[0] < 30
    far = np.array([[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6]], np.float32)
    assert crop_quad(page, far).size < 200_000_000
