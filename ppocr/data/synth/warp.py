"""Bending ink: how a detector's crop of a line differs from the line as it was printed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ppocr.data.synth.chance import between, chance


@dataclass(frozen=True)
class Placement:
    """Where ink comes to lie in a picture.

    Attributes:
        matrix: float64[3, 3], ink pixels → picture pixels.
        width, height: of the picture, pixels.
        bow: height of the arc that the line bends in, pixels (positive: the middle lies lower);
        waves: how many half periods it has along the line (1: an arc).
    """

    matrix: np.ndarray
    width: int
    height: int
    bow: float = 0.0
    waves: int = 1


def place(rng: np.random.Generator, ink: tuple[int, int], height: int, *, difficulty: float) -> Placement:
    """Draw how a line lies in its crop: translation, rotation, slant, perspective, stretch and curvature.

    Args:
        rng: of the sample.
        ink: (height, width) of the ink, pixels.
        height: of the picture, pixels.
        difficulty: 0: straight, with a small margin.
    """
    rows, columns = ink
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    target, bow, waves = source.copy(), 0.0, 1
    if chance(rng, 0.2 + 0.7 * difficulty):
        target[:, 0] *= between(rng, 1 - 0.25 * difficulty, 1 + 0.3 * difficulty)
    if chance(rng, 0.8 * difficulty):
        target += rows * _jitter(rng, difficulty)
    if chance(rng, 0.3 * difficulty):
        bow, waves = rows * between(rng, -0.4, 0.4) * difficulty, 1 if chance(rng, 0.7) else 2
    left, right = target[:, 0].min(), target[:, 0].max()
    top, bottom = target[:, 1].min() + min(bow, 0), target[:, 1].max() + max(bow, 0)
    if waves > 1:
        top, bottom = top - abs(bow), bottom + abs(bow)
    least, most = 0.06 - 0.12 * difficulty, 0.12 + 0.22 * difficulty
    above, below = rows * between(rng, least, most), rows * between(rng, least, most)
    before, after = rows * between(rng, least, 2 * most), rows * between(rng, least, 2 * most)
    scale = height / max(bottom - top + above + below, 1.0)
    target = (target - np.array([left - before, top - above], np.float32)) * scale
    width = max(height // 3, round((right - left + before + after) * scale))
    matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    return Placement(matrix, width, height, bow * scale, waves)


def _jitter(rng: np.random.Generator, difficulty: float) -> np.ndarray:
    """Shifts of the four corners, in heights of the ink: slope, slant and perspective. float32[4, 2]."""
    slope = between(rng, -0.35, 0.35) * difficulty
    slant = between(rng, -0.3, 0.3) * difficulty
    shrink_left, shrink_right = (between(rng, 0, 0.16) * difficulty for _ in range(2))
    shifts = [
        [slant, -slope / 2 + shrink_left], [slant, slope / 2 + shrink_right],
        [-slant, slope / 2 - shrink_right], [-slant, -slope / 2 - shrink_left],
    ]  # fmt: skip
    return np.array(shifts, np.float32)


def warp_ink(mask: np.ndarray, placement: Placement) -> np.ndarray:
    """The ink as it lies in the picture, uint8[placement.height, placement.width]."""
    size = (placement.width, placement.height)
    if not placement.bow:
        return cv2.warpPerspective(mask, placement.matrix, size, flags=_sampling(placement.matrix))
    # The picture's pixels looked up in the ink: first the arc is undone, then the perspective.
    x = np.arange(placement.width, dtype=np.float32)
    lift = placement.bow * np.sin(np.pi * placement.waves * x / placement.width).astype(np.float32)
    rows = np.arange(placement.height, dtype=np.float32)[:, None] - lift
    inverse = np.linalg.inv(placement.matrix).astype(np.float32)
    depth = inverse[2, 0] * x + inverse[2, 1] * rows + inverse[2, 2]
    across = (inverse[0, 0] * x + inverse[0, 1] * rows + inverse[0, 2]) / depth
    down = (inverse[1, 0] * x + inverse[1, 1] * rows + inverse[1, 2]) / depth
    return cv2.remap(mask, across, down, cv2.INTER_LINEAR)


def _sampling(matrix: np.ndarray) -> int:
    """Cubic where ink is not enlarged: it keeps thin strokes."""
    return cv2.INTER_CUBIC if matrix[1, 1] <= 1.05 else cv2.INTER_LINEAR
