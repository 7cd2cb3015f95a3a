"""Reading order of pages set in columns: drawn layouts whose order is known."""

import numpy as np
import pytest

from ppocr.ops.boxes import reading_order
from ppocr.ops.columns import page_order


def box(left, top, width, height=20):
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


def column(left, top, lines, width=300, step=30):
    """Running text: the last line of each paragraph is short."""
    return [box(left, top + step * n, width if n % 4 < 3 else width // 3) for n in range(lines)]


def turned(quads, degrees):
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(quads, np.float64) @ matrix.T


def two_columns(top, lines):
    return [*column(0, top, lines), *column(340, top, lines)]


LAYOUTS = {
    "one column": column(0, 0, 12),
    "two columns": two_columns(0, 10),
    "three columns, not level": [*column(0, 0, 10), *column(340, 7, 9), *column(680, 3, 8)],
    "a title above two columns": [box(50, 0, 560, 40), *two_columns(60, 10)],
    "a title between": [*two_columns(0, 6), box(0, 200, 640), *two_columns(240, 6)],
    "gaps at the same height": [quad for left in (0, 340) for top in (0, 250) for quad in column(left, top, 5)],
}


@pytest.mark.parametrize("order", ["columns", "auto"])
@pytest.mark.parametrize("slant", [0, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_columns_are_read_to_their_end(layout, slant, order):
    quads = turned(LAYOUTS[layout], slant)
    shuffled = np.random.default_rng(0).permutation(len(quads))
    assert [shuffled[i] for i in page_order(quads[shuffled], order)] == list(range(len(quads)))


def test_a_receipt_and_a_table_are_read_in_rows_unless_columns_are_asked_for():
    receipt = [quad for n in range(8) for quad in (box(0, 30 * n, 90 + 40 * (n % 3)), box(400, 30 * n, 60))]
    assert page_order(np.array(receipt), "auto") == page_order(np.array(receipt), "rows") == list(range(16))
    assert page_order(np.array(receipt), "columns") == [*range(0, 16, 2), *range(1, 16, 2)]


def test_vertical_writing_goes_from_right_to_left():
    columns = [box(left, top, 20, 180) for left in (400, 360, 320) for top in (0, 200)]
    for order in ("columns", "auto"):
        assert page_order(np.array(columns[::-1], np.float32), order) == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("count", [0, 1, 2, 40])
@pytest.mark.parametrize("order", ["rows", "columns", "auto"])
def test_every_box_comes_once(count, order):
    rng = np.random.default_rng(count)
    quads = np.array([box(*rng.integers(0, 500, 2), *rng.integers(1, 200, 2)) for _ in range(count)]).reshape(-1, 4, 2)
    assert sorted(page_order(quads, order)) == list(range(count))
    if order == "rows":
        assert page_order(quads, order) == reading_order(quads)
