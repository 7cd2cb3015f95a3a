"""Results → bytes in one of the forms that docs/results.md describes.

A writer gives the output piece by piece (`begin()`, `page()` for each result, `end()`), so that long runs appear as
they proceed and need no memory. Text is UTF-8; what cannot be encoded (file names that are not UTF-8) is escaped.
"""

from __future__ import annotations

import json
import math
import re
from typing import Callable, Mapping, Optional, Protocol, Union

from ppocr import __version__
from ppocr.infer.results import CropResult, DirectionResult, OCRResult, Point, TextLine

Result = Union[OCRResult, CropResult, DirectionResult]

PAGE_BREAK = "\f"


class Writer(Protocol):
    """One form of output. `page` is called once per result, in order."""

    def begin(self) -> bytes: ...

    def page(self, result: Result, picture: Optional[object]) -> bytes: ...

    def end(self) -> bytes: ...


def create_writer(form: str, *, words: bool = False, chars: bool = False) -> Writer:
    """The writer of one of `FORMATS`.

    Args:
        form: its name.
        words, chars: whether JSON has the words and characters of each line.
    """
    if form in ("json", "jsonl"):
        detail = {"words": words, "chars": chars}
        return JsonWriter(**detail) if form == "json" else JsonLinesWriter(**detail)
    return _WRITERS[form]()


class TextWriter:
    """The text alone: a line of the page a line; pages are divided by a form feed."""

    def __init__(self) -> None:
        self._is_first = True

    def begin(self) -> bytes:
        return b""

    def page(self, result: Result, picture: Optional[object] = None) -> bytes:
        if isinstance(result, OCRResult):
            lines = "".join(line.text + "\n" for line in result.lines)
            text = lines if self._is_first else PAGE_BREAK + lines
        else:
            text = (result.text if isinstance(result, CropResult) else result.label) + "\n"
        self._is_first = False
        return _encode(text)

    def end(self) -> bytes:
        return b""


class JsonLinesWriter:
    """One JSON object a line; arguments as of `create_writer`."""

    def __init__(self, *, words: bool = False, chars: bool = False) -> None:
        self._detail = {"words": words, "chars": chars}

    def begin(self) -> bytes:
        return b""

    def page(self, result: Result, picture: Optional[object] = None) -> bytes:
        return _json(result, self._detail) + b"\n"

    def end(self) -> bytes:
        return b""


class JsonWriter:
    """One JSON list of the same objects; arguments as of `create_writer`."""

    def __init__(self, *, words: bool = False, chars: bool = False) -> None:
        self._detail = {"words": words, "chars": chars}
        self._separator = b"\n"

    def begin(self) -> bytes:
        return b"["

    def page(self, result: Result, picture: Optional[object] = None) -> bytes:
        separator, self._separator = self._separator, b",\n"
        return separator + _json(result, self._detail)

    def end(self) -> bytes:
        return b"\n]\n"


class TsvWriter:
    """Tab-separated columns, with a heading; a line of text a row."""

    _CORNERS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")

    def __init__(self) -> None:
        self._has_heading = False

    def begin(self) -> bytes:
        return b""

    def page(self, result: Result, picture: Optional[object] = None) -> bytes:
        columns: tuple[object, ...]
        rows: list[tuple[object, ...]]
        if isinstance(result, OCRResult):
            columns = ("file", "page", "line", "score", *self._CORNERS, "text")
            rows = [
                (result.file, result.page, number, f"{line.score:.4f}", *_numbers(line), line.text)
                for number, line in enumerate(result.lines)
            ]
        else:
            record = result.to_dict()
            columns, rows = tuple(record), [tuple(record.values())]
        if not self._has_heading:
            rows.insert(0, columns)
            self._has_heading = True
        return _encode("".join("\t".join(_cell(value) for value in row) + "\n" for row in rows))

    def end(self) -> bytes:
        return b""


