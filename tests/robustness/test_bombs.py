"""Bombs cost seconds and less than a gigabyte, and a page before and after them is read."""

from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from bombs import BOMBS

SECONDS, MEGABYTES, ERROR_BYTES = 60.0, 1000, 2000
PAGE_SECONDS = 3.0

SCRIPT = f"""
import resource, sys, time
from ppocr.infer.io.sources import ReadOptions, read_all
begin = time.perf_counter()
for page in read_all(sys.argv[1:], ReadOptions(seconds={PAGE_SECONDS})):
    if hasattr(page, "reason"):
        print("error", page, file=sys.stderr)
    else:
        print(page.source, page.index, *page.image.shape)
from ppocr.infer.io import pdf_pages
pdf_pages._close_all()
ours = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]  # ru_maxrss would be the parent's, if larger
theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("peak", int(ours) // 1000, theirs // 1000)
"""


ALONE = ("two gigabytes in three layers.pdf", "nine megabytes of paths.pdf")
LONG = {"108 million colour pixels.png", "3000 frames of 5000 x 5000.gif", "forms within forms.pdf"}  # for `make fuzz`
GROUPS = {"the quick ones": [name for name in BOMBS if name not in {*ALONE, *LONG}], **{name: [name] for name in ALONE}}
if "PPOCR_FUZZ" in os.environ:
    GROUPS = {name: [name] for name in BOMBS}


def children_seconds():
    """Processor time, which does not depend on what else the machine does; for waiting there is a timeout."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.parametrize("group", GROUPS)
def test_reading(group, tmp_path):
    for name in GROUPS[group]:
        (tmp_path / name).write_bytes(BOMBS[name]())
    for good in ("a.png", "z.png"):
        cv2.imwrite(str(tmp_path / good), np.full((40, 60, 3), 200, np.uint8))
    begin = children_seconds()
    files = [str(tmp_path / file) for file in ("a.png", *GROUPS[group], "z.png")]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *files], capture_output=True, timeout=900, text=True)
    seconds = children_seconds() - begin
    *pages, peak = done.stdout.splitlines()
    size = sum(os.path.getsize(tmp_path / name) for name in GROUPS[group])
    print(f"{group}: {size} bytes, {len(pages) - 2} pages, {seconds:.1f} s, {peak} MB\n{done.stderr}")
    assert done.returncode == 0
    assert pages[0].endswith("a.png 0 40 60 3") and pages[-1].endswith("z.png 0 40 60 3")
    assert seconds < SECONDS
    assert max(map(int, peak.split()[1:])) < MEGABYTES
    assert len(done.stderr) < ERROR_BYTES * len(GROUPS[group])
