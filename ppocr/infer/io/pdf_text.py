"""The text that a PDF page holds: lines with the places of their characters, and whether it can stand for what is seen.

Runs in the process of `pdf_child`, so it imports nothing but PDFium.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any, List, NamedTuple, Optional, Tuple

MAX_CHARACTERS = 200_000  # of a page; more is no text for readers
MAX_BAD_SHARE = 0.05  # of the characters that stand for nothing
MIN_BESIDE_PICTURE = 100  # characters on a page that is mostly a picture: fewer are a stamp on a scan
PICTURE_SHARE = 0.5  # of the page
MAX_PICTURES = 1000  # that are looked at
SPLIT_GAP = 1.0  # of a character's height: what stands further apart is two lines, as the detector's boxes are
SAME_LINE = 0.5  # of a character's height, across the line
STEP_BACK = 1.5  # of a character's height, along the line
_FINE = 1 << 20  # device units a side, since PDFium gives places in whole ones

_HYPHEN = 0x02  # what PDFium gives for a hyphen at a line's end
_SPACES = frozenset((0x20, 0xA0, 0x3000, *range(0x2000, 0x200C), 0x09))
_BREAKS = frozenset((0x0A, 0x0D))


class Line(NamedTuple):
    """A line of a page.

    Attributes:
        text: without spaces at its ends.
        box: x and y of its corners, clockwise from the text's own top-left; pixels of the rendered page.
        spans: where each character begins and ends, as shares of the line's length.
    """

    text: str
    box: List[float]
    spans: List[Tuple[float, float]]


class _Character(NamedTuple):
    """A character along and across its line, in points."""

    text: str
    begin: float
    end: float
    low: float
    high: float


class _Segment:
    """Characters of one line in one direction (quarters anticlockwise from the right)."""

    def __init__(self, quarter: int):
        self.quarter = quarter
        self.characters: List[_Character] = []

    def takes(self, new: _Character, quarter: int) -> bool:
        if not self.characters:
            return True
        last = self.characters[-1]
        height = max(new.high - new.low, last.high - last.low, 1e-3)
        step = new.begin - last.end
        beside = abs((new.low + new.high) - (last.low + last.high)) / 2 <= SAME_LINE * height
        return quarter == self.quarter and beside and -STEP_BACK * height <= step <= SPLIT_GAP * height


def text_layer(page: Any, width: int, height: int) -> Tuple[int, bool, List[Line]]:
    """What a page holds.

    Args:
        page: a pypdfium2.PdfPage.
        width, height: pixels of the rendered page.

    Returns:
        The number of its characters but spaces, whether they can be taken for what is seen, and its lines.
    """
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    try:
        total = pdfium.FPDFText_CountChars(text_page)
        if not 0 < total <= MAX_CHARACTERS:
            return max(0, total), False, []
        segments, count, bad = _segments(text_page, total)
    finally:
        text_page.close()
    is_usable = count > 0 and bad <= MAX_BAD_SHARE * count
    if is_usable and count < MIN_BESIDE_PICTURE:
        is_usable = not _is_mostly_picture(page)
    to_pixels = _to_pixels(page, width, height)
    lines = [_line(segment, to_pixels) for segment in segments if segment.characters]
    return count, is_usable, [line for line in lines if line is not None]


def _segments(text_page: Any, total: int) -> Tuple[List[_Segment], int, int]:
    """The lines in the order of the file, the number of characters, and of those that stand for nothing."""
    import pypdfium2.raw as pdfium

    segments, count, bad, box, lead = [_Segment(0)], 0, 0, pdfium.FS_RECTF(), 0
    is_apart = False  # a space stands before the next character
    for index in range(total):
        code = pdfium.FPDFText_GetUnicode(text_page, index)
        if code in _BREAKS:
            segments.append(_Segment(0))
            is_apart = False
            continue
        if code in _SPACES:
            is_apart = True
            continue
        if 0xD800 <= code < 0xDC00:  # a character beyond 16 bits comes in halves
            lead = code
            continue
        if 0xDC00 <= code < 0xE000 and lead:
            code = 0x10000 + ((lead - 0xD800) << 10) + (code - 0xDC00)
        lead = 0
        count += 1
        if not _is_good(code):
            bad += 1
            continue
        if not pdfium.FPDFText_GetLooseCharBox(text_page, index, box):
            continue
        clockwise = pdfium.FPDFText_GetCharAngle(text_page, index)
        quarter = -round(clockwise / (math.pi / 2)) % 4
        text = "-" if code == _HYPHEN else chr(code)
        new = _along(text, quarter, (box.left, box.bottom, box.right, box.top))
        if not segments[-1].takes(new, quarter):
            segments.append(_Segment(quarter))
        segment = segments[-1]
        segment.quarter = quarter
        if is_apart and segment.characters:
            last = segment.characters[-1]
            segment.characters.append(_Character(" ", last.end, max(last.end, new.begin), new.low, new.high))
        is_apart = False
        segment.characters.append(new)
    return segments, count, bad


def _is_good(code: int) -> bool:
    if code == _HYPHEN:
        return True
    is_control = code < 0x20 or 0x7F <= code < 0xA0
    return not (is_control or 0xD800 <= code < 0xF900 or code in (0xFFFD, 0xFFFE, 0xFFFF) or code > 0x10FFFF)


def _along(text: str, quarter: int, box: Tuple[float, float, float, float]) -> _Character:
    left, bottom, right, top = box
    begin, end, low, high = (
        (left, right, bottom, top),
        (bottom, top, -right, -left),
        (-right, -left, -top, -bottom),
        (-top, -bottom, left, right),
    )[quarter]
    return _Character(text, begin, end, low, high)


def _line(segment: _Segment, to_pixels: Tuple[float, ...]) -> Optional[Line]:
    characters = segment.characters
    begin, end = min(c.begin for c in characters), max(c.end for c in characters)
    low, high = min(c.low for c in characters), max(c.high for c in characters)
    length = end - begin
    if not (math.isfinite(length) and length > 0 and high > low):
        return None
    a, b, c, d, e, f = to_pixels
    box: List[float] = []
    for along, across in ((begin, high), (end, high), (end, low), (begin, low)):
        x, y = ((along, across), (-across, along), (-along, -across), (across, -along))[segment.quarter]
        box += [round(a * x + c * y + e, 2), round(b * x + d * y + f, 2)]
    spans = [(round((c.begin - begin) / length, 4), round((c.end - begin) / length, 4)) for c in characters]
    return Line("".join(character.text for character in characters), box, spans)


def _to_pixels(page: Any, width: int, height: int) -> Tuple[float, ...]:
    """The matrix from the page's own units to pixels, as in PDF: x' = a x + c y + e, y' = b x + d y + f."""
    import pypdfium2.raw as pdfium

    far = 1000.0
    places = []
    for x, y in ((0.0, 0.0), (far, 0.0), (0.0, far)):
        device_x, device_y = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, _FINE, _FINE, 0, x, y, device_x, device_y)
        places.append((device_x.value * width / _FINE, device_y.value * height / _FINE))
    (e, f), (ax, ay), (cx, cy) = places
    return (ax - e) / far, (ay - f) / far, (cx - e) / far, (cy - f) / far, e, f


def _is_mostly_picture(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    width, height = page.get_size()
    covered, bounds = 0.0, [ctypes.c_float() for _ in range(4)]
    for number in range(min(pdfium.FPDFPage_CountObjects(page), MAX_PICTURES)):
        item = pdfium.FPDFPage_GetObject(page, number)
        if pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_IMAGE:
            continue
        if pdfium.FPDFPageObj_GetBounds(item, *bounds):
            left, bottom, right, top = (bound.value for bound in bounds)
            covered += max(0.0, right - left) * max(0.0, top - bottom)
    return covered >= PICTURE_SHARE * width * height
