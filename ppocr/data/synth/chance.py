"""Single random draws: a line needs dozens, and `Generator.choice` costs ten times what `Generator.random` does."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Generic, Iterable, Sequence, TypeVar

import numpy as np

Item = TypeVar("Item")


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform in [low, high)."""
    return low + (high - low) * float(rng.random())


def integer(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """One of `items`, all alike."""
    return items[int(rng.random() * len(items))]


class Weighted(Generic[Item]):
    """Items drawn in proportion to their weights, in O(log n).

    Args:
        pairs: (item, weight); weights are positive.
    """

    def __init__(self, pairs: Iterable[tuple[Item, float]]):
        pairs = list(pairs)
        self.items = [item for item, _ in pairs]
        self._sums = list(accumulate(weight for _, weight in pairs))

    def __len__(self) -> int:
        return len(self.items)

    def draw(self, rng: np.random.Generator, first: int = 0) -> Item:
        """One item; of the `first` ones alone, unless that is 0."""
        last = min(first or len(self.items), len(self.items)) - 1
        return self.items[min(bisect_right(self._sums, rng.random() * self._sums[last]), last)]
