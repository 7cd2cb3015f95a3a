"""The kinds of blocks that a page is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple, Union


@dataclass(frozen=True)
class Heading:
    """A line, or several, larger than the page's running text.

    Attributes:
        text: its lines joined.
        level: 1 for the page's largest.
    """

    text: str
    level: int


@dataclass(frozen=True)
class Paragraph:
    """Running text.

    Attributes:
        lines: one for a paragraph whose lines were broken for want of room, and are joined; several where each line is
            one of its own, as in an address.
    """

    lines: Tuple[str, ...]


@dataclass(frozen=True)
class ListItem:
    """An item of a list.

    Attributes:
        marker: `-`, or a number with its point or bracket: `3.`, `3)`.
        text: without the marker.
        depth: of nested lists, from 0.
    """

    marker: str
    text: str
    depth: int


@dataclass(frozen=True)
class Table:
    """Rows of cells; every row has as many, and empty ones are empty strings."""

    rows: Tuple[Tuple[str, ...], ...]


Block = Union[Heading, Paragraph, ListItem, Table]