class HocrWriter:
    """hOCR 1.2: XHTML whose elements carry boxes."""

    def __init__(self) -> None:
        self._pages = 0

    def begin(self) -> bytes:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"'
            ' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
            '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<title>OCR results</title>\n'
            '<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
            f'<meta name="ocr-system" content="ppocr {__version__}"/>\n'
            '<meta name="ocr-capabilities" content="ocr_page ocr_par ocr_line ocrx_word"/>\n</head>\n<body>\n'
        ).encode()

    def page(self, result: Result, picture: Optional[object] = None) -> bytes:
        if not isinstance(result, OCRResult):
            raise TypeError("hOCR holds pages, not single lines")
        self._pages += 1
        # Quotes delimit the file name inside the attribute.
        image = _xml(result.file.replace('"', "'"))
        title = f"image &quot;{image}&quot;; bbox 0 0 {result.width} {result.height}; ppageno {result.page}"
        parts = [f'<div class="ocr_page" id="page_{self._pages}" title="{title}">']
        if result.lines:  # as one paragraph: programs that read hOCR look for lines in paragraphs
            parts.append(f'<p class="ocr_par" id="par_{self._pages}">')
            parts += [self._line(line, number) for number, line in enumerate(result.lines, 1)]
            parts.append("</p>")
        return _encode("\n".join([*parts, "</div>\n"]))

    def end(self) -> bytes:
        return b"</body>\n</html>\n"

    def _line(self, line: TextLine, number: int) -> str:
        name = f"line_{self._pages}_{number}"
        words = " ".join(
            f'<span class="ocrx_word" id="word_{self._pages}_{number}_{index}" title="bbox {_bounds(word.box)};'
            f' x_wconf {round(100 * min(1.0, max(0.0, word.score)))}">{_xml(word.text)}</span>'
            for index, word in enumerate(line.words, 1)
        )
        return (
            f'<span class="ocr_line" id="{name}" title="bbox {_bounds(line.box)}{_baseline(line)}">{words}</span><br/>'
        )


def _pdf_writer() -> Writer:
    from ppocr.infer.io.pdf import PdfWriter

    return PdfWriter()  # type: ignore[return-value]  # takes pages only


def _markdown_writer() -> Writer:
    from ppocr.infer.io.markdown import MarkdownWriter  # it finds out what lines make up: 5 ms that others spare

    return MarkdownWriter()  # type: ignore[return-value]  # takes pages only


_WRITERS: dict[str, Callable[[], Writer]] = {
    "text": TextWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "tsv": TsvWriter,
    "hocr": HocrWriter,
    "markdown": _markdown_writer,
    "pdf": _pdf_writer,
}
FORMATS = tuple(_WRITERS)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _json(result: Result, detail: Mapping[str, bool]) -> bytes:
    record = result.to_dict(**detail) if isinstance(result, OCRResult) else result.to_dict()
    # `backslashreplace` writes a lone surrogate (a byte of a file name that is not UTF-8) as \udcXX, which is JSON.
    return _encode(json.dumps(record, ensure_ascii=False))


def _cell(value: object) -> str:
    return re.sub(r"[\t\r\n\f\v\x85\u2028\u2029]", " ", str(value))


def _numbers(line: TextLine) -> list[str]:
    return [f"{value:.1f}" for point in line.box for value in point]


def _xml(text: str) -> str:
    """Escaped, without the characters that XML forbids."""
    from html import escape  # its table of entities takes as long to load as a small model's graph

    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


def _bounds(box: tuple[Point, ...]) -> str:
    xs, ys = zip(*((_finite(x), _finite(y)) for x, y in box))
    return " ".join(str(max(0, number)) for number in map(round, (min(xs), min(ys), max(xs), max(ys))))


def _finite(value: float) -> float:
    return min(max(value, -1e9), 1e9) if value == value else 0.0  # no number is equal to itself but NaN


def _baseline(line: TextLine) -> str:
    """`; baseline SLOPE OFFSET`, relative to the bottom left corner of the bounds; nothing for steep lines."""
    (left, left_y), (right, right_y) = line.box[3], line.box[2]
    if not all(math.isfinite(value) for point in line.box for value in point):
        return ""
    if right - left <= abs(right_y - left_y):
        angle = math.degrees(math.atan2(left_y - right_y, right - left))
        return f"; textangle {angle:.1f}"
    slope = (right_y - left_y) / (right - left)
    bounds_left, bounds_bottom = min(x for x, _ in line.box), max(y for _, y in line.box)
    offset = left_y + slope * (bounds_left - left) - bounds_bottom
    return f"; baseline {slope:.3f} {offset:.0f}"
