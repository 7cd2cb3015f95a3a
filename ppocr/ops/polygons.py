"""Polygons of text: area, offsetting, distance to the outline. Points are (x, y) pixels, float32[P, 2]."""

from __future__ import annotations

import cv2
import numpy as np
import pyclipper

_UNITS_PER_PIXEL = 16  # clipper computes in whole numbers: this many to a pixel


def shrink_distance(points: np.ndarray, ratio: float) -> float:
    """How far DB moves the outline of a text inwards, pixels: area · (1 - ratio²) / perimeter.

    Source: Liao et al. 2020 (DB), equation 9.
    """
    points = np.asarray(points, np.float32)
    return cv2.contourArea(points) * (1 - ratio * ratio) / max(cv2.arcLength(points, True), 1e-6)


def offset_polygon(points: np.ndarray, distance: float) -> list[np.ndarray]:
    """Move the outline outwards by `distance` pixels, or inwards if it is negative; outer corners become round.

    Args:
        points: float[P, 2]; the direction of the outline does not matter.

    Returns:
        float32[M, 2] each: nothing if the polygon vanishes, several if it falls apart.
    """
    # The second number is how far a rounded corner may be from a true arc: a quarter of a pixel, so few points suffice.
    offset = pyclipper.PyclipperOffset(2.0, 0.25 * _UNITS_PER_PIXEL)
    path = np.round(np.asarray(points, np.float64) * _UNITS_PER_PIXEL).astype(np.int64)
    try:
        offset.AddPath(path.tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    except pyclipper.ClipperException:  # the points lie on a line
        return []
    return [np.array(moved, np.float32) / _UNITS_PER_PIXEL for moved in offset.Execute(distance * _UNITS_PER_PIXEL)]


def distance_to_outline(points: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Distance in pixels of each point of a grid from the nearest side of a polygon.

    Args:
        points: float[P, 2].
        columns: float[w], x of the grid's columns.
        rows: float[h], y of its rows.

    Returns:
        float32[h, w].
    """
    points = np.asarray(points, np.float32)
    columns, rows = np.asarray(columns, np.float32)[None, :], np.asarray(rows, np.float32)[:, None]
    nearest = np.full((rows.size, columns.size), np.inf, np.float32)
    for (x, y), (dx, dy) in zip(points, np.roll(points, -1, axis=0) - points):
        across, down = columns - x, rows - y
        # Foot of the perpendicular, as a part of the side; beyond its ends the corner is nearest.
        along = np.clip((across * dx + down * dy) / max(dx * dx + dy * dy, np.float32(1e-6)), 0, 1)
        np.minimum(nearest, (across - along * dx) ** 2 + (down - along * dy) ** 2, out=nearest)
    return np.sqrt(nearest)
