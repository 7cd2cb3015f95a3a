"""What the predictors return: small immutable records, and their JSON form (documented in docs/results.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Iterable, Mapping, Optional, Sequence, Tuple

import numpy as np

from ppocr.infer import words
from ppocr.infer.words import Point, Quad, Span, TextPiece
from ppocr.ops.boxes import is_tall


@dataclass(frozen=True)
class TextLine:
    """One line of text.

    Attributes:
        text: what was read; empty when only detection ran.
        score: mean probability of the characters, or the box score when only detection ran, in [0, 1].
        box: corners clockwise from the text's own top-left, pixels of the upright picture.
        polygon: the outline with more than four corners, when polygons were asked for.
        spans: where its characters stand along it; empty where that is not known.
    """

    text: str
    score: float
    box: Quad
    polygon: Optional[Tuple[Point, ...]] = None
    spans: Tuple[Span, ...] = ()

    @property
    def chars(self) -> Tuple[TextPiece, ...]:
        """Its characters but spaces, each with a box; of a line without spans, by the usual width of characters."""
        return words.characters(self._spans, self.box)

    @property
    def words(self) -> Tuple[TextPiece, ...]:
        """What stands between its spaces; a line of Chinese without spaces is one word."""
        return words.words(self._spans, self.box)

    @property
    def paddleocr_words(self) -> Tuple[TextPiece, ...]:
        """Its words as PaddleOCR's `return_word_box` has them: Chinese characters one by one, and no punctuation."""
        return words.paddleocr_words(self._spans, self.box)

    @property
    def _spans(self) -> Tuple[Span, ...]:
        return self.spans or words.estimated_spans(self.text, self.score)

    @classmethod
    def of_region(
        cls,
        text: str,
        score: float,
        box: np.ndarray,
        polygon: Optional[np.ndarray] = None,
        *,
        upside_down: bool = False,
        spans: Tuple[Span, ...] = (),
    ) -> TextLine:
        """A line whose box begins where its text does, as it was read.

        Tall crops are turned a quarter to the left before reading, which puts their upper right corner first, and
        crops found upside down begin at the opposite corner.

        Args:
            box: float32[4, 2], clockwise from the region's top-left corner.
            polygon: float32[M, 2].
            upside_down: the crop was turned by half before it was read.
            spans: of its characters, in the crop as it was read.
        """
        begin = (1 if is_tall(box) else 0) + (2 if upside_down else 0)
        corners = _floats(np.roll(box, -begin, axis=0))
        outline = None if polygon is None else _floats(polygon)
        return cls(text, float(score), corners, outline, spans)  # type: ignore[arg-type]

    def to_dict(self, *, words: bool = False, chars: bool = False) -> dict[str, Any]:
        """Its JSON form, with its words and characters where they are asked for."""
        record: dict[str, Any] = {"text": self.text, "score": round(self.score, 4), "box": _points(self.box)}
        if self.polygon is not None:
            record["polygon"] = _points(self.polygon)
        if words:
            record["words"] = [word.to_dict() for word in self.words]
        if chars:
            record["chars"] = [character.to_dict() for character in self.chars]
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TextLine:
        """What `to_dict` gave, with the places of its characters or words if they are there.

        Raises:
            KeyError, ValueError: it did not give that.
        """
        corners = _floats(record["box"])
        if len(corners) != 4:
            raise ValueError(f"a box has 4 corners, came {len(corners)}")
        polygon = record.get("polygon")
        outline = _floats(polygon) if polygon else None
        line = cls(str(record["text"]), float(record["score"]), corners, outline)  # type: ignore[arg-type]
        kind = next((kind for kind in ("chars", "words") if kind in record), None)
        if kind is None:
            return line
        pieces = [TextPiece.from_dict(piece) for piece in record[kind]]
        return replace(line, spans=words.known_spans(line.text, pieces, line.box, words=kind == "words"))


@dataclass(frozen=True)
class OCRResult:
    """One page.

    Attributes:
        file: the path as it was given (`-` for standard input, empty for a picture in memory).
        page: 0-based number of the page or frame in its file.
        width, height: pixels of the upright picture.
        seconds: time from decoded picture to result; pages read together share their time.
        lines: in reading order; empty when there is no text.
        angle: by how many degrees the picture lies turned clockwise: 0, 90, 180 or 270.
        is_layer: the lines were not read but taken from the text that the PDF page holds; their scores are 1.
    """

    file: str
    page: int
    width: int
    height: int
    seconds: float
    lines: Tuple[TextLine, ...]
    angle: int = 0
    is_layer: bool = False

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def markdown(self) -> str:
        """Its headings, paragraphs, lists and tables as Markdown."""
        from ppocr.infer.io.markdown import page_markdown

        return page_markdown(self)

    def to_dict(self, *, words: bool = False, chars: bool = False) -> dict[str, Any]:
        """Its JSON form, the lines with their words and characters where they are asked for."""
        record: dict[str, Any] = {
            "file": self.file,
            "page": self.page,
            "width": self.width,
            "height": self.height,
            "angle": self.angle,
            "seconds": round(self.seconds, 4),
        }
        if self.is_layer:
            record["is_layer"] = True
        return {**record, "lines": [line.to_dict(words=words, chars=chars) for line in self.lines]}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> OCRResult:
        return cls(
            file=str(record["file"]),
            page=int(record["page"]),
            width=int(record["width"]),
            height=int(record["height"]),
            seconds=float(record["seconds"]),
            lines=tuple(TextLine.from_dict(line) for line in record["lines"]),
            angle=int(record.get("angle", 0)),
            is_layer=bool(record.get("is_layer", False)),
        )


@dataclass(frozen=True)
class CropResult:
    """What `recognize` says of one already cropped line."""

    file: str
    text: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        return {"file": self.file, "text": self.text, "score": round(self.score, 4)}


@dataclass(frozen=True)
class DirectionResult:
    """What `classify` says of one cropped line: label `"0"` (upright) or `"180"` (upside down)."""

    file: str
    label: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        return {"file": self.file, "label": self.label, "score": round(self.score, 4)}


def _floats(points: Iterable[Sequence[float]]) -> Tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in points)


def _points(points: Sequence[Point]) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in points]
