"""Fused weights → training form, and back: blocks with branches, the order of layers, statistics."""

from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest
from paddle import nn

from ppocr.config import Config, load_config
from ppocr.engine.build import build_model
from ppocr.engine.weights import TRAINING_ONLY, load_weights
from ppocr.errors import ModelError
from ppocr.modeling.deploy.prediction import fuse_branches
from ppocr.modeling.layers import conv_bn
from ppocr.modeling.mobile_one import Affine, BranchedConv
from ppocr.modeling.reparam import DILATED_BRANCHES, DilatedReparamBlock, RepDWConv
from ppocr.official.onnx_graph import OnnxLayer, read_layers, use_precise_means
from ppocr.official.rename import by_structured_name
from ppocr.official.unfuse import by_execution_order, calibrate_norms
from ppocr.utils.networks import find_layer

OFFICIAL = Path(__file__).parents[1] / "contract" / "official"
BLOCKS = {
    "rep": lambda: RepDWConv(6),
    **{f"dilated{k}": lambda k=k: DilatedReparamBlock(6, k) for k in DILATED_BRANCHES},
}


def noise(*shape):
    return np.random.RandomState(sum(shape)).standard_normal(shape).astype(np.float32)


def predicting(path):
    """A shipped configuration without the branch that only teaches, which takes seconds to make."""
    config = load_config(path).to_dict()
    if "head_list" in config["Architecture"]["Head"]:
        del config["Architecture"]["Head"]["head_list"][1:]
    return Config(config)


def lively(model):
    for index, (name, tensor) in enumerate(model.state_dict().items()):
        values = np.random.RandomState(index).normal(0, 0.5, tensor.shape)
        tensor.set_value((np.abs(values) + 0.5 if "variance" in name else values).astype(np.float32))
    model.eval()
    return model


