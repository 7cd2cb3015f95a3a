"""Drawings: texts where the boxes are, in letters that can be read; fonts found or asked for."""

import math

import cv2
import numpy as np
import pytest

from ppocr.errors import PPOCRError
from ppocr.infer.io import draw
from ppocr.infer.io.draw import Painter, find_font, save_picture
from ppocr.infer.results import TextLine

PAPER = np.full((300, 400, 3), 250, np.uint8)


def box(x, y, width, height, degrees=0.0):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = ((0, 0), (width, 0), (width, height), (0, height))
    return tuple((x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in corners)


@pytest.fixture(autouse=True)
def no_named_font(monkeypatch):
    monkeypatch.delenv("PPOCR_FONT", raising=False)


@pytest.fixture
def no_fonts(monkeypatch):
    monkeypatch.setattr(draw, "_font_folders", lambda: iter(()))


def ink(image, x0, y0, x1, y1) -> int:
    return int((image[y0:y1, x0:x1].max(axis=2) < 100).sum())


def test_page_left_and_text_right(no_fonts):
    out = Painter().draw(PAPER, [TextLine("Hello", 0.9, box(50, 100, 200, 40))])
    assert out.shape == (300, 800, 3) and (PAPER == 250).all()
    assert ink(out, 0, 0, 400, 300) == 0  # no black letters on the page itself
    assert ink(out, 450, 100, 650, 140) > 200
    assert ink(out, 400, 0, 800, 95) == ink(out, 400, 145, 800, 300) == 0
    assert (out[100, 50] != 250).any()  # the outline


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, 270])
def test_text_follows_the_box(degrees, no_fonts):
    line = TextLine("HHHHHHHH", 0.9, box(200, 150, 120, 30, degrees))
    out = Painter().draw(PAPER, [line])[:, 400:]
    inside = cv2.fillPoly(np.zeros((300, 400), np.uint8), [np.array(line.box, np.int32)], 1) > 0
    dark = out.max(axis=2) < 100
    assert (dark & inside).sum() > 200 and (dark & ~inside).sum() == 0
    # The text begins at the first corner: its half of the box has ink, even though short text leaves the end empty.
    short = Painter().draw(PAPER, [TextLine("H", 0.9, line.box)])[:, 400:].max(axis=2) < 100
    ys, xs = np.nonzero(short)
    start, end = np.array(line.box[0]), np.array(line.box[1])
    centre = np.array([xs.mean(), ys.mean()])
    assert np.linalg.norm(centre - start) < np.linalg.norm(centre - end)


def test_long_text_is_made_to_fit(no_fonts):
    out = Painter().draw(PAPER, [TextLine("word " * 8, 0.9, box(50, 100, 200, 40))])
    assert ink(out, 655, 0, 800, 300) == 0 and ink(out, 450, 100, 650, 140) > 50


def test_boxes_beyond_the_page_and_degenerate_ones(no_fonts):
    lines = [TextLine("out", 0.9, box(380, 290, 100, 40)), TextLine("far", 0.9, box(900, 900, 50, 20)),
             TextLine("in", 0.9, ((5.0, 5.0),) * 4), TextLine("neg", 0.9, box(-50, -20, 100, 40))]  # fmt: skip
    assert Painter().draw(PAPER, lines).shape == (300, 800, 3)


def test_detection_only_and_polygons(no_fonts):
    polygon = ((50.0, 50.0), (100.0, 30.0), (150.0, 50.0), (100.0, 70.0), (70.0, 66.0))
    out = Painter().draw(PAPER, [TextLine("", 0.9, box(50, 30, 100, 40), polygon)], beside=False)
    assert out.shape == PAPER.shape
    assert (out[30, 100] != 250).any() and (out[30, 50] == 250).all()  # the outline, not the box


def test_huge_pages_are_drawn_smaller(no_fonts):
    out = Painter().draw(np.full((60_000, 40, 3), 255, np.uint8), [TextLine("H", 0.9, box(0, 10_000, 40, 40))])
    assert out.shape == (30_000, 40, 3) and out[5002:5018, 22:38].min() < 150
    out = Painter().draw(np.full((6000, 10_000, 3), 255, np.uint8), [])
    assert abs(out.shape[0] * out.shape[1] / 2 - draw.MAX_PIXELS) < 10_000


def test_chinese_without_a_font_says_what_to_install(no_fonts):
    with pytest.raises(PPOCRError, match="fonts-noto-cjk"):
        Painter().draw(PAPER, [TextLine("中文", 0.9, box(50, 100, 200, 40))])


def test_named_fonts(tmp_path, monkeypatch):
    file = tmp_path / "no font.ttf"
    file.write_bytes(b"nothing")
    for make in (lambda: Painter(str(file)), lambda: Painter(str(tmp_path / "gone.ttf"))):
        with pytest.raises(PPOCRError, match="cannot be used as a font"):
            make()
    monkeypatch.setenv("PPOCR_FONT", str(file))
    with pytest.raises(PPOCRError, match="no font"):
        Painter()


def test_fonts_are_found_by_preference(tmp_path, monkeypatch):
    monkeypatch.setattr(draw, "_font_folders", lambda: iter([tmp_path]))
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "SIMSUN.TTC").write_bytes(b"")
    (tmp_path / "deep" / "er" / "wqy-zenhei.ttc").write_bytes(b"")
    assert find_font(["simsun.ttc"]) == str(tmp_path / "SIMSUN.TTC")
    assert find_font(["wqy-zenhei.ttc", "simsun.ttc"]) == str(tmp_path / "deep" / "er" / "wqy-zenhei.ttc")
    assert find_font(["other.ttf"]) is None


@pytest.mark.skipif(find_font(draw._CJK_FONTS) is None, reason="no font with Chinese characters on this system")
def test_chinese_is_legible():
    painter = Painter()
    shapes = []
    for character in "中国口":  # boxes for missing characters would all look the same
        out = painter.draw(PAPER, [TextLine(character, 0.9, box(50, 100, 60, 60))])
        shapes.append(out[104:156, 454:506].min(axis=2))
    assert not np.array_equal(shapes[0], shapes[1]) and not np.array_equal(shapes[1], shapes[2])


def test_saving_to_any_path(tmp_path):
    path = tmp_path / "图 ü.jpg"
    save_picture(path, PAPER)
    assert cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR).shape == PAPER.shape
    with pytest.raises(PPOCRError, match="cannot be written"):
        save_picture(path / "x.jpg", PAPER)
