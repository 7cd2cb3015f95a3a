"""The one record behind every precision, recall and F of this package."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """How many of the things predicted and of the things expected were matched; adding scores pools their counts.

    Attributes:
        matched: things that are in both.
        predicted: things that were predicted.
        expected: things that are in the truth.
    """

    matched: int = 0
    predicted: int = 0
    expected: int = 0

    @property
    def precision(self) -> float:
        """Share of the predictions that is right; 0 when there is no prediction."""
        return self.matched / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the truth that was found; 0 when there is no truth."""
        return self.matched / self.expected if self.expected else 0.0

    @property
    def f(self) -> float:
        """Harmonic mean of precision and recall (Hmean, F1). 1 when there is neither prediction nor truth."""
        if not self.predicted + self.expected:
            return 1.0
        return 2 * self.matched / (self.predicted + self.expected)

    def __add__(self, other: Score) -> Score:
        return Score(self.matched + other.matched, self.predicted + other.predicted, self.expected + other.expected)
