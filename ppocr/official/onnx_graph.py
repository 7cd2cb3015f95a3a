"""Reading the weights that an ONNX file carries, with nothing but `protobuf` (which Paddle depends on anyway).

The field numbers are those of `onnx.proto3` (https://github.com/onnx/onnx, ONNX IR version 3 and later).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Collection, List, Optional, Sequence, Tuple, Union

import numpy as np

from ppocr.errors import ModelError
from ppocr.official import protobuf

_SCHEMA: protobuf.Schema = {
    "Model": [("graph", 7, "Graph"), ("metadata", 14, "*Entry")],
    "Entry": [("key", 1, "string"), ("value", 2, "string")],
    "Graph": [("node", 1, "*Node"), ("initializer", 5, "*Tensor")],
    "Node": [
        ("input", 1, "*string"),
        ("output", 2, "*string"),
        ("op_type", 4, "string"),
        ("attribute", 5, "*Attribute"),
    ],
    "Attribute": [
        ("name", 1, "string"),
        ("i", 3, "int64"),
        ("s", 4, "bytes"),
        ("t", 5, "Tensor"),
        ("ints", 8, "*int64"),
        ("type", 20, "int32"),
    ],
    "Tensor": [
        ("dims", 1, "*int64"),
        ("data_type", 2, "int32"),
        ("float_data", 4, "*float"),
        ("int32_data", 5, "*int32"),
        ("int64_data", 7, "*int64"),
        ("name", 8, "string"),
        ("raw_data", 9, "bytes"),
        ("double_data", 10, "*double"),
        ("data_location", 14, "int32"),
    ],
}
_INT, _STRING, _INTS = 2, 3, 7  # AttributeProto.AttributeType
_EXTERNAL = 1  # TensorProto.DataLocation.EXTERNAL: the values lie in another file

# TensorProto.DataType → (dtype, the field that holds the values when raw_data doesn't)
_DTYPES = {
    1: ("<f4", "float_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    11: ("<f8", "double_data"),
}


def read_constants(source: Union[bytes, Path]) -> dict[str, np.ndarray]:
    """All constant tensors of an ONNX graph by name: its initializers and its `Constant` nodes.

    Args:
        source: a file, or its content.

    Returns:
        name → array with the stored shape and dtype (float32, float64, int32, int64), in the file's order, which
        says nothing about the order of the layers.

    Raises:
        ModelError: not an ONNX file, a tensor of another type, with too few values, or stored outside the file.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    label = str(source) if isinstance(source, Path) else "ONNX data"
    model = _parse(data, label)
    constants = {tensor.name: _to_array(tensor, tensor.name, label) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            values = [attribute.t for attribute in node.attribute if attribute.name == "value"]
            constants.update({name: _to_array(values[0], name, label) for name in node.output if values})
    return constants


@dataclass(frozen=True)
class OnnxLayer:
    """An operation of an ONNX graph that has weights.

    Attributes:
        kind: "conv" (transposed or not), "norm", "linear" or "layer_norm".
        weights: the kernel and, if there is one, the bias, float32[C]; or scale, shift, mean and variance; of a
            normalisation of layers scale and shift.
    """

    kind: str
    weights: Tuple[np.ndarray, ...]


_KINDS = {"Conv": "conv", "ConvTranspose": "conv", "BatchNormalization": "norm", "MatMul": "linear"}


def read_layers(source: Union[bytes, Path]) -> List[OnnxLayer]:
    """The operations with weights, in the order of the graph, in which a converter writes them as they were executed.

    A constant that an `Add` puts on the output of a convolution or a matrix product is its bias. A normalisation of
    layers is written out in the file: a quotient, times the scale, plus the shift.

    Raises:
        ModelError: as `read_constants`.
    """
    constants = read_constants(source)
    model = _parse(source.read_bytes() if isinstance(source, Path) else source, str(source)[:80])
    found: list[tuple[str, list[np.ndarray]]] = []
    makers: dict[str, list[np.ndarray]] = {}  # output → weights of the layer that made it, if it may get a bias yet
    quotients: set[str] = set()
    for node in model.graph.node:
        weights = [constants[name] for name in node.input if name in constants]
        kind = _layer_kind(node, weights, quotients)
        if kind is not None:
            found.append((kind, weights))
            if kind != "norm" and len(weights) == 1:
                makers[node.output[0]] = weights
        elif node.op_type == "Add" and weights:
            maker = next((makers.pop(name) for name in node.input if name in makers), None)
            if maker is not None:
                maker.append(weights[0].reshape(-1))
        elif node.op_type == "Div":
            quotients.update(node.output)
        elif node.op_type in ("Identity", "Reshape"):  # some converters put them between a layer and its bias
            names = makers if node.op_type == "Identity" and node.input[0] in makers else constants
            if node.input[0] in names:
                names[node.output[0]] = names[node.input[0]]  # type: ignore[assignment]
    return [OnnxLayer(kind, tuple(weights)) for kind, weights in found]


def _layer_kind(node: Any, weights: Sequence[np.ndarray], quotients: Collection[str]) -> Optional[str]:
    """`OnnxLayer.kind` of an operation with these constants; None if it is no layer."""
    if node.op_type == "Mul":
        scales = any(array.size > 1 for array in weights) and any(name in quotients for name in node.input)
        return "layer_norm" if scales else None
    return _KINDS.get(node.op_type) if weights else None


def read_metadata(data: bytes) -> dict[str, str]:
    """What an ONNX file says of itself, key → value.

    Raises:
        ModelError: not an ONNX file.
    """
    return {entry.key: entry.value for entry in _parse(data, "ONNX data").metadata}


def repair_upsampling(data: bytes) -> bytes:
    """An ONNX file whose nearest-neighbour up-sampling takes the pixels that Paddle takes.

    Paddle's `nearest` without `align_corners` reads pixel ⌊x / factor⌋. The published conversions state no
    `nearest_mode`, which in ONNX means to round: the same for factor 2, but shifted by up to half a pixel for the
    factors 4 and 8 of DB's pyramid, where probabilities then differ by up to 1. Everything else is kept as it is.

    Raises:
        ModelError: not an ONNX file.
    """
    model = _parse(data, "ONNX data")
    for node in model.graph.node:
        attributes = {attribute.name: attribute.s for attribute in node.attribute}
        nearest = node.op_type == "Resize" and attributes.get("mode", b"nearest") == b"nearest"
        if nearest and "nearest_mode" not in attributes:
            node.attribute.add(name="nearest_mode", s=b"floor", type=_STRING)
    return model.SerializeToString()


def use_precise_means(data: bytes) -> bytes:
    """An ONNX file that takes the mean of each map (`GlobalAveragePool`, `ReduceMean`) over rows, then over columns.

    The same but for rounding: onnxruntime adds a map's 50,000 pixels up in one float32, by which PP-OCRv6's detector,
    with 18 such means, is off by 6e-4 on ordinary pages, and by 1e-4 in this form.

    Raises:
        ModelError: not an ONNX file.
    """
    model = _parse(data, "ONNX data")
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        axes = [list(attribute.ints) for attribute in node.attribute if attribute.name == "axes"]
        if node.op_type == "GlobalAveragePool" or (node.op_type == "ReduceMean" and axes == [[2, 3]]):
            rows = f"{node.output[0]}/rows"
            for axis, source, target in ((3, node.input[0], rows), (2, rows, node.output[0])):
                mean = model.graph.node.add(op_type="ReduceMean", input=[source], output=[target])
                mean.attribute.add(name="axes", ints=[axis], type=_INTS)
                mean.attribute.add(name="keepdims", i=1, type=_INT)
        else:
            model.graph.node.append(node)
    return model.SerializeToString()


def _parse(data: bytes, label: str) -> Any:
    model = protobuf.parse(_SCHEMA, "Model", data, label=label)
    if not model.graph.node:
        raise ModelError(f"{label}: not an ONNX file: there is no graph in it")
    return model


def _to_array(tensor: Any, name: str, label: str) -> np.ndarray:
    if tensor.data_type not in _DTYPES:
        raise ModelError(
            f"{label}: constant {name!r} has the ONNX data type {tensor.data_type}, which is not supported"
        )
    if tensor.data_location == _EXTERNAL:
        raise ModelError(f"{label}: the values of constant {name!r} are stored outside the file")
    dtype, field = _DTYPES[tensor.data_type]
    shape = tuple(tensor.dims)
    try:
        flat = np.frombuffer(tensor.raw_data, dtype) if tensor.raw_data else np.array(getattr(tensor, field), dtype)
        return flat.reshape(shape)
    except ValueError as error:
        raise ModelError(f"{label}: constant {name!r} of shape {shape}: {error}") from error
