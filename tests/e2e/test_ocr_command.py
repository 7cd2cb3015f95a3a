"""The command over the official mobile models; skipped where they were not fetched."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont

from ppocr.cli.main import main
from ppocr.infer.model_dir import cache_root

pytestmark = pytest.mark.skipif(
    not all((cache_root() / "mobile" / kind).is_dir() for kind in ("det", "cls", "rec")),
    reason="the mobile models are not in the model cache: ppocr models fetch mobile",
)

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "train_data" / "sample" / "receipt.jpg"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs `ppocr …` in an empty folder: (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = main([*map(str, arguments), "--threads", "2"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def text_page(lines, size=(720, 260), ink=(0, 0, 0), paper=(255, 255, 255), mode="RGB") -> Image.Image:
    image = Image.new(mode, size, paper)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((40, 30 + 80 * number), line, font=ImageFont.load_default(44), fill=ink)
    return image


def squeezed(text: str) -> str:
    return "".join(text.split()).lower()


def test_the_sample_and_its_labels(run):
    status, out, err = run("ocr", SAMPLE, "--format", "jsonl")
    assert (status, err) == (0, "")
    record = json.loads(out)
    label = (SAMPLE.parent / "det.txt").read_text(encoding="utf-8").split("\t")[1]
    wanted = {squeezed(line["transcription"]) for line in json.loads(label)}
    found = {squeezed(line["text"]).replace("￥", "¥").replace("！", "!") for line in record["lines"]}
    assert len(wanted & found) >= 0.9 * len(wanted)
    assert (record["width"], record["height"]) == (900, 600)


def test_the_sample_lines(run):
    status, out, _ = run("recognize", SAMPLE.parents[1] / "sample_lines", "--format", "jsonl")
    labels = (SAMPLE.parents[1] / "sample_lines" / "rec.txt").read_text(encoding="utf-8").splitlines()
    assert status == 0
    assert [squeezed(json.loads(line)["text"]) for line in out.splitlines()] == [
        squeezed(label.split("\t")[1]) for label in labels
    ]


def test_the_drawing_and_the_pdf(run):
    assert run("ocr", SAMPLE, "--output", "out.pdf")[0] == 0
    text = pypdfium2.PdfDocument("out.pdf")[0].get_textpage()
    assert "STARLIGHT" in text.get_text_range()
    # The word is where it is printed: at (178, 93)-(340, 119) of the picture, half of that in points.
    index = text.get_text_range().index("STARLIGHT")
    left, bottom, _, top = text.get_charbox(index)
    assert left == pytest.approx(89, abs=4) and 300 - top == pytest.approx(48, abs=5) and 300 - bottom < 62


def test_pictures_of_every_kind_read_alike(run):
    lines = ["Invoice number 2024", "Thank you very much"]
    page = text_page(lines)
    page.save("rgb.png")
    page.convert("L").save("grey.tif")
    page.convert("CMYK").save("cmyk.jpg")
    page.save("lossy.webp")
    page.save("palette.gif")
    Image.fromarray(np.asarray(page.convert("L")).astype(np.uint16) * 257).save("deep.png")
    text_page(lines, ink=(255, 255, 255, 255), paper=(0, 0, 0, 0), mode="RGBA").save("clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    page.transpose(Image.Transpose.ROTATE_90).save("turned.jpg", exif=exif)
    page.save("document.pdf", resolution=144)
    status, out, err = run("ocr", ".", "--format", "jsonl")
    assert (status, err) == (0, "")
    records = [json.loads(line) for line in out.splitlines()]
    assert len(records) == 9
    for record in records:
        assert (record["width"], record["height"]) == (720, 260), record["file"]
        text = " ".join(line["text"] for line in record["lines"])
        assert all(word in text for word in ("number", "2024", "Thank you very much")), (record["file"], text)


def test_upside_down_pages_are_read(run):
    text_page(["Invoice number 2024", "Thank you very much"]).rotate(180).save("page.png")
    _, out, _ = run("ocr", "page.png", "--format", "jsonl")
    line = next(line for line in json.loads(out)["lines"] if "Thank" in line["text"])
    assert line["box"][0][0] > line["box"][1][0]  # its own top-left is on the right
    _, out, _ = run("ocr", "page.png", "--cls", "none")
    assert "Thank" not in out


def test_extreme_shapes(run):
    for name, size in {"dot.png": (1, 1), "thread.png": (1, 3000), "hair.png": (9000, 2)}.items():
        Image.new("RGB", size, (255, 255, 255)).save(name)
    text_page([f"Line number {n}" for n in range(100)], size=(500, 8040)).save("tall.png")
    status, out, _ = run("ocr", "dot.png", "thread.png", "hair.png", "tall.png", "--format", "jsonl")
    assert status == 0
    *empty, tall = (json.loads(line) for line in out.splitlines())
    assert [record["lines"] for record in empty] == [[], [], []]
    assert len(tall["lines"]) == 100  # nothing is lost between the tiles
    tops = [line["box"][0][1] for line in tall["lines"]]
    assert tops == sorted(tops)


def test_a_run_of_its_own_is_silent_and_goes_on_after_errors(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    command = [sys.executable, "-m", "ppocr", "ocr", tmp_path / "bad.png", "-", "--workers", "2", "--threads", "2"]
    with open(SAMPLE, "rb") as picture:
        done = subprocess.run(list(map(str, command)), stdin=picture, capture_output=True, timeout=120)
    assert done.returncode == 1
    (complaint,) = done.stderr.decode().splitlines()
    assert complaint.startswith(f"ppocr: {tmp_path / 'bad.png'}: not a readable picture")
    assert "STARLIGHT" in done.stdout.decode()


def test_paddleocr_script(tmp_path):
    models = cache_root() / "mobile"
    done = subprocess.run(
        [
            sys.executable, str(ROOT / "tools/infer/predict_system.py"), f"--image_dir={SAMPLE}",
            f"--det_model_dir={models / 'det'}", f"--cls_model_dir={models / 'cls'}",
            f"--rec_model_dir={models / 'rec'}",
            "--use_angle_cls=True", "--use_gpu=False", "--cpu_threads=2",
        ],
        cwd=tmp_path, capture_output=True, timeout=120,  # it writes ./inference_results, as PaddleOCR's
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == b"ppocr: without effect here: --use_gpu\n"
    assert any("STARLIGHT" in line["text"] for line in json.loads(done.stdout)["lines"])
