"""Where pages come from: paths, folders, globs, standard input, memory, PDF."""

import io
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from fpdf import FPDF
from PIL import Image

from ppocr.errors import InputError
from ppocr.infer.io import pdf_pages, sources
from ppocr.infer.io.sources import ReadOptions, expand, read_all, read_pages


def png(size=(30, 20), colour=(1, 2, 3)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def pdf(pages=1, size=(200, 100), encrypted=False) -> bytes:
    document = FPDF(unit="pt", format=size)
    if encrypted:
        document.set_encryption(owner_password="owner", user_password="secret")
    for number in range(pages):
        document.add_page()
        document.set_fill_color(255, 0, 0)
        document.rect(0, 0, 10 * (number + 1), size[1], style="F")
    return bytes(document.output())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ["p10.png", "p2.PNG", "p1.jpg", "notes.txt", "票据 ü.png", ".hidden.png", "sub/p3.tif", ".git/x.png"]:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(png())
    return tmp_path


def test_expand_a_folder_in_natural_order(folder):
    names = [os.path.relpath(path, folder) for path in expand([str(folder)])]
    assert names == ["p1.jpg", "p2.PNG", "p10.png", os.path.join("sub", "p3.tif"), "票据 ü.png"]


def test_expand_globs(folder):
    assert expand(["p*.png"]) == ["p10.png"]
    assert expand(["*.p?g", "*.PNG"]) == ["p10.png", "票据 ü.png", "p2.PNG"]
    assert expand(["**/*.tif"]) == [os.path.join("sub", "p3.tif")]
    assert expand(["s*"]) == [os.path.join("sub", "p3.tif")]  # a folder that a pattern matches


def test_expand_keeps_what_it_cannot_find(folder):
    kept = ["-", "gone.png", "x*.nothing", "https://example.org/a?.png", "p1.jpg", "p1.jpg"]
    assert expand(kept) == kept


def test_a_name_with_pattern_characters_is_a_file(folder):
    Path("a[1].png").write_bytes(png())
    assert expand(["a[1].png"]) == ["a[1].png"]


def test_an_empty_folder_is_told(tmp_path):
    (error,) = read_all(expand([str(tmp_path)]))
    assert isinstance(error, InputError) and "no pictures" in error.reason


@pytest.mark.parametrize("url", ["http://example.org/a.png", "https://example.org/a.pdf", "ftp://x/y", "file:///etc/x"])
def test_urls_are_refused_without_network(url, monkeypatch):
    import socket

    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("the network was touched"))
    with pytest.raises(InputError, match="only local files"):
        list(read_pages(url))


def test_read_all_goes_on_after_errors(folder):
    Path("bad.png").write_bytes(b"nothing")
    pages = list(read_all(["gone.png", "p1.jpg", "bad.png", "票据 ü.png", str(folder / "sub"), "p1.jpg\0"]))
    assert [type(page).__name__ for page in pages] == [
        "InputError",
        "Page",
        "InputError",
        "Page",
        "InputError",
        "InputError",
    ]
    assert pages[0].reason == "no such file" and pages[0].source == "gone.png"
    assert (pages[3].source, pages[3].index, pages[3].image.shape) == ("票据 ü.png", 0, (20, 30, 3))


def test_read_pages_raises(folder):
    with pytest.raises(InputError, match=re.escape("gone.png: no such file")):
        list(read_pages(Path("gone.png")))


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions and devices")
def test_unreadable_files_and_devices(folder):
    if os.geteuid() != 0:  # root reads everything
        Path("p1.jpg").chmod(0)
        assert "denied" in next(read_all(["p1.jpg"])).reason
    assert next(read_all(["/dev/zero"])).reason == "not a file"


def test_memory_sources():
    assert next(read_pages(png())).source == ""
    (page,) = read_pages(np.zeros((5, 6, 3), np.uint8))
    assert (page.source, page.index, page.image.shape) == ("", 0, (5, 6, 3))
    with pytest.raises(InputError, match="<bytes>: the file is empty"):
        list(read_pages(b""))


