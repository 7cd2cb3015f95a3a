"""Constants of ONNX files, and what is mended in them."""

import numpy as np
import onnx
import pytest

from ppocr.errors import ModelError
from ppocr.official import onnx_graph
from ppocr.official.onnx_graph import load_onnx, read_constants, repair_upsampling


def model_of(constants, initializers=()):
    """A model with `Constant` nodes."""
    tensors = {name: onnx.numpy_helper.from_array(array, name) for name, array in constants.items()}
    nodes = [onnx.helper.make_node("Constant", [], [name], value=tensor) for name, tensor in tensors.items()]
    nodes.append(onnx.helper.make_node("Relu", ["x"], ["y"]))
    given = [onnx.numpy_helper.from_array(array, name) for name, array in dict(initializers).items()]
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], [], given))


def test_constants_and_initializers_with_shape_and_dtype():
    constants = {
        "conv2d_0.w_0": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
        "scalar": np.array(2.5),
        "axes": np.array([0, -(2**40)], np.int64),
    }
    initializers = {"bias": np.array([1.5, -2], np.float32)}
    read = read_constants(load_onnx(model_of(constants, initializers).SerializeToString(), "m"))
    assert sorted(read) == ["axes", "bias", "conv2d_0.w_0", "scalar"]
    for name, array in {**constants, **initializers}.items():
        assert read[name].dtype == array.dtype and read[name].shape == array.shape
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize(
    ("data", "reported"),
    [
        (b"", "no graph"),
        (b"not an ONNX file at all", "damaged, or in another format"),
        (model_of({"a": np.ones((4, 4), np.float32)}).SerializeToString()[:-20], "damaged"),
    ],
)
def test_other_files_are_refused(data, reported):
    with pytest.raises(ModelError, match=f"file.onnx: .*{reported}"):
        load_onnx(data, "file.onnx")


def test_files_larger_than_any_network_are_not_parsed(monkeypatch):
    monkeypatch.setattr(onnx_graph, "MAX_FILE_BYTES", 10)
    with pytest.raises(ModelError, match="11 bytes are too many"):
        load_onnx(bytes(11), "m")


def test_wrong_number_of_values_and_types_are_named():
    model = model_of({"short": np.zeros(3, np.float32)})
    tensor = model.graph.node[0].attribute[0].t
    tensor.raw_data = bytes(8)
    with pytest.raises(ModelError, match="'short' of shape"):
        read_constants(model)
    tensor.data_type = onnx.TensorProto.STRING
    with pytest.raises(ModelError, match="'short' has the ONNX data type 8"):
        read_constants(model)
    tensor.data_type, tensor.data_location = onnx.TensorProto.FLOAT, onnx.TensorProto.EXTERNAL
    with pytest.raises(ModelError, match="outside the ONNX file"):
        read_constants(model)


def test_repaired_upsampling_takes_paddles_pixels():
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

    assert not np.array_equal(run(model.SerializeToString()), picture.repeat(4, axis=3))  # what the repair is for
    repair_upsampling(model)
    repaired = model.SerializeToString()
    np.testing.assert_array_equal(run(repaired), picture.repeat(4, axis=3))
    repair_upsampling(model)
    assert model.SerializeToString() == repaired
