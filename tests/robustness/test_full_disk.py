"""A full disk: one clear line, what was there before is intact, and the run goes on once there is room."""

import contextlib
import errno
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))
from tiny_sets import tiny_config, write_config

from ppocr.cli.main import main
from ppocr.engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ppocr.engine.hooks import Scalars

resource = pytest.importorskip("resource", reason="limits of POSIX")


@contextlib.contextmanager
def largest_file(size):
    """No file may grow beyond `size` bytes: writing fails halfway, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "train.log"}


def test_training_ends_with_one_line_and_goes_on_later(tmp_path, capfd):
    config = tiny_config("cls", tmp_path, count=8, batch=4, epoch_num=1)
    output = tmp_path / "output"
    config["Global"]["save_model_dir"] = str(output)
    path = write_config(config, tmp_path / "config.yml")
    assert main(["train", "-c", str(path)]) == 0
    before = contents(output)
    more = ["-o", "Global.epoch_num=2"]
    capfd.readouterr()
    with largest_file(20_000):
        assert main(["train", "-c", str(path), "--resume", *more]) == 1
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("ppocr:")]
    assert len(told) == 1 and "cannot be written after step" in told[0] and "File too large" in told[0]
    assert "go on with --resume" in told[0]
    after = contents(output)
    assert {name: data for name, data in after.items() if name != "config.yml"} == {
        name: data for name, data in before.items() if name != "config.yml"
    }
    assert main(["train", "-c", str(path), "--resume", *more]) == 0
    assert load_checkpoint(output / "latest").states["epoch"] == 2


def test_scalars_end_and_training_goes_on(caplog):
    class Writer:
        def add_scalar(self, tag, value, step):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        close = None  # never called

    trainer = types.SimpleNamespace(
        step=4, options=types.SimpleNamespace(print_batch_step=2), losses={"loss": 1.0}, evaluated_at=4,
        results={"acc": 0.5}, optimizer=types.SimpleNamespace(rate=lambda step: 0.1),
    )  # fmt: skip
    hook = Scalars(Writer())
    for _ in range(3):
        hook.after_step(trainer)
    hook.end(trainer)
    assert [record.getMessage() for record in caplog.records] == [
        "scalars cannot be written: No space left on device: they end here"
    ]


@pytest.mark.parametrize("size", [0, 1, 100, 5_000, 250_000, 482_000])
def test_a_checkpoint_is_the_old_one_or_the_new_one(size, tmp_path):
    def checkpoint_of(number):
        array = np.full((200, 300), number, np.float32)  # 240 KB
        return Checkpoint({"w": array, "v": array.copy()}, {"m": array}, {"step": number})

    save_checkpoint(tmp_path / "latest", checkpoint_of(1))
    with largest_file(size), contextlib.suppress(OSError):
        save_checkpoint(tmp_path / "latest", checkpoint_of(2))
        assert size > 480_000
    found = load_checkpoint(tmp_path / "latest")
    number = found.states["step"]
    assert number == (2 if size > 480_000 else 1)
    assert (found.weights["v"] == number).all() and (found.optimizer["m"] == number).all()
    save_checkpoint(tmp_path / "latest", checkpoint_of(3))
    assert load_checkpoint(tmp_path / "latest").states["step"] == 3
    assert sorted(os.listdir(tmp_path)) == ["latest.pdopt", "latest.pdparams", "latest.states"]


def test_a_damaged_checkpoint_is_told(tmp_path):
    from ppocr.errors import ModelError

    array = np.ones((20, 30), np.float32)
    save_checkpoint(tmp_path / "latest", Checkpoint({"w": array}, {"m": array}, {"step": 1}))
    for suffix in (".pdparams", ".pdopt"):
        path = tmp_path / f"latest{suffix}"
        whole = path.read_bytes()
        data = bytearray(whole)
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(ModelError, match=f"latest{suffix}: damaged"):
            load_checkpoint(tmp_path / "latest")
        path.write_bytes(whole)
    load_checkpoint(tmp_path / "latest")


@pytest.mark.parametrize("command", ["augment", "crop-words", "lmdb", "synth"])
def test_other_writers(command, tmp_path, capfd):
    """Nothing is left under the final name, or what was there before."""
    if command == "lmdb":
        pytest.importorskip("lmdb")
    config = tiny_config("det" if command == "crop-words" else "rec", tmp_path, count=8, batch=4)
    labels = next(tmp_path.glob("*.txt"))
    path, out = write_config(config, tmp_path / "config.yml"), tmp_path / "out"
    arguments = {
        "augment": ["augment", "-c", str(path), "--output", f"{out}.png"],
        "crop-words": ["crop-words", str(labels), "--output", str(out)],
        "lmdb": ["lmdb", str(labels), "--output", str(out)],
        "synth": ["synth", "dict", "fr", "--output", str(out)],
    }[command]
    with largest_file(300):
        assert main(arguments) == 1
    err = capfd.readouterr().err
    assert "cannot be written" in err and "Traceback" not in err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "out" in path.relative_to(tmp_path).parts[0]]
