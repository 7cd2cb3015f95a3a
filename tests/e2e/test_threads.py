"""One predictor used from eight threads gives exactly the results of calls one after another."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ppocr.infer.classifier import TextClassifier
from ppocr.infer.detector import TextDetector
from ppocr.infer.pipeline import OCR
from ppocr.infer.recognizer import TextRecognizer

THREADS = 8


def pages():
    """24 pages of different sizes and texts."""
    dice = np.random.default_rng(0)
    for index in range(24):
        height, width = (int(side) for side in dice.integers(60, 200, 2))
        page = np.full((height, width, 3), 255, np.uint8)
        for top in range(20, height, 30):
            cv2.putText(page, f"line {index} {top}", (5, top), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1)
        yield page


def in_threads(function, items):
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, items))


def test_detector(random_options):
    detector = TextDetector(replace(random_options, limit_type="max"))
    items = list(pages())
    expected = [detector.probability(page) for page in items]
    assert len({array.tobytes() for array in expected}) == len(items)  # the pages do differ
    for serial, threaded in zip(expected, in_threads(detector.probability, items)):
        assert np.array_equal(serial, threaded)


@pytest.mark.parametrize("predictor", [TextRecognizer, TextClassifier])
def test_crops(random_options, predictor):
    read = predictor(random_options)
    groups = [[page[:30], page[20:60, :50]] for page in pages()]
    expected = [read(group) for group in groups]
    assert len({str(answer) for answer in expected}) > 6  # the crops do differ
    assert in_threads(read, groups) == expected


def test_whole_chain(random_options):
    ocr = OCR(replace(random_options, limit_type="max"))

    def read(page):
        return [replace(result, seconds=0.0) for result in ocr(page)]

    items = list(pages())
    expected = [read(page) for page in items]
    assert any(result.lines for (result,) in expected)
    assert in_threads(read, items) == expected
