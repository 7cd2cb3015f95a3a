"""Output never destroys: inputs are not written over, and a file appears whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.cli.main import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals, links and limits")

# `ppocr ocr` without networks: every page reads as LENGTH times x after DELAY seconds.
FAKE = """
import resource, sys, time
from ppocr.cli import main, readers
from ppocr.infer.results import OCRResult, TextLine
limit = {limit}
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
def reader(options):
    def read(pages):
        for page in pages:
            print("reading", file=sys.stderr, flush=True)
            time.sleep({delay} if page.source.endswith("last.png") else 0)
            corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))
            yield OCRResult(page.source, page.index, 9, 9, 0.0, (TextLine("x" * {length}, 1.0, corners),))
    return read
readers.ocr = reader
sys.exit(main.main(["ocr", *sys.argv[1:]]))
"""
SIGNALS = (signal.SIGINT, signal.SIGKILL)
FORMS = ("jsonl", "pdf")
if "PPOCR_FUZZ" in os.environ:  # `make robustness`
    FORMS = (*FORMS, "text", "json", "tsv", "hocr")


def save(path):
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    cv2.imwrite(str(path), picture)
    return path


def start(*arguments, delay=0, length=10, limit=0):
    code = FAKE.format(delay=delay, length=length, limit=limit)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("how", ["itself", "link", "hard link", "other name", "another of the list", "folder"])
def test_no_picture_is_written_over(how, tmp_path, capsys):
    picture, other = save(tmp_path / "in.png"), save(tmp_path / "other.png")
    before = picture.read_bytes()
    output, paths = picture, [picture]
    if how == "link":
        output = tmp_path / "link.txt"
        output.symlink_to(picture)
    elif how == "hard link":
        output = tmp_path / "link.txt"
        os.link(picture, output)
    elif how == "other name":
        (tmp_path / "a").mkdir()
        output = tmp_path / "a" / ".." / "in.png"
    elif how == "another of the list":
        paths = [other, picture]
    elif how == "folder":
        paths = [tmp_path]
    assert main(["ocr", *map(str, paths), "--output", str(output)]) == 2
    told = capsys.readouterr().err
    assert "is one of the files to read" in told and told.count("\n") == 1
    assert picture.read_bytes() == before and not list(tmp_path.glob("*.part*"))


def test_standard_streams_are_compared_as_well(tmp_path):
    picture = save(tmp_path / "in.png")
    before = picture.read_bytes()
    with open(picture, "rb") as stdin, open(picture, "ab") as stdout:
        from_stdin = [sys.executable, "-m", "ppocr", "ocr", "-", "--output", str(picture)]
        assert subprocess.run(from_stdin, stdin=stdin, stderr=subprocess.DEVNULL, check=False).returncode == 2
        to_stdout = [sys.executable, "-m", "ppocr", "ocr", str(picture)]
        assert subprocess.run(to_stdout, stdout=stdout, stderr=subprocess.DEVNULL, check=False).returncode == 2
    assert picture.read_bytes() == before


@pytest.mark.parametrize("name", ["in.png.jpg", "in.png.p2.jpg"])
def test_no_drawing_is_saved_over_a_picture(name, tmp_path, capsys):
    pictures = [save(tmp_path / "in.png"), save(tmp_path / name)]
    before = pictures[1].read_bytes()
    assert main(["ocr", *map(str, pictures), "--draw", str(tmp_path)]) == 2
    assert "a drawing would be saved as" in capsys.readouterr().err
    assert pictures[1].read_bytes() == before
    assert main(["ocr", str(pictures[0]), "--draw", str(tmp_path), "--output", str(pictures[0]) + ".jpg"]) == 2


def test_crop_words_and_predict_refuse_their_inputs(tmp_path, capsys):
    labels = tmp_path / "train" / "train.txt"
    labels.parent.mkdir()
    labels.write_text("a.png\t[]\n")
    assert main(["crop-words", str(labels), "--output", str(labels.parent)]) == 1
    assert "is one of the files to read" in capsys.readouterr().err and labels.read_text() == "a.png\t[]\n"
    picture = save(tmp_path / "in.png")
    config = "cls/ch_ppocr_mobile_v2.0_cls.yml"
    arguments = [f"Global.infer_img={picture}", f"Global.save_res_path={picture}", "Global.pretrained_model=x"]
    assert main(["predict", "-c", config, "-o", *arguments]) == 1
    assert "is one of the files to read" in capsys.readouterr().err


def test_a_sheet_and_imported_weights_are_not_written_over_their_inputs(tmp_path, capsys):
    labels = tmp_path / "cls.txt"
    picture, config = save(tmp_path / "in.png"), "cls/ch_ppocr_mobile_v2.0_cls.yml"
    labels.write_text("in.png\t0\nnone.png\t180\n")
    (tmp_path / "link.png").symlink_to(picture)
    (tmp_path / "model.onnx").write_bytes(b"weights")
    before = picture.read_bytes()
    sheet = ["augment", "-c", config, f"--opt=Train.dataset.label_file_list=[{labels}]",
             f"--opt=Train.dataset.data_dir={tmp_path}", "--output"]  # fmt: skip
    for command in (
        [*sheet, f"{tmp_path}/link.png"],
        ["models", "import", str(tmp_path / "model.onnx"), "-c", config, "--output", str(tmp_path / "model.onnx")],
    ):
        assert main(command) == 1
        assert "is one of the files to read" in capsys.readouterr().err
    assert picture.read_bytes() == before and (tmp_path / "model.onnx").read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("stop", "form"),
    [*(("full", form) for form in FORMS), *((stop, form) for stop in SIGNALS for form in FORMS[:2])],
)
def test_no_half_file_has_the_final_name(stop, form, tmp_path):
    pages = [save(tmp_path / "first.png"), save(tmp_path / "last.png")]
    output = tmp_path / "out"
    output.write_text("of yesterday")
    if stop == "full":
        limit = 3_000 if form == "pdf" else 75_000
        command = start(*pages, "--format", form, "--output", output, length=50_000, limit=limit)
        _, told = command.communicate(timeout=60)
        assert command.returncode == 1 and f"{output}: cannot be written: File too large" in told
    else:
        command = start(*pages, "--format", form, "--output", output, delay=60)
        assert [command.stderr.readline() for _ in pages] == ["reading\n"] * 2
        command.send_signal(stop)
        _, told = command.communicate(timeout=60)
        assert command.returncode == (130 if stop == signal.SIGINT else -9)
    assert output.read_text() == "of yesterday"
    part = tmp_path / "out.part"
    if part.exists():
        assert names(tmp_path) == ["first.png", "last.png", "out", "out.part"]
        assert stop == signal.SIGKILL or str(part) in told
    else:  # nothing had been read when the disk was full
        assert names(tmp_path) == ["first.png", "last.png", "out"] and stop == "full"


def test_a_part_is_never_written_over_and_a_whole_run_leaves_none(tmp_path):
    picture, output = save(tmp_path / "first.png"), tmp_path / "out.txt"
    (tmp_path / "out.txt.part").write_text("of an interrupted run")
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "real.txt").chmod(0o640)
    output.symlink_to(tmp_path / "real.txt")
    command = start(picture, "--output", output)
    command.communicate(timeout=60)
    assert command.returncode == 0 and (tmp_path / "real.txt").read_text() == "x" * 10 + "\n"
    assert output.is_symlink() and (tmp_path / "real.txt").stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["first.png", "out.txt", "out.txt.part", "real.txt"]


def test_special_files_are_written_as_they_are(tmp_path):
    picture = save(tmp_path / "first.png")
    command = start(picture, "--output", "/dev/stdout")
    out, _ = command.communicate(timeout=60)
    assert command.returncode == 0 and out == "x" * 10 + "\n" and names(tmp_path) == ["first.png"]


def test_a_drawing_that_cannot_be_written_leaves_the_old_one(tmp_path):
    picture, folder = save(tmp_path / "first.png"), tmp_path / "drawn"
    folder.mkdir()
    Path(folder / "first.png.jpg").write_text("of yesterday")
    command = start(picture, "--draw", folder, limit=500)
    _, told = command.communicate(timeout=60)
    assert command.returncode == 1 and "first.png.jpg: cannot be written: File too large" in told
    assert (folder / "first.png.jpg").read_text() == "of yesterday" and names(folder) == ["first.png.jpg"]
