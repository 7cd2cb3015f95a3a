"""Official inference directories, read without Paddle and without running what a pickle says."""

import os
import pickle
import struct

import numpy as np
import pytest

from ppocr.errors import ModelError
from ppocr.official.paddle_params import _PROGRAM_SCHEMA, _TENSOR_SCHEMA, read_inference_dir, read_tensors
from ppocr.utils.protobuf import message_class


def tensor_bytes(array, *, levels=()):
    """One tensor as Paddle serialises it."""
    header = message_class(_TENSOR_SCHEMA, "TensorDesc")()
    header.data_type = {"float32": 5, "float64": 6, "int64": 3}[array.dtype.name]
    header.dims.extend(array.shape)
    description = header.SerializeToString()
    lod = b"".join(struct.pack("<Q", len(level)) + level for level in levels)
    start = struct.pack("<IQ", 0, len(levels)) + lod + struct.pack("<Ii", 0, len(description))
    return start + description + array.tobytes()


def write_directory(path, parameters, *, listed=None, program=True):
    """`parameters`: variable name → (structured name, array)."""
    data = b"".join(tensor_bytes(parameters[name][1]) for name in sorted(parameters))
    (path / "inference.pdiparams").write_bytes(data)
    info = {name: {"structured_name": place, "trainable": True} for name, (place, _) in parameters.items()}
    (path / "inference.pdiparams.info").write_bytes(pickle.dumps({**info, **(listed or {})}, protocol=2))
    if program:
        model = message_class(_PROGRAM_SCHEMA, "Program")()
        block = model.blocks.add()
        for name in [*parameters, "feed", "fetch"]:
            block.vars.add(name=name, persistable=True)
        block.vars.add(name="conv2d_0.tmp_0", persistable=False)
        (path / "inference.pdmodel").write_bytes(model.SerializeToString())


PARAMETERS = {
    "conv2d_10.w_0": ("backbone.b.weight", np.arange(6, dtype=np.float32).reshape(3, 2)),
    "conv2d_9.w_0": ("backbone.a.weight", np.full((2, 1, 1, 1), 7, np.float32)),
    "batch_norm_0.w_1": ("backbone.bn._mean", np.array([0.5], np.float32)),
}


@pytest.mark.parametrize("program", [True, False])
def test_names_and_values(tmp_path, program):
    write_directory(tmp_path, PARAMETERS, program=program)
    read = read_inference_dir(tmp_path)
    assert sorted(read) == sorted(place for place, _ in PARAMETERS.values())
    for place, array in PARAMETERS.values():
        np.testing.assert_array_equal(read[place], array)


def test_listed_parameters_that_only_training_uses(tmp_path):
    listed = {"a_0.w_0": {"structured_name": "head.gtc.weight"}, "unnamed": {"stop_gradient": True}}
    write_directory(tmp_path, PARAMETERS, listed=listed)
    assert len(read_inference_dir(tmp_path)) == len(PARAMETERS)
    (tmp_path / "inference.pdmodel").unlink()  # now nothing tells which of the four are in the file
    with pytest.raises(ModelError, match="holds 3 tensors, but 4 names"):
        read_inference_dir(tmp_path)


def test_files_paddle_writes_today(tmp_path):
    import paddle

    layer = paddle.nn.Linear(3, 2)
    paddle.jit.save(layer, str(tmp_path / "inference"), input_spec=[paddle.static.InputSpec([-1, 3], "float32")])
    tensors = read_tensors(tmp_path / "inference.pdiparams")
    assert sorted(tensor.shape for tensor in tensors) == [(2,), (3, 2)]
    weight = next(tensor for tensor in tensors if tensor.ndim == 2)
    np.testing.assert_array_equal(weight, layer.weight.numpy())


def test_levels_of_detail_are_skipped(tmp_path):
    path = tmp_path / "x.pdiparams"
    path.write_bytes(tensor_bytes(np.ones(2, np.float32), levels=[b"12345678", b""]))
    np.testing.assert_array_equal(read_tensors(path)[0], [1, 1])


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_runs_no_code(tmp_path):
    write_directory(tmp_path, PARAMETERS)
    attack = {"conv2d_9.w_0": {"structured_name": Attack(str(tmp_path / "was here"))}}
    (tmp_path / "inference.pdiparams.info").write_bytes(pickle.dumps(attack))
    with pytest.raises(ModelError, match="mkdir"):
        read_inference_dir(tmp_path)
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x80\x02}q\x00.", "3 names|names belong|no structured name"),
        (b"garbage", "not a table of structured names"),
        (b"", "not a table of structured names"),
        (pickle.dumps([1, 2]), "not a table of structured names"),
        (pickle.dumps({"a": 3}), "not a table of structured names"),
    ],
)
def test_damaged_info(tmp_path, data, told):
    write_directory(tmp_path, PARAMETERS)
    (tmp_path / "inference.pdiparams.info").write_bytes(data)
    with pytest.raises(ModelError, match=told):
        read_inference_dir(tmp_path)


@pytest.mark.parametrize("keep", [1, 11, 15, 19, 30, -1])
def test_parameters_cut_short(tmp_path, keep):
    write_directory(tmp_path, PARAMETERS)
    path = tmp_path / "inference.pdiparams"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"cut short|damaged|in another format"):
        read_inference_dir(tmp_path)


@pytest.mark.parametrize("data", [b"\x01" * 64, b"PK\x03\x04" * 16, struct.pack("<IQQ", 0, 1, 2**63) + b"x" * 50])
def test_other_files_are_not_parameters(tmp_path, data):
    (tmp_path / "x.pdiparams").write_bytes(data)
    with pytest.raises(ModelError):
        read_tensors(tmp_path / "x.pdiparams")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"inference\.pdiparams\.info: cannot be read: No such file"):
        read_inference_dir(tmp_path)