@pytest.mark.parametrize(
    "array, first",
    [
        (np.full((4, 5), 7, np.uint8), [7, 7, 7]),
        (np.full((4, 5, 1), 7, np.uint8), [7, 7, 7]),
        (np.full((4, 5, 3), (1, 2, 3), np.uint8), [1, 2, 3]),
        (np.full((4, 5, 4), (1, 2, 3, 255), np.uint8), [1, 2, 3]),
        (np.full((4, 5), 65535, np.uint16), [255, 255, 255]),
        (np.full((4, 5, 3), (0.0, 0.5, 1.0), np.float32), [0, 128, 255]),
        (np.full((8, 5, 3), (1, 2, 3), np.uint8)[::2, ::-1], [1, 2, 3]),
    ],
)
def test_arrays_of_every_kind(array, first):
    (page,) = read_pages(array)
    assert page.image.shape == (4, 5, 3) and page.image.dtype == np.uint8 and page.image.flags.c_contiguous
    assert page.image[0, 0].tolist() == first


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 2), np.uint8), np.zeros((5, 5), np.int64), np.zeros(5, np.uint8),
        np.zeros((1, 2, 3, 4), np.uint8),
    ],
)  # fmt: skip
def test_other_arrays_are_told(array):
    with pytest.raises(InputError, match="<array>: expected"):
        list(read_pages(array))


def test_other_types_are_a_programming_error():
    with pytest.raises(TypeError, match="came int"):
        list(read_pages(7))


def test_standard_input():
    script = (
        "from ppocr.infer.io.sources import read_all\n"
        "print([(p.source, p.index, p.image.shape) for p in read_all(['-'])])"
    )
    done = subprocess.run([sys.executable, "-c", script], input=pdf(2), capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[('-', 0, (200, 400, 3)), ('-', 1, (200, 400, 3))]"


def test_pdf_pages(tmp_path):
    path = tmp_path / "文 档.pdf"
    path.write_bytes(pdf(3))
    pages = list(read_pages(path))
    assert [(page.source, page.index, page.image.shape, page.dpi) for page in pages] == [
        (str(path), index, (200, 400, 3), 144.0) for index in range(3)
    ]
    assert [int((page.image[100, :, 1] < 128).sum()) for page in pages] == [20, 40, 60]
    assert pages[0].image[100, 5].tolist() == [0, 0, 255]  # red, in BGR


def test_pdf_resolution_and_limit(monkeypatch):
    assert next(read_pages(pdf(), dpi=72)).image.shape == (100, 200, 3)
    monkeypatch.setattr(sources, "MAX_PDF_PIXELS", 20_000)
    page = next(read_pages(pdf(), dpi=1440))
    assert page.image.shape[0] * page.image.shape[1] <= 21_000
    assert page.dpi == pytest.approx(72, rel=0.05)


def test_pdf_pages_are_rendered_lazily(monkeypatch):
    read = []
    one_page = pdf_pages._Renderer.page
    monkeypatch.setattr(pdf_pages._Renderer, "page", lambda self, *args: read.append(1) or one_page(self, *args))
    pages = read_pages(pdf(50))
    next(pages)
    assert len(read) == 1
    pages.close()  # and the process that had pages ahead is gone
    assert all(renderer.is_alive for renderer in pdf_pages._idle)


def test_pdf_rotation_is_applied():
    document = pypdfium2.PdfDocument(pdf())
    document[0].set_rotation(90)
    buffer = io.BytesIO()
    document.save(buffer)
    assert next(read_pages(buffer.getvalue())).image.shape == (400, 200, 3)


def test_encrypted_damaged_and_empty_pdf(tmp_path):
    (error,) = read_all([pdf(encrypted=True)])
    assert error.reason == "the PDF is encrypted"
    (error,) = read_all([b"%PDF-1.7 and then nothing"])
    assert error.reason == "the PDF is damaged"
    assert next(read_all([pdf()[:300]])).reason.startswith("the PDF")


def test_a_failing_pdf_page_does_not_stop_the_others():
    broken = pdf(3).replace(b"\n5 0 R\n", b"\n0 0 R\n")  # the second page is nothing
    pages = list(read_all([broken]))
    assert [getattr(page, "index", None) for page in pages] == [0, None, 2]
    assert pages[1].reason == "page 2 of the PDF cannot be rendered"


def test_pdf_in_many_threads():
    data, counts = pdf(8), []

    def work():
        counts.append([int((page.image[100, :, 1] < 128).sum()) for page in read_pages(data)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [[20 * (index + 1) for index in range(8)]] * 8


def test_a_damaged_document_does_not_cost_the_process(monkeypatch):
    started = []
    monkeypatch.setattr(pdf_pages, "_idle", [])
    begin = pdf_pages._Renderer.__init__
    monkeypatch.setattr(pdf_pages._Renderer, "__init__", lambda self: started.append(self) or begin(self))
    pages = list(read_all([b"%PDF-1.7\n", pdf(1), b"%PDF-1.7\nxref", pdf(2)], ReadOptions()))
    assert [isinstance(page, InputError) for page in pages] == [True, False, True, False, False]
    assert len(started) == 1
    pdf_pages._close_all()
