"""Words and characters of a line: where they stand along it, and their boxes on the page."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

CHINESE, WESTERN = "cn", "en&num"  # PaddleOCR's names for kinds of words
Point = Tuple[float, float]
Quad = Tuple[Point, Point, Point, Point]


class Span(NamedTuple):
    """One character of a line.

    Attributes:
        text: an entry of the dictionary, mostly one character.
        score: its probability, [0, 1].
        begin, end: along the line, as shares of its length from where the text begins.
    """

    text: str
    score: float
    begin: float
    end: float


@dataclass(frozen=True)
class TextPiece:
    """A word or a character of a line.

    Attributes:
        text: without spaces.
        score: mean probability of its characters, [0, 1].
        box: corners clockwise from the text's own top-left, pixels of the page as its line's.
    """

    text: str
    score: float
    box: Quad

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TextPiece:
        corners = tuple((float(x), float(y)) for x, y in record["box"])
        return cls(str(record["text"]), float(record["score"]), corners)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        box = [[round(x, 1), round(y, 1)] for x, y in self.box]
        return {"text": self.text, "score": round(self.score, 4), "box": box}


def estimated_spans(text: str, score: float) -> Tuple[Span, ...]:
    """Spans of a line of which nothing but the text is known: Chinese characters are twice as wide as Latin ones."""
    widths = [2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text]
    total, position, spans = sum(widths), 0, []
    for character, width in zip(text, widths):
        spans.append(Span(character, score, position / total, (position + width) / total))
        position += width
    return tuple(spans)


def known_spans(text: str, pieces: Sequence[TextPiece], box: Quad, *, words: bool) -> Tuple[Span, ...]:
    """Spans of a line whose characters or words are known: `characters` and `words` the other way round.

    Args:
        text: of the line.
        pieces: all of them, in order.
        box: of the line.
        words: the pieces are words; where their characters stand is estimated.

    Raises:
        ValueError: the pieces are not those of the text.
    """
    spans: List[Span] = []
    position = 0
    for piece in pieces:
        begin, end = (_share(corner, box) for corner in piece.box[:2])
        start = text.find(piece.text, position)
        if not piece.text or start < 0 or text[position:start].strip():
            raise ValueError(f"{piece.text!r} does not follow {text[:position]!r} in {text!r}")
        last = spans[-1].end if spans else 0.0
        spans += [Span(space, piece.score, last, begin) for space in text[position:start]]
        parts = estimated_spans(piece.text, piece.score) if words else (Span(piece.text, piece.score, 0.0, 1.0),)
        spans += [
            part._replace(begin=begin + (end - begin) * part.begin, end=begin + (end - begin) * part.end)
            for part in parts
        ]
        position = start + len(piece.text)
    if text[position:].strip():
        raise ValueError(f"nothing says where {text[position:]!r} stands in {text!r}")
    return tuple(spans)


def characters(spans: Iterable[Span], box: Quad) -> Tuple[TextPiece, ...]:
    """Every character but spaces.

    Args:
        spans: of a line.
        box: of that line, the text's own top-left corner first.
    """
    return tuple(_piece([span], box) for span in spans if not span.text.isspace())


def words(spans: Iterable[Span], box: Quad) -> Tuple[TextPiece, ...]:
    """What stands between spaces; arguments as of `characters`."""
    groups: List[List[Span]] = [[]]
    for span in spans:
        if span.text.isspace():
            groups.append([])
        else:
            groups[-1].append(span)
    return tuple(_piece(group, box) for group in groups if group)


def word_groups(spans: Iterable[Span]) -> List[Tuple[str, List[Span]]]:
    """What PaddleOCR takes for words: runs of Chinese characters (`cn`), and runs of letters and digits (`en&num`).

    Spaces and other signs part them and belong to none, apart from a hyphen after a letter or digit, a point before a
    digit and an apostrophe between letters: `VGG-16`, `3.14` and `n'êtes` are one word each.
    """
    line, last = list(spans), ""
    groups: List[Tuple[str, List[Span]]] = []
    for index, span in enumerate(line):
        following = line[index + 1].text if index + 1 < len(line) else ""
        kind = _kind(span.text, last, following)
        if kind and kind == last:
            groups[-1][1].append(span)
        elif kind:
            groups.append((kind, [span]))
        last = kind
    return groups


def paddleocr_words(spans: Iterable[Span], box: Quad) -> Tuple[TextPiece, ...]:
    """PaddleOCR's words with their boxes; each Chinese character is one. Arguments as of `characters`."""
    pieces = []
    for kind, group in word_groups(spans):
        pieces += [_piece([span], box) for span in group] if kind == CHINESE else [_piece(group, box)]
    return tuple(pieces)


def _kind(text: str, last: str, following: str) -> str:
    """What a character belongs to: `cn`, `en&num`, or an empty string for what parts words."""
    if "\u4e00" <= text[:1] <= "\u9fff":
        return CHINESE
    joins = text == "-" or (text == "." and following.isdigit()) or (text == "'" and following.isalpha())
    return WESTERN if text.isalnum() or (joins and last == WESTERN) else ""


def _piece(spans: Sequence[Span], box: Quad) -> TextPiece:
    top_left, top_right, bottom_right, bottom_left = box
    begin, end = spans[0].begin, spans[-1].end
    corners = (
        _between(top_left, top_right, begin),
        _between(top_left, top_right, end),
        _between(bottom_left, bottom_right, end),
        _between(bottom_left, bottom_right, begin),
    )
    return TextPiece("".join(span.text for span in spans), sum(span.score for span in spans) / len(spans), corners)


def _share(point: Point, box: Quad) -> float:
    """Where a point stands along a line's upper edge."""
    (left, top), (right, bottom) = box[:2]
    x, y = right - left, bottom - top
    return ((point[0] - left) * x + (point[1] - top) * y) / ((x * x + y * y) or 1.0)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
