"""Whole systems: measured with a stand-in for the engine, resumed, and shown as tables."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
BOX = [[0, 0], [40, 0], [40, 10], [0, 10]]

PEER = """
import sys
sys.path.insert(0, {scripts!r})
from peer_protocol import StageSeconds, arguments, one_by_one, serve
options = arguments("fake").parse_args()
stages = StageSeconds()

def read(path):
    stages.add([0.1, None, 0.3])
    return [({box}, "a b" if path.endswith("0.png") else "ab", 0.9)]

serve(lambda: one_by_one(read), engine="fake", version="7", threads=1, stages=stages.take)
"""


@pytest.fixture(autouse=True)
def tools_importable(monkeypatch):
    for name in ("results", "benchmark"):
        monkeypatch.syspath_prepend(str(TOOLS / name))


@pytest.fixture
def labels(tmp_path):
    """Two pages, each with the line `a b`."""
    folder = tmp_path / "sroie"
    folder.mkdir()
    region = json.dumps([{"transcription": "a b", "points": BOX}])
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), np.zeros((20, 60, 3), np.uint8))
    (folder / "dev.txt").write_text("".join(f"{number}.png\t{region}\n" for number in range(2)))
    return folder / "dev.txt"


@pytest.fixture
def measured(labels, tmp_path, monkeypatch):
    """The results file, and how to measure once more."""
    import measure_system

    script = tmp_path / "peer.py"
    script.write_text(PEER.format(scripts=str(TOOLS / "benchmark"), box=BOX))
    monkeypatch.setattr(measure_system, "engine_command", lambda name, peers, threads: [sys.executable, str(script)])
    file = tmp_path / "system.json"

    def measure(*more):
        arguments = ["--labels", str(labels), "--engines", "rapidocr1", "--peers", str(tmp_path), "--json", str(file)]
        monkeypatch.setattr(sys, "argv", ["measure_system.py", *arguments, *more])
        assert measure_system.main([*arguments, *more]) == 0

    measure()
    return file, measure


def test_a_set_is_measured_once(measured, capsys):
    file, measure = measured
    record = json.loads(file.read_text())
    found = record["engines"]["rapidocr1"]
    assert found["version"] == "7" and found["sets"]["sroie"]["pages"] == 2
    assert found["sets"]["sroie"]["spaces"]["end_to_end"] == {"matched": 1, "predicted": 2, "expected": 2}
    assert found["sets"]["sroie"]["no_spaces"]["end_to_end"]["matched"] == 2
    assert str(file.parents[1]) not in record["command"]  # nobody else has this folder
    capsys.readouterr()
    measure()
    assert capsys.readouterr().out == ""
    measure("--limit", "1", "--race", "1", "--rounds", "2")  # other pages
    assert "sroie: 1 pages" in capsys.readouterr().out
    race = json.loads(file.read_text())["race"]
    assert race["pages"] == 1 and race["engines"]["rapidocr1"]["cpu_ratio"] == 1


def test_the_table_pools_counts_and_leaves_out_labels_without_spaces(measured, monkeypatch):
    import system_tables

    record = json.loads(measured[0].read_text())
    engine = record["engines"]["rapidocr1"]
    other = json.loads(json.dumps(engine["sets"]["sroie"]))
    other["spaces"]["end_to_end"]["matched"] = 0
    engine["sets"]["wildreceipt"] = other
    lap = {"cpu_ms_per_page": 200.0, "cpu_ratio": 1.5, "stages": {"det": 100.0, "cls": 0.0, "rec": 300.0}}
    record["race"] = {"pages": 4, "rounds": 3, "engines": {"rapidocr1": lap}}
    monkeypatch.setattr(system_tables, "record", lambda: record)
    row = "| RapidOCR 7, PP-OCRv4 mobile | – | 1.0 | .500 | 1.0 | .571 | 1.0 | 200 | 50 / 150 / 0 | 1.50 | 5.00 |"
    assert row in system_tables.system_table()
    assert "| RapidOCR 7, PP-OCRv4 mobile | .500 | – |" in system_tables.set_table("spaces")
    record["engines"]["tiny"] = {"sets": {}}  # not measured yet: no row
    assert "tiny" not in system_tables.system_table()


def test_systems_of_the_paper_add_up_their_networks():
    from system_tables import structure_table

    assert "| server | 161.6 (49.68 / 0.51 / 111.41) |" in structure_table()
