"""The system score of small pages computed by hand."""

from __future__ import annotations

import pytest

from ppocr.data.labels import TextRegion
from ppocr.metrics.score import Score
from ppocr.metrics.system import SystemScore, score_page
from ppocr.metrics.text import EXACT


def region(
    text: str, left: float, top: float, width: float = 100, height: float = 20, ignore: bool = False
) -> TextRegion:
    right, bottom = left + width, top + height
    return TextRegion(text, ((left, top), (right, top), (right, bottom), (left, bottom)), ignore)


TRUTHS = [region("Total 10", 0, 0), region("CASH", 0, 40), region("###", 0, 80, ignore=True), region("Bye", 0, 120)]
PREDICTIONS = [
    region("TOTAL10", 2, 0),  # right
    region("COSH", 0, 42),  # right place, one wrong character
    region("junk", 10, 82, 50, 10),  # in the ignored region
    region("Bye", 0, 200),  # right text, wrong place
]


def test_a_page_by_hand():
    score = score_page(TRUTHS, PREDICTIONS)
    assert score.detection == Score(2, 3, 3)
    assert score.end_to_end == Score(1, 3, 3)
    assert score.characters == Score(matched=7 + 3 + 3, predicted=7 + 4 + 3, expected=7 + 4 + 3)
    assert score.words == Score(matched=1, predicted=3, expected=4)  # only "bye"
    assert (score.lines.lines, score.lines.exact, score.lines.edits, score.lines.characters) == (2, 1, 1, 11)
    assert score.pages == 1


def test_rules_decide_what_is_equal():
    assert score_page(TRUTHS, PREDICTIONS, EXACT).end_to_end.matched == 0
    assert score_page(TRUTHS, TRUTHS, EXACT).end_to_end == Score(3, 3, 3)


def test_text_does_not_choose_the_partner():
    """ICDAR: places are matched first, then texts are compared."""
    truths = [region("A", 0, 0)]
    predictions = [region("A", 0, 6), region("B", 0, 1)]
    score = score_page(truths, predictions)
    assert score.detection == Score(1, 2, 1)
    assert score.end_to_end == Score(0, 2, 1)


def test_iou_option():
    truths, predictions = [region("A", 0, 0)], [region("A", 0, 8)]  # IoU 12 / 28
    assert score_page(truths, predictions).end_to_end.f == 0
    assert score_page(truths, predictions, iou=0.4).end_to_end.f == 1


def test_empty_pages():
    assert score_page([], []).end_to_end.f == 1
    assert score_page(TRUTHS, []).end_to_end == Score(0, 0, 3)
    assert score_page([], [region("x", 0, 0)]).end_to_end == Score(0, 1, 0)


def test_pages_pool():
    total = score_page(TRUTHS, PREDICTIONS) + score_page(TRUTHS, [])
    assert total.end_to_end == Score(1, 3, 6)
    assert total.end_to_end.f == pytest.approx(2 / 9)
    assert total.pages == 2
    assert SystemScore() + total == total
