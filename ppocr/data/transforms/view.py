"""Pages are resampled once, however many steps move them.

A step that only moves a page writes down where it goes (`view`) and moves the outlines; the pixels are moved when a
step needs them. Whoever runs steps calls `apply_view` before each one that has not `moves_only = True`.
"""

from __future__ import annotations

from typing import NamedTuple, Sequence, Tuple

import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.ops.warp import move_points, warp


class View(NamedTuple):
    """Where a page's pixels will be.

    Attributes:
        matrix: from the picture to the canvas.
        width, height: of the canvas, pixels.
        fill: BGR, where the page doesn't reach.
    """

    matrix: np.ndarray
    width: int
    height: int
    fill: Sequence[float] = (0, 0, 0)


def page_size(sample: Sample) -> Tuple[int, int]:
    """(height, width) of the page as the steps before have left it, pixels."""
    view = sample.get("view")
    return (view.height, view.width) if view else sample["image"].shape[:2]


def move_page(sample: Sample, view: View) -> Sample:
    """Move a page and the outlines on it, on top of the moves before."""
    before = sample.get("view")
    if "polys" in sample:
        sample["polys"] = move_points(sample["polys"], view.matrix)
    # The new move comes after those before, so its matrix stands on the left; canvas and fill colour are the latest
    # ones.
    sample["view"] = view._replace(matrix=view.matrix @ before.matrix) if before else view
    return sample


def apply_view(sample: Sample) -> Sample:
    """Move the pixels to where the page is."""
    view = sample.pop("view", None)
    if view is None:
        return sample
    is_same = np.array_equal(view.matrix, np.eye(3)) and sample["image"].shape[:2] == (view.height, view.width)
    if not is_same:
        sample["image"] = warp(sample["image"], view.matrix, view.width, view.height, fill=view.fill)
    return sample
