"""A short run of the fuzzers (`make fuzz` is the long one), and of what keeps a failing input."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from fuzz import NAMES
from mutate import mutated_bytes, mutated_tree
from surfaces import SURFACES

FUZZ = Path(__file__).with_name("fuzz.py")
SECONDS = float(os.environ.get("PPOCR_FUZZ_SECONDS", "4.5"))  # for all surfaces together


def test_nothing_ends_undocumented(tmp_path, record_property):
    share = str(SECONDS / len(NAMES))
    command = [sys.executable, str(FUZZ), "--seconds", share, "--keep", str(tmp_path), "--jobs", "2"]
    done = subprocess.run(
        [*command, "--seed", str(random.randrange(10**9))], capture_output=True, text=True, timeout=900 + SECONDS
    )
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    record_property("fuzzed", {report["surface"]: report["inputs"] for report in reports})
    assert tuple(report["surface"] for report in reports) == NAMES == tuple(SURFACES)
    assert all(report["inputs"] and not report["undocumented"] for report in reports), reports
    assert done.returncode == 0


def test_crashes_and_other_ends_are_found_and_kept(tmp_path):
    """A surface that crashes on some inputs and raises something else on others."""
    (tmp_path / "surfaces.py").write_text(
        "import os\n"
        "from typing import NamedTuple, Any\n"
        "class Surface(NamedTuple):\n    make: Any\n    read: Any\n    errors: Any\n"
        "def read(data, folder):\n"
        "    if data[0] < 20: os.abort()\n"
        "    if data[0] < 40: raise RuntimeError('undocumented')\n"
        "    if data[0] < 60: raise KeyError('documented')\n"
        "SURFACES = {'bad': lambda: Surface(lambda dice: bytes([dice.randrange(256)]), read, (KeyError,))}\n"
    )
    (tmp_path / "fuzz.py").write_text(FUZZ.read_text())
    command = [sys.executable, str(tmp_path / "fuzz.py"), "--surface", "bad", "--seconds", "2", "--inputs", "300"]
    done = subprocess.run(
        [*command, "--seed", "1", "--keep", str(tmp_path / "kept")], capture_output=True, text=True, timeout=120
    )
    report = json.loads(done.stdout)
    kept = {one["error"][:9]: Path(one["file"]).read_bytes()[0] for one in report["undocumented"]}
    assert done.returncode == 1 and report["read"] and report["refused"]
    assert any(error.startswith("status -6") and first < 20 for error, first in kept.items())
    assert any("Traceback" in error and 20 <= first < 40 for error, first in kept.items())
    assert len(os.listdir(tmp_path / "kept")) == len({one["file"] for one in report["undocumented"]})


def test_mutations_follow_from_the_seed():
    data, tree = bytes(range(256)), {"a": [1, {"b": "c"}], "d": None}
    for seed in range(200):
        assert mutated_bytes(data, random.Random(seed)) == mutated_bytes(data, random.Random(seed))
        assert repr(mutated_tree(tree, random.Random(seed))) == repr(mutated_tree(tree, random.Random(seed)))
    assert tree == {"a": [1, {"b": "c"}], "d": None}
