"""What DB learns (Liao et al. 2020, section 3.4): the shrunk texts, and the borders of the texts.

Both maps have the picture's size. A polygon that reaches beyond the picture is drawn as far as it can be seen.
"""

from __future__ import annotations

from typing import Optional

import cv2
import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.ops.polygons import distance_to_outline, offset_polygon, shrink_distance

# By which the shrink ratio rises over a run that sets `total_epoch`, as in PP-OCRv3 and later
SHRINK_RATIO_GROWTH = 0.2


class MakeShrinkMap:
    """`shrink_map` float32[H, W], 1 inside the shrunk texts; `shrink_mask` float32[H, W], 0 where pixels don't count.

    Ignored, too small and vanishing texts don't count.

    Args:
        shrink_ratio: r of the distance area · (1 - r²) / perimeter by which outlines move inwards.
        min_text_size: shorter side of a text's bounding rectangle below which it is ignored, pixels.
        total_epoch: of the run, to let the shrink ratio grow by 0.2 over it.
    """

    def __init__(self, shrink_ratio: float = 0.4, min_text_size: int = 8, total_epoch: Optional[int] = None):
        self.shrink_ratio, self.min_text_size, self.total_epoch = shrink_ratio, min_text_size, total_epoch

    def __call__(self, sample: Sample) -> Sample:
        ratio = ratio_at(sample, self.shrink_ratio, self.total_epoch)
        height, width = sample["image"].shape[:2]
        shrink_map, mask = np.zeros((height, width), np.float32), np.ones((height, width), np.float32)
        ignore = sample["ignore_tags"].copy()
        for index, points in enumerate(sample["polys"]):
            is_small = min(np.ptp(points, axis=0)) < self.min_text_size
            shrunk = None if ignore[index] or is_small else _shrink(points, ratio)
            if shrunk is None:
                ignore[index] = True
                cv2.fillPoly(mask, [points.round().astype(np.int32)], 0)
            else:
                cv2.fillPoly(shrink_map, [shrunk.round().astype(np.int32)], 1)
        sample.update(shrink_map=shrink_map, shrink_mask=mask, ignore_tags=ignore)
        return sample


class MakeBorderMap:
    """`threshold_map` and `threshold_mask`, float32[H, W]: how near the outline of a text is, and where that counts.

    The map falls from `thresh_max` on the outline to `thresh_min` at the distance by which `MakeShrinkMap` shrinks,
    on both sides; it counts inside the text grown by that distance. Ignored texts have no border.

    Args:
        shrink_ratio, total_epoch: as in `MakeShrinkMap`.
        thresh_min, thresh_max: range of the map.
    """

    def __init__(
        self,
        shrink_ratio: float = 0.4,
        thresh_min: float = 0.3,
        thresh_max: float = 0.7,
        total_epoch: Optional[int] = None,
    ):
        self.shrink_ratio, self.total_epoch = shrink_ratio, total_epoch
        self.thresh_min, self.thresh_max = thresh_min, thresh_max

    def __call__(self, sample: Sample) -> Sample:
        ratio = ratio_at(sample, self.shrink_ratio, self.total_epoch)
        shape = sample["image"].shape[:2]
        nearness, mask = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for points in sample["polys"][~sample["ignore_tags"]]:
            _draw_border(nearness, mask, points, ratio)
        sample["threshold_map"] = self.thresh_min + nearness * (self.thresh_max - self.thresh_min)
        sample["threshold_mask"] = mask
        return sample


def ratio_at(sample: Sample, ratio: float, total_epoch: Optional[int]) -> float:
    """The shrink ratio in the sample's epoch."""
    if total_epoch is None:
        return ratio
    return min(ratio + SHRINK_RATIO_GROWTH * sample.get("epoch", 0) / total_epoch, 1.0)


def _shrink(points: np.ndarray, ratio: float) -> Optional[np.ndarray]:
    """The shrunk polygon; if it would fall apart or vanish, one shrunk less; None if that does not help either."""
    for less in (ratio, (1 + ratio) / 2):
        shrunk = offset_polygon(points, -shrink_distance(points, less))
        if len(shrunk) == 1:
            return shrunk[0]
    return None


def _draw_border(nearness: np.ndarray, mask: np.ndarray, points: np.ndarray, ratio: float) -> None:
    """Draw one text into both maps: 1 on its outline, falling to 0 at the shrinking distance."""
    distance = shrink_distance(points, ratio)
    if distance <= 0:
        return
    for grown in offset_polygon(points, distance):
        cv2.fillPoly(mask, [grown.round().astype(np.int32)], 1)
    height, width = nearness.shape
    left, top = np.clip(np.floor(points.min(axis=0) - distance), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0) + distance) + 1, 0, (width, height)).astype(int)
    if left < right and top < bottom:
        away = distance_to_outline(points, np.arange(left, right), np.arange(top, bottom))
        window = nearness[top:bottom, left:right]
        np.maximum(window, 1 - away / np.float32(distance), out=window)
