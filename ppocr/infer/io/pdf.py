"""A searchable PDF: each page's picture with its text, invisible, on top.

Written object by object, so that a thousand pages need the memory of one. The text uses an embedded font whose glyphs
show nothing; what a character is (for searching and copying) and how wide it is stand in the font's tables, which hold
exactly the characters used and are written last. (PDF 1.7, ISO 32000-1: sections 9.3.6, 9.7.4, 9.10.3.)
"""

from __future__ import annotations

import base64
import math
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from typing import Iterable, Optional

import cv2
import numpy as np

from ppocr.infer.results import OCRResult, TextLine
from ppocr.infer.words import Span

UNKNOWN_DPI = 144.0  # of pictures that do not say: PDF pages are rendered at the same by default
JPEG_QUALITY = 85
_MAX_JPEG_SIDE = 65_500  # pixels a side
_PAGE_LIMITS = (3.0, 14_400.0)  # points a side
_MIN_STEP = 20  # thousandths of the font size: smaller steps are not written
_DESCENT = 0.2  # of the box's height lies below the baseline

# A deflated TrueType font (made with fontTools' FontBuilder; 1000 units per em, ascent 800, descent -200) of three
# glyphs: nothing, and a diagonal 500 and 1000 units wide. A closed line has no inside to paint, but it has an extent,
# by which readers mark what is selected.
_EMPTY_FONT = (
    "eNqVUT1Lw1AUPS8vqbUWhVJF0CFDEQfxC5QiBZeim4r+gBpqbYbEBluh3TqKk4M/w9nZMUt/gS6CQyenOMfzXlKtBQdvuO+dc97XuTcQAHLo"
    "Q8I+PtvYrr5U7wCxSvW87jsB8jggfyBfa3q9y0FlsEceKu42nIsVzygTPzJ3XQpTOVkifmeWXL/TtV6JIG455L1W3cEMFsifybO+0w1gwSTP"
    "kttXjt8wl5bVexF5J2i1O/TFMFy1DuWVWTjZsWpzlU9IOVSrb0+1/s8cl+VQ2qQSBpLgGWnH9Jns5yjwO6RW1IlkxcBkSOND3NPtv2OfkV6R"
    "eLARTmyxU5vRyKF+X1VeTJ0V2aVFrWtncaxzVIXqqVCVi0jqLs0LEYXqKvHdD63KYZg8kMGRutmcpl5I6ic2MEuWYDmmm2PY4lk7xRmtH8JD"
    "DwFczg20+Z1ybuKG3ME1trCOzeQ//h1fRF5KjQ=="
)

_CATALOG, _PAGES, _FONT, _CID_FONT, _DESCRIPTOR, _FONT_FILE, _TO_UNICODE, _GLYPHS, _INFO = range(1, 10)


@dataclass(frozen=True)
class Picture:
    """What a page looks like.

    Attributes:
        jpeg: the encoded picture.
        width, height: of the encoded picture, pixels.
        dpi: pixels per inch, 0 if unknown.
        is_document: the page is one of a PDF document.
        has_text: that page holds text.
    """

    jpeg: bytes
    width: int
    height: int
    dpi: float = 0.0
    is_document: bool = False
    has_text: bool = False


def encode_picture(image: np.ndarray, *, dpi: float = 0.0) -> Picture:
    """Compress a page, uint8[H, W, 3] BGR; sides beyond what JPEG can hold are scaled down."""
    longest = max(image.shape[:2])
    if longest > _MAX_JPEG_SIDE:
        scale = _MAX_JPEG_SIDE / longest
        size = (max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale)))
        image, dpi = cv2.resize(image, size, interpolation=cv2.INTER_AREA), dpi * scale
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return Picture(data.tobytes(), image.shape[1], image.shape[0], dpi)


