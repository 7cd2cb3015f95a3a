"""Reading the weights that an ONNX file carries, with nothing but `protobuf` (which Paddle depends on anyway).

The field numbers are those of `onnx.proto3` (https://github.com/onnx/onnx, ONNX IR version 3 and later).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Union

import numpy as np

from ppocr.engine import protobuf
from ppocr.errors import ModelError

_SCHEMA: protobuf.Schema = {
    "Model": [("graph", 7, "Graph")],
    "Graph": [("node", 1, "*Node"), ("initializer", 5, "*Tensor")],
    "Node": [("output", 2, "*string"), ("op_type", 4, "string"), ("attribute", 5, "*Attribute")],
    "Attribute": [("name", 1, "string"), ("s", 4, "bytes"), ("t", 5, "Tensor"), ("type", 20, "int32")],
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
_STRING = 3  # AttributeProto.AttributeType.STRING
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
