"""Checkpoints at every moment at which a process may be killed, and weights files that are not what they seem."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections import OrderedDict

import numpy as np
import paddle
import pytest

from ppocr.engine import checkpoint as module
from ppocr.engine.checkpoint import Checkpoint, flatten, group_of, has_checkpoint, load_checkpoint, save_checkpoint
from ppocr.errors import ModelError
from ppocr.utils.pickles import read_arrays


def checkpoint_of(number):
    array = np.full((2, 3), number, np.float32)
    return Checkpoint(
        {"w": array}, flatten(optimizer={"w.moment1": array * 10}), {"step": number, "best": {"acc": 0.1}}
    )


def number_in(prefix):
    """The step of the checkpoint, after making sure that its three files belong together."""
    found = load_checkpoint(prefix)
    number = found.states["step"]
    assert (found.weights["w"] == number).all()
    assert (group_of(found.optimizer, "optimizer")["w.moment1"] == 10 * number).all()
    return number


def test_what_was_saved_is_loaded(tmp_path):
    save_checkpoint(tmp_path / "sub" / "latest", checkpoint_of(3))
    assert number_in(tmp_path / "sub" / "latest") == 3
    assert number_in(tmp_path / "sub" / "latest.pdparams") == 3
    assert load_checkpoint(tmp_path / "sub" / "latest").states["best"] == {"acc": 0.1}
    assert sorted(path.name for path in (tmp_path / "sub").iterdir()) == [
        "latest.pdopt", "latest.pdparams", "latest.states",
    ]  # fmt: skip
    assert set(paddle.load(str(tmp_path / "sub" / "latest.pdparams"))) == {"w"}  # as PaddleOCR would read it


@pytest.mark.parametrize("survived", range(7))
def test_killed_between_any_two_renames(tmp_path, monkeypatch, survived):
    """Saving renames six times: three files to `.next`, then three into place."""
    prefix = tmp_path / "latest"
    save_checkpoint(prefix, checkpoint_of(1))
    rename, done = os.replace, []

    def until_killed(source, target):
        if len(done) == survived:
            raise KeyboardInterrupt
        rename(source, target)
        done.append(target)

    monkeypatch.setattr(os, "replace", until_killed)
    if survived == 6:
        save_checkpoint(prefix, checkpoint_of(2))
    else:
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(prefix, checkpoint_of(2))
    monkeypatch.undo()
    assert has_checkpoint(prefix)
    assert number_in(prefix) == (2 if survived >= 3 else 1)
    save_checkpoint(prefix, checkpoint_of(5))
    assert number_in(prefix) == 5


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".latest.next.pdparams-x1y2").write_bytes(b"half")
    save_checkpoint(tmp_path / "latest", checkpoint_of(1))
    assert not list(tmp_path.glob(".*"))


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"no checkpoint to go on from: \.pdparams, \.pdopt, \.states missing"):
        load_checkpoint(tmp_path / "latest")
    save_checkpoint(tmp_path / "latest", checkpoint_of(1))
    (tmp_path / "latest.states").write_bytes(pickle.dumps({"epoch": 3}))  # as PaddleOCR writes it
    with pytest.raises(ModelError, match=r"not written by this program .* Global\.pretrained_model"):
        load_checkpoint(tmp_path / "latest")
    assert not has_checkpoint(tmp_path / "best")


class Attack:
    def __reduce__(self):
        return os.mkdir, ("attacked",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pickle.dumps({"w": Attack()}), r"it calls (posix|nt)\.mkdir, which no weights need"),
        (pickle.dumps({"w": np.array([Attack()], object)}), "which no weights need"),
        (pickle.dumps([np.zeros(2)]), "expected names and arrays, found list"),
        (pickle.dumps({"w": "text"}), "'w' is no array of numbers"),
        (pickle.dumps({"w": np.array(["a"])}), "'w' is no array of numbers"),
        (pickle.dumps({"w": np.zeros(100)})[:-20], "not a file of weights"),
        (b"no pickle", "not a file of weights"),
    ],
)
def test_files_that_hold_no_weights(tmp_path, monkeypatch, content, told):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.pdparams"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=told):
        read_arrays(path)
    assert not (tmp_path / "attacked").exists()


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        read_arrays(tmp_path / "x.pdparams")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_the_forms_in_which_paddle_writes_weights(tmp_path, protocol):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tree = OrderedDict(w=array, named=("linear_0.w_0", array), **{"StructuredToParameterName@@": {"w": "linear_0.w_0"}})
    (tmp_path / "x.pdparams").write_bytes(pickle.dumps(tree, protocol))
    found = read_arrays(tmp_path / "x.pdparams")
    assert found.keys() == {"w", "named"}
    assert all(np.array_equal(value, array) for value in found.values())
    layer = paddle.nn.LSTM(2, 3)
    paddle.save(layer.state_dict(), str(tmp_path / "y.pdparams"), protocol=protocol)
    state = read_arrays(tmp_path / "y.pdparams")
    assert all(np.array_equal(state[name], tensor.numpy()) for name, tensor in layer.state_dict().items())


def test_module_renames_states_last():
    assert module.SUFFIXES[-1] == ".states"  # what says that the others are complete


def test_a_damaged_kind_of_numbers_does_not_reach_numpy(tmp_path):
    """NumPy's own dtype and array, set to damaged states, crashed the process."""
    whole = pickle.dumps({"a": np.ones((2, 3), np.float32), "b": np.ones(3, np.int64)}, protocol=4)
    for place in range(2, len(whole)):
        for change in (b"", b"N", b"b", b"R"):
            data = whole[:place] + change + whole[place + 1 :]
            (tmp_path / "x.pdparams").write_bytes(data)
            with contextlib.suppress(ModelError):
                assert all(isinstance(one, np.ndarray) for one in read_arrays(tmp_path / "x.pdparams").values())
