"""Boxes of text: corner order, perspective crops, reading order. Points are (x, y) pixels; boxes float32[4, 2]."""

from __future__ import annotations

import math
import statistics
from typing import Sequence

import cv2
import numpy as np

MAX_WARP_SIDE = 32_000  # pixels; OpenCV refuses pictures of 32,767 and more
MAX_CROP_PIXELS = 50_000_000  # a crop of more is made smaller
MIN_TALL_RATIO = 1.5  # a crop this many times higher than wide holds vertical or turned text


def order_corners(quad: np.ndarray) -> np.ndarray:
    """Corners of a convex quad, clockwise on the screen from the top-left one.

    The top-left corner is the one that starts the upper edge: of the two edges that could be the top, the one nearer to
    horizontal and higher up. This holds for any rotation, where rules on x + y pick one corner twice at 45°.

    Args:
        quad: float[4, 2], any order.

    Returns:
        float32[4, 2].
    """
    points = np.asarray(quad, np.float32).tolist()  # plain numbers: for four points NumPy is five times slower
    x, y = sum(point[0] for point in points) / 4, sum(point[1] for point in points) / 4
    points.sort(key=lambda point: math.atan2(point[1] - y, point[0] - x))  # y down: growing angle is clockwise
    begin = max(range(4), key=lambda i: _rightward(points[i], points[(i + 1) % 4]))
    return np.array(points[begin:] + points[:begin], np.float32)


def _rightward(begin: Sequence[float], end: Sequence[float]) -> float:
    """Cosine of the angle between an edge and (1, 0)."""
    return (end[0] - begin[0]) / max(math.dist(begin, end), 1e-6)


def crop_quad(image: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """Cut a quad out of a page and straighten it to a crop; tall crops are turned a quarter to the left.

    Args:
        image: uint8[H, W, 3].
        quad: float[4, 2], clockwise from the text's top-left.

    Returns:
        uint8[h, w, 3], h and w the longer of the quad's opposite sides, at least 1, less for very large ones; a view
        of `image` for an upright box on whole pixels.
    """
    quad = np.asarray(quad, np.float32)
    width, height = crop_size(quad)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    corner = quad[0]
    upright = np.array_equal(quad - corner, target) and np.array_equal(corner, corner.round())
    inside = (quad >= 0).all() and (quad <= (image.shape[1], image.shape[0])).all()
    if upright and inside:  # the transform would be a whole-pixel shift: the same pixels, without resampling
        left, top = int(corner[0]), int(corner[1])
        crop = image[top : top + height, left : left + width]
    else:
        # Only the surroundings of the quad: OpenCV refuses sources of 32,767 pixels and more a side. Three pixels more
        # on each side, since the cubic interpolation looks two pixels beyond the point.
        left, top = np.clip(np.floor(quad.min(axis=0)).astype(int) - 3, 0, (image.shape[1] - 1, image.shape[0] - 1))
        right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 3
        around = image[top : max(bottom, top + 1), left : max(right, left + 1)]
        scale = min(MAX_WARP_SIDE / max(*around.shape[:2], width, height), (MAX_CROP_PIXELS / (width * height)) ** 0.5)
        if scale < 1:
            return _crop_smaller(around, quad - np.array([left, top], np.float32), 0.999 * scale)
        transform = cv2.getPerspectiveTransform(quad - np.array([left, top], np.float32), target)
        # Cubic and with a repeated border, as PaddleOCR cuts its crops: official recognisers were trained on such.
        crop = cv2.warpPerspective(
            around, transform, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    return np.rot90(crop) if is_tall(quad) else crop


def _crop_smaller(image: np.ndarray, quad: np.ndarray, scale: float) -> np.ndarray:
    """`crop_quad` of a picture that is shrunk first."""
    size = [max(1, int(side * scale)) for side in image.shape[1::-1]]
    return crop_quad(cv2.resize(image, size, interpolation=cv2.INTER_AREA), quad * np.float32(scale))


def crop_size(quad: np.ndarray) -> tuple[int, int]:
    """(width, height) of a straightened quad: the longer of each pair of opposite sides, whole pixels, at least 1."""
    corners = quad.tolist()  # plain numbers: for four points NumPy is ten times slower
    top, right, bottom, left = (math.dist(corners[i], corners[(i + 1) % 4]) for i in range(4))
    return max(1, int(max(top, bottom))), max(1, int(max(left, right)))


def is_tall(quad: np.ndarray) -> bool:
    """Whether a quad holds vertical or turned text, so that its crop must be turned before reading."""
    width, height = crop_size(quad)
    return height >= MIN_TALL_RATIO * width


def reading_order(quads: np.ndarray) -> list[int]:
    """Indices of boxes in reading order: rows from top to bottom, each from left to right; argument as of `rows`."""
    return [index for row in rows(quads) for index in row]


def rows(quads: np.ndarray) -> list[list[int]]:
    """Indices of boxes, row by row from top to bottom, each from left to right.

    Boxes are clustered into rows: on a page turned upright by the boxes' common slant, a box joins the row whose
    running vertical extent overlaps its own by more than half of the smaller height.

    Args:
        quads: float64[N, 4, 2], each clockwise from the text's top-left.
    """
    if not len(quads):
        return []
    quads = np.asarray(quads, np.float64)
    upright = upright_quads(quads)
    tops, bottoms = upright[:, :, 1].min(axis=1).tolist(), upright[:, :, 1].max(axis=1).tolist()
    lefts = upright[:, :, 0].min(axis=1).tolist()
    centres = [(top + bottom) / 2 for top, bottom in zip(tops, bottoms)]
    found: list[list[int]] = []
    # Boxes come from top to bottom, so a box can only join one of the latest rows.
    for index in sorted(range(len(centres)), key=centres.__getitem__):
        row = next((row for row in reversed(found[-3:]) if _same_row(index, row, tops, bottoms)), None)
        if row is None:
            found.append([index])
        else:
            row.append(index)
    return [sorted(row, key=lambda i: (lefts[i], centres[i])) for row in found]


def upright_quads(quads: np.ndarray) -> np.ndarray:
    """The boxes of a page, float64[N, 4, 2], turned by their common slant."""
    return quads @ _rotation(-slant(quads)).T


def _same_row(index: int, row: list[int], tops: Sequence[float], bottoms: Sequence[float]) -> bool:
    """Whether a box overlaps the row's latest boxes (not its first one: long rows may drift) by half a height."""
    recent = row[-3:]
    top, bottom = statistics.fmean(tops[i] for i in recent), statistics.fmean(bottoms[i] for i in recent)
    shared = min(bottom, bottoms[index]) - max(top, tops[index])
    return shared > 0.5 * min(bottom - top, bottoms[index] - tops[index])


def slant(quads: np.ndarray) -> float:
    """Median direction of the boxes' upper edges in radians, long boxes counting more; 0 when they disagree."""
    edges = quads[:, 1] - quads[:, 0]
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    level = np.abs(angles) < np.pi / 6  # vertical and wildly turned text says nothing about the page
    if not level.any():
        return 0.0
    angles, weights = angles[level], lengths[level]
    order = np.argsort(angles)
    # A weighted median: a few short boxes, whose direction is mostly rounding, cannot turn the page.
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    median = float(angles[order][min(middle, len(order) - 1)])
    # Turn the page only if most text agrees within 5°: on a page with text in all directions any angle would be wrong.
    agree = np.abs(angles - median) < np.pi / 36
    return median if weights[agree].sum() > 0.6 * weights.sum() else 0.0


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
