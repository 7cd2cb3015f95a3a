"""Lines that lie upright or upside down, for the direction classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppocr.data.synth.chance import chance
from ppocr.data.synth.languages import is_ideographic
from ppocr.data.synth.lines import LineGenerator, LineSample, Materials

# Upside down these are themselves or each other, or nearly so: a line of nothing else has no direction.
_SYMMETRIC = frozenset("0125689oOxXsSzZNHIl|i!¡uUnpdbqMWwm-–—_=+.:·…%/\\()[]<>{}#*~×÷±\"'“”‘’,;^`′″°•")
_SYMMETRIC_IDEOGRAPHS = frozenset("一二三十口日田目工王中申亞回米")
_LINE_TRIES = 20


@dataclass(frozen=True)
class DirectionSample:
    """A line and how it lies.

    Attributes:
        image: uint8[height, W, 3], BGR.
        direction: "0" or "180".
        line: the same picture before it was turned.
    """

    image: np.ndarray
    direction: str
    line: LineSample


class DirectionGenerator:
    """Makes lines, half of them turned by 180°.

    Args:
        materials: texts, fonts, backgrounds.
        height: of the pictures, pixels.
        longest: most characters.
        vertical: share of vertical text turned a quarter to the left, in languages that write so.
    """

    def __init__(self, materials: Materials, *, height: int = 48, longest: int = 20, vertical: float = 0.2):
        self._lines = LineGenerator(materials, height=height, longest=longest, vertical=vertical)

    def make(self, rng: np.random.Generator, *, difficulty: float) -> DirectionSample:
        """A line that shows which way it lies."""
        for _ in range(_LINE_TRIES):
            line = self._lines.make(rng, difficulty=difficulty)
            if shows_direction(line.text):
                break
        turned = chance(rng, 0.5)
        image = np.ascontiguousarray(line.image[::-1, ::-1]) if turned else line.image
        return DirectionSample(image, "180" if turned else "0", line)


def shows_direction(text: str) -> bool:
    """Whether a text looks different upside down: one square character is enough, of others it takes two."""
    square = sum(is_ideographic(c) and c.isalnum() and c not in _SYMMETRIC_IDEOGRAPHS for c in text)
    others = sum(c.isalnum() and not is_ideographic(c) and c not in _SYMMETRIC for c in text)
    return square >= 1 or others >= 2
