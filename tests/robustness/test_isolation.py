"""One page never stops another: a bad page between two good ones, for every way to be bad, with one and two workers."""

from __future__ import annotations

import itertools
import json
import logging

import cv2
import numpy as np
import pytest
from bombs import gif, pdf

from ppocr.cli.main import main
from ppocr.errors import InputError, ModelError
from ppocr.infer.pipeline import OCR
from ppocr.ops.boxes import crop_quad

BAD = {
    "no picture.png": b"hello",
    "empty.png": b"",
    "cut.png": None,
    "bomb.gif": gif(14_000, 13_600),
    "damaged.pdf": b"%PDF-1.7",
    "none.png": None,
    "folder.png": None,
}


@pytest.fixture(scope="module")
def text_page():
    page = np.full((64, 320, 3), 255, np.uint8)
    cv2.putText(page, "TOTAL 42", (10, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (0, 0, 0), 3)
    return page


@pytest.fixture(scope="module")
def ocr():
    return OCR(det="slim", cls="slim", rec="slim", threads=1)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_bad_files_between_good_ones(workers, text_page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("good.png", text_page)
    for name, data in BAD.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:300])
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "page 2.pdf").write_bytes(pdf(count=2))
    paths = list(itertools.chain.from_iterable((name, "good.png") for name in (*BAD, "page 2.pdf")))
    assert main(["ocr", "--models", "slim", "--format", "jsonl", "--workers", workers, *paths]) == 1
    out, err = capsys.readouterr()
    read = [json.loads(line) for line in out.splitlines()]
    assert [page["file"] for page in read] == ["good.png"] * len(BAD) + ["page 2.pdf", "good.png"]
    assert {"".join(line["text"] for line in page["lines"]) for page in read if page["file"] == "good.png"} == {
        "TOTAL 42"
    }
    assert [line.split(": ")[1] for line in err.splitlines()] == [*BAD, "page 2.pdf"]


@pytest.mark.parametrize("error", [ValueError, MemoryError, cv2.error, RuntimeError, KeyError, OSError, RecursionError])
@pytest.mark.parametrize("where", ["detector", "postprocess", "recognizer"])
def test_an_error_anywhere_is_the_error_of_its_page(error, where, ocr, text_page, monkeypatch, caplog):
    bad = text_page.copy()
    bad[:, -8:] = 7  # the mark by which the page is known

    def failing(original):
        def call(value, *args, **kwargs):
            arrays = value if isinstance(value, list) else [value]
            if any(isinstance(array, np.ndarray) and is_bad(array) for array in arrays):
                raise error("boom")
            return original(value, *args, **kwargs)

        return call

    def is_bad(array):
        return (array[:, -8:] == 7).all()

    def crop(image, box):
        return np.full((8, 40, 3), 7, np.uint8) if is_bad(image) else crop_quad(image, box)

    def second_fails(*args):
        if next(calls) == 1:
            raise error("boom")
        return postprocess(*args)

    calls, postprocess = itertools.count(), ocr.detector.postprocess
    if where == "detector":
        monkeypatch.setattr(ocr.detector, "probability", failing(ocr.detector.probability))
    elif where == "postprocess":
        monkeypatch.setattr(ocr.detector, "postprocess", second_fails)
    else:
        monkeypatch.setattr("ppocr.infer.pipeline.crop_quad", crop)
        monkeypatch.setattr(ocr.recognizer, "read", failing(ocr.recognizer.read))
    from ppocr.infer.io.sources import read_all

    with caplog.at_level(logging.DEBUG, "ppocr"):
        pages = list(ocr.stream(read_all([text_page, bad, text_page])))
    assert [isinstance(page, InputError) for page in pages] == [False, True, False]
    assert f"cannot be read ({error.__name__}: " in pages[1].reason and "boom" in pages[1].reason
    assert "boom" in caplog.text  # with its traceback
    assert {page.text for page in pages[::2]} == {"TOTAL 42"}


def test_models_that_do_not_fit_end_the_run(ocr, text_page, monkeypatch):
    def wrong(*_, **__):
        raise ModelError("another dictionary")

    monkeypatch.setattr(ocr.recognizer, "read", wrong)
    with pytest.raises(ModelError):
        ocr([text_page, text_page])


@pytest.mark.parametrize("command", ["detect", "recognize", "classify"])
def test_the_other_commands_too(command, text_page, tmp_path, monkeypatch, capsys):
    import ppocr.infer.classifier
    import ppocr.infer.detector
    import ppocr.infer.recognizer

    kinds = {
        "detect": ppocr.infer.detector.TextDetector, "recognize": ppocr.infer.recognizer.TextRecognizer,
        "classify": ppocr.infer.classifier.TextClassifier,
    }  # fmt: skip
    kind, method = kinds[command], "read" if command == "recognize" else "__call__"
    original = getattr(kind, method)

    def call(self, value, *args, **kwargs):
        arrays = value if isinstance(value, list) else [value]
        if any(array.shape[1] == 99 for array in arrays):
            raise ZeroDivisionError("boom")
        return original(self, value, *args, **kwargs)

    monkeypatch.setattr(kind, method, call)
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("good.png", text_page)
    cv2.imwrite("bad.png", text_page[:, :99])
    assert main([command, "--models", "slim", "--format", "jsonl", "good.png", "bad.png", "good.png"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["good.png", "good.png"]
    assert err == "ppocr: bad.png: cannot be read (ZeroDivisionError: boom)\n"


def test_a_page_that_cannot_be_written(text_page, tmp_path, monkeypatch, capsys):
    from ppocr.infer.io import writers

    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(name, text_page)
    page = writers.JsonLinesWriter.page

    def failing(self, result, picture=None):
        if result.file == "b.png":
            raise UnicodeError("boom")
        return page(self, result, picture)

    monkeypatch.setattr(writers.JsonLinesWriter, "page", failing)
    assert main(["ocr", "--models", "slim", "--format", "jsonl", "a.png", "b.png", "c.png"]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["a.png", "c.png"]
    assert err == "ppocr: b.png: cannot be written (UnicodeError: boom)\n"


def test_frames_and_pages_are_limited(tmp_path, capsys):
    (tmp_path / "many.gif").write_bytes(gif(8, 8, 9))
    (tmp_path / "many.pdf").write_bytes(pdf(count=9))
    for name, what in (("many.gif", "only the first 3 frames"), ("many.pdf", "has 9 pages; only the first 3")):
        assert main(["detect", "--models", "slim", "--max-pages", "3", str(tmp_path / name)]) == 1
        assert what in capsys.readouterr().err


def test_arrays_of_other_kinds(ocr, text_page):
    grey = cv2.cvtColor(text_page, cv2.COLOR_BGR2GRAY)
    assert ocr(np.matrix(grey))[0].text == ocr(grey)[0].text == "TOTAL 42"
    for array in (np.zeros((0, 5)), np.zeros(3, object), np.zeros((3, 3), "U1"), np.zeros((2, 2, 2, 2)), np.array(1)):
        with pytest.raises(InputError):
            ocr(array)
