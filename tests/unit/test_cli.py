"""The command line from end to end, over a chain without networks (see ink.py)."""

import io
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ppocr import __version__
from ppocr.cli.main import COMMANDS, main


@pytest.fixture
def ink(ink_family, monkeypatch, tmp_path):
    """Runs `ppocr COMMAND … --models ink` in an empty folder and returns the exit status."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return lambda *arguments: main([*arguments, "--models", "ink", "--engine", "ink"])


def page(bars=2, size=(200, 300)) -> np.ndarray:
    image = np.full((*size, 3), 255, np.uint8)
    for index in range(bars):
        image[20 + 60 * index : 50 + 60 * index, 30:230] = 0
    return image


def save(name, bars=2):
    Image.fromarray(page(bars)).save(name)
    return name


def jsonl(text):
    return [json.loads(line) for line in text.splitlines()]


def test_jsonl(ink, capsys):
    save("票据.png")
    save("blank.png", bars=0)
    assert ink("ocr", "票据.png", "blank.png", "--format", "jsonl") == 0
    captured = capsys.readouterr()
    read, blank = jsonl(captured.out)
    assert list(read) == ["file", "page", "width", "height", "angle", "seconds", "lines"]
    assert (read["file"], read["page"], read["width"], read["height"]) == ("票据.png", 0, 300, 200)
    assert [line["text"] for line in read["lines"]] == ["2", "2"] and len(read["lines"][0]["box"]) == 4
    assert blank["lines"] == []
    assert captured.err == ""


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "tsv", "hocr", "markdown", "pdf"])
def test_every_format_to_a_file_by_its_suffix(ink, form, capsys):
    save("a.png")
    suffix = {"text": "txt", "markdown": "md"}.get(form, form)
    assert ink("ocr", "a.png", "--output", f"out.{suffix}") == 0
    with open(f"out.{suffix}", "rb") as file:
        data = file.read()
    assert ink("ocr", "a.png", "--output", "same", "--format", form) == 0
    with open("same", "rb") as file:
        same = file.read()
    assert len(same) == pytest.approx(len(data), abs=4)  # "seconds" differ
    if form == "pdf":
        document = pypdfium2.PdfDocument(data)
        assert document[0].get_textpage().get_text_range() == "2\r\n2"
    else:
        assert data.decode().count("2") >= 2
    assert capsys.readouterr() == ("", "")


def test_text_is_the_default(ink, capsys):
    assert ink("ocr", save("a.png"), save("b.png", bars=1)) == 0
    assert capsys.readouterr().out == "2\n2\n\f2\n"


def test_bad_inputs_are_told_and_the_others_go_on(ink, capsys):
    save("good.png")
    with open("empty.png", "wb"):
        pass
    with open("text.png", "w") as file:
        file.write("not a picture")
    with open("cut.png", "wb") as file, open("good.png", "rb") as whole:
        file.write(whole.read()[:150])
    assert ink("ocr", "gone.png", "good.png", "empty.png", "text.png", "cut.png", "good.png", "--format", "jsonl") == 1
    captured = capsys.readouterr()
    assert [record["file"] for record in jsonl(captured.out)] == ["good.png", "good.png"]
    assert captured.err.splitlines() == [
        "ppocr: gone.png: no such file",
        "ppocr: empty.png: the file is empty",
        "ppocr: text.png: not a picture (PNG, JPEG, BMP, WebP, TIFF or GIF)",
        "ppocr: cut.png: the picture is truncated",
    ]


def test_when_all_is_bad_the_output_is_whole(ink, capsys):
    assert ink("ocr", "gone.png", "--format", "json") == 1
    assert json.loads(capsys.readouterr().out) == []


def test_pages_of_folders_frames_and_documents(ink, capsys):
    os.mkdir("scans")
    frames = [Image.fromarray(page(bars)) for bars in (1, 2, 0)]
    frames[0].save("scans/a.tif", save_all=True, append_images=frames[1:])
    frames[0].save("scans/b.pdf", save_all=True, append_images=frames[1:])
    assert ink("ocr", "scans", "--format", "jsonl", "--dpi", "72") == 0
    records = jsonl(capsys.readouterr().out)
    assert [(os.path.basename(r["file"]), r["page"], len(r["lines"])) for r in records] == [
        ("a.tif", 0, 1), ("a.tif", 1, 2), ("a.tif", 2, 0), ("b.pdf", 0, 1), ("b.pdf", 1, 2), ("b.pdf", 2, 0)
    ]  # fmt: skip


def test_standard_input(ink, capsys, monkeypatch):
    buffer = io.BytesIO()
    Image.fromarray(page()).save(buffer, "PNG")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    assert ink("ocr", "-", "--format", "jsonl") == 0
    (record,) = jsonl(capsys.readouterr().out)
    assert record["file"] == "-" and len(record["lines"]) == 2


def test_drawings_have_names_of_their_own(ink):
    os.mkdir("x")
    save("a.png")
    save("x/a.png", bars=1)
    Image.fromarray(page(0)).save("b.tif", save_all=True, append_images=[Image.fromarray(page(1))])
    assert ink("ocr", "a.png", "x/a.png", "b.tif", "--draw", "out/deep") == 0
    assert sorted(os.listdir("out/deep")) == ["a.png.jpg", "a.png~2.jpg", "b.tif.jpg", "b.tif.p2.jpg"]
    drawing = cv2.imread("out/deep/a.png.jpg")
    assert drawing.shape == (200, 600, 3)
    assert np.abs(drawing[:, :300].astype(int) - page()).mean() < 25  # the page, with outlines
    assert (drawing[:, 300:].max(axis=2) < 128).sum() > 30  # the texts


def test_settings_reach_the_chain(ink, capsys):
    save("a.png")
    assert ink("ocr", "a.png", "--drop-score", "0.95", "--format", "jsonl") == 0
    assert jsonl(capsys.readouterr().out)[0]["lines"] == []
    assert ink("ocr", "a.png", "--unclip-ratio", "0", "--format", "jsonl") == 0
    exact = jsonl(capsys.readouterr().out)[0]["lines"][0]["box"]
    assert ink("ocr", "a.png", "--unclip-ratio", "2", "--format", "jsonl") == 0
    grown = jsonl(capsys.readouterr().out)[0]["lines"][0]["box"]
    assert grown[0][0] < exact[0][0] and grown[2][0] > exact[2][0]


def test_detect(ink, capsys):
    save("a.png")
    assert ink("detect", "a.png", "gone.png", "--draw", "out") == 1
    captured = capsys.readouterr()
    (record,) = jsonl(captured.out)
    assert list(record) == ["file", "page", "width", "height", "angle", "seconds", "lines"]
    assert [line["text"] for line in record["lines"]] == ["", ""] and record["lines"][0]["score"] > 0.9
    assert record["lines"][0]["box"][0][1] < record["lines"][1]["box"][0][1]
    assert captured.err == "ppocr: gone.png: no such file\n"
    assert cv2.imread("out/a.png.jpg").shape == (200, 300, 3)


@pytest.mark.parametrize("command", ["detect", "ocr"])
def test_tall_boxes_begin_at_their_upper_right_corner(ink, capsys, command):
    image = np.full((400, 200, 3), 255, np.uint8)
    image[50:350, 100:130] = 0
    Image.fromarray(image).save("tall.png")
    assert ink(command, "tall.png", "--format", "jsonl", "--box-type", "poly") == 0
    ((line,),) = (record["lines"] for record in jsonl(capsys.readouterr().out))
    assert line["box"][0][0] > 125 and line["box"][0][1] < 60
    assert np.ptp(line["polygon"], axis=0).tolist() == pytest.approx([30, 300], abs=20)


def test_recognize(ink, capsys):
    dark, bright = np.zeros((32, 100, 3), np.uint8), np.full((32, 100, 3), 140, np.uint8)
    Image.fromarray(dark).save("dark.png")
    Image.fromarray(bright).save("bright.png")
    assert ink("recognize", "bright.png", "gone.png", "dark.png", "--format", "jsonl") == 1
    records = jsonl(capsys.readouterr().out)
    assert [list(record) for record in records] == [["file", "text", "score"]] * 2
    assert [(record["file"], record["text"]) for record in records] == [("bright.png", "5"), ("dark.png", "0")]
    assert ink("recognize", "bright.png", "dark.png") == 0
    assert capsys.readouterr().out == "5\n0\n"


def crop_with_bright_end(right: bool) -> np.ndarray:
    crop = np.zeros((48, 192, 3), np.uint8)
    crop[:, 96 if right else 0 :][:, :96] = 255
    return crop


def test_classify_and_turning_before_recognition(ink, capsys):
    Image.fromarray(crop_with_bright_end(right=True)).save("up.png")
    Image.fromarray(crop_with_bright_end(right=False)).save("down.png")
    assert ink("classify", "up.png", "down.png") == 0
    assert capsys.readouterr().out == "file\tlabel\tscore\nup.png\t0\t1.0\ndown.png\t180\t1.0\n"
    assert ink("classify", "down.png", "--format", "jsonl") == 0
    assert jsonl(capsys.readouterr().out) == [{"file": "down.png", "label": "180", "score": 1.0}]
    assert ink("recognize", "up.png", "down.png", "--cls", "ink") == 0
    assert capsys.readouterr().out == "0\n0\n"
    assert ink("recognize", "up.png", "down.png") == 0
    assert capsys.readouterr().out == "0\n9\n"


def test_cls_none_reads_upside_down_lines_as_they_lie(ink, capsys):
    assert ink("ocr", save("a.png"), "--cls", "none") == 0
    assert capsys.readouterr().out == "2\n2\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["orc"], ["--wrong"], ["ocr"], ["ocr", "a", "--format", "word"], ["ocr", "a", "--drop-score", "7"],
        ["ocr", "a", "--workers", "0"], ["ocr", "a", "--dpi", "0"], ["ocr", "a", "--threads", "-1"],
        ["ocr", "a", "--rec-image-shape", "3,48"], ["detect", "a", "--format", "text"], ["ocr", "a", "--output", "."],
        ["ocr", "a", "--output", "gone/x"], ["recognize", "a", "--draw", "x"],
    ],
)  # fmt: skip
def test_wrong_usage_is_2(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err


def test_pdf_to_a_terminal_is_wrong_usage(ink, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert ink("ocr", save("a.png"), "--format", "pdf") == 2
    assert "--output" in capsys.readouterr().err


def test_missing_models_say_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["ocr", "a.png", "--models", "tiny", "--output", "out.txt"]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "ppocr models fetch tiny" in captured.err
    assert not os.path.exists("out.txt")  # nor was an existing one emptied


def test_output_that_cannot_be_written(ink, capsys):
    save("a.png")
    with open("file", "w"):
        pass
    assert ink("ocr", "a.png", "--draw", "file") == 1
    assert "file: cannot be made a folder" in capsys.readouterr().err


def test_help_of_every_command(capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    for name in COMMANDS:
        assert name in overview
        assert main([name, "--help"]) == 0
        assert f"ppocr {name}" in capsys.readouterr().out


def run(*arguments, code=None, **options):
    command = [sys.executable, "-c", code, *arguments] if code else [sys.executable, "-m", "ppocr", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def test_version():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ppocr {__version__}\n", "")


@pytest.mark.parametrize("statement", ["import ppocr", "import ppocr.cli.main"])
def test_imports_are_light(statement):
    heavy = "{'paddle', 'cv2', 'numpy', 'PIL', 'yaml', 'openvino', 'onnxruntime', 'shapely'}"
    done = run(code=f"{statement}\nimport sys\nprint(sorted({heavy} & set(sys.modules)))")
    assert done.stdout == "[]\n", done.stderr


# The command with a reader that finds one line on every page; the pages are pictures in memory.
FAKE = """
import sys, time
from ppocr.cli import main, readers
from ppocr.infer.results import OCRResult, TextLine
def reader(options):
    def read(pages):
        for page in pages:
            print("reading", file=sys.stderr, flush=True)
            time.sleep({delay})
            yield OCRResult(page.source, page.index, 9, 9, 0.0, (TextLine("x" * {length}, 1.0, ((0, 0),) * 4),))
    return read
