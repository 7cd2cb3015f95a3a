"""Text crops as the recogniser and the direction classifier want them: the only resize-normalise-pad there is."""

from __future__ import annotations

import math
from typing import Optional

import cv2
import numpy as np

from ppocr.ops.planes import map_bytes

WIDTH_STEP_PIXELS = 32  # widths are rounded up to a multiple at least: few input shapes keep memory bounded
RIGHT_MARGIN_PIXELS = 32  # trained on padded crops, recognisers read the end better with some emptiness after it
_TO_UNIT = np.arange(256, dtype=np.float32) * np.float32(1 / 127.5) - np.float32(1)  # bytes → [-1, 1]


def natural_width(image: np.ndarray, height: int) -> int:
    """Width in pixels of `image` (uint8[H, W, 3]) scaled to `height` with its aspect ratio kept; at least 1."""
    rows, columns = image.shape[:2]
    return max(1, math.ceil(height * columns / rows))


def padded_width(width: int) -> int:
    """The width that a crop of this natural width gets: some emptiness after its end, and then rounded up to a
    multiple of 32, from 256 pixels on of a quarter of the power of two below."""
    width += RIGHT_MARGIN_PIXELS
    step = max(WIDTH_STEP_PIXELS, (1 << (width.bit_length() - 1)) // 4)
    return -(-width // step) * step


def resize_normalize_pad(image: np.ndarray, height: int, width: int, *, out: Optional[np.ndarray] = None) -> np.ndarray:
    """Scale a crop to `height`, keeping its aspect ratio up to `width`, map [0, 255] to [-1, 1], pad right with 0.

    Args:
        image: uint8[H, W, 3], BGR.
        height, width: of the result, pixels; a longer crop is squeezed into `width`.
        out: float32[3, height, width] to write into, contents overwritten.

    Returns:
        float32[3, height, width], channels in the order they came.
    """
    if out is None:
        out = np.empty((3, height, width), np.float32)
    used = min(width, natural_width(image, height))
    # Bilinear, as in training: a sharper interpolation makes other pixels than the network has learned from.
    resized = cv2.resize(image, (used, height), interpolation=cv2.INTER_LINEAR)
    map_bytes(resized, (_TO_UNIT,) * 3, out=out[:, :, :used])
    out[:, :, used:] = 0.0  # mid-grey after normalisation: it looks neither like ink nor like paper
    return out


def split_long_crop(image: np.ndarray, longest: float) -> list[np.ndarray]:
    """Cut a crop far longer than high into pieces, each cut where least happens, so between characters.

    Args:
        image: uint8[H, W, 3].
        longest: of a piece, in multiples of the crop's height.

    Returns:
        The pieces from left to right, views of `image`; the crop itself when it is short enough.
    """
    height, width = image.shape[:2]
    limit = int(height * longest)
    if width <= limit:
        return [image]
    pieces = -(-width // int(limit * 0.9))  # a cut may move by a height, so pieces are planned a little too short
    busy = np.ptp(image.reshape(height, width, -1).mean(axis=2), axis=0)  # contrast of each column
    half_window = max(1, height)  # as wide as two characters: a gap between characters lies within
    cuts = [0]
    for k in range(1, pieces):
        centre = width * k // pieces
        window = busy[max(0, centre - half_window) : centre + half_window]
        cuts.append(max(0, centre - half_window) + int(np.argmin(window)))
    cuts.append(width)
    return [image[:, left:right] for left, right in zip(cuts, cuts[1:])]
