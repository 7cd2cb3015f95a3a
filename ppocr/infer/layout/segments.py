"""Lines as they stand on the page set upright: turned, levelled, and joined where a row was found in pieces."""

from __future__ import annotations

import math
import re
import statistics
import unicodedata
from dataclasses import dataclass
from typing import List, Sequence

import numpy as np

from ppocr.infer.results import TextLine
from ppocr.ops.boxes import upright_quads
from ppocr.ops.columns import page_parts

JOIN_GAP = 0.6  # of a line's height: pieces of a row nearer to each other are one line …
MARKER_GAP = 3.0  # … and so are the marker of a list and its text
MAX_COORDINATE, MIN_HEIGHT = 1e7, 1e-3  # pixels; results of other programs may hold anything
BULLETS = "•·●○◦▪■□‣➢➤►✓✔★※"
MARKER = re.compile(rf"([{BULLETS}*#–—-]|\(?(\d{{1,3}}|[a-z])[.)])$")


@dataclass(frozen=True)
class Segment:
    """A line of text, upright: a row of the page or a cell of one.

    Attributes:
        text: never empty.
        left, top, right, bottom: of its box, pixels of the upright page.
        size: of its letters, pixels; the mean of what the box's height and the letters' widths say.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


Row = List[Segment]  # from left to right


def rows_of_parts(lines: Sequence[TextLine]) -> List[List[Row]]:
    """The rows of each part of a page (`ppocr.ops.columns.page_parts`), in reading order."""
    lines = [line for line in lines if line.text.strip()]
    if not lines:
        return []
    boxes = np.array([line.box for line in lines], np.float64)
    quads = _set_upright(np.nan_to_num(boxes).clip(-MAX_COORDINATE, MAX_COORDINATE))
    level = upright_quads(quads)
    segments = [_segment(line.text.strip(), quad) for line, quad in zip(lines, level)]
    return [[_joined([segments[i] for i in row]) for row in part] for part in page_parts(quads, prose=True)]


def _set_upright(quads: np.ndarray) -> np.ndarray:
    """The boxes turned by quarters so that most text runs to the right; columns of Chinese become rows, too."""
    along = quads[:, 1] - quads[:, 0]
    lengths = np.hypot(along[:, 0], along[:, 1])
    quarter = np.round(np.arctan2(along[:, 1], along[:, 0]) / (math.pi / 2)).astype(int) % 4
    turns = int(np.bincount(quarter, lengths, 4).argmax())
    x, y = quads[..., 0], quads[..., 1]
    return np.stack([(x, y), (y, -x), (-x, -y), (-y, x)][turns], axis=-1)


def _segment(text: str, quad: np.ndarray) -> Segment:
    (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
    bottom = max(bottom, top + MIN_HEIGHT)
    height = math.dist(quad[0], quad[3])
    letters = math.dist(quad[0], quad[1]) / max(sum(map(_width, text)), 1.0)
    return Segment(text, float(left), float(top), float(right), float(bottom), math.sqrt(max(height * letters, 1e-6)))


def _width(character: str) -> float:
    """About how wide a character is, in widths of a small letter."""
    if unicodedata.east_asian_width(character) in "WF":
        return 2.0
    if character in "ijltfrI.,:;'|!()[] ":
        return 0.6
    return 1.4 if character.isupper() or character in "mw" else 1.0


def _joined(row: Sequence[Segment]) -> Row:
    """A row with its pieces joined that stand near to each other."""
    found: Row = []
    for piece in row:
        gap = piece.left - found[-1].right if found else math.inf
        height = statistics.fmean((piece.height, found[-1].height)) if found else 0.0
        if gap <= (MARKER_GAP if found and MARKER.match(found[-1].text) else JOIN_GAP) * height:
            found[-1] = join(found[-1], piece)
        else:
            found.append(piece)
    return found


def join(left: Segment, right: Segment) -> Segment:
    """Two pieces of a row as one; a space parts them."""
    lengths = len(left.text), len(right.text)
    size = (left.size * lengths[0] + right.size * lengths[1]) / sum(lengths)
    return Segment(
        f"{left.text} {right.text}",
        min(left.left, right.left),
        min(left.top, right.top),
        max(left.right, right.right),
        max(left.bottom, right.bottom),
        size,
    )
