"""Text image augmentation: bend a crop by moving points on its upper and lower edge.

Source: Luo et al. 2020, "Learn to Augment", section 3.2: a crop is divided into N parts, whose 2 (N + 1) corners are
the control points of a moving-least-squares similarity deformation (`ppocr.ops.warp.bend`). Points move inwards or
along their edge, never out of the picture, so that no text is lost.
"""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.ops.warp import bend

MAX_SHIFT_SHARE = 1 / 3  # how far a point moves at most, as a part of what there is room for
MIN_SIDE_PIXELS = 20  # pixels: a crop with a shorter side has nothing to bend


class TIA:
    """Distort, stretch and tilt a crop.

    Args:
        prob: chance of being applied.
    """

    def __init__(self, prob: float = 0.4):
        self.prob = prob

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if rng.random() >= self.prob or min(sample["image"].shape[:2]) < MIN_SIDE_PIXELS:
            return sample
        for change in (distort, stretch):
            sample["image"] = change(sample["image"], int(rng.integers(3, 7)), rng)
        sample["image"] = perspective(sample["image"], rng)
        return sample


def distort(image: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Move every control point on its own: letters lean, change_weight and shrink."""
    height, width = image.shape[:2]
    points, inwards = control_points(width, height, parts)
    max_shift = MAX_SHIFT_SHARE * min(width / parts, height)
    moves = rng.uniform(-max_shift, max_shift, points.shape)
    moves[:, 1] = np.abs(moves[:, 1]) * inwards
    return bend(image, points, _inside(points + moves, width, height))


def stretch(image: np.ndarray, parts: int, rng: np.random.Generator) -> np.ndarray:
    """Move the inner cuts to the left or right: some letters become wider, others narrower."""
    height, width = image.shape[:2]
    points, _ = control_points(width, height, parts)
    moves = np.zeros((2, parts + 1, 2))
    moves[:, 1:-1, 0] = rng.uniform(-MAX_SHIFT_SHARE, MAX_SHIFT_SHARE, parts - 1) * width / parts  # both edges alike
    return bend(image, points, points + moves.reshape(-1, 2))


def perspective(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pull the four corners in vertically, as if the crop were seen from aside."""
    height, width = image.shape[:2]
    points, inwards = control_points(width, height, 1)
    moves = np.zeros_like(points)
    moves[:, 1] = rng.uniform(0, MAX_SHIFT_SHARE * height, len(points)) * inwards
    return bend(image, points, points + moves)


def control_points(width: int, height: int, parts: int) -> Tuple[np.ndarray, np.ndarray]:
    """float[2 (N + 1), 2], the corners of N equal parts: upper edge, then lower; and float[2 (N + 1)], +1 or -1 as y
    grows or shrinks towards the middle."""
    across = np.linspace(0, width, parts + 1)
    upper, lower = np.stack([across, 0 * across], axis=1), np.stack([across, 0 * across + height], axis=1)
    return np.concatenate([upper, lower]), np.repeat([1.0, -1.0], parts + 1)


def _inside(points: np.ndarray, width: int, height: int) -> np.ndarray:
    return points.clip(0, (width, height))
