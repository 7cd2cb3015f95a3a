"""Constants of ONNX files, read without the onnx package; checked against it where it is installed."""

import numpy as np
import pytest

from ppocr.errors import ModelError
from ppocr.official.onnx_graph import _SCHEMA, read_constants, repair_upsampling
from ppocr.official.protobuf import message_class


def onnx_bytes(constants, initializers=(), *, raw=True):
    """A file with `Constant` nodes, in our own schema."""
    model = message_class(_SCHEMA, "Model")()
    model.graph.node.add(op_type="Relu", output=["y"])
    for name, array in constants.items():
        node = model.graph.node.add(op_type="Constant", output=[name])
        fill(node.attribute.add(name="value").t, array, raw=raw)
    for name, array in dict(initializers).items():
        tensor = model.graph.initializer.add(name=name)
        fill(tensor, array, raw=raw)
    return model.SerializeToString()


def fill(tensor, array, *, raw):
    code, field = {"f": (1, "float_data"), "i": (7, "int64_data"), "d": (11, "double_data")}[array.dtype.kind]
    code, field = (11, "double_data") if array.dtype == np.float64 else (code, field)
    tensor.data_type = code
    tensor.dims.extend(array.shape)
    if raw:
        tensor.raw_data = array.tobytes()
    else:
        getattr(tensor, field).extend(array.ravel().tolist())


@pytest.mark.parametrize("raw", [True, False])
def test_constants_and_initializers_with_shape_and_dtype(raw):
    constants = {
        "conv2d_0.w_0": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
        "scalar": np.array(2.5),
        "axes": np.array([0, 2], np.int64),
    }
    initializers = {"bias": np.array([1.5, -2], np.float32)}
    read = read_constants(onnx_bytes(constants, initializers, raw=raw))
    assert sorted(read) == ["axes", "bias", "conv2d_0.w_0", "scalar"]
    for name, array in {**constants, **initializers}.items():
        assert read[name].dtype == array.dtype and read[name].shape == array.shape
        np.testing.assert_array_equal(read[name], array)


def test_file_on_disk(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes({"a": np.ones(3, np.float32)}))
    np.testing.assert_array_equal(read_constants(path)["a"], np.ones(3))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no graph"),
        (b"not an ONNX file at all", "damaged, or in another format"),
        (onnx_bytes({"a": np.ones((4, 4), np.float32)})[:-20], "damaged"),
    ],
)
def test_other_files_are_refused(data, told):
    with pytest.raises(ModelError, match=told):
        read_constants(data)


def test_wrong_number_of_values_and_types_are_named():
    model = message_class(_SCHEMA, "Model")()
    node = model.graph.node.add(op_type="Constant", output=["short"])
    tensor = node.attribute.add(name="value").t
    tensor.data_type, tensor.raw_data = 1, b"\0" * 8
    tensor.dims.extend([3])
    with pytest.raises(ModelError, match="'short' of shape"):
        read_constants(model.SerializeToString())
    tensor.data_type = 8  # strings
    with pytest.raises(ModelError, match="'short' has the ONNX data type 8"):
        read_constants(model.SerializeToString())
    tensor.data_type, tensor.data_location = 1, 1
    with pytest.raises(ModelError, match="outside the file"):
        read_constants(model.SerializeToString())


def test_equal_to_the_onnx_package():
    onnx = pytest.importorskip("onnx")
    random = np.random.default_rng(0)
    arrays = {"w": random.normal(size=(4, 3, 3, 3)).astype(np.float32), "n": np.array([-5, 2**40], np.int64)}
    nodes = [
        onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(array, name))
        for name, array in arrays.items()
    ]
    start = onnx.numpy_helper.from_array(np.array([[1, 2]], np.int32), "start")
    graph = onnx.helper.make_graph(nodes, "g", [], [], [start])
    read = read_constants(onnx.helper.make_model(graph).SerializeToString())
    for name, array in {**arrays, "start": np.array([[1, 2]], np.int32)}.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_repaired_upsampling_takes_paddles_pixels():
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    scales = onnx.numpy_helper.from_array(np.array([1, 1, 1, 4], np.float32), "scales")
    nodes = [
        onnx.helper.make_node("Constant", [], ["scales"], value=scales),
        onnx.helper.make_node(
            "Resize", ["x", "", "scales"], ["y"], mode="nearest", coordinate_transformation_mode="asymmetric"
        ),
    ]
    value = onnx.helper.make_tensor_value_info
    x, y = value("x", 1, [1, 1, 1, 3]), value("y", 1, [1, 1, 1, 12])
    graph = onnx.helper.make_graph(nodes, "g", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7)
    picture = np.array([[[[1, 2, 3]]]], np.float32)

    def run(data):
        session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": picture})[0]

    published = model.SerializeToString()
    assert not np.array_equal(run(published), picture.repeat(4, axis=3))  # what the repair is for
    np.testing.assert_array_equal(run(repair_upsampling(published)), picture.repeat(4, axis=3))
    assert repair_upsampling(repair_upsampling(published)) == repair_upsampling(published)
