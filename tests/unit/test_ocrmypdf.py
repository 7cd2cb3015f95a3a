"""The plugin in a real OCRmyPDF (`make test-ocrmypdf`); skipped where it or its programs are missing."""

import shutil
import subprocess
import sys

import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont

ocrmypdf = pytest.importorskip("ocrmypdf")
pikepdf = pytest.importorskip("pikepdf")
pytestmark = pytest.mark.skipif(not shutil.which("tesseract"), reason="OCRmyPDF does not start without tesseract")

LINES = ["Hello OCR 2024", "a second line of text", "third line"]


def scan(path, turned=0, slant=0.0):
    picture = Image.new("RGB", (1000, 700), "white")
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(LINES):
        draw.text((100, 120 + 150 * number), line, "black", ImageFont.load_default(56))
    picture = picture.rotate(slant, fillcolor="white").rotate(turned, expand=True)
    picture.save(path, resolution=150)
    return path


def run(*arguments):
    command = [sys.executable, "-m", "ocrmypdf", "--plugin", "ppocr.ocrmypdf", "-j", "1", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def words(path):
    """Words of the first page with the places of their first letters, points from the top left."""
    page = pypdfium2.PdfDocument(path)[0]
    text = page.get_textpage()
    whole, found = text.get_text_range(), {}
    for word in whole.split():
        left, _, _, top = text.get_charbox(whole.index(word), loose=True)
        found[word] = (left, page.get_height() - top)
    return whole, found


def test_a_scan_becomes_searchable(tmp_path):
    source, target, side = scan(tmp_path / "a.pdf"), tmp_path / "out.pdf", tmp_path / "side.txt"
    done = run("--sidecar", side, source, target)
    assert done.returncode == 0, done.stderr
    assert [line.strip() for line in side.read_text().split("\n") if line.strip()] == LINES
    text, places = words(target)
    assert text.split() == " ".join(LINES).split()
    for number, word in enumerate(("Hello", "second", "third")):
        assert places[word][1] == pytest.approx((120 + 150 * number) * 72 / 150, abs=12)
    assert places["Hello"][0] == pytest.approx(48, abs=8)
    with pikepdf.open(target) as document:
        assert "ppocr" in str(document.docinfo["/Creator"])


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_page_that_lies_turned_is_set_upright(tmp_path, turned):
    source, target = scan(tmp_path / "a.pdf", turned=turned), tmp_path / "out.pdf"
    done = run("--rotate-pages", source, target)
    assert done.returncode == 0, done.stderr
    text, _ = words(target)
    assert sorted(text.split()) == sorted(
        " ".join(LINES).split()
    )  # PDFium sorts the words of pages that are shown turned
    with pikepdf.open(target) as document:
        assert int(document.pages[0].get("/Rotate", 0)) == turned  # turned anticlockwise, shown clockwise


def test_a_slanted_page_is_straightened(tmp_path):
    from ppocr.ocrmypdf import PPOCREngine

    picture = tmp_path / "a.png"
    scan(picture, slant=-3)  # clockwise
    assert PPOCREngine.get_deskew(picture, None) == pytest.approx(3, abs=0.5)


def test_what_cannot_be_done_is_told_at_once(tmp_path):
    source, target = scan(tmp_path / "a.pdf"), tmp_path / "out.pdf"
    done = run("-l", "rus", source, target)
    assert done.returncode != 0 and "rus" in done.stderr and not target.exists()
    done = run("--ppocr-models", "nonsense", source, target)
    assert done.returncode != 0 and "nonsense" in done.stderr and not target.exists()
    done = run("--pdf-renderer", "sandwich", source, target)
    assert done.returncode != 0 and "sandwich" in done.stderr


def test_languages_are_ours():
    from ppocr.infer.languages import FAMILIES
    from ppocr.ocrmypdf import LANGUAGES

    assert set(LANGUAGES.values()) <= set(FAMILIES)
