"""Moving pixels: linear and perspective maps, and bending by control points.

A map is a float[3, 3] matrix on (x, y, 1), in pixels measured from the picture's corner: pixel i reaches from i to
i + 1. The same matrix moves polygons (`move_points`) and pictures (`warp`).
"""

from __future__ import annotations

import math
from typing import Any, Optional, Sequence

import cv2
import numpy as np

BEND_GRID_PIXELS = 8  # pixels between the points at which `bend` is computed; between them it is interpolated
_HALF = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV measures from the middle of pixel 0


def shift(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)


def scaling(x: float, y: float) -> np.ndarray:
    return np.diag([x, y, 1.0])


def rotation(degrees: float) -> np.ndarray:
    """Clockwise on the screen, about the corner."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def shear(x: float, y: float) -> np.ndarray:
    """x grows by `x` · y, and y by `y` · x."""
    return np.array([[1, x, 0], [y, 1, 0], [0, 0, 1]], float)


def about(centre: Sequence[float], matrix: np.ndarray) -> np.ndarray:
    """The map with `centre` (x, y) as its fixed point in place of the corner."""
    return shift(*centre) @ matrix @ shift(-centre[0], -centre[1])


def move_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """float[..., 2] → float32[..., 2]."""
    moved = np.asarray(points, np.float64) @ matrix[:2, :2].T + matrix[:2, 2]
    weight = np.asarray(points, np.float64) @ matrix[2, :2] + matrix[2, 2]
    return (moved / weight[..., None]).astype(np.float32)


def warp(
    image: np.ndarray,
    matrix: np.ndarray,
    width: int,
    height: int,
    *,
    fill: Optional[Sequence[float]] = (0, 0, 0),
) -> np.ndarray:
    """Move a picture.

    Args:
        image: uint8[H, W] or uint8[H, W, 3].
        matrix: from `image` to the result.
        width, height: of the result, pixels.
        fill: colour where the picture doesn't reach; None repeats its border.

    Returns:
        uint8[height, width(, 3)], bilinear; areas are averaged first where the map shrinks to less than a half.
    """
    scale = math.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    # Bilinear interpolation looks at four pixels only; shrunk below a half it would skip the others and break thin
    # strokes.
    if scale < 0.5 and min(image.shape[:2]) * scale >= 1:
        smaller = cv2.resize(image, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
        ratio_x, ratio_y = image.shape[1] / smaller.shape[1], image.shape[0] / smaller.shape[0]
        image, matrix = smaller, matrix @ scaling(ratio_x, ratio_y)
    # From our measure (pixel corners) to OpenCV's (pixel middles), there and back; without it pictures and outlines
    # would be half a pixel apart after each scaling.
    inner = np.linalg.inv(_HALF) @ matrix @ _HALF
    border = cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT
    options: Any = {"flags": cv2.INTER_LINEAR, "borderMode": border, "borderValue": tuple(fill or ())}
    if np.array_equal(matrix[2], (0, 0, 1)):
        return cv2.warpAffine(image, inner[:2], (width, height), **options)
    return cv2.warpPerspective(image, inner, (width, height), **options)


def bend(image: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Move control points of a picture and let everything between follow smoothly; the border is repeated.

    Moving least squares: each pixel is placed by the similarity (turn, scale, shift) that fits the control points best,
    near ones counting most. Source: Schaefer et al. 2006, section 2.2, from result to picture; points as complex
    numbers, in which a similarity is z → a · z + b.

    Args:
        image: uint8[H, W, 3].
        source, target: float[K, 2], where the control points are and where they go, pixels; K ≥ 2.

    Returns:
        uint8[H, W, 3].
    """
    height, width = image.shape[:2]
    # A grid that begins half a cell outside the picture: enlarged, the picture's own part of it lies one cell in.
    cell = BEND_GRID_PIXELS
    columns, rows = (cell * (np.arange(-(-side // cell) + 2) - 0.5) for side in (width, height))
    came_from = _moving_least_squares(target, source, columns[None, :] + 1j * rows[:, None])
    coarse = np.stack([came_from.real, came_from.imag], axis=2).astype(np.float32)
    fine = cv2.resize(coarse, None, fx=cell, fy=cell, interpolation=cv2.INTER_LINEAR)
    fine = fine[cell : cell + height, cell : cell + width] - np.float32(0.5)  # OpenCV measures from pixels' middles
    return cv2.remap(image, fine, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]


def _moving_least_squares(source: np.ndarray, target: np.ndarray, places: np.ndarray) -> np.ndarray:
    """complex[…]: where the deformation that takes `source` to `target` takes `places`."""
    p, q = source[:, 0] + 1j * source[:, 1], target[:, 0] + 1j * target[:, 1]
    weights = 1 / (np.abs(places[..., None] - p) ** 2 + 1e-6)  # the small number: a place may be a control point itself
    weights /= weights.sum(axis=-1, keepdims=True)
    p_mean, q_mean = (weights * p).sum(axis=-1), (weights * q).sum(axis=-1)
    p_around, q_around = p - p_mean[..., None], q - q_mean[..., None]
    covariance = (weights * np.conj(p_around) * q_around).sum(axis=-1)
    # Least squares of |turn · (p − p̄) − (q − q̄)|² over one complex number: its size scales, its angle turns.
    turn = covariance / (weights * np.abs(p_around) ** 2).sum(axis=-1)
    return q_mean + turn * (places - p_mean)
