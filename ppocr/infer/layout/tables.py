"""Where cells line up: stretches of rows between which white columns run down."""

from __future__ import annotations

import statistics
from typing import List, Optional, Sequence, Tuple

from ppocr.infer.layout.blocks import Table
from ppocr.infer.layout.segments import Row, Segment
from ppocr.infer.layout.text import joined_text

MIN_ROWS = 2  # of several cells
MAX_GAP = 2.0  # of a line's height between two rows
MAX_SINGLE_ROWS = 3  # of one cell, one after another
PADDING = 0.2  # of a line's height: by so much the boxes of cells reach over their ink
WRAP_GAP = 0.6  # of a line's height between two lines of one cell

Column = Tuple[float, float]


def table_end(rows: Sequence[Row], begin: int) -> Optional[int]:
    """The row after the table that begins at a row; None if none does."""
    if len(rows[begin]) < 2:
        return None
    end, several, columns = begin + 1, 1, _columns(rows[begin : begin + 1])
    for index in range(begin + 1, len(rows)):
        row = rows[index]
        stretch = rows[begin : index + 1]
        found = _columns(stretch)
        if _gap(rows[index - 1], row) > MAX_GAP * _height(row) or len(found) < 2:
            break
        if len(row) > 1:
            if not all(_is_divided(other, found) for other in stretch):
                break
            end, several = index + 1, several + 1
        elif len(found) < len(columns) or index - end >= MAX_SINGLE_ROWS:
            break
        columns = found
    if several < MIN_ROWS:
        return None
    columns = _columns(rows[begin:end])
    while end < len(rows) and len(rows[end]) == 1 and _is_wrapped(rows[end - 1], rows[end], columns):
        if len(_columns(rows[begin : end + 1])) < len(columns):
            break
        end += 1
    return end


def table_of(rows: Sequence[Row]) -> Table:
    """The cells of a stretch of rows that `table_end` found."""
    columns = _columns(rows)
    cells: List[List[str]] = []
    for above, row in zip([None, *rows], rows):
        line = [""] * len(columns)
        for segment in row:
            place = _column(segment, columns)
            line[place] = joined_text(line[place], segment.text)
        if above is not None and _is_wrapped(above, row, columns):
            cells[-1] = [joined_text(upper, lower) for upper, lower in zip(cells[-1], line)]
        else:
            cells.append(line)
    return Table(tuple(map(tuple, cells)))


def _columns(rows: Sequence[Row]) -> List[Column]:
    """The extents of all cells, those that overlap joined, from left to right."""
    found: List[Column] = []
    for left, right in sorted(_extent(segment) for row in rows for segment in row):
        if found and left < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], right)
        else:
            found.append((left, right))
    return found


def _extent(segment: Segment) -> Column:
    padding = min(PADDING * segment.height, 0.25 * (segment.right - segment.left))
    return segment.left + padding, segment.right - padding


def _column(segment: Segment, columns: Sequence[Column]) -> int:
    """The column with the most of it."""
    left, right = _extent(segment)
    return max(range(len(columns)), key=lambda n: min(right, columns[n][1]) - max(left, columns[n][0]))


def _is_divided(row: Row, columns: Sequence[Column]) -> bool:
    return len({_column(segment, columns) for segment in row}) == len(row)


def _is_wrapped(above: Row, row: Row, columns: Sequence[Column]) -> bool:
    """Whether a row goes on with the cells above it: near to them, at their left edges, none in the first column."""
    lefts = {_column(segment, columns): segment.left for segment in above}
    places = [(_column(segment, columns), segment) for segment in row]
    is_aligned = all(abs(segment.left - lefts.get(n, segment.left)) < segment.height / 2 for n, segment in places)
    return is_aligned and all(n for n, _ in places) and _gap(above, row) <= WRAP_GAP * _height(row)


def _gap(above: Row, below: Row) -> float:
    return statistics.median(s.top for s in below) - statistics.median(s.bottom for s in above)


def _height(row: Row) -> float:
    return statistics.median(segment.height for segment in row)
