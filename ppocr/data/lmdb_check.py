"""Whether the pages of an LMDB database are what the library expects: it trusts them, and crashes on damaged ones.

The format is LMDB's on 64-bit little-endian machines (`lmdb.h`, `mdb.c`): two meta pages, of which the one with the
later transaction counts, and a tree of branch and leaf pages. Values that do not fit a page lie on pages of their own,
which need not be read. Only what a reader follows is checked: page numbers, kinds of pages, offsets and lengths.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ppocr.errors import DataError

MAGIC, VERSION = 0xBEEFC0DE, 1
HEADER = 16  # bytes of a page before its offsets
NODE = 8  # bytes of an entry before its key
BRANCH, LEAF = 1, 2  # kinds of pages
BIG_DATA = 1  # of an entry: its value lies on other pages
MAX_DEPTH = 32  # LMDB's
NO_PAGE = (1 << 64) - 1  # root of an empty tree
_META = struct.Struct("<IIQQ IHHQQQQQ IHHQQQQQ QQ")  # magic, version, address, size, two trees, last page, transaction


class _Meta(NamedTuple):
    """Page size in bytes, flags, depth and root of the tree of entries, last page, transaction."""

    page_size: int
    flags: int
    depth: int
    root: int
    last_page: int
    transaction: int


def check_lmdb(folder: Path) -> None:
    """Check a database without opening it.

    Args:
        folder: holds `data.mdb`.

    Raises:
        DataError: it is no such database, cut short, or damaged.
    """
    path = folder / "data.mdb"
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            problem = _problem(data)
    except (OSError, ValueError) as error:  # ValueError: it is empty
        raise DataError(f"{path}: cannot be read as LMDB: {error}") from error
    if problem:
        raise DataError(f"{path}: cannot be read as LMDB: {problem}")


def _problem(data: mmap.mmap) -> str:
    first = _meta(data, 0)
    if first is None:
        return "it is another format, or its beginning is damaged"
    second = _meta(data, first.page_size)
    if second is None or second.page_size != first.page_size:
        return "its beginning is damaged"
    meta = max(second, first, key=lambda one: one.transaction)
    size = meta.page_size
    if size & (size - 1) or not 512 <= size <= 65_536 or meta.flags or meta.depth > MAX_DEPTH:
        return "its beginning is damaged"
    if (meta.last_page + 1) * size > len(data):
        return f"it is cut short: {len(data)} of {(meta.last_page + 1) * size} bytes"
    return "" if meta.root == NO_PAGE else _Tree(data, meta).problem()


def _meta(data: mmap.mmap, place: int) -> _Meta | None:
    begin = place + HEADER
    if begin + _META.size > len(data):
        return None
    values = _META.unpack_from(data, begin)
    if values[:2] != (MAGIC, VERSION):
        return None
    return _Meta(values[4], values[13], values[14], values[19], values[20], values[21])


class _Tree:
    """The branch and leaf pages."""

    def __init__(self, data: mmap.mmap, meta: _Meta):
        self._data, self._meta, self._seen = data, meta, set()  # type: mmap.mmap, _Meta, set[int]

    def problem(self) -> str:
        level = [self._meta.root]
        for depth in range(1, self._meta.depth + 1):
            kind, below = (LEAF if depth == self._meta.depth else BRANCH), []
            for number in level:
                try:
                    below += self._page(number, kind)
                except (ValueError, IndexError):
                    return f"page {number} is damaged"
            level = below
        return ""

    def _page(self, number: int, kind: int) -> list[int]:
        """The pages below a branch page; of a leaf page none.

        Raises:
            ValueError: something does not fit.
        """
        size = self._meta.page_size
        if not 2 <= number <= self._meta.last_page or number in self._seen:
            raise ValueError
        self._seen.add(number)
        page = np.frombuffer(self._data, "<u2", count=size // 2, offset=number * size).copy()
        lower, upper = int(page[6]), int(page[7])
        if int(page[:4].view("<u8")[0]) != number or page[5] & 0x3F != kind or not HEADER <= lower <= upper <= size:
            raise ValueError
        offsets = page[HEADER // 2 : lower // 2].astype(np.int64)
        if lower % 2 or not len(offsets) or (offsets % 2).any() or offsets.min() < upper or offsets.max() > size - NODE:
            raise ValueError
        low, high, flags, key = (page[offsets // 2 + field].astype(np.int64) for field in range(4))
        if kind == BRANCH:
            if (offsets + NODE + key > size).any():
                raise ValueError
            return (low | high << 16 | flags << 32).tolist()
        self._check_leaf(page, offsets, low | high << 16, flags, key)
        return []

    def _check_leaf(
        self, page: np.ndarray, offsets: np.ndarray, length: np.ndarray, flags: np.ndarray, key: np.ndarray
    ) -> None:
        size, is_big = self._meta.page_size, flags == BIG_DATA
        if (flags & ~BIG_DATA).any() or (offsets + NODE + key + np.where(is_big, 8, length) > size).any():
            raise ValueError
        if not is_big.any():
            return
        text = page.view(np.uint8)
        places = (offsets + NODE + key)[is_big, None] + np.arange(8)
        first = text[places].copy().view("<u8")[:, 0]
        end = (self._meta.last_page + 1) * size
        if (first > self._meta.last_page).any() or (first < 2).any():
            raise ValueError
        if (first.astype(np.int64) * size + HEADER + length[is_big] > end).any():
            raise ValueError
