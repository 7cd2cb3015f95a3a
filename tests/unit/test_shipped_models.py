"""The family that the package brings."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.cli.main import main
from ppocr.infer.model_dir import SHIPPED, resolve_model
from ppocr.infer.pipeline import OCR
from ppocr.official.install import installed_problems

MAX_BYTES = 3_500_000  # of all files


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Nothing was fetched."""
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "home"))


def test_without_fetching_a_page_is_read_with_its_spaces():
    page = np.full((260, 640, 3), 255, np.uint8)
    for top, text in ((90, "Total amount 12.50"), (190, "due in 14 days")):
        cv2.putText(page, text, (30, top), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3, cv2.LINE_AA)
    (result,) = OCR(threads=1)(page)
    assert [line.text for line in result.lines] == ["Total amount 12.50", "due in 14 days"]


def test_it_is_small_and_as_it_was_made(capsys):
    assert resolve_model("default", "rec") == SHIPPED / "slim" / "rec"
    assert installed_problems(SHIPPED / "slim") == []
    listed = json.loads((SHIPPED / "slim" / "manifest.json").read_text(encoding="utf-8"))["files"]
    files = {path.relative_to(SHIPPED / "slim").as_posix(): path for path in (SHIPPED / "slim").rglob("*")}
    assert {name for name, path in files.items() if path.is_file()} == {"manifest.json", *listed}
    assert sum(path.stat().st_size for path in files.values() if path.is_file()) < MAX_BYTES
    assert main(["models", "list", "--format", "json"]) == 0
    row = next(row for row in json.loads(capsys.readouterr().out) if row["name"] == "slim")
    assert (row["state"], row["path"], row["problems"]) == ("ready", str(SHIPPED / "slim"), [])
    assert main(["models", "path", "slim/det"]) == main(["models", "fetch", "slim"]) == 0
    assert capsys.readouterr().out.startswith(str(SHIPPED / "slim" / "det"))


WITHOUT_PADDLE = """
import sys
sys.modules["paddle"] = sys.modules["paddle2onnx"] = sys.modules["onnx"] = None  # as if they were not installed
from ppocr.cli.main import main
sys.exit(main(["ocr", sys.argv[1], "--engine", "onnxruntime", "--cls-doubt", "1"]))
"""


def test_an_onnx_engine_reads_with_it_without_paddle_and_without_converting(tmp_path):
    pytest.importorskip("onnxruntime")
    page = np.full((120, 640, 3), 255, np.uint8)
    cv2.putText(page, "Total amount 12.50", (30, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "page.png"), page)
    command = [sys.executable, "-c", WITHOUT_PADDLE, str(tmp_path / "page.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Total amount 12.50\n", "")


def test_a_build_has_every_file(tmp_path):
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "setup.py", "--quiet", "egg_info", "-e", str(tmp_path), "build_py", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert installed_problems(tmp_path / "ppocr" / "models" / "slim") == []