class PdfWriter:
    """Gives the file piece by piece: `begin()`, then one `page()` each, then `end()`."""

    def __init__(self) -> None:
        self._offsets: dict[int, int] = {}
        self._position = 0
        self._pages: list[int] = []
        self._next = _INFO + 1
        self._codes: dict[str, int] = {}  # character → code, from 1 on in the order of appearance

    def begin(self) -> bytes:
        return self._count(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")  # four bytes above 127 mark a binary file

    def page(self, result: OCRResult, picture: Optional[Picture]) -> bytes:
        """One page; without a picture, the text alone."""
        dpi = (picture.dpi if picture else 0.0) or UNKNOWN_DPI
        shrink = picture.width / max(result.width, 1) if picture else 1.0
        longest = max(result.width, result.height, 1)  # results of other engines may not say
        scale = min(72.0 / dpi * shrink, _PAGE_LIMITS[1] / longest)  # points per pixel
        width, height = (max(side * scale, _PAGE_LIMITS[0]) for side in (result.width, result.height))
        texts = [b"BT 3 Tr", *(self._show(line, scale, height) for line in result.lines if line.text), b"ET"]

        number, picture_number, show_number, text_number = range(self._next, self._next + 4)
        self._next += 4
        self._pages.append(number)
        pictures = f"/XObject << /P {picture_number} 0 R >>" if picture else ""
        # Two streams: `graft` takes the text and leaves the picture.
        contents = f"[{show_number} 0 R {text_number} 0 R]" if picture else f"{text_number} 0 R"
        out = self._object(
            number,
            f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox [0 0 {width:.3f} {height:.3f}]"
            f" /Contents {contents}"
            f" /Resources << /Font << /F {_FONT} 0 R >> {pictures} >> >>",
        )
        if picture:
            out += self._stream(
                picture_number,
                picture.jpeg,
                f"/Type /XObject /Subtype /Image /Width {picture.width} /Height {picture.height} /ColorSpace /DeviceRGB"
                " /BitsPerComponent 8 /Filter /DCTDecode",
            )
            out += self._deflated(show_number, f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /P Do Q".encode())
        return out + self._deflated(text_number, b"\n".join(texts))

    def end(self) -> bytes:
        """Fonts, page tree and the table of offsets."""
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        out = self._fonts()
        out += self._object(_PAGES, f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>")
        out += self._object(_CATALOG, f"<< /Type /Catalog /Pages {_PAGES} 0 R >>")
        out += self._object(_INFO, "<< /Producer (ppocr) >>")
        start = self._position
        table = [f"xref\n0 {self._next}\n0000000000 65535 f \n".encode()]
        for number in range(1, self._next):
            offset = self._offsets.get(number)
            entry = "0000000000 00000 f " if offset is None else f"{offset:010d} 00000 n "
            table.append(entry.encode() + b"\n")
        trailer = (
            f"trailer\n<< /Size {self._next} /Root {_CATALOG} 0 R /Info {_INFO} 0 R >>\nstartxref\n{start}\n%%EOF\n"
        )
        return out + b"".join(table) + trailer.encode()

    def _show(self, line: TextLine, scale: float, page_height: float) -> bytes:
        """The operators that place one line: its baseline along the box, stretched to the box's length.

        It is one string, since readers may put strings in another order; each word is moved to where it begins.
        """
        corners = np.array([(x * scale, page_height - y * scale) for x, y in line.box])
        top_left, top_right, bottom_right, bottom_left = corners
        along = (top_right + bottom_right - top_left - bottom_left) / 2
        upward = (top_left + top_right - bottom_left - bottom_right) / 2
        length, size = max(math.hypot(*along), 0.1), max(math.hypot(*upward), 0.1)
        cos, sin = along / length if length > 0.1 else (1.0, 0.0)
        x, y = bottom_left + _DESCENT * upward
        natural = sum(_width(character) for character in line.text) / 1000 * size
        stretch = length / max(natural, 1e-6)
        matrix = f"{cos * stretch:.5f} {sin * stretch:.5f} {-sin:.5f} {cos:.5f} {x:.2f} {y:.2f}"
        return f"/F {size:.2f} Tf {matrix} Tm [{self._string(line, 1000 * natural / size)}] TJ".encode()

    def _string(self, line: TextLine, length: float) -> str:
        """The codes of a line of this length (thousandths of the font size), with steps to where words begin.

        Within words there are none: readers take them for spaces (294 of 832 words of eight receipts were torn apart).
        """
        parts, position, is_in_word = ["<"], 0.0, False
        for span in line.spans or [Span(line.text, line.score, 0.0, 1.0)]:
            step = round(span.begin * length - position)
            is_first, is_in_word = not is_in_word, not span.text.isspace()
            if abs(step) > _MIN_STEP and is_in_word and is_first:
                parts.append(f">{-step}<")  # the format counts steps backwards
                position += step
            parts += [f"{self._code(character):04X}" for character in span.text]
            position += sum(map(_width, span.text))
        return "".join([*parts, ">"]).replace("<>", "")

    def _code(self, character: str) -> int:
        if len(self._codes) >= 0xFFFE:  # two bytes hold no more; nobody's dictionary comes near
            return self._codes.get(character, 0)
        return self._codes.setdefault(character, len(self._codes) + 1)

    def _fonts(self) -> bytes:
        widths = [_width(character) for character in self._codes]
        glyphs = struct.pack(f">{len(widths) + 1}H", 0, *(width // 500 for width in widths))
        font = zlib.decompress(base64.b64decode(_EMPTY_FONT))
        out = self._object(
            _FONT,
            f"<< /Type /Font /Subtype /Type0 /BaseFont /Glyphless /Encoding /Identity-H"
            f" /DescendantFonts [{_CID_FONT} 0 R] /ToUnicode {_TO_UNICODE} 0 R >>",
        )
        out += self._object(
            _CID_FONT,
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Glyphless /FontDescriptor {_DESCRIPTOR} 0 R /DW 500"
            f" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /CIDToGIDMap {_GLYPHS} 0 R"
            f" /W [1 [{' '.join(map(str, widths))}]] >>",
        )
        out += self._object(
            _DESCRIPTOR,
            f"<< /Type /FontDescriptor /FontName /Glyphless /Flags 4 /FontBBox [0 -200 1000 800] /ItalicAngle 0"
            f" /Ascent 800 /Descent -200 /CapHeight 800 /StemV 80 /FontFile2 {_FONT_FILE} 0 R >>",
        )
        out += self._deflated(_FONT_FILE, font, f"/Length1 {len(font)}")
        out += self._deflated(_GLYPHS, glyphs)
        return out + self._deflated(_TO_UNICODE, _to_unicode(self._codes.items()))

    def _object(self, number: int, body: str) -> bytes:
        self._offsets[number] = self._position
        return self._count(f"{number} 0 obj\n{body}\nendobj\n".encode())

    def _stream(self, number: int, data: bytes, entries: str) -> bytes:
        self._offsets[number] = self._position
        head = f"{number} 0 obj\n<< {entries} /Length {len(data)} >>\nstream\n".encode()
        return self._count(head + data + b"\nendstream\nendobj\n")

    def _deflated(self, number: int, data: bytes, entries: str = "") -> bytes:
        return self._stream(number, zlib.compress(data), f"/Filter /FlateDecode {entries}")

    def _count(self, data: bytes) -> bytes:
        self._position += len(data)
        return data


def _width(character: str) -> int:
    """Thousandths of the font size: East Asian characters are twice as wide, marks sit on the character before."""
    if unicodedata.combining(character):
        return 0
    return 1000 if unicodedata.east_asian_width(character) in "WF" else 500


def _to_unicode(codes: Iterable[tuple[str, int]]) -> bytes:
    """The table from codes to characters, 100 in a section as the format demands."""
    rows = [
        f"<{code:04X}> <{character.encode('utf-16-be', 'surrogatepass').hex().upper()}>" for character, code in codes
    ]
    sections = [rows[begin : begin + 100] for begin in range(0, len(rows), 100)]
    body = "\n".join(f"{len(rows)} beginbfchar\n" + "\n".join(rows) + "\nendbfchar" for rows in sections)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{body}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
