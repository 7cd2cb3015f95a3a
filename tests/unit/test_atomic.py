"""Whole or not at all: files and directories while they are written, and when writing fails."""

import os
import stat
import sys
import threading
import time

import pytest

from ppocr.utils import atomic
from ppocr.utils.atomic import (
    ABANDONED_SECONDS,
    recover_directories,
    recover_directory,
    replacing_directory,
    replacing_file,
)
from ppocr.utils.exchange import exchange


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_at_the_end(tmp_path):
    target = tmp_path / "new folder" / "a.txt"
    with replacing_file(target) as temporary:
        temporary.write_text("1")
        assert not target.exists() and temporary.parent == target.parent
    assert target.read_text() == "1" and names(target.parent) == ["a.txt"]


def test_file_keeps_its_old_content_when_writing_fails(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OSError, match="full"), replacing_file(target) as temporary:
        temporary.write_text("half")
        raise OSError("full")
    assert target.read_text() == "old" and names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("before", ["nothing", "directory", "empty"])
def test_directory_is_replaced_as_a_whole(tmp_path, before):
    target = tmp_path / "model"
    if before != "nothing":
        target.mkdir()
    if before == "directory":
        (target / "old").write_text("old")
    with replacing_directory(target) as temporary:
        (temporary / "new").write_text("new")
        assert names(target) == ["old"] if before == "directory" else not (target / "new").exists()
    assert names(target) == ["new"] and names(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt(), SystemExit(143)])
def test_directory_stays_as_it_was_when_building_fails(tmp_path, error):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(type(error)), replacing_directory(target) as temporary:
        (temporary / "half").write_text("half")
        raise error
    assert names(target) == ["old"] and names(tmp_path) == ["model"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        with replacing_directory(tmp_path / "model"):
            pass
        with replacing_file(tmp_path / "file"):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def without_exchange(monkeypatch):
    monkeypatch.setattr(atomic, "exchange", lambda one, other: False)


@pytest.mark.parametrize("can_exchange", [True, False])
def test_many_at_once_leave_one_whole_directory(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        without_exchange(monkeypatch)
    target, failures = tmp_path / "model", []

    def write(number):
        try:
            for _ in range(10):
                with replacing_directory(target) as temporary:
                    for part in ("a", "b"):
                        (temporary / part).write_text(str(number))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert (target / "a").read_text() == (target / "b").read_text()
    assert names(tmp_path) == ["model"]


def test_two_directories_trade_places(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.mkdir()
        (path / path.name).write_text("")
    assert not exchange(one, tmp_path / "absent")
    if sys.platform in ("linux", "darwin") and exchange(one, other):
        assert names(one) == ["other"] and names(other) == ["one"]


def test_a_directory_that_was_moved_away_when_the_process_was_killed_is_brought_back(tmp_path, monkeypatch):
    target = tmp_path / "model"
    with replacing_directory(target) as temporary:
        (temporary / "part").write_text("old")
    without_exchange(monkeypatch)
    rename = os.rename

    def killed(source, destination):
        if atomic.OLD in str(destination):
            rename(source, destination)
            os._exit(9)  # what SIGKILL does: nothing is cleaned up
        rename(source, destination)

    child = os.fork() if hasattr(os, "fork") else pytest.skip("no fork")
    if child == 0:
        monkeypatch.setattr(os, "rename", killed)
        with replacing_directory(target) as temporary:
            (temporary / "part").write_text("new")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not target.exists()
    recover_directories(tmp_path)
    assert (target / "part").read_text() == "old"
    recover_directory(target)  # nothing to do
    assert (target / "part").read_text() == "old"


def test_a_file_keeps_its_permissions(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(0o604)
    with replacing_file(target) as temporary:
        temporary.write_text("new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o604 and target.read_text() == "new"


def test_long_and_odd_names(tmp_path):
    for name in ("a" * 255, "[ab]*", "语" * 80, os.fsdecode(b"\xff.txt")):
        with replacing_file(tmp_path / name) as temporary:
            temporary.write_text(name[:1] if name.isprintable() else "")
        with replacing_directory(tmp_path / "folder" / name[:80]):
            pass
        assert (tmp_path / name).is_file() and (tmp_path / "folder" / name[:80]).is_dir()


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path):
    abandoned, running = tmp_path / ".model.new-abcd_123", tmp_path / ".model.new-12345678"
    foreign = tmp_path / ".model-notes"
    for path in (abandoned, running, foreign):
        path.mkdir()
    then = time.time() - ABANDONED_SECONDS - 60
    for path in (abandoned, foreign):
        os.utime(path, (then, then))
    with replacing_directory(tmp_path / "model"):
        pass
    assert names(tmp_path) == [".model-notes", ".model.new-12345678", "model"]


def test_a_file_in_the_way_is_not_deleted(tmp_path):
    (tmp_path / "model").write_text("mine")
    with pytest.raises(OSError), replacing_directory(tmp_path / "model"):
        pass
    assert (tmp_path / "model").read_text() == "mine" and names(tmp_path) == ["model"]
