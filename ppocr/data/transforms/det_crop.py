"""Random crops of pages that cut no text."""

from __future__ import annotations

from typing import List, NamedTuple

import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.data.transforms.view import View, apply_view, move_page, page_size
from ppocr.ops.warp import scaling, shift


class Crop(NamedTuple):
    """Pixels of a page: `left ≤ x < left + width`, `top ≤ y < top + height`."""

    left: int
    top: int
    width: int
    height: int


class EastRandomCropData:
    """Cut a random rectangle whose sides cross no text, and scale it to the size of training.

    Sides lie in columns and rows free of text that counts; ignored regions may be cut. A page on which this fails is
    taken whole. Source: the sampling of EAST (Zhou et al. 2017) as DB uses it; keys as PaddleOCR's.

    Args:
        size: (width, height) of the result, pixels.
        max_tries: attempts at a crop that is large enough and holds text.
        min_crop_side_ratio: least width and height of a crop, as parts of the page's.
        keep_ratio: scale both axes alike and leave the rest black, on the right or below; else fill the size.
        max_crop_side_ratio: greatest width and height, likewise. A small `size` needs small crops, or all text becomes
            tiny.
    """

    moves_only = True

    def __init__(
        self,
        size: List[int],
        max_tries: int = 10,
        min_crop_side_ratio: float = 0.1,
        keep_ratio: bool = True,
        max_crop_side_ratio: float = 1.0,
    ):
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size: expected [width, height], came {list(size)}")
        self.width, self.height = size
        self.max_tries, self.keep_ratio = max_tries, keep_ratio
        self.min_crop_side_ratio, self.max_crop_side_ratio = min_crop_side_ratio, max_crop_side_ratio

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        height, width = page_size(sample)
        polys = sample["polys"]
        crop = self._choose(height, width, polys[~sample["ignore_tags"]], rng)
        scale_x, scale_y = self.width / crop.width, self.height / crop.height
        if self.keep_ratio:
            scale_x = scale_y = min(scale_x, scale_y)
        width, height = max(1, round(crop.width * scale_x)), max(1, round(crop.height * scale_y))
        inside = touches(polys, crop)
        sample["polys"] = polys[inside]
        sample["texts"] = [text for text, kept in zip(sample["texts"], inside) if kept]
        sample["ignore_tags"] = sample["ignore_tags"][inside]
        matrix = scaling(width / crop.width, height / crop.height) @ shift(-crop.left, -crop.top)
        part = apply_view(move_page(sample, View(matrix, width, height)))["image"]
        sample["image"] = np.zeros((self.height, self.width, 3), np.uint8)
        sample["image"][:height, :width] = part
        return sample

    def _choose(self, height: int, width: int, polys: np.ndarray, rng: np.random.Generator) -> Crop:
        columns, rows = free_runs(polys[..., 0], width), free_runs(polys[..., 1], height)
        for _ in range(self.max_tries if len(columns) and len(rows) else 0):
            left, right = _two_places(columns, rng)
            top, bottom = _two_places(rows, rng)
            crop = Crop(left, top, right - left, bottom - top)
            if not self._is_fit(crop.width, width) or not self._is_fit(crop.height, height):
                continue
            if not len(polys) or touches(polys, crop).any():
                return crop
        return Crop(0, 0, width, height)

    def _is_fit(self, side: int, length: int) -> bool:
        return max(1, self.min_crop_side_ratio * length) <= side <= self.max_crop_side_ratio * length


def free_runs(coordinates: np.ndarray, length: int) -> np.ndarray:
    """Where a cut across an axis meets no polygon.

    Args:
        coordinates: float[N, P], the polygons' points on this axis, pixels.
        length: of the picture along it, pixels.

    Returns:
        int64[R, 2]: (first, last) place of each run of places in 0 … length; a place is a border between pixels.
    """
    taken = np.zeros(length + 1, bool)
    for low, high in zip(coordinates.min(axis=1, initial=np.inf), coordinates.max(axis=1, initial=-np.inf)):
        first, last = np.clip((np.floor(low) + 1, np.ceil(high)), 0, length + 1).astype(int)
        taken[first:last] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[True], taken, [True]]).astype(np.int8)))
    return np.stack([edges[::2], edges[1::2] - 1], axis=1)


def touches(polys: np.ndarray, crop: Crop) -> np.ndarray:
    """bool[N]: which polygons (float[N, P, 2]) reach into the crop, by their bounding rectangles."""
    if not len(polys):
        return np.zeros(0, bool)
    low, high = polys.min(axis=1), polys.max(axis=1)
    start = np.array([crop.left, crop.top])
    end = start + np.array([crop.width, crop.height])
    return ((high > start) & (low < end)).all(axis=1)


def _two_places(runs: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Two places, each in a run drawn at random: so gaps between lines count as much as wide margins."""
    chosen = runs[rng.integers(len(runs), size=2)]
    low, high = sorted(rng.integers(chosen[:, 0], chosen[:, 1] + 1).tolist())
    return low, high
