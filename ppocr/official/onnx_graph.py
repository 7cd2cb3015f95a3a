"""What we read in, and mend of, the ONNX files in which official weights are published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Collection, List, Optional, Sequence, Tuple

import numpy as np

from ppocr.errors import MissingExtraError, ModelError

if TYPE_CHECKING:
    import onnx

MAX_FILE_BYTES = 1 << 30  # an official network has at most some 200 MB


def load_onnx(data: bytes, label: str) -> onnx.ModelProto:
    """Parse the content of an ONNX file. Values that lie in other files are not read.

    Args:
        label: what error messages call it.

    Raises:
        ModelError: too large, no ONNX file, or a part of one.
        MissingExtraError: the package onnx is not installed.
    """
    if len(data) > MAX_FILE_BYTES:
        raise ModelError(f"{label}: {len(data)} bytes are too many for a network; the limit is {MAX_FILE_BYTES}")
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise MissingExtraError("Reading ONNX files", "onnxruntime") from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ModelError(f"{label}: damaged, or in another format: {error}") from error
    if not model.graph.node:
        raise ModelError(f"{label}: not an ONNX file: there is no graph in it")
    return model


def read_constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """All constant tensors of a graph by name: its initializers and its `Constant` nodes.

    Returns:
        name → array with the stored shape and dtype, in the file's order, which says nothing about the order of the
        layers.

    Raises:
        ModelError: a tensor of strings, with another number of values than its shape has, or stored outside the file.
    """
    constants = {tensor.name: _to_array(tensor, tensor.name) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            values = [attribute.t for attribute in node.attribute if attribute.name == "value"]
            constants.update({name: _to_array(values[0], name) for name in node.output if values})
    return constants


@dataclass(frozen=True)
class OnnxLayer:
    """An operation of an ONNX graph that has weights.

    Attributes:
        kind: "conv" (transposed or not), "norm", "linear", "layer_norm" or "affine" (one factor and one summand).
        weights: the kernel and, if there is one, the bias, float32[C]; or scale, shift, mean and variance; of a
            normalisation of layers scale and shift; of an affine function float32[1] each.
    """

    kind: str
    weights: Tuple[np.ndarray, ...]


_KINDS = {"Conv": "conv", "ConvTranspose": "conv", "BatchNormalization": "norm", "MatMul": "linear"}


def read_layers(model: onnx.ModelProto) -> List[OnnxLayer]:
    """The operations with weights, in the order of the graph, in which a converter writes them as they were executed.

    A constant that an `Add` puts on the output of a convolution or a matrix product is its bias. A normalisation of
    layers is written out in the file: a quotient, times the scale, plus the shift; an affine function too.

    Raises:
        ModelError: as `read_constants`.
    """
    constants = read_constants(model)
    found: list[tuple[str, list[np.ndarray]]] = []
    makers: dict[str, list[np.ndarray]] = {}  # output → weights of the layer that made it, if it may get a bias yet
    quotients: set[str] = set()
    factors: dict[str, np.ndarray] = {}  # product with one number → that number
    for node in model.graph.node:
        weights = [constants[name] for name in node.input if name in constants]
        kind = _layer_kind(node, weights, quotients)
        if kind is not None:
            found.append((kind, weights))
            if kind != "norm" and len(weights) == 1:
                makers[node.output[0]] = weights
        elif node.op_type == "Mul" and len(weights) == 1 and weights[0].size == 1:
            factors[node.output[0]] = weights[0]
        elif node.op_type == "Add" and weights and weights[0].size == 1 and any(x in factors for x in node.input):
            factor = next(factors[name] for name in node.input if name in factors)
            found.append(("affine", [factor.reshape(1), weights[0].reshape(1)]))
        elif node.op_type == "Add" and weights:
            maker = next((makers.pop(name) for name in node.input if name in makers), None)
            if maker is not None:
                maker.append(weights[0].reshape(-1))
        elif node.op_type == "Div":
            quotients.update(node.output)
        elif node.op_type in ("Identity", "Reshape"):  # some converters put them between a layer and its bias
            kinds: List[dict[str, Any]] = [constants, makers, factors]
            for named in kinds if node.op_type == "Identity" else kinds[:1]:
                if node.input[0] in named:
                    named[node.output[0]] = named[node.input[0]]
    return [OnnxLayer(kind, tuple(weights)) for kind, weights in found]


def _layer_kind(node: Any, weights: Sequence[np.ndarray], quotients: Collection[str]) -> Optional[str]:
    """`OnnxLayer.kind` of an operation with these constants; None if it is no layer."""
    if node.op_type == "Mul":
        scales = any(array.size > 1 for array in weights) and any(name in quotients for name in node.input)
        return "layer_norm" if scales else None
    return _KINDS.get(node.op_type) if weights else None


def read_metadata(model: onnx.ModelProto) -> dict[str, str]:
    """What an ONNX file says of itself, key → value."""
    return {entry.key: entry.value for entry in model.metadata_props}


def repair_upsampling(model: onnx.ModelProto) -> None:
    """Let nearest-neighbour up-sampling take the pixels that Paddle takes; the model is changed in place.

    Paddle's `nearest` without `align_corners` reads pixel ⌊x / factor⌋. The published conversions state no
    `nearest_mode`, which in ONNX means to round: the same for factor 2, but shifted by up to half a pixel for the
    factors 4 and 8 of DB's pyramid, where probabilities then differ by up to 1.
    """
    from onnx import helper

    for node in model.graph.node:
        attributes = {attribute.name: attribute.s for attribute in node.attribute}
        nearest = node.op_type == "Resize" and attributes.get("mode", b"nearest") == b"nearest"
        if nearest and "nearest_mode" not in attributes:
            node.attribute.append(helper.make_attribute("nearest_mode", "floor"))


def free_sizes(model: onnx.ModelProto) -> None:
    """Let the network take pictures of any size, also where the file was converted for one; changed in place."""
    for value in model.graph.input:
        for number, axis in enumerate(value.type.tensor_type.shape.dim):
            if number != 1:
                axis.dim_param = f"axis{number}"
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def use_precise_means(model: onnx.ModelProto) -> None:
    """Take the mean of each map (`GlobalAveragePool`, `ReduceMean`) over rows, then over columns; changed in place.

    The same but for rounding: onnxruntime adds a map's 50,000 pixels up in one float32, by which PP-OCRv6's detector,
    with 18 such means, is off by 6e-4 on ordinary pages, and by 1e-4 in this form.
    """
    from onnx import helper

    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        axes = [list(attribute.ints) for attribute in node.attribute if attribute.name == "axes"]
        if node.op_type == "GlobalAveragePool" or (node.op_type == "ReduceMean" and axes == [[2, 3]]):
            rows = f"{node.output[0]}/rows"
            for axis, source, target in ((3, node.input[0], rows), (2, rows, node.output[0])):
                mean = helper.make_node("ReduceMean", [source], [target], axes=[axis], keepdims=1)
                model.graph.node.append(mean)
        else:
            model.graph.node.append(node)


def _to_array(tensor: Any, name: str) -> np.ndarray:
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        raise ModelError(f"the values of constant {name!r} are stored outside the ONNX file")
    if tensor.data_type in (TensorProto.STRING, TensorProto.UNDEFINED):
        raise ModelError(f"constant {name!r} has the ONNX data type {tensor.data_type}, which is not supported")
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"constant {name!r} of shape {tuple(tensor.dims)}: {error}") from error