readers.ocr = reader
sys.exit(main.main(["ocr", *sys.argv[1:]]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes")
def test_a_closed_pipe_ends_quietly(tmp_path):
    names = [str(tmp_path / save_as) for save_as in ("a.png", "b.png", "c.png", "d.png")]
    for name in names:
        save(name)
    code = FAKE.format(delay=0, length=200_000)
    command = subprocess.Popen(
        [sys.executable, "-c", code, *names], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    command.stdout.read(10)
    command.stdout.close()
    assert set(command.stderr.read().splitlines()) <= {"reading"}
    assert command.wait(30) == 141


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_interruption_ends_quietly(tmp_path):
    import signal

    name = str(tmp_path / "a.png")
    save(name)
    command = subprocess.Popen(
        [sys.executable, "-c", FAKE.format(delay=30, length=1), name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stderr.readline() == "reading\n"
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=30)
    assert (command.returncode, out, err) == (130, "", "")


def test_full_disk(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full on this system")
    name = str(tmp_path / "a.png")
    save(name)
    code = FAKE.format(delay=0, length=10)
    done = run(name, "--output", "/dev/full", code=code)
    assert done.returncode == 1
    assert done.stderr == "reading\nppocr: /dev/full: cannot be written: No space left on device\n"
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", code, name]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "reading\nppocr: standard output: cannot be written: No space left on device\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_for_more_than_one_page(ink, monkeypatch, capsys):
    from ppocr.cli import progress

    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0)
    names = [save(f"{index}.png") for index in range(4)]
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert ink("ocr", *names, "gone.png") == 1
    shown = terminal.getvalue()
    assert "3/5" in shown and "4 pages" in shown and "file/s" in shown
    assert "\rppocr: gone.png: no such file\n" in shown  # the line is cleared before anything else is said
    assert shown.endswith("\r")
    for only_one in (["0.png"], ["gone.png"]):
        terminal.truncate(0)
        terminal.seek(0)
        ink("ocr", *only_one)
        assert "file/s" not in terminal.getvalue()
    assert capsys.readouterr().out.count("2") == 10
