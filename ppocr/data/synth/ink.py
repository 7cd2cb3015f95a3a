"""Glyphs as masks: how strongly each pixel is inked, uint8[h, w], cut tightly around the ink."""

from __future__ import annotations

from functools import cache, lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ppocr.data.synth.faces import Face
from ppocr.data.synth.languages import is_ideographic

MIN_INK_LEVEL = 24  # ink weaker than this (of 255) is no reason to make a box larger
_REFERENCE_EM_PIXELS = 64  # pixels an em at which faces are measured
_MAX_CHARACTER_EMS = 1.2  # ems: few characters are wider, and never all of a line


def ink_height(face: Face, text: str) -> float:
    """Height of the ink of `text`, in ems. All square characters count as equally high."""
    extents = [_extent(face, "国" if is_ideographic(c) and face.covers("国") else c) for c in set(text)]
    return max(max(bottom for _, bottom in extents) - min(top for top, _ in extents), 1 / _REFERENCE_EM_PIXELS)


@lru_cache(maxsize=1 << 16)
def _extent(face: Face, character: str) -> tuple[float, float]:
    """Highest and lowest row of a character's ink below the baseline, ems."""
    _, top, _, bottom = face.open(_REFERENCE_EM_PIXELS).getbbox(character, anchor="ls")
    return top / _REFERENCE_EM_PIXELS, bottom / _REFERENCE_EM_PIXELS


def draw_on_baseline(text: str, face: Face, size: int) -> tuple[np.ndarray, int, int]:
    """A horizontal line and where its ink lies, seen from the start of its baseline.

    Returns:
        uint8[h, w] cut tightly, and the column and row of its top-left pixel (rows above the baseline are negative).
    """
    font = face.open(size)
    # A canvas that is surely large enough costs less than to measure the text first, for which it is laid out twice.
    canvas = Image.new("L", (int((len(text) * _MAX_CHARACTER_EMS + 2) * size), 3 * size))
    ImageDraw.Draw(canvas).text((size, 2 * size), text, fill=255, font=font, anchor="ls")
    mask = np.array(canvas)
    x, y, width, height = cv2.boundingRect(mask)
    if x + width >= mask.shape[1]:
        return _draw_measured(text, font)
    return mask[y : y + max(1, height), x : x + max(1, width)], x - size, y - 2 * size


def _draw_measured(text: str, font: ImageFont.FreeTypeFont) -> tuple[np.ndarray, int, int]:
    """The same for characters of any width."""
    left, top, right, bottom = (int(side) for side in font.getbbox(text, anchor="ls"))
    canvas = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), text, fill=255, font=font, anchor="ls")
    mask = np.array(canvas)
    x, y, width, height = cv2.boundingRect(mask)
    return mask[y : y + max(1, height), x : x + max(1, width)], left - 2 + x, top - 2 + y


def draw_line(text: str, face: Face, size: int, *, spacing: float = 0.0) -> np.ndarray:
    """A horizontal line.

    Args:
        text: of characters that the face covers.
        face: the font.
        size: pixels an em.
        spacing: between characters, ems, besides what the font says.

    Returns:
        uint8[h, w]; at least one pixel.
    """
    if not spacing:
        return draw_on_baseline(text, face, size)[0]
    font = face.open(size)
    steps = [font.getlength(character) + spacing * size for character in text]
    starts = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1))])
    canvas = Image.new("L", (int(starts[-1]) + 2 * size, 3 * size))
    draw = ImageDraw.Draw(canvas)
    for start, character in zip(starts, text):
        draw.text((round(size / 2 + start), 2 * size), character, fill=255, font=font, anchor="ls")
    return trimmed(np.array(canvas))


def draw_column(text: str, face: Face, size: int, *, spacing: float = 0.0) -> np.ndarray:
    """A vertical line: upright characters under each other. Arguments and result as for `draw_line`."""
    font = face.open(size)
    step = max(1, round(size * (1.06 + spacing)))
    canvas = Image.new("L", (2 * size, step * len(text) + size))
    draw = ImageDraw.Draw(canvas)
    for row, character in enumerate(text):
        draw.text((size, (row + 0.5) * step), character, fill=255, font=font, anchor="mm")
    return trimmed(np.array(canvas))


def trimmed(mask: np.ndarray) -> np.ndarray:
    """The part of a mask that holds ink (one pixel of it if there is none)."""
    x, y, width, height = cv2.boundingRect(mask)
    return mask[y : y + max(1, height), x : x + max(1, width)]


def change_weight(mask: np.ndarray, amount: float) -> np.ndarray:
    """Bolder (amount > 0, up to 1) or thinner (< 0, down to -1) strokes, by up to a pixel all around."""
    changed = cv2.dilate(mask, _cross()) if amount > 0 else cv2.erode(mask, _cross())
    return cv2.addWeighted(changed, abs(amount), mask, 1 - abs(amount), 0)


@cache
def _cross() -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
