"""`ppocr-cpp` beside `ppocr ocr`: `make test-cpp` builds it, and once more with AddressSanitizer.

Without a build all is left out. PPOCR_CPP names the program.
"""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("PPOCR_CPP", ROOT / "build/cpp/ppocr-cpp"))
MODELS = ROOT / "ppocr/models/slim"
RECEIPT = ROOT / "train_data/sample/receipt.jpg"
SECONDS, MEGABYTES = 120, 1000

pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="make cpp has not been run")

sys.path.append(str(ROOT / "tests/robustness"))


def read(*paths, options=(), models=MODELS, status=0):
    """The records of pictures, and what the program complained of."""
    command = [PROGRAM, "--models", models, "--threads", "1", *options, *paths]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == status, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def ours(*paths):
    pytest.importorskip("openvino")
    command = [
        sys.executable,
        "-m",
        "ppocr",
        "ocr",
        "--engine",
        "openvino",
        "--models",
        "slim",
        "--format",
        "jsonl",
        *map(str, paths),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The receipt upright, upside down, on its side, as transparent ink, in 16 bits, and as a strip of many heights."""
    folder = tmp_path_factory.mktemp("pictures")
    receipt = cv2.imread(str(RECEIPT))
    grey = cv2.cvtColor(receipt, cv2.COLOR_BGR2GRAY)
    ink = np.dstack((np.zeros_like(receipt), 255 - grey))
    made = {
        "upside_down.png": np.rot90(receipt, 2), "side.png": np.rot90(receipt), "ink.png": ink,
        "deep.png": grey.astype(np.uint16) * 16, "long.jpg": np.vstack([receipt] * 4),
        "wide.webp": receipt, "plain.bmp": receipt,
    }  # fmt: skip
    for name, image in made.items():
        cv2.imwrite(str(folder / name), np.ascontiguousarray(image))
    return [RECEIPT, *(folder / name for name in made)]


def test_the_same_as_python(pictures):
    records, complaints = read(*pictures, options=["--pages-at-once", "2"])
    assert not complaints
    expected = ours(*pictures)
    assert [record["file"] for record in records] == [str(path) for path in pictures]
    for mine, theirs in zip(records, expected):
        name = theirs["file"]
        assert list(mine) == list(theirs), name
        assert {key: mine[key] for key in ("page", "width", "height", "angle")} == {
            key: theirs[key] for key in ("page", "width", "height", "angle")
        }, name
        assert len(theirs["lines"]) > 10, name
        assert [line["text"] for line in mine["lines"]] == [line["text"] for line in theirs["lines"]], name
        # Versions of OpenCV round the corners of some boxes to other pixels.
        pairs = list(zip(mine["lines"], theirs["lines"]))
        assert np.median([abs(line["score"] - other["score"]) for line, other in pairs]) < 0.001, name
        assert np.max([np.abs(np.subtract(line["box"], other["box"])) for line, other in pairs]) <= 2, name


def test_what_cannot_be_read_is_told_and_the_rest_is_read(tmp_path):
    jpeg = RECEIPT.read_bytes()
    png = cv2.imencode(".png", np.full((40, 60, 3), 200, np.uint8))[1].tobytes()
    huge = struct.pack(">I", 13) + b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bad = {
        "empty.jpg": b"", "text.jpg": b"hello", "half.jpg": jpeg[: len(jpeg) // 2], "half.png": png[: len(png) // 2],
        "huge.png": png[:8] + huge + struct.pack(">I", zlib.crc32(huge[4:])) + png[33:],
    }  # fmt: skip
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "blank.png").write_bytes(png)
    names = [*bad, "missing.jpg", "blank.png"]
    records, complaints = read(*(tmp_path / name for name in names), status=1)
    assert [Path(record["file"]).name for record in records] == ["blank.png"] and records[0]["lines"] == []
    told = [line for line in complaints.splitlines() if line.startswith("ppocr-cpp: ")]
    assert [line.split(": ")[1].rsplit("/", 1)[-1] for line in told] == [*bad, "missing.jpg"]
    assert "exceed the limit" in told[4] and "truncated" in told[2]


def test_wrong_models_and_arguments(tmp_path):
    cases = {
        ("--models", tmp_path): "no such model directory",
        ("--models", MODELS, "--threads", "many"): "--threads: not usable: many",
        ("--models", MODELS, "--thread", "1"): "--thread: no such option",
        ("--models",): "needs a value",
    }
    swapped = tmp_path / "swapped"
    swapped.mkdir()
    (swapped / "det").symlink_to(MODELS / "rec")
    (swapped / "rec").symlink_to(MODELS / "rec")
    cases[("--models", swapped)] = "a model for another task?"
    damaged = tmp_path / "damaged"
    (damaged / "rec").mkdir(parents=True)
    (damaged / "det").symlink_to(MODELS / "det")
    for path in (MODELS / "rec").iterdir():
        (damaged / "rec" / path.name).write_bytes(path.read_bytes()[: None if path.suffix != ".pdiparams" else 1000])
    cases[("--models", damaged)] = "inference.pdiparams: missing, or not the file that was written"
    for arguments, message in cases.items():
        done = subprocess.run(
            [str(PROGRAM), str(RECEIPT), *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 2 and message in done.stderr, done.stderr


@pytest.mark.skipif("PPOCR_FUZZ" not in os.environ, reason="make test-cpp")
def test_bombs(tmp_path):
    from bombs import BOMBS

    names = [name for name in BOMBS if not name.endswith(".pdf")]
    for name in names:
        (tmp_path / name).write_bytes(BOMBS[name]())
    script = (
        "import resource, subprocess, sys; status = subprocess.call(sys.argv[1:]); "
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss; "
        "print(peak // 1000, file=sys.stderr); sys.exit(status)"
    )
    command = [
        sys.executable,
        "-c",
        script,
        PROGRAM,
        "--models",
        MODELS,
        "--threads",
        "1",
        *(tmp_path / name for name in names),
        RECEIPT,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 1 and "Sanitizer" not in done.stderr, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["file"] == str(RECEIPT)
    print(done.stderr)
    if "asan" not in str(PROGRAM):  # which needs several times as much
        assert int(done.stderr.split()[-1]) < MEGABYTES


@pytest.mark.skipif("PPOCR_FUZZ" not in os.environ, reason="make test-cpp")
def test_changed_files(tmp_path):
    from mutate import mutated_bytes

    dice, count = random.Random(0), int(os.environ.get("PPOCR_CPP_FILES", "300"))
    small = cv2.resize(cv2.imread(str(RECEIPT)), (90, 120))
    alpha = np.dstack((small, small[:, :, :1]))
    seeds = [
        cv2.imencode(suffix, image)[1].tobytes()
        for suffix in (".png", ".jpg", ".bmp", ".webp")
        for image in (small, alpha)
    ]
    paths = []
    for number in range(count):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(mutated_bytes(dice.choice(seeds), dice))
    done = subprocess.run(
        [str(PROGRAM), "--models", str(MODELS), "--threads", "1", *map(str, paths), str(RECEIPT)],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr[
        -3000:
    ]
    read = {json.loads(line)["file"] for line in done.stdout.splitlines()}
    untold = [path for path in paths if str(path) not in read and f"ppocr-cpp: {path}: " not in done.stderr]
    assert not untold, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1])["file"] == str(RECEIPT)
