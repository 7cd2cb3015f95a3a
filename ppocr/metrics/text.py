"""Comparing texts: normalisation, line accuracy, bags of characters and of words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Hashable, Iterable, Sequence, Tuple

from rapidfuzz.distance import Levenshtein

from ppocr.metrics.score import Score


@dataclass(frozen=True)
class TextRules:
    """Which differences between two texts do not count.

    Attributes:
        ignore_width: full-width and other compatibility forms equal the plain ones (Unicode NFKC: `Ａ` = `A`).
        ignore_case: upper case equals lower case (Unicode case folding).
        ignore_spaces: white space does not count.
    """

    ignore_width: bool = True
    ignore_case: bool = True
    ignore_spaces: bool = True

    def apply(self, text: str) -> str:
        """The form in which texts are compared; applying the rules to it again changes nothing."""
        if self.ignore_width:
            text = unicodedata.normalize("NFKC", text)
        if self.ignore_case:
            text = text.casefold()
        if self.ignore_spaces:
            text = "".join(text.split())
        if self.ignore_width:  # what folding took apart, and accents that stood after a space, join their letters
            text = unicodedata.normalize("NFKC", text)
        return text


EXACT = TextRules(ignore_width=False, ignore_case=False, ignore_spaces=False)
TOLERANT = TextRules()


@dataclass(frozen=True)
class LineScore:
    """How well lines were read; adding scores pools them.

    Attributes:
        lines: number of lines compared.
        exact: lines read without a mistake.
        edits: sum of the edit distances.
        characters: number of characters in the truth.
        similarity_sum: sum over the lines of 1 − edit distance / length of the longer text (1 for two empty texts).
    """

    lines: int = 0
    exact: int = 0
    edits: int = 0
    characters: int = 0
    similarity_sum: float = 0.0

    @property
    def accuracy(self) -> float:
        """Share of the lines read without a mistake; 0 without lines."""
        return self.exact / self.lines if self.lines else 0.0

    @property
    def character_error_rate(self) -> float:
        """Edits per character of the truth; may exceed 1, 0 without characters."""
        return self.edits / self.characters if self.characters else 0.0

    @property
    def mean_similarity(self) -> float:
        """Mean of 1 − normalised edit distance (PaddleOCR's `norm_edit_dis`); 0 without lines."""
        return self.similarity_sum / self.lines if self.lines else 0.0

    def __add__(self, other: LineScore) -> LineScore:
        return LineScore(
            self.lines + other.lines,
            self.exact + other.exact,
            self.edits + other.edits,
            self.characters + other.characters,
            self.similarity_sum + other.similarity_sum,
        )


def score_lines(pairs: Iterable[Tuple[str, str]], rules: TextRules = EXACT) -> LineScore:
    """Compare (truth, prediction) pairs after `rules`."""
    total = LineScore()
    for truth, prediction in pairs:
        truth, prediction = rules.apply(truth), rules.apply(prediction)
        edits = Levenshtein.distance(truth, prediction)
        longest = max(len(truth), len(prediction))
        total += LineScore(1, int(not edits), edits, len(truth), 1 - edits / longest if longest else 1.0)
    return total


def bag_of_characters(truths: Sequence[str], predictions: Sequence[str], rules: TextRules = EXACT) -> Score:
    """Characters of all texts of a page in common, wherever they stand. White space is never counted."""
    return _bag(_characters(truths, rules), _characters(predictions, rules))


def bag_of_words(truths: Sequence[str], predictions: Sequence[str], rules: TextRules = EXACT) -> Score:
    """Words (between white space) of all texts of a page in common, wherever they stand."""
    return _bag(_words(truths, rules), _words(predictions, rules))


def _characters(texts: Sequence[str], rules: TextRules) -> Iterable[str]:
    return (character for text in texts for character in rules.apply(text) if not character.isspace())


def _words(texts: Sequence[str], rules: TextRules) -> Iterable[str]:
    words = (rules.apply(word) for text in texts for word in text.split())  # split first: rules may drop the spaces
    return (word for word in words if word)


def _bag(truth: Iterable[Hashable], prediction: Iterable[Hashable]) -> Score:
    expected, predicted = Counter(truth), Counter(prediction)
    return Score(
        matched=sum((expected & predicted).values()),
        predicted=sum(predicted.values()),
        expected=sum(expected.values()),
    )
