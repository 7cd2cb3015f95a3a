"""Whole or not at all: files and directories while they are written, and when writing fails."""

import os
import stat
import threading
import time

import pytest

from ppocr.utils.atomic import ABANDONED_SECONDS, replacing_directory, replacing_file


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


def test_many_at_once_leave_one_whole_directory(tmp_path):
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


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path):
    abandoned, running = tmp_path / ".model-old", tmp_path / ".model-new"
    for path in (abandoned, running):
        path.mkdir()
    then = time.time() - ABANDONED_SECONDS - 60
    os.utime(abandoned, (then, then))
    with replacing_directory(tmp_path / "model"):
        pass
    assert names(tmp_path) == [".model-new", "model"]


def test_a_file_in_the_way_is_not_deleted(tmp_path):
    (tmp_path / "model").write_text("mine")
    with pytest.raises(OSError), replacing_directory(tmp_path / "model"):
        pass
    assert (tmp_path / "model").read_text() == "mine" and names(tmp_path) == ["model"]
