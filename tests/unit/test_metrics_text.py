"""Text comparison: rules, edit distance, line score, bags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppocr.metrics.text import (
    EXACT,
    TOLERANT,
    LineScore,
    TextRules,
    bag_of_characters,
    bag_of_words,
    score_lines,
)

SMALL_ALPHABET = st.text(alphabet="abcé文", max_size=12)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
        ("kitten", "sitting", 3),
        ("文字识别", "文本识别", 1),
        ("ab", "ba", 2),
        ("a" * 100, "a" * 99 + "b", 1),  # longer than a machine word
        ("x" * 70, "y" * 130, 130),
    ],
)
def test_edits_by_hand(first: str, second: str, expected: int):
    assert score_lines([(first, second)]).edits == score_lines([(second, first)]).edits == expected


@pytest.mark.parametrize(
    ("rules", "text", "expected"),
    [
        (TOLERANT, "Ｔｏｔａｌ：  １２．５０", "total:12.50"),
        (TOLERANT, "ﬁle Straße", "filestrasse"),
        (TOLERANT, "C\u00b8a", "ça"),  # the free-standing cedilla is a space with a cedilla on it
        (TextRules(ignore_case=False), "Ａ b", "Ab"),
        (TextRules(ignore_width=False), "Ａ B", "ａb"),
        (TextRules(ignore_spaces=False), " A\u3000B ", " a b "),
        (EXACT, " Ａ b", " Ａ b"),
    ],
)
def test_rules(rules: TextRules, text: str, expected: str):
    assert rules.apply(text) == expected


@given(st.text(max_size=20), st.booleans(), st.booleans(), st.booleans())
def test_rules_twice_change_nothing_more(text: str, width: bool, case: bool, spaces: bool):
    rules = TextRules(ignore_width=width, ignore_case=case, ignore_spaces=spaces)
    once = rules.apply(text)
    assert rules.apply(once) == once


def test_score_lines_by_hand():
    score = score_lines([("TOTAL 10", "total10"), ("cash", "cosh"), ("", "")], TOLERANT)
    assert score == LineScore(lines=3, exact=2, edits=1, characters=11, similarity_sum=2.75)
    assert score.accuracy == pytest.approx(2 / 3)
    assert score.character_error_rate == pytest.approx(1 / 11)
    assert score.mean_similarity == pytest.approx(2.75 / 3)


def test_score_lines_is_exact_by_default():
    assert score_lines([("Cash", "cash"), ("a b", "a b")]).exact == 1


def test_no_lines_no_score():
    nothing = score_lines([])
    assert (nothing.accuracy, nothing.character_error_rate, nothing.mean_similarity) == (0, 0, 0)


def test_bag_of_characters_counts_repetitions_not_spaces():
    score = bag_of_characters(["aab b"], ["ab", "c a a"])
    assert (score.matched, score.predicted, score.expected) == (3, 5, 4)  # a a b of aabb and abcaa
    assert score.f == pytest.approx(6 / 9)


def test_bag_of_words_splits_before_spaces_are_dropped():
    score = bag_of_words(["Thank You", "BYE"], ["thank", "you you"], TOLERANT)
    assert (score.matched, score.predicted, score.expected) == (2, 3, 3)


def test_bags_of_nothing():
    assert bag_of_words([], []).f == 1
    assert bag_of_characters(["a"], []).f == 0
    assert bag_of_characters([" "], [""]).expected == 0
