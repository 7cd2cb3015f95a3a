"""Glyphs as masks: how strongly each pixel is inked, uint8[h, w], cut tightly around the ink."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ppocr.data.synth.faces import Face

FAINTEST = 24  # ink weaker than this (of 255) is no reason to make a box larger
_REFERENCE = 64  # pixels an em at which faces are measured


def ink_height(face: Face, text: str) -> float:
    """Height of the ink of `text`, in ems."""
    _, top, _, bottom = face.open(_REFERENCE).getbbox(text)
    return max(bottom - top, 1) / _REFERENCE


def draw_on_baseline(text: str, face: Face, size: int) -> tuple[np.ndarray, int, int]:
    """A horizontal line and where its ink lies, seen from the start of its baseline.

    Returns:
        uint8[h, w] cut tightly, and the column and row of its top-left pixel (rows above the baseline are negative).
    """
    font = face.open(size)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    left, top = int(left) - 1, int(top) - 1
    canvas = Image.new("L", (max(1, int(right) - left + 2), max(1, int(bottom) - top + 2)))
    ImageDraw.Draw(canvas).text((-left, -top), text, fill=255, font=font, anchor="ls")
    mask = np.array(canvas)
    x, y, width, height = cv2.boundingRect(mask)
    return mask[y : y + max(1, height), x : x + max(1, width)], left + x, top + y


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
    font = face.open(size)
    left, top, right, bottom = font.getbbox(text)
    if not spacing:
        canvas = Image.new("L", (max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)))
        ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
        return tight(np.asarray(canvas))
    steps = [font.getlength(character) + spacing * size for character in text]
    starts = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1))])
    canvas = Image.new("L", (int(starts[-1]) + 2 * size, max(1, int(bottom - top) + 2)))
    draw = ImageDraw.Draw(canvas)
    for start, character in zip(starts, text):
        draw.text((round(size / 2 + start), 1 - top), character, fill=255, font=font)
    return tight(np.asarray(canvas))


def draw_column(text: str, face: Face, size: int, *, spacing: float = 0.0) -> np.ndarray:
    """A vertical line: upright characters under each other. Arguments and result as for `draw_line`."""
    font = face.open(size)
    step = max(1, round(size * (1.06 + spacing)))
    canvas = Image.new("L", (2 * size, step * len(text) + size))
    draw = ImageDraw.Draw(canvas)
    for row, character in enumerate(text):
        draw.text((size, (row + 0.5) * step), character, fill=255, font=font, anchor="mm")
    return tight(np.asarray(canvas))


def tight(mask: np.ndarray) -> np.ndarray:
    """The part of a mask that holds ink (one pixel of it if there is none)."""
    x, y, width, height = cv2.boundingRect(mask if mask.flags.writeable else mask.copy())
    return mask[y : y + max(1, height), x : x + max(1, width)]


def swell(mask: np.ndarray, amount: float) -> np.ndarray:
    """Bolder (amount > 0, up to 1) or thinner (< 0, down to -1) strokes, by up to a pixel all around."""
    changed = cv2.dilate(mask, _cross()) if amount > 0 else cv2.erode(mask, _cross())
    return cv2.addWeighted(changed, abs(amount), mask, 1 - abs(amount), 0)


@cache
def _cross() -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
