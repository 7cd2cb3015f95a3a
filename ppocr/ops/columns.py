"""Reading order of pages set in columns: a recursive XY-cut (Nagy and Seth 1984) over boxes."""

from __future__ import annotations

import statistics
from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from ppocr.ops.boxes import is_tall, reading_order, rows, upright_quads

MIN_GUTTER = 0.7  # of a line's median height: narrower gaps lie between words
MIN_LINES = 2  # on each side of a gutter …
MIN_PROSE_LINES = 4  # … and where running text is wanted
MIN_SHARED_HEIGHT = 0.5  # of the lower side's height that lies beside the other one
MIN_FILL = 0.6  # of a column's width: lines of running text fill it, cells of a table do not
MIN_TALL_SHARE = 0.6  # of a page's boxes that are tall: it is written in columns from right to left


class _Box(NamedTuple):
    number: int
    left: float
    top: float
    right: float
    bottom: float


def page_order(quads: np.ndarray, order: str) -> List[int]:
    """Indices of boxes in reading order.

    Args:
        quads: float[N, 4, 2], each clockwise from the top-left corner.
        order: `"rows"`: from top to bottom, each row from left to right across the page; `"columns"`: every column
            from top to bottom, tables too; `"auto"`: columns of running text, and rows everywhere else. In the last
            two, pages of tall boxes are read in columns from right to left.
    """
    if order == "rows" or len(quads) < 2 * MIN_LINES:
        return reading_order(quads)
    quads = np.asarray(quads, np.float64)
    if sum(map(is_tall, quads)) >= MIN_TALL_SHARE * len(quads):
        # Turned a quarter to the left, columns from right to left are rows from top to bottom.
        turned = np.stack((quads[:, :, 1], -quads[:, :, 0]), axis=2)
        return reading_order(np.roll(turned, -1, axis=1))
    return [index for part in page_parts(quads, prose=order == "auto") for row in part for index in row]


def page_parts(quads: np.ndarray, *, prose: bool) -> List[List[List[int]]]:
    """The parts of a page of lines from left to right, in reading order: columns, and what lies above and below them.

    Args:
        quads: float64[N, 4, 2], each clockwise from the top-left corner.
        prose: columns of running text only.

    Returns:
        Of each part its rows of indices, as of `ppocr.ops.boxes.rows`.
    """
    if not len(quads):
        return []
    upright = upright_quads(quads)
    low, high = upright.min(axis=1).tolist(), upright.max(axis=1).tolist()
    boxes = [_Box(number, *begin, *end) for number, (begin, end) in enumerate(zip(low, high))]
    height = statistics.median(box.bottom - box.top for box in boxes)
    return _cut(boxes, quads, height, prose=prose)


def _cut(boxes: Sequence[_Box], quads: np.ndarray, height: float, *, prose: bool) -> List[List[List[int]]]:
    """Left and right of a gutter; else above and below the gap that leaves the most beside a gutter; else rows."""
    gutter = _gutter(boxes, height, prose=prose)
    if gutter is not None:
        parts = [box for box in boxes if box.left < gutter], [box for box in boxes if box.left >= gutter]
        return [found for part in parts for found in _cut(part, quads, height, prose=prose)]
    best: Optional[float] = None
    most = 0
    for gap in _gaps(boxes):
        for part in ([box for box in boxes if box.top < gap], [box for box in boxes if box.top >= gap]):
            if len(part) > most and _gutter(part, height, prose=prose) is not None:
                best, most = gap, len(part)
    if best is None:
        indices = [box.number for box in boxes]
        return [[[indices[place] for place in row] for row in rows(quads[indices])]]
    above, below = [box for box in boxes if box.top < best], [box for box in boxes if box.top >= best]
    return [found for part in (above, below) for found in _cut(part, quads, height, prose=prose)]


def _gaps(boxes: Sequence[_Box]) -> List[float]:
    """Where a horizontal line meets no box: the tops below which everything that began above has ended."""
    ordered = sorted(boxes, key=lambda box: box.top)
    gaps, lowest = [], ordered[0].bottom
    for box in ordered[1:]:
        if box.top >= lowest:
            gaps.append(box.top)
        lowest = max(lowest, box.bottom)
    return gaps


def _gutter(boxes: Sequence[_Box], height: float, *, prose: bool) -> Optional[float]:
    """The left edge of what lies right of the widest gutter; None without any."""
    ordered = sorted(boxes, key=lambda box: box.left)
    least, widest, found = MIN_PROSE_LINES if prose else MIN_LINES, MIN_GUTTER * height, None
    rightmost = ordered[0].right
    for count, box in enumerate(ordered[1:], start=1):
        gap = box.left - rightmost
        if gap > widest and min(count, len(ordered) - count) >= least:
            sides = ordered[:count], ordered[count:]
            if _lie_beside(*sides) and not (prose and not all(map(_is_prose, sides))):
                widest, found = gap, box.left
        rightmost = max(rightmost, box.right)
    return found


def _lie_beside(left: Sequence[_Box], right: Sequence[_Box]) -> bool:
    tops, bottoms = zip(*[(min(b.top for b in side), max(b.bottom for b in side)) for side in (left, right)])
    smaller = min(bottom - top for top, bottom in zip(tops, bottoms))
    return min(bottoms) - max(tops) >= MIN_SHARED_HEIGHT * smaller


def _is_prose(side: Sequence[_Box]) -> bool:
    """Whether most lines are about as wide as their column, or as one of its columns."""
    widths = sorted(box.right - box.left for box in side)
    typical = widths[int(0.9 * (len(widths) - 1))]
    return statistics.median(widths) >= MIN_FILL * typical and typical >= 6 * statistics.median(
        box.bottom - box.top for box in side
    )
