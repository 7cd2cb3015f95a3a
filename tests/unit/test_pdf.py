"""The searchable PDF, read back by PDFium: texts, places, pages, pictures."""

import base64
import io
import math
import zlib

import cv2
import numpy as np
import pypdfium2
import pytest
from fontTools.ttLib import TTFont

from ppocr.infer.io import pdf
from ppocr.infer.io.pdf import PdfWriter, encode_picture
from ppocr.infer.results import OCRResult, TextLine
from ppocr.infer.words import Span


def box(x, y, width, height, degrees=0.0):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = ((0, 0), (width, 0), (width, height), (0, height))
    return tuple((x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in corners)


def document(*pages, dpi=0.0):
    """PDF of (picture, lines) pairs, opened."""
    writer = PdfWriter()
    data = writer.begin()
    for number, (image, lines) in enumerate(pages):
        height, width = image.shape[:2]
        result = OCRResult("a", number, width, height, 0.0, tuple(lines))
        data += writer.page(result, encode_picture(image, dpi=dpi))
    return pypdfium2.PdfDocument(data + writer.end())


def text_of(page) -> str:
    return page.get_textpage().get_text_range()


PAPER = np.full((800, 600, 3), 255, np.uint8)
LINES = [
    TextLine("Hello World, 2024", 0.9, box(50, 50, 400, 40)),
    TextLine("中文识别 ABC 日本語 한국어", 0.9, box(50, 120, 400, 40)),
    TextLine("𠮷 ½ é ß <>&()\\ ～", 0.9, box(50, 200, 300, 30)),
    TextLine("slanted", 0.8, box(100, 300, 300, 40, 20)),
    TextLine("竖排文字", 0.8, box(560, 100, 300, 40, 90)),
    TextLine("upside down", 0.8, box(500, 700, 300, 40, 180)),
]


def test_every_text_comes_back():
    assert text_of(document((PAPER, LINES))[0]).split("\r\n") == [line.text for line in LINES]


def test_words_stay_whole_and_begin_where_they_stand():
    begins = [0, 0.03, 0.13, 0.15, 0.3, 0.45, 0.6, 0.66, 0.72, 0.9]  # as uneven as letters are: i, M and gaps
    spans = tuple(Span(letter, 0.9, begin, begin + 0.02) for letter, begin in zip("iMil Coffe", begins))
    line = TextLine("iMil Coffe", 0.9, box(50, 50, 400, 40), spans=spans)
    page = document((PAPER, [line]))[0]
    assert text_of(page) == line.text
    assert page.get_textpage().get_charbox(5)[0] == pytest.approx((50 + 0.45 * 400) / 2, abs=3)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.text[:7])
def test_texts_lie_on_their_boxes(line):
    page = document((PAPER, [line]))[0]
    assert page.get_size() == (300, 400)  # 600 x 800 at 144 DPI
    text = page.get_textpage()
    boxes = np.array([text.get_charbox(index) for index in range(text.count_chars())])
    left, bottom, right, top = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
    xs, ys = np.array(line.box).T
    wanted = np.array([xs.min() / 2, 400 - ys.max() / 2, xs.max() / 2, 400 - ys.min() / 2])
    assert np.abs(np.array([left, bottom, right, top]) - wanted).max() < 3  # points


def test_wide_characters_get_twice_the_width():
    text = document((PAPER, [TextLine("中a", 0.9, box(0, 0, 300, 40))]))[0].get_textpage()
    wide, narrow = (text.get_charbox(index) for index in range(2))
    assert wide[2] - wide[0] == pytest.approx(100, abs=1) and narrow[2] - narrow[0] == pytest.approx(50, abs=1)


def test_search_finds_chinese():
    assert document((PAPER, LINES))[0].get_textpage().search("识别").get_next() == (21, 2)


def test_the_text_cannot_be_seen():
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, PAPER.shape, dtype=np.uint8), (0, 0), 5)
    with_text, without = (document((image, lines))[0].render(scale=2).to_numpy() for lines in (LINES, []))
    assert np.array_equal(with_text, without)
    assert without.shape[:2] == (800, 600)
    assert (
        np.abs(without[..., :3].astype(int) - image).mean() < 3
    )  # the picture itself, right way up and in its colours


def test_many_pages_and_characters():
    characters = [chr(0x4E00 + index) for index in range(3000)]
    pages = [
        (PAPER, [TextLine("".join(characters[n * 100 : n * 100 + 100]), 0.9, box(5, 5, 590, 20))]) for n in range(30)
    ]
    opened = document(*pages)
    assert len(opened) == 30
    assert "".join(text_of(page) for page in opened) == "".join(characters)


def test_a_page_without_text_and_a_document_without_pages():
    assert text_of(document((PAPER, []))[0]) == ""
    with pytest.raises(pypdfium2.PdfiumError):  # readers need a page, but the file is whole
        document()


def test_resolution_gives_the_size():
    assert document((PAPER, []), dpi=72)[0].get_size() == (600, 800)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (40_000, 3), (70_000, 8)])
def test_extreme_sizes_stay_within_the_format(size):
    width, height = size
    page = document((np.full((height, width, 3), 255, np.uint8), [TextLine("x", 1.0, box(0, 0, width, height))]))[0]
    assert all(3 <= side <= 14_400 for side in page.get_size())
    assert text_of(page) == "x"


def test_degenerate_boxes_are_harmless():
    lines = [
        TextLine("point", 1.0, ((5.0, 5.0),) * 4),
        TextLine("line", 1.0, box(50, 50, 100, 0)),
        TextLine("", 1.0, box(0, 0, 9, 9)),
    ]
    assert "line" in text_of(document((PAPER, lines))[0])


def test_the_embedded_font():
    font = TTFont(io.BytesIO(zlib.decompress(base64.b64decode(pdf._EMPTY_FONT))))
    widths = [font["hmtx"][name][0] for name in font.getGlyphOrder()]
    assert widths == [0, 500, 1000] and font["head"].unitsPerEm == 1000