@pytest.mark.parametrize("name", BLOCKS)
def test_a_fused_block_is_one_convolution_with_the_same_values(name):
    block, x = lively(BLOCKS[name]()), paddle.to_tensor(noise(2, 6, 15, 17))
    fused = block.fuse()
    assert type(fused) is nn.Conv2D
    np.testing.assert_allclose(fused(x).numpy(), block(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", BLOCKS)
def test_split_undoes_fuse(name):
    block = BLOCKS[name]()
    side = block.fuse().weight.shape[-1]
    weight, bias = noise(6, 1, side, side), noise(6)
    load_weights(block, block.split(weight, bias), source="test")  # every tensor is given, with its shape
    fused = block.fuse()
    np.testing.assert_allclose(fused.weight.numpy(), weight, atol=1e-6)
    np.testing.assert_allclose(fused.bias.numpy(), bias, atol=1e-6)


def test_other_kernels_are_refused():
    with pytest.raises(ValueError, match="dilated_kernel_size must be one of 5, 7, 9, 11, 13, came 3"):
        DilatedReparamBlock(4, 3)


class Small(nn.Layer):
    """Constructed in another order than it runs; a layer that never runs."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 5)
        self.block = RepDWConv(4)
        self.stem = conv_bn(3, 4, kernel=3, act="relu")
        self.thresh = nn.Conv2D(4, 4, 1)

    def forward(self, x):
        return self.head(self.block(self.stem(x)).mean([2, 3]))


def fused_layers():
    return [
        OnnxLayer("conv", (noise(4, 3, 3, 3), noise(4))),
        OnnxLayer("conv", (noise(4, 1, 3, 3), noise(4) + 1)),
        OnnxLayer("linear", (noise(4, 5), noise(5))),
    ]


def filled():
    model = Small()
    weights = by_execution_order(fused_layers(), model)
    assert not [name for name in weights if name.startswith("thresh")]
    state = model.state_dict()
    assert sorted(weights) == sorted(name for name in state if not name.startswith("thresh"))
    for name, array in weights.items():
        state[name].set_value(array)
    return model


def test_layers_find_their_places_by_the_order_in_which_they_run():
    model, x = filled(), paddle.to_tensor(noise(2, 3, 9, 9))
    model.eval()
    stem, block, head = fused_layers()
    y = nn.functional.relu(nn.functional.conv2d(x, *map(paddle.to_tensor, stem.weights), padding=1))
    y = nn.functional.conv2d(y, *map(paddle.to_tensor, block.weights), padding=1, groups=4).mean([2, 3])
    expected = y.numpy() @ head.weights[0] + head.weights[1]
    np.testing.assert_allclose(model(x).numpy(), expected, atol=1e-5)
    fuse_branches(model)
    np.testing.assert_allclose(model(x).numpy(), expected, atol=1e-5)


def test_normalisations_in_the_file_are_taken_as_they_are():
    model = Small()
    stem, *others = fused_layers()
    norm = OnnxLayer("norm", tuple(noise(4) + leaf for leaf in range(4)))
    weights = by_execution_order([OnnxLayer("conv", stem.weights[:1]), norm, *others], model)
    for leaf, array in zip(("weight", "bias", "_mean", "_variance"), norm.weights):
        np.testing.assert_array_equal(weights[f"stem.bn.{leaf}"], array)


def test_too_few_too_many_and_other_layers_are_told():
    layers = fused_layers()
    with pytest.raises(ModelError, match="no linear is left for head"):
        by_execution_order(layers[:2], Small())
    with pytest.raises(ModelError, match="1 layers more than the network has"):
        by_execution_order([*layers, layers[2]], Small())
    with pytest.raises(ModelError, match="no conv is left for block"):
        by_execution_order([layers[0], layers[2]], Small())


def test_calibration_keeps_predictions_and_makes_training_begin_near_them():
    model, batches = filled(), [noise(8, 3, 16, 16) + 2, noise(8, 3, 16, 17) + 2]
    model.eval()
    x = paddle.to_tensor(batches[0])
    before = model(x).numpy()
    calibrate_norms(model, batches)
    np.testing.assert_allclose(model(x).numpy(), before, atol=1e-4)
    assert not model.training and model.block.bn._mean.numpy().any()
    model.train()
    training = model(x).numpy()
    model.eval()
    np.testing.assert_allclose(training, before, atol=0.2 * np.abs(before).max())


def test_known_statistics_are_not_touched():
    model = filled()
    model.stem.bn._mean.set_value(np.ones(4, np.float32))
    calibrate_norms(model, [noise(2, 3, 8, 8)])
    np.testing.assert_array_equal(model.stem.bn._mean.numpy(), np.ones(4))


def onnx_model(nodes, inputs):
    value = onnx.helper.make_tensor_value_info
    x, y = value("x", 1, inputs), value("y", 1, None)
    graph = onnx.helper.make_graph(nodes, "g", [x], [y])
    opset = [onnx.helper.make_opsetid("", 13)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=7)


def constant(name, array):
    return onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(array, name))


def test_layers_of_an_onnx_file_in_order_with_their_biases():
    node = onnx.helper.make_node
    kernel, bias, norm = noise(4, 3, 1, 1), noise(1, 4, 1, 1), [noise(4) for _ in range(4)]
    nodes = [
        constant("k", kernel), constant("b", bias), constant("one", np.float32(1)),
        *(constant(f"n{i}", array) for i, array in enumerate(norm)),
        node("Conv", ["x", "k"], ["c"]), node("Add", ["c", "b"], ["d"]), node("Add", ["d", "one"], ["e"]),
        node("Conv", ["e", "k", "n0"], ["f"]),
        node("BatchNormalization", ["f", "n0", "n1", "n2", "n3"], ["y"]),
    ]  # fmt: skip
    layers = read_layers(onnx_model(nodes, [1, 3, 5, 5]))
    assert [(layer.kind, len(layer.weights)) for layer in layers] == [("conv", 2), ("conv", 2), ("norm", 4)]
    np.testing.assert_array_equal(layers[0].weights[1], bias.reshape(-1))
    for read, array in zip(layers[2].weights, norm):
        np.testing.assert_array_equal(read, array)


def test_layers_whose_biases_take_a_detour():
    node = onnx.helper.make_node
    kernel, bias, matrix = noise(4, 3, 1, 1), noise(4), noise(5, 5)
    nodes = [
        constant("k", kernel), constant("b", bias), constant("m", matrix), constant("s", np.array([1, 4, 1, 1])),
        node("Conv", ["x", "k"], ["c"]), node("Identity", ["c"], ["d"]),
        node("Reshape", ["b", "s"], ["e"]), node("Add", ["d", "e"], ["f"]),
        node("MatMul", ["f", "m"], ["g"]), node("Reshape", ["g", "s"], ["h"]), node("Add", ["h", "b"], ["y"]),
    ]  # fmt: skip
    conv, linear = read_layers(onnx_model(nodes, [1, 3, 5, 5]))
    np.testing.assert_array_equal(conv.weights[1], bias)
    assert len(linear.weights) == 1  # what is reshaped before is no bias


def test_a_normalisation_of_layers_that_is_written_out():
    node = onnx.helper.make_node
    scale, shift = noise(5), noise(5) + 1
    nodes = [
        constant("s", scale), constant("t", shift), constant("two", np.float32([2])),
        node("Div", ["x", "two"], ["a"]), node("Mul", ["a", "two"], ["b"]),
        node("Div", ["b", "two"], ["c"]), node("Mul", ["c", "s"], ["d"]), node("Add", ["d", "t"], ["y"]),
    ]  # fmt: skip
    (layer,) = read_layers(onnx_model(nodes, [1, 5]))
    assert layer.kind == "layer_norm"
    for read, array in zip(layer.weights, (scale, shift)):
        np.testing.assert_array_equal(read, array)


def test_one_factor_and_one_summand_after_a_layer():
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node
    kernel, bias = noise(4, 3, 1, 1), noise(1, 4, 1, 1)
    nodes = [
        constant("k", kernel), constant("b", bias), constant("s", np.float32([2])), constant("t", np.float32([3])),
        node("Conv", ["x", "k"], ["c"]), node("Add", ["c", "b"], ["d"]), node("Identity", ["d"], ["e"]),
        node("Mul", ["s", "e"], ["f"]), node("Identity", ["f"], ["g"]), node("Add", ["g", "t"], ["h"]),
        node("HardSigmoid", ["h"], ["i"]), node("Mul", ["i", "h"], ["j"]), node("Mul", ["s", "j"], ["y"]),
    ]  # fmt: skip
    conv, affine = read_layers(onnx_model(nodes, [1, 3, 5, 5]))  # the last factor has no summand: it is none of them
    assert (conv.kind, affine.kind) == ("conv", "affine")
    np.testing.assert_array_equal(conv.weights[1], bias.reshape(-1))
    assert [array.tolist() for array in affine.weights] == [[2], [3]]


class Named(nn.Layer):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 4, kernel=3)
        self.block = BranchedConv(4, 4, kernel=3, groups=4)

    def forward(self, x):
        return self.block(self.stem(x))


@pytest.mark.parametrize("first_version", [True, False])
def test_fused_convolutions_find_their_places_by_name(first_version):
    source, target = lively(Named()), Named()
    state = {name: tensor.numpy() for name, tensor in source.state_dict().items()}
    weight, bias = source.block.kernel()
    given = {name: array for name, array in state.items() if name.startswith("stem")}
    given.update({"block.reparam_conv.weight": weight, "block.reparam_conv.bias": bias})
    names = ("w", "b", "activation.scale", "activation.bias")
    places = ("lab.scale", "lab.bias", "act.lab.scale", "act.lab.bias")
    for name, place in zip(names, places):
        given[f"block.{name if first_version else place}"] = state[f"block.{place}"]
    load_weights(target, by_structured_name(given, target), source="test")
    target.eval()
    x = paddle.to_tensor(noise(2, 3, 9, 9))
    np.testing.assert_allclose(target(x).numpy(), source(x).numpy(), atol=1e-5)
    with pytest.raises(ModelError, match=r"stem\.reparam_conv\.weight is fused, and the network has no branches there"):
        by_structured_name({"stem.reparam_conv.weight": weight}, target)


@pytest.mark.parametrize("kind", ["GlobalAveragePool", "ReduceMean"])
def test_steady_means_are_the_same_but_for_rounding(kind):
    runtime = pytest.importorskip("onnxruntime")
    attributes = {"axes": [2, 3], "keepdims": 1} if kind == "ReduceMean" else {}
    model = onnx_model([onnx.helper.make_node(kind, ["x"], ["y"], **attributes)], [2, 3, 300, 200])
    use_precise_means(model)
    assert [node.op_type for node in model.graph.node] == ["ReduceMean", "ReduceMean"]
    x = noise(2, 3, 300, 200) * 10 + 3
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y = session.run(None, {"x": x})[0]
    np.testing.assert_allclose(y, x.astype(np.float64).mean(axis=(2, 3), keepdims=True), atol=1e-5)


@pytest.mark.parametrize("name", ["v6_tiny_det", "v6_tiny_rec", "v6_small_rec", "v5_mobile_det", "v3_mobile_rec"])
def test_published_networks_find_every_place(name):
    """The layers of an official file, with the values of one network of ours, bring another to the same predictions."""
    kind = name.rpartition("_")[2]
    config = f"{kind}/PP-OCR{name}.yml"
    source, target = lively(build_model(predicting(config))), build_model(predicting(config))
    shape = [1, 3, 64 if kind == "det" else 48, 64]
    weights = by_execution_order(published(source, OFFICIAL / f"onnx_{name}.txt"), target, shape)
    report = load_weights(target, weights, source="test")
    assert all(name.startswith(TRAINING_ONLY) for name in report.initial)
    target.eval()
    x = paddle.to_tensor(noise(1, 3, *shape[2:]) * 0.1)
    expected = source(x).numpy()
    np.testing.assert_allclose(target(x).numpy(), expected, atol=2e-3 if name == "v5_mobile_det" else 1e-4)
    assert np.ptp(expected) > 1e-3


def published(model, listing):
    """What an official file would hold for `model`, in the order and the shapes in which the real one lists it."""
    layers = []
    for line in listing.read_text(encoding="utf-8").splitlines()[1:]:
        kind, shapes, name, *norm = line.split(" ")
        layer = find_layer(model, name)
        arrays = folded(layer, find_layer(model, *norm)) if norm else values_of(layer)
        shapes = [tuple(map(int, shape.split("x"))) for shape in shapes.split(",")]
        assert [array.size for array in arrays] == [np.prod(shape) for shape in shapes]
        layers.append(OnnxLayer(kind, tuple(array.reshape(shape) for array, shape in zip(arrays, shapes))))
    return layers


def values_of(layer):
    if isinstance(layer, BranchedConv):
        return list(layer.kernel())
    if isinstance(layer, Affine):
        return [layer.scale.numpy(), layer.bias.numpy()]
    layer = layer.fuse() if hasattr(layer, "fuse") else layer
    if hasattr(layer, "_mean"):
        tensors = (layer.weight, layer.bias, layer._mean, layer._variance)
    else:
        tensors = (layer.weight,) if layer.bias is None else (layer.weight, layer.bias)
    return [tensor.numpy() for tensor in tensors]


def folded(convolution, norm):
    """Kernel and bias that give what the normalisation makes of the convolution's output."""
    kernel, bias = (*values_of(convolution), 0.0)[:2]
    scale, shift, mean, variance = values_of(norm)
    scale = scale / np.sqrt(variance + norm._epsilon)
    outputs = 1 if isinstance(convolution, nn.Conv2DTranspose) else 0
    along = np.expand_dims(scale, tuple(axis for axis in range(kernel.ndim) if axis != outputs))
    return [kernel * along, shift + (bias - mean) * scale]
