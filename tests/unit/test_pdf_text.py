"""The text that PDF pages hold: lines, their places, and when it is taken."""

import io
import json

import numpy as np
import pytest
from fpdf import FPDF
from PIL import Image

from ppocr.infer.io.sources import Page, ReadOptions, read_all, read_pages
from ppocr.infer.options import OCROptions
from ppocr.infer.orientation import layer_result
from ppocr.infer.results import OCRResult, TextLine

DPI = 144  # two pixels a point


def document(*texts, angle=0, picture=False):
    """A page of 400 × 300 points with texts (x, y of the baseline, text) of 12 points."""
    pdf = FPDF(unit="pt")
    pdf.add_page(format=(400, 300))
    if picture:
        pdf.image(Image.new("RGB", (400, 300), (200, 200, 200)), 0, 0, 400, 300)
    pdf.set_font("helvetica", size=12)
    with pdf.rotation(angle, 200, 150):
        for x, y, text in texts:
            pdf.text(x, y, text)
    return bytes(pdf.output())


def layer(data, mode="auto"):
    (page,) = read_pages(data, pdf_text=mode)
    return page.layer


def test_lines_with_their_boxes_and_words():
    (line,) = layer(document((50, 100, "Grün & wide, 2024")))
    assert line.text == "Grün & wide, 2024" and line.score == 1.0
    (left, top), (right, _), (_, bottom), _ = line.box
    assert left == pytest.approx(100, abs=3) and 110 < right - left < 260
    assert top < 200 < bottom and bottom - top < 40
    assert [word.text for word in line.words] == ["Grün", "&", "wide,", "2024"]
    ends = [(word.box[0][0], word.box[1][0]) for word in line.words]
    assert all(left < right for left, right in ends) and ends == sorted(ends)


def test_cells_far_apart_are_lines_of_their_own_as_the_detector_has_them():
    lines = layer(document((50, 100, "Tea"), (300, 100, "2.40"), (50, 130, "Coffee"), (300, 130, "3.10")))
    assert sorted(line.text for line in lines) == ["2.40", "3.10", "Coffee", "Tea"]


@pytest.mark.parametrize(("mode", "taken"), [("auto", True), ("force", True), ("skip", False)])
def test_a_page_of_text(mode, taken):
    (page,) = read_pages(document((50, 100, "plain text")), pdf_text=mode)
    assert (page.layer is not None) == taken and page.characters == 9


@pytest.mark.parametrize(("mode", "taken"), [("auto", False), ("force", True), ("skip", False)])
def test_a_stamp_on_a_scan_does_not_stand_for_the_page(mode, taken):
    assert (layer(document((50, 20, "Scanned by the office"), picture=True), mode) is not None) == taken
    full = [(20, 20 * n, "a line of text that somebody has read before") for n in range(1, 10)]
    assert (layer(document(*full, picture=True), mode) is not None) == (mode != "skip")


def test_characters_that_stand_for_nothing_make_a_page_be_read():
    data = document((50, 100, "plain text"))
    pikepdf = pytest.importorskip("pikepdf")
    with pikepdf.open(io.BytesIO(data)) as changed:
        font = next(iter(changed.pages[0].Resources.Font.values()))
        table = b"1 beginbfrange <20> <7e> <e000> endbfrange"  # to the private area, as fonts of icons do
        font.ToUnicode = changed.make_stream(
            b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange "
            + table + b" endcmap end"
        )  # fmt: skip
        changed.save(out := io.BytesIO())
    assert layer(out.getvalue()) is None


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_page_that_lies_turned_comes_in_the_order_of_the_upright_page(angle):
    texts = [(60, 100 + 20 * n, f"line number {n} of the page") for n in range(4)]
    (page,) = read_pages(document(*texts, angle=-angle), pdf_text="auto")  # fpdf turns anticlockwise
    result = layer_result(page, OCROptions())
    assert [line.text for line in result.lines] == [text for _, _, text in texts]
    assert (result.angle, result.is_layer) == (angle, True)
    height, width = page.image.shape[:2]
    assert all(0 <= x <= width and 0 <= y <= height for line in result.lines for x, y in line.box)
    upright = layer_result(page, OCROptions(upright=True))
    assert [line.text for line in upright.lines] == [text for _, _, text in texts]
    assert (upright.width, upright.height) == ((width, height) if angle % 180 == 0 else (height, width))
    assert all(line.box[0][0] < line.box[1][0] and line.box[0][1] < line.box[3][1] for line in upright.lines)


def test_results_say_that_they_were_not_read():
    page = Page("a.pdf", 0, np.zeros((10, 10, 3), np.uint8), 144, 1, (TextLine("a", 1.0, ((0, 0),) * 4),))
    record = layer_result(page, OCROptions()).to_dict()
    assert record["is_layer"] is True and OCRResult.from_dict(json.loads(json.dumps(record))).is_layer


def test_a_page_without_text_and_a_broken_one_are_read():
    assert layer(document(), "force") is None
    assert [
        page.layer
        for page in read_all([document((50, 50, "x"))[:600]], ReadOptions(pdf_text="auto"))
        if isinstance(page, Page)
    ] in ([], [None])
