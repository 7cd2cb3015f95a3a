from dataclasses import dataclass

import pytest

from ppocr.metrics.mistakes import differences, kind_of, page_mistakes
from ppocr.metrics.system import score_page
from ppocr.metrics.text import EXACT, TOLERANT


@dataclass(frozen=True)
class Region:
    text: str
    points: tuple
    ignore: bool = False


def region(text, left, width, top=0.0, **more):
    return Region(text, ((left, top), (left + width, top), (left + width, top + 10), (left, top + 10)), **more)


@pytest.mark.parametrize(
    ("expected", "read", "rules", "kind"),
    [
        ("Total 12", "total12", TOLERANT, "right"), ("Total 12", "Total12", EXACT, "spaces"),
        ("Total", "ＴＯＴＡＬ", EXACT, "form"), ("l0 日", "1O 曰", EXACT, "look-alikes"),
        ("l0", "1X", EXACT, "misread"), ("ab", "a", EXACT, "misread"), ("", "", EXACT, "right"),
    ],
)  # fmt: skip
def test_how_texts_differ(expected, read, rules, kind):
    assert kind_of(expected, read, rules) == kind


def test_differences_name_both_sides():
    assert list(differences("abc", "axcd")) == [("b", "x"), ("", "d")]
    assert list(differences("ab c", "abc")) == [(" ", "")]


def test_every_text_of_a_page_is_accounted_for():
    truths = [
        region("right", 0, 50), region("cut in two", 100, 100), region("one", 300, 40), region("two", 345, 40),
        region("missed", 500, 50), region("###", 600, 50, ignore=True), region("wr0ng", 0, 50, top=40),
    ]  # fmt: skip
    predictions = [
        region("Right", 0, 50), region("cut in", 100, 45), region("two", 150, 49), region("onetwo", 299, 87),
        region("nonsense", 700, 30), region("ignored", 601, 48), region("wrong", 1, 50, top=40),
    ]  # fmt: skip
    found = page_mistakes(truths, predictions)
    kinds = {mistake.kind: (mistake.expected, mistake.read) for mistake in found}
    assert kinds == {
        "right": ("right", "Right"), "look-alikes": ("wr0ng", "wrong"), "cut": ("cut in two", "cut in | two"),
        "merged": ("one | two", "onetwo"), "missed": ("missed", ""), "invented": ("", "nonsense"),
    }  # fmt: skip
    score = score_page(truths, predictions)
    assert sorted(i for mistake in found for i in mistake.truths) == [0, 1, 2, 3, 4, 6]
    assert sum(len(mistake.truths) for mistake in found) == score.end_to_end.expected
    assert sum(len(mistake.predictions) for mistake in found) == score.end_to_end.predicted
    assert sum(mistake.kind == "right" for mistake in found) == score.end_to_end.matched


def test_pages_with_nothing():
    assert page_mistakes([], []) == []
    assert [mistake.kind for mistake in page_mistakes([region("a", 0, 9)], [])] == ["missed"]
