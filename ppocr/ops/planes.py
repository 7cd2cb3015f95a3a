"""From bytes to the channel planes of floats that networks take."""

from __future__ import annotations

from typing import Sequence

import cv2
import numpy as np


def map_bytes(image: np.ndarray, tables: Sequence[np.ndarray], *, out: np.ndarray) -> np.ndarray:
    """Look every byte up in its channel's table, channels becoming planes.

    A byte has 256 values only: normalising those once and looking them up takes a quarter of the time of arithmetic
    on every pixel, with the same result to the last bit.

    Args:
        image: uint8[H, W, C].
        tables: one float32[256] a channel.
        out: float32[C, H, W], rows contiguous; written.

    Returns:
        `out`.
    """
    for plane, table, target in zip(cv2.split(image), tables, out):
        cv2.LUT(plane, table, target)
    return out
