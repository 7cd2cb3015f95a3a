"""The searchable PDF keeps original pages: places of the text and the looks of the page, read back by PDFium."""

import io
import json
import subprocess

import numpy as np
import pypdfium2
import pytest
from fpdf import FPDF
from PIL import Image

from ppocr.infer.io import graft
from ppocr.infer.io.graft import OutputPage, output_page, put_in_original_pages
from ppocr.infer.io.graft_child import placement
from ppocr.infer.io.pdf import PdfWriter, Picture, encode_picture
from ppocr.infer.io.sources import read_pages
from ppocr.infer.results import OCRResult, TextLine

pikepdf = pytest.importorskip("pikepdf")


def scan(pages=1, *, rotation=0, crop=None, size=(420, 300)) -> bytes:
    """A PDF of pictures, without text."""
    rng = np.random.default_rng(0)
    pictures = [
        Image.fromarray(rng.integers(0, 255, (size[1] // 20, size[0] // 20, 3), np.uint8)) for _ in range(pages)
    ]
    pictures = [picture.resize(size) for picture in pictures]
    data = io.BytesIO()
    pictures[0].save(data, "PDF", save_all=True, append_images=pictures[1:], resolution=72)
    with pikepdf.open(data) as document:
        for page in document.pages:
            page.Rotate = rotation
            if crop:
                page.CropBox = crop
        document.docinfo["/Title"] = "A scan"
        document.save(data := io.BytesIO())
    return data.getvalue()


def searchable(path, sources, lines, *, upright=False, angle=0, layer=False):
    """Write the PDF as `ppocr ocr` does, with the same lines on every page; what stays pictures is returned."""
    writer, pages = PdfWriter(), []
    data = writer.begin()
    for source in sources:
        for page in read_pages(str(source)):
            image = np.ascontiguousarray(np.rot90(page.image, angle // 90)) if upright else page.image
            result = OCRResult(page.source, page.index, image.shape[1], image.shape[0], 0, tuple(lines), angle, layer)
            is_document = str(source).endswith("pdf")
            shown = encode_picture(image, dpi=page.dpi)
            picture = Picture(shown.jpeg, shown.width, shown.height, shown.dpi, is_document, page.characters > 0)
            data += writer.page(result, picture)
            pages.append(output_page(result, picture, upright=upright))
    path.write_bytes(data + writer.end())
    return put_in_original_pages(path, pages)


def line(text, x, y, width=120, height=20):
    return TextLine(text, 0.9, ((x, y), (x + width, y), (x + width, y + height), (x, y + height)))


LINES = [line("Hello World", 40, 50), line("upper right", 300, 10, 100), line("中文", 100, 200, 40)]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, [30, 20, 400, 270]])
def test_the_text_lies_where_it_was_read_and_the_page_looks_as_before(tmp_path, rotation, crop):
    source, target = tmp_path / "a.pdf", tmp_path / "out.pdf"
    source.write_bytes(scan(rotation=rotation, crop=crop))
    assert searchable(target, [source], LINES) == []
    (before,), (after,) = read_pages(str(source)), read_pages(str(target), pdf_text="force")
    assert np.array_equal(before.image, after.image)
    assert sorted(found.text for found in after.layer) == sorted(expected.text for expected in LINES)
    for expected in LINES:
        (found,) = [found for found in after.layer if found.text == expected.text]
        assert np.abs(np.array(found.box) - np.array(expected.box)).max() < 3, expected.text
    with pikepdf.open(target) as document:
        assert document.docinfo["/Title"] == "A scan"  # it is the document, not a copy of its pages


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_pages_are_set_upright_if_that_is_asked_for(tmp_path, angle):
    source, target = tmp_path / "a.pdf", tmp_path / "out.pdf"
    source.write_bytes(scan())
    assert searchable(target, [source], LINES[:1], upright=True, angle=angle) == []
    (before,), (after,) = read_pages(str(source)), read_pages(str(target), pdf_text="force")
    assert np.array_equal(np.rot90(before.image, angle // 90), after.image)
    assert np.abs(np.array(after.layer[0].box) - np.array(LINES[0].box)).max() < 3


def test_pictures_and_documents_together(tmp_path):
    first, second, picture = tmp_path / "a.pdf", tmp_path / "b.pdf", tmp_path / "c.png"
    first.write_bytes(scan(2))
    second.write_bytes(scan(1, rotation=90))
    Image.new("RGB", (200, 100), "white").save(picture)
    target = tmp_path / "out.pdf"
    assert searchable(target, [first, picture, second], LINES[:1]) == []
    with pikepdf.open(target) as document:
        images = [page.images for page in document.pages]
        assert [len(found) for found in images] == [1, 1, 1, 1]
        sizes = [(int(image.Width), int(image.Height)) for found in images for image in found.values()]
    assert sizes == [(420, 300), (420, 300), (200, 100), (420, 300)]  # of the scans, not of their renderings
    assert [page.layer[0].text for page in read_pages(str(target), pdf_text="force")] == ["Hello World"] * 4


def test_text_that_was_taken_from_the_page_is_not_written_again_and_unused_text_leaves_a_picture(tmp_path):
    document = FPDF()
    document.add_page(format=(100, 50))
    document.set_font("helvetica", size=12)
    document.text(10, 20, "as it was")
    source, target = tmp_path / "a.pdf", tmp_path / "out.pdf"
    source.write_bytes(bytes(document.output()))
    (page,) = read_pages(str(source), pdf_text="auto")
    assert searchable(target, [source], page.layer, layer=True) == []
    assert [found.text for found in next(read_pages(str(target), pdf_text="force")).layer] == ["as it was"]
    assert searchable(target, [source], [line("read", 50, 50)]) == []
    assert [found.text for found in next(read_pages(str(target), pdf_text="force")).layer] == ["read"]


def test_what_cannot_be_kept_stays_a_picture_and_is_told(tmp_path):
    good, bad, target = tmp_path / "good.pdf", tmp_path / "bad.pdf", tmp_path / "out.pdf"
    good.write_bytes(scan())
    bad.write_bytes(scan())
    writer = PdfWriter()
    data = writer.begin()
    for path in (good, bad):
        image = next(read_pages(str(path))).image
        data += writer.page(
            OCRResult(str(path), 0, image.shape[1], image.shape[0], 0, ()), encode_picture(image, dpi=144)
        )
    target.write_bytes(data + writer.end())
    bad.write_bytes(b"%PDF-1.7 no more")
    ((source, why),) = put_in_original_pages(target, [OutputPage(str(path), 0, True) for path in (good, bad)])
    assert source == str(bad) and why
    assert len(pypdfium2.PdfDocument(target)) == 2
    with pikepdf.open(target) as document:
        widths = [int(image.Width) for page in document.pages for image in page.images.values()]
    assert widths == [420, 840]


@pytest.mark.parametrize("how", ["missing", "dies", "slow"])
def test_the_pdf_of_pictures_remains_if_the_process_fails(tmp_path, monkeypatch, how):
    source, target = tmp_path / "a.pdf", tmp_path / "out.pdf"
    source.write_bytes(scan())

    def run(plan):
        if how == "slow":
            raise subprocess.TimeoutExpired("graft", 1)
        return subprocess.CompletedProcess([], -11, b"", b"")

    if how == "missing":
        monkeypatch.setattr(graft, "is_available", lambda: False)
    else:
        monkeypatch.setattr(graft, "_run", run)
    ((where, why),) = searchable(target, [source], LINES)
    assert where == "" and {"missing": "pip install", "dies": "signal 11", "slow": "longer"}[how] in why
    assert [page.characters for page in read_pages(str(target))] == [22]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "out.pdf"]


def test_memory_of_the_process_is_limited(tmp_path):
    source, target = tmp_path / "a.pdf", tmp_path / "out.pdf"
    source.write_bytes(scan())
    searchable(target, [source], [])
    plan = graft.Plan(str(target), str(tmp_path / "b.pdf"), [OutputPage(str(source), 0, True)], 30_000_000, 60)
    done = graft._run(plan)
    assert done.returncode != 0 and not (tmp_path / "b.pdf").exists()


def test_placement_maps_the_corners_of_what_is_shown():
    visible = (10, 20, 110, 220)  # 100 × 200 units
    for rotation, lower_left in ((0, (10, 20)), (90, (110, 20)), (180, (110, 220)), (270, (10, 220))):
        width, height = (50, 100) if rotation % 180 == 0 else (100, 50)
        a, b, c, d, e, f = placement(visible, rotation, width, height)
        assert (e, f) == lower_left
        corner = a * width + c * height + e, b * width + d * height + f
        assert corner == (120 - lower_left[0], 240 - lower_left[1])


def test_the_answer_of_the_process_is_json(tmp_path):
    source, target = tmp_path / "a.pdf", tmp_path / "out.pdf"
    source.write_bytes(scan())
    searchable(target, [source], [])
    plan = graft.Plan(str(target), str(tmp_path / "b.pdf"), [OutputPage(str(source), 0)], 2_000_000_000, 60)
    assert json.loads(graft._run(plan).stdout) == {"problems": {}}
