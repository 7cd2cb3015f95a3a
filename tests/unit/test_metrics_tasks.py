"""The three tasks' metrics on batches scored by hand, and counts that add up over processes."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.errors import ConfigError
from ppocr.ops.charset import Charset
from ppocr.postprocess.db import Regions
from ppocr.registry import METRICS

CHARSET = Charset(list("abcABC1-"), use_space_char=True)


def metric_of(name, **settings):
    return METRICS.build({"name": name, **settings}, "Metric", charset=CHARSET, label_list=["0", "180"])


def square(x, y, side=10):
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]], np.float32)


def regions(*boxes):
    return Regions(np.array(boxes, np.float32).reshape(-1, 4, 2), np.ones(len(boxes), np.float32), None)


def test_detection():
    metric = metric_of("DetMetric")
    batch = {
        "polys": [np.stack([square(0, 0), square(20, 0), square(40, 0)]), np.zeros((0, 4, 2), np.float32)],
        "ignore_tags": [np.array([False, False, True]), np.zeros(0, bool)],
    }
    # page 1: one found, one missed, a find inside the ignored region that does not count; page 2: a false find
    metric.add([regions(square(1, 0), square(41, 1)), regions(square(0, 0))], batch)
    assert metric.results() == {"precision": 0.5, "recall": 0.5, "hmean": 0.5}
    assert metric.counts().tolist() == [1, 2, 2]
    metric.set_counts(metric.counts() + np.array([1, 0, 0]))  # another process found one more
    assert metric.results()["hmean"] == 1.0
    metric.reset()
    assert metric.counts().tolist() == [0, 0, 0]


def test_detection_of_outlines():
    metric = metric_of("DetMetric", main_indicator="recall", iou=0.9)
    half = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    found = Regions(np.stack([square(0, 0)]), np.ones(1, np.float32), [half])
    metric.add([found], {"polys": [np.stack([square(0, 0)])], "ignore_tags": [np.array([False])]})
    assert metric.results()["recall"] == 0  # the triangle is half of the square; its box would be all of it


def labels(*texts, name="label"):
    rows = np.zeros((len(texts), 6), np.int64)
    for row, text in zip(rows, texts):
        row[: len(text)] = CHARSET.encode(text)
    return {name: rows, "length": np.array([len(text) for text in texts])}


def predictions(*texts):
    return [(text, 1.0) for text in texts]


def test_recognition():
    metric = metric_of("RecMetric")
    metric.add(predictions("abc", "a b", "aB"), labels("abc", "ab", "aBC1"))
    assert metric.results() == pytest.approx({"acc": 2 / 3, "norm_edit_dis": (1 + 1 + 0.5) / 3})
    total = metric.counts()
    metric.add(predictions("1"), labels("1", name="label_ctc"))
    metric.set_counts(metric.counts() + total)
    assert metric.results()["acc"] == pytest.approx(5 / 7)


@pytest.mark.parametrize(
    ("settings", "acc"),
    [
        ({"ignore_space": False}, 0),
        ({}, 1 / 3),
        ({"is_filter": True}, 1),
        ({"is_filter": True, "ignore_space": False}, 1),
        ({"main_indicator": "norm_edit_dis"}, 1 / 3),
    ],
)
def test_what_counts_in_recognition(settings, acc):
    metric = metric_of("RecMetric", **settings)
    metric.add(predictions("a b", "AB", "a-b"), labels("ab", "ab", "ab"))
    assert metric.results()["acc"] == pytest.approx(acc)


def test_direction():
    metric = metric_of("ClsMetric")
    assert metric.results() == {"acc": 0.0}
    metric.add([("0", 0.9), ("180", 0.8), ("0", 0.7)], {"label": np.array([0, 1, 1])})
    assert metric.results() == {"acc": pytest.approx(2 / 3)}
    metric.set_counts(metric.counts() * 2)
    assert metric.counts().tolist() == [4, 6]


def test_an_unknown_indicator_is_told():
    with pytest.raises(ConfigError, match=r"Metric: main_indicator: .* precision, recall, hmean, came 'acc'"):
        metric_of("DetMetric", main_indicator="acc")
