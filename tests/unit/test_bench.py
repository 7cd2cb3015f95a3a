"""`ppocr bench`, with a stand-in for the reading."""

import json
import sys

import pytest

from ppocr.bench.racer import CHAIN
from ppocr.cli import bench
from ppocr.cli.main import main

FAKE = """
import argparse, sys
sys.path.insert(0, {protocol!r})
from protocol import one_by_one, serve
parser = argparse.ArgumentParser()
for flag in ("--name", "--models", "--threads", "--workers"):
    parser.add_argument(flag)
parser.add_argument("--set", action="append")
options = parser.parse_args()
if options.models == "gone":
    raise SystemExit("no such family")
serve(lambda: one_by_one(lambda path: []), engine=options.name, version="7", threads=1, stages=lambda: {{"det": 0.5}})
"""


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    script = tmp_path / "chain.py"
    script.write_text(FAKE.format(protocol=str(CHAIN.parent)))
    monkeypatch.setattr(bench, "CHAIN", script)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.png").touch()
    return str(folder)


def test_models_beside_each_other(pictures, tmp_path, capsys):
    json_file = tmp_path / "figures.json"
    options = ["--models", "a,b", "--passes", "2", "--threads", "3", "--limit", "4", "--json", str(json_file)]
    assert main(["bench", pictures, *options]) == 0
    record = json.loads(json_file.read_text())
    assert (record["pages"], record["threads"], record["reference"]) == (4, 3, "a auto fp32")
    assert list(record["engines"]) == ["a auto fp32", "b auto fp32"]
    row = record["engines"]["b auto fp32"]
    assert row["version"] == "7" and row["start_ms"] > 0 and row["stages"] == {"det": 125.0}
    assert 0 < row["latency_ms"]["p50"] <= row["latency_ms"]["p95"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4 pages, 3 threads, 2 passes") and "b auto fp32, ms per page: det 125.0" in lines


def test_every_combination_takes_part(pictures, monkeypatch):
    parser = bench.argparse.ArgumentParser()
    bench.add_arguments(parser)
    words = ["x.png", "--engine", "paddle,openvino", "--pages-at-once", "1,2", "--against", "/envs/old/bin/python"]
    commands = bench.commands(parser.parse_args(words), threads=2)
    assert len(commands) == 8
    command = commands["default openvino fp32 2 at once old"]
    assert command[0] == "/envs/old/bin/python" and command[-6:] == [
        "--set", "precision=fp32", "--set", "engine=openvino", "--set", "pages_at_once=2",
    ]  # fmt: skip
    assert commands["default paddle fp32 1 at once"][0] == sys.executable


def test_one_that_does_not_start_is_told(pictures, capsys):
    assert main(["bench", pictures, "--models", "a,gone"]) == 1
    err = capsys.readouterr().err
    assert "gone auto fp32 ended with status 1" in err and "no such family" in err


def test_engines_are_checked(capsys):
    assert main(["bench", "x.png", "--engine", "paddle,abacus"]) == 2
    assert "'abacus' is none of auto, paddle, openvino, onnxruntime" in capsys.readouterr().err
