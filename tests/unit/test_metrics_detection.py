"""Matching of outlines, against cases computed by hand."""

from __future__ import annotations

import pytest

from ppocr.metrics.detection import match_outlines, polygons
from ppocr.metrics.score import Score


def box(left: float, top: float, right: float, bottom: float) -> list:
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


DIAMOND = [[5, 0], [10, 5], [5, 10], [0, 5]]  # area 50
STAIRS = [[0, 0], [10, 0], [10, 5], [5, 5], [5, 10], [0, 10]]  # area 75


@pytest.mark.parametrize(
    ("truth", "prediction", "iou"),
    [
        (box(0, 0, 10, 10), box(5, 0, 15, 10), 50 / 150),
        (DIAMOND, box(5, 0, 15, 10), 25 / 125),
        (DIAMOND, box(0, 0, 10, 10), 0.5),
        (STAIRS, box(0, 0, 10, 10), 0.75),
    ],
)
def test_intersection_over_union_by_hand(truth, prediction, iou):
    assert match_outlines([truth], [prediction], iou=iou - 1e-9).pairs == ((0, 0),)
    assert match_outlines([truth], [prediction], iou=iou + 1e-9).pairs == ()


def test_outlines_that_do_not_overlap():
    assert match_outlines([box(0, 0, 10, 10)], [box(20, 20, 30, 30)], iou=0).pairs == ()
    assert match_outlines([STAIRS], [box(5, 5, 10, 10)], iou=0).pairs == ()  # its hull would overlap


def test_matching_counts():
    truths = [box(0, 0, 100, 20), box(0, 40, 100, 60), box(0, 80, 100, 100)]
    predictions = [box(0, 42, 100, 62), box(0, 0, 100, 20), box(0, 200, 100, 220), box(0, 300, 9, 309)]
    matching = match_outlines(truths, predictions)
    assert set(matching.pairs) == {(0, 1), (1, 0)}
    assert matching.score == Score(matched=2, predicted=4, expected=3)
    assert matching.score.precision == 0.5
    assert matching.score.recall == pytest.approx(2 / 3)
    assert matching.score.f == pytest.approx(4 / 7)


def test_overlap_of_exactly_the_threshold_is_no_match():
    truth, half = box(0, 0, 10, 10), box(0, 0, 10, 5)
    assert match_outlines([truth], [half]).pairs == ()
    assert match_outlines([truth], [box(0, 0, 10, 5.1)]).pairs == ((0, 0),)
    assert match_outlines([truth], [half], iou=0.49).pairs == ((0, 0),)


def test_one_to_one():
    truth, twice = [box(0, 0, 10, 10)], [box(0, 0, 10, 8), box(0, 0, 10, 9)]
    matching = match_outlines(truth, twice)
    assert matching.pairs == ((0, 1),)  # the better one
    assert matching.score == Score(1, 2, 1)
    assert match_outlines(twice, truth).pairs == ((1, 0),)


def test_the_order_does_not_matter():
    truths = [box(0, 0, 10, 10), box(0, 2, 10, 12)]
    predictions = [box(0, 2, 10, 12), box(0, 0, 10, 10)]
    assert set(match_outlines(truths, predictions).pairs) == {(0, 1), (1, 0)}
    assert set(match_outlines(truths[::-1], predictions).pairs) == {(0, 0), (1, 1)}


def test_ignored_regions_neither_help_nor_harm():
    truths = [box(0, 0, 10, 10), box(20, 0, 40, 10)]
    inside, by_half, by_more = box(22, 2, 30, 8), box(15, 0, 25, 10), box(16, 0, 26, 10)
    matching = match_outlines(truths, [inside, by_half, by_more], ignored=[False, True])
    assert matching.truths == (0,)
    assert matching.predictions == (1,)  # exactly half of it is in the ignored region: it counts
    assert matching.score == Score(0, 1, 1)


def test_a_prediction_hidden_by_an_ignored_region_does_not_match_a_truth():
    truths = [box(0, 0, 10, 10), box(0, 0, 10, 9)]
    matching = match_outlines(truths, [box(0, 0, 10, 10)], ignored=[False, True])
    assert matching.score == Score(0, 0, 1)


def test_ignored_shares_are_not_added_up():
    ignored = [box(0, 0, 4, 10), box(4, 0, 8, 10)]  # 40 % in each
    assert match_outlines(ignored, [box(0, 0, 10, 10)], ignored=[True, True]).score == Score(0, 1, 0)


def test_nothing_on_either_side():
    assert match_outlines([], []).score.f == 1
    assert match_outlines([], [box(0, 0, 1, 1)]).score == Score(0, 1, 0)
    assert match_outlines([box(0, 0, 1, 1)], []).score == Score(0, 0, 1)


def test_crossing_and_empty_outlines():
    bow_tie = [[0, 0], [10, 10], [10, 0], [0, 10]]
    assert match_outlines([box(0, 0, 10, 10)], [bow_tie]).pairs == ((0, 0),)
    line, point, nothing = [[0, 0], [10, 0], [5, 0], [2, 0]], [[1, 1]] * 4, []
    assert match_outlines([box(0, 0, 10, 10)], [line, point, nothing]).score == Score(0, 3, 1)
    assert len(polygons([line, nothing, box(0, 0, 1, 1)])) == 3


def test_wrong_number_of_flags():
    with pytest.raises(ValueError, match="1 truths, but 2"):
        match_outlines([box(0, 0, 1, 1)], [], ignored=[True, False])


def test_scores_add_up():
    total = Score(1, 2, 3) + Score(4, 5, 6)
    assert total == Score(5, 7, 9)
    assert Score().precision == Score().recall == 0
    assert Score().f == 1
    assert Score(0, 0, 1).f == Score(0, 1, 0).f == 0
