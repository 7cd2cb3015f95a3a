"""Where the characters of a line stand, from a recogniser's time steps and the ink of the crop."""

from __future__ import annotations

from typing import Sequence

import cv2
import numpy as np

LATENESS_STEPS = 0.25  # time steps: networks with inputs 48 pixels high answer so much after a character's middle …
PROMPT_HEIGHT = 32  # … and those with no more than this at it, as PP-OCR's first ones (measured on four families)
CUT_REACH_STEPS = 1.5  # time steps that a cut may lie beside the middle between two characters …
CUT_REACH_SHARE = 0.4  # … and of the distance between their centres at most
DISTANCE_COST = 0.15  # of a full column's ink, for each time step beside the middle
INK_SHARE = 0.35  # of the contrast of a strong column: a column with less is empty
STRONG_SHARE = 0.05  # of the columns have more contrast than what counts as strong
END_REACH = 0.75  # of the crop's height: how far from its centre the first or last character reaches


def column_contrast(crop: np.ndarray) -> np.ndarray:
    """The brightest minus the darkest pixel of each column, float32[W], 0 to 1 for a column of much ink.

    The upper and lower eighths are left out: lines above and below reach into them.

    Args:
        crop: uint8[H, W, 3].
    """
    margin = crop.shape[0] // 8
    grey = cv2.cvtColor(np.ascontiguousarray(crop[margin : crop.shape[0] - margin]), cv2.COLOR_BGR2GRAY)
    contrast = (cv2.reduce(grey, 0, cv2.REDUCE_MAX) - cv2.reduce(grey, 0, cv2.REDUCE_MIN))[0].astype(np.float32)
    rank = int((1 - STRONG_SHARE) * (len(contrast) - 1))
    strong = max(float(np.partition(contrast, rank)[rank]), 1.0)
    return np.minimum(contrast / strong, 1.0)


def lateness(input_height: int) -> float:
    """How many time steps after a character's middle a network answers that sees lines of this height, pixels."""
    return LATENESS_STEPS if input_height > PROMPT_HEIGHT else 0.0


def character_spans(
    crop: np.ndarray, steps: Sequence[float], step_pixels: float, *, late_steps: float = LATENESS_STEPS
) -> list[tuple[float, float]]:
    """Where each character of a crop begins and ends.

    Two characters are divided half-way between their centres, or beside that where a column has less ink. Empty columns
    at both ends of a character are cut off.

    Args:
        crop: uint8[H, W, 3], the text upright.
        steps: centres of the characters in time steps, rising.
        step_pixels: pixels of the crop in a time step.
        late_steps: of the network, as `lateness` says.

    Returns:
        (begin, end) of each, pixels from the crop's left edge.
    """
    if not len(steps):
        return []
    contrast = column_contrast(crop)
    width = len(contrast)
    centres = np.clip((np.asarray(steps) - late_steps) * step_pixels, 0, width)
    reach = END_REACH * crop.shape[0]
    ends = np.array([max(centres[0] - reach, 0)]), np.array([min(centres[-1] + reach, width)])
    cuts = np.maximum.accumulate(np.concatenate((ends[0], _cuts(contrast, centres, step_pixels), ends[1])))
    return _trimmed(contrast > INK_SHARE, cuts)


def _cuts(contrast: np.ndarray, centres: np.ndarray, step_pixels: float) -> np.ndarray:
    """float64[N - 1]: the columns that divide N characters."""
    middles, distances = (centres[1:] + centres[:-1]) / 2, np.diff(centres)
    widest = int(np.ceil(CUT_REACH_STEPS * step_pixels))
    columns = np.floor(middles)[:, None] + np.arange(-widest, widest + 1) + 0.5
    beside = np.abs(columns - middles[:, None])
    cost = contrast[np.clip(columns, 0, len(contrast) - 1).astype(int)] + DISTANCE_COST / step_pixels * beside
    allowed = np.minimum(CUT_REACH_SHARE * distances, CUT_REACH_STEPS * step_pixels)
    cost[beside > np.maximum(allowed, 0.5)[:, None]] = np.inf
    return columns[np.arange(len(middles)), cost.argmin(axis=1)]


def _trimmed(has_ink: np.ndarray, cuts: np.ndarray) -> list[tuple[float, float]]:
    """The spans between cuts without the empty columns at their ends; whole where all columns are empty."""
    width = len(has_ink)
    columns = np.arange(width)
    following = np.minimum.accumulate(np.where(has_ink, columns, width)[::-1])[::-1]  # the next column with ink
    latest = np.maximum.accumulate(np.where(has_ink, columns, -1))  # … and the last one up to here
    first = following[np.clip(cuts[:-1], 0, width - 1).astype(int)]
    last = latest[np.clip(np.ceil(cuts[1:]) - 1, 0, width - 1).astype(int)] + 1
    begins, ends = np.maximum(cuts[:-1], first), np.minimum(cuts[1:], last)
    is_empty = begins >= ends
    begins, ends = np.where(is_empty, cuts[:-1], begins), np.where(is_empty, cuts[1:], ends)
    return list(zip(begins.tolist(), ends.tolist()))
