"""Pages as the detector wants them: limited side, multiples of 32, normalised planes; and tiles of large ones."""

from __future__ import annotations

from typing import Sequence

import cv2
import numpy as np

from ppocr.ops.planes import map_bytes

MAX_ENLARGEMENT = 1.5  # a small picture with large letters must not become one with huge letters, which break apart
STRIDE = 32  # the detector's networks halve the page five times


def limited_size(
    height: int, width: int, *, limit_side_len: int, limit_type: str, max_side_limit: int, max_pixels: int
) -> tuple[int, int]:
    """The size at which a page is given to the detector.

    Args:
        height, width: of the page, pixels.
        limit_side_len: pixels.
        limit_type: "max": shrink so that the long side is at most the limit; "min": enlarge so that the short side is
            at least the limit, but not by more than half; "resize_long": make the long side exactly the limit.
        max_side_limit: whatever the type says, the long side becomes no longer than this, pixels;
        max_pixels: nor the page larger than this. Time and memory of the detector grow with it.

    Returns:
        (height, width), each the nearest multiple of 32, at least 32; of 64 above 512: engines keep kernels and memory
        for each size they have seen, so there must not be many.
    """
    long, short = max(height, width), min(height, width)
    if limit_type == "max":
        ratio = min(1.0, limit_side_len / long)
    elif limit_type == "min":
        ratio = min(max(1.0, limit_side_len / short), MAX_ENLARGEMENT)
    elif limit_type == "resize_long":
        ratio = limit_side_len / long
    else:
        raise ValueError(f"limit_type: expected 'max', 'min' or 'resize_long', came {limit_type!r}")
    # After the type's own rule, since "min" and "resize_long" may ask for any size.
    ratio = min(ratio, max_side_limit / long, (max_pixels / (long * short)) ** 0.5)
    return _to_stride(height * ratio), _to_stride(width * ratio)


def _to_stride(length: float) -> int:
    stride = STRIDE if length <= 512 else 2 * STRIDE
    return max(STRIDE, round(int(length) / stride) * stride)


def resize_page(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear resize of uint8[H, W, 3] to uint8[height, width, 3]; the page itself when it already fits."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def normalize_planes(
    image: np.ndarray, *, scale: float, mean: Sequence[float], std: Sequence[float], out: np.ndarray
) -> np.ndarray:
    """(image · scale - mean) / std, per channel, into channel planes.

    Args:
        image: uint8[H, W, C].
        scale: factor on pixel values, usually 1/255.
        mean, std: per channel, in the channels' order.
        out: float32[C, H, W], written.

    Returns:
        `out`.
    """
    values = np.arange(256, dtype=np.float32)
    # A byte has 256 values, so the formula is computed 256 times a channel and the pixels look it up (5.0 -> 1.3 ms a
    # page).
    tables = [values * np.float32(scale / s) - np.float32(m / s) for m, s in zip(mean, std)]
    return map_bytes(image, tables, out=out)


def tile_spans(length: int, longest: int, *, overlap: int) -> list[tuple[int, int]]:
    """Cut a page's long side into overlapping spans of one length.

    Args:
        length: of the side, pixels, a multiple of 32.
        longest: pixels of a span at most; a multiple of 32, longer than `overlap`.
        overlap: what neighbours share at least, pixels.

    Returns:
        [(start, stop), …] in pixels along the side, covering it all. They begin at multiples of 32, where the network's
        coarsest grid has its lines, and their length is one, too.
    """
    if length <= longest:
        return [(0, length)]
    # Each span but the first adds `longest - overlap` new pixels. Then all get the least equal length that still covers
    # the page: tiles of one size are one input shape, for which the engine compiles once.
    count = -(-(length - overlap) // (longest - overlap))
    span = _up_to_stride(-(-(length + (count - 1) * overlap) // count))
    starts = [_up_to_stride((length - span) * index // (count - 1)) for index in range(count)]
    return [(start, start + span) for start in starts]


def _up_to_stride(length: int) -> int:
    return -(-length // STRIDE) * STRIDE
