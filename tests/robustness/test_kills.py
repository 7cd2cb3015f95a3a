"""SIGKILL at any moment, and a reader beside the writer: what is on the disk is always whole. See `kills.py`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kills import SUBJECTS

KILLS = int(os.environ.get("PPOCR_KILLS", "8"))  # of each
QUICK = [name for name in SUBJECTS if name != "fetch" or "PPOCR_KILLS" in os.environ]  # a fetch takes seconds


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")
@pytest.mark.parametrize("name", QUICK)
def test_what_is_on_the_disk_is_always_whole(name):
    script = Path(__file__).with_name("kills.py")
    done = subprocess.run(
        [sys.executable, str(script), name, str(KILLS)],
        capture_output=True,
        text=True,
        timeout=240 + 20 * KILLS,
        check=False,
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["problems"] == [] and result["whole"] == KILLS
    assert result["written"] or not SUBJECTS[name].numbered  # else nothing was killed but the beginning of a write
