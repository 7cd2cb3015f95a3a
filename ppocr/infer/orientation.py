"""Which way up a page lies, from what its lines have shown; results of a page that was turned.

An angle is by how many degrees the page as stored is turned clockwise from how it is read: 0, 90, 180 or 270.
"""

from __future__ import annotations

import time
import unicodedata
from dataclasses import replace
from typing import List, Sequence, Tuple

import numpy as np

from ppocr.infer.crops import Reading
from ppocr.infer.io.sources import Page
from ppocr.infer.options import OCROptions
from ppocr.infer.recognizer import TextRecognizer
from ppocr.infer.results import OCRResult, TextLine
from ppocr.infer.words import Point, TextPiece
from ppocr.ops.boxes import is_tall
from ppocr.ops.columns import page_order

MIN_LINES = 3  # a page with fewer has no order that could be wrong
MIN_CHARACTERS = 12
SUSPECT_SHARE = 0.4  # of all characters that lie one way, more than any other: a second look decides
MIN_SHARE = 0.6  # the same, for the page that was turned to stand so
MAX_LOSS = 0.1  # of the characters' scores: a page that reads worse when turned stays as it was
SAMPLE = 16  # characters that are looked at one by one …
MARGIN = 0.1  # … with so much around them, of their size


def votes(boxes: np.ndarray, readings: Sequence[Reading], drop_score: float) -> np.ndarray:
    """Characters, weighted by score, whose lines lie at 0, 90, 180 and 270 degrees; float64[4].

    Args:
        boxes: float32[N, 4, 2], clockwise from the top-left corner.
        readings: of their crops.
        drop_score: lines with a lower score say nothing.
    """
    found = np.zeros(4)
    for box, reading in zip(boxes, readings):
        if len(reading.text) > 1 and reading.score >= drop_score:  # one character is as high as it is wide
            found[(1 if is_tall(box) else 0) + (2 if reading.turned else 0)] += len(reading.text) * reading.score
    return found


def suspected_angle(found: np.ndarray, lines: int) -> int:
    """The angle at which most of a page seems to lie; 0 where little speaks for another one."""
    best = int(found.argmax())
    if lines < MIN_LINES or found.sum() < MIN_CHARACTERS or found[best] < SUSPECT_SHARE * found.sum():
        return 0
    return 90 * best


def is_confirmed(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether a page that was turned upright lies upright now, and reads as well: votes before and after.

    Before, only the lines that lay the page's way count: of the others, some were nonsense.
    """
    return after[0] >= MIN_SHARE * after.sum() and after.sum() >= (1 - MAX_LOSS) * before.max()


def is_vertical_writing(image: np.ndarray, lines: Sequence[TextLine], turns: int, read: TextRecognizer) -> bool:
    """Whether a page of tall lines has its characters upright: columns of Chinese or Japanese, not a page on its side.

    Characters are read one by one, as they lie and turned with their line; the page is upright when they read
    better as they lie. Latin letters are never set in columns on a page of text.

    Args:
        image: uint8[H, W, 3], as stored.
        lines: found in it.
        turns: quarters to the left that would set the page upright.
    """
    pieces = [piece for line in lines for piece in line.chars]
    wide = [piece for piece in pieces if unicodedata.east_asian_width(piece.text[0]) in "WF"]
    if len(wide) < len(pieces) / 2:
        return False
    sample = wide[:: max(1, len(wide) // SAMPLE)][:SAMPLE]
    lying = [_around(image, piece) for piece in sample]
    scores = [
        sum(score for text, score in read(crops) if text) for crops in (lying, [np.rot90(c, turns) for c in lying])
    ]
    return scores[0] > scores[1]


def _around(image: np.ndarray, piece: TextPiece) -> np.ndarray:
    points = np.array(piece.box)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low)
    left, top = np.clip((low - margin).astype(int), 0, (image.shape[1] - 1, image.shape[0] - 1))
    right, bottom = np.ceil(high + margin).astype(int)
    return image[top : max(bottom, top + 1), left : max(right, left + 1)]


def shown_picture(image: np.ndarray, result: OCRResult, *, upright: bool) -> np.ndarray:
    """The picture, uint8[H, W, 3], in which the boxes of a result lie: as it is stored, or set upright."""
    return np.ascontiguousarray(np.rot90(image, result.angle // 90)) if upright and result.angle else image


def layer_result(page: Page, options: OCROptions) -> OCRResult:
    """The result of a PDF page whose text layer stands for what is seen: its lines, in our order."""
    begin = time.perf_counter()
    height, width = page.image.shape[:2]
    lines = page.layer or ()
    result = OCRResult(page.source, page.index, width, height, 0.0, lines, is_layer=True)
    if not lines:
        return result
    boxes = np.array([line.box for line in lines], np.float64)
    angle = 0
    if options.orientation == "auto":
        along = boxes[:, 1] - boxes[:, 0]
        quarters = np.round(np.arctan2(along[:, 1], along[:, 0]) / (np.pi / 2)).astype(int) % 4
        found = np.bincount(quarters, [len(line.text) for line in lines], 4)
        angle = suspected_angle(found.astype(np.float64), len(lines))
    upright = as_stored(replace(result, angle=360 - angle)) if angle else result
    order = page_order(np.array([line.box for line in upright.lines], np.float32), options.order)
    shown = replace(upright if options.upright else result, angle=angle)
    return replace(shown, lines=tuple(shown.lines[i] for i in order), seconds=time.perf_counter() - begin)


def as_stored(result: OCRResult) -> OCRResult:
    """The result of a page that was turned upright, with its boxes in the picture as it is stored."""
    turns = result.angle // 90
    width, height = (result.height, result.width) if turns % 2 else (result.width, result.height)

    def back(points: Sequence[Point]) -> Tuple[Point, ...]:
        turned: List[Point] = []
        for x, y in points:
            turned.append({0: (x, y), 1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[turns])
        return tuple(turned)

    lines = tuple(
        replace(line, box=back(line.box), polygon=None if line.polygon is None else back(line.polygon))  # type: ignore[arg-type]
        for line in result.lines
    )
    return replace(result, width=width, height=height, lines=lines)
