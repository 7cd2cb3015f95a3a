"""The HTML report of `ppocr eval-system`."""

import json
import re

import cv2
import numpy as np
import pytest

from ppocr.cli.eval_system import report_names
from ppocr.cli.main import main


@pytest.fixture
def labelled(tmp_path):
    """A label file of three pages and a results file: the second page is read badly, the third has no picture."""
    folder = tmp_path / "set"
    folder.mkdir()
    box = [[10, 10], [90, 10], [90, 30], [10, 30]]
    labels, results = [], []
    for name, truth, text in ("good.png", "TOTAL", "TOTAL"), ("bad.png", "<b>1</b>", "<b>l</b>"), ("gone.png", "A", ""):
        if name != "gone.png":
            cv2.imwrite(str(folder / name), np.full((2000, 100, 3), 200, np.uint8))
        labels.append(f"{name}\t{json.dumps([{'transcription': truth, 'points': box}])}\n")
        lines = [{"text": text, "score": 0.9, "box": box}] if text else []
        page = {"file": str(folder / name), "page": 0, "width": 100, "height": 2000, "seconds": 0.1, "lines": lines}
        results.append(json.dumps(page) + "\n")
    (folder / "dev.txt").write_text("".join(labels))
    (tmp_path / "results.jsonl").write_text("".join(results))
    return folder / "dev.txt", tmp_path / "results.jsonl"


def test_the_report_of_a_set(labelled, tmp_path, capsys):
    labels, results = labelled
    arguments = ["eval-system", str(labels), "--results", str(results), "--report", str(tmp_path / "report")]
    assert main([*arguments, "--exact"]) == 0
    html = (tmp_path / "report" / "set-dev.html").read_text(encoding="utf-8")
    assert [*re.findall(r"<h3>(.*?)</h3>", html)] == ["gone.png", "bad.png", "good.png"]  # worst first
    assert "&lt;b&gt;<del>1</del>&lt;/b&gt;" in html and "&lt;b&gt;<ins>l</ins>&lt;/b&gt;" in html
    assert "<b>" not in html and html.count("data:image/jpeg") == 2 and "The picture cannot be read." in html
    assert re.search(r"look-alikes</i><td[^>]*>1<td[^>]*>33.3%", html)
    assert '<svg viewBox="0 0 100 2000">' in html and '<polygon points="10.0,10.0 90.0,10.0' in html
    assert "src=http" not in html and "<script" not in html
    assert main([*arguments, "--report-pages", "1"]) == 0
    html = (tmp_path / "report" / "set-dev.html").read_text(encoding="utf-8")
    assert [*re.findall(r"<h3>(.*?)</h3>", html)] == ["gone.png"] and "3 pages." in html


def test_each_set_has_a_file_of_its_own():
    assert report_names(["a/x/dev.txt", "b/x/dev.txt", "a/y/dev.txt"]) == ["x-dev", "x-dev-2", "y-dev"]


def test_a_folder_that_cannot_be_made_is_told(labelled, tmp_path, capsys):
    labels, results = labelled
    (tmp_path / "file").touch()
    assert main(["eval-system", str(labels), "--results", str(results), "--report", str(tmp_path / "file")]) == 1
    assert "set-dev.html: cannot be written" in capsys.readouterr().err
