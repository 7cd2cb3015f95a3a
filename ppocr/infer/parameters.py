"""Whether a file of weights holds what its graph asks for: every parameter's type and shape, and not a byte more.

This is what can be checked of directories that carry no hashes, as the official ones. The forms are Paddle's:

- `inference.pdiparams`: one `DenseTensor` after the other, sorted by name, without names
  (`paddle/phi/core/framework/dense_tensor_serialize.cc`, little-endian).
- `inference.json`: operators "p" of the outermost block are the parameters.
- `inference.pdmodel`: a `ProgramDesc` message; persistable variables are the parameters.
"""

from __future__ import annotations

import math
import os
import struct
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, Optional, Tuple

from ppocr.errors import ModelError
from ppocr.parse import parse_json, read_bytes
from ppocr.utils import protobuf

Parameter = Tuple[int, Tuple[int, ...]]  # type as `VarType.Type` of framework.proto numbers it, shape

_TYPES = {
    "t_bool": 0, "t_i16": 1, "t_i32": 2, "t_i64": 3, "t_f16": 4, "t_f32": 5, "t_f64": 6, "t_ui8": 20, "t_i8": 21,
    "t_bf16": 22,
}  # fmt: skip
_BYTES = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 20: 1, 21: 1, 22: 2}
_TENSOR: protobuf.Schema = {"TensorDesc": [("data_type", 1, "int32"), ("dims", 2, "*int64")]}
_PROGRAM: protobuf.Schema = {
    "Program": [("blocks", 1, "*Block")],
    "Block": [("vars", 3, "*Var")],
    "Var": [("name", 1, "string"), ("type", 2, "Type"), ("persistable", 3, "bool")],
    "Type": [("type", 1, "int32"), ("dense", 3, "Dense")],
    "Dense": [("tensor", 1, "TensorDesc")],
    **_TENSOR,
}
_DENSE_TENSOR = 7  # among the types of variables
_LONGEST_HEADER = 4096  # bytes of a tensor's type and shape


def check_parameters(program: Path, params: Path) -> None:
    """Compare a graph with its file of weights.

    Raises:
        ModelError: one of them is damaged, cut short, or belongs to another model.
    """
    asked = asked_for(program)
    held = stored(params)
    if asked is not None and Counter(asked) != Counter(held):
        raise ModelError(
            f"{params}: damaged, or of another model: {program.name} asks for {len(asked)} parameters "
            f"({_values(asked)} values), it holds {len(held)} ({_values(held)} values)"
        )


def asked_for(program: Path) -> Optional[List[Parameter]]:
    """The parameters of a graph; None if one has a type that is not known here.

    Raises:
        ModelError: the file is damaged or no graph.
    """
    try:
        data = read_bytes(program)
    except OSError as error:
        raise ModelError(f"{program}: cannot be read: {error.strerror}") from error
    found = _of_json(data, program) if program.suffix == ".json" else _of_protobuf(data, program)
    return found if all(kind in _BYTES for kind, _ in found) else None


def _of_json(data: bytes, program: Path) -> List[Parameter]:
    try:
        (region, *_) = parse_json(data)["program"]["regions"]
        operators = region["blocks"][0]["ops"]
        # The first of an output's attributes says whether it is persistable: the state of an LSTM's dropout is not.
        tensors = [node["O"]["TT"]["D"] for node in operators if node["#"] == "p" and node["OA"][0]]
        return [(_TYPES.get(kind["#"].split(".")[-1], -1), tuple(map(int, shape))) for kind, shape, *_ in tensors]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ModelError(f"{program}: damaged, or no graph of Paddle") from error


def _of_protobuf(data: bytes, program: Path) -> List[Parameter]:
    graph: Any = protobuf.parse(_PROGRAM, "Program", data, label=str(program))
    if not graph.blocks:
        raise ModelError(f"{program}: damaged, or no graph of Paddle")
    found: Dict[str, Parameter] = {}
    for block in graph.blocks:
        for var in block.vars:
            if var.persistable and var.type.type == _DENSE_TENSOR:
                tensor = var.type.dense.tensor
                found[var.name] = tensor.data_type, tuple(tensor.dims)
    return list(found.values())


def stored(params: Path) -> List[Parameter]:
    """The types and shapes of the tensors in a `.pdiparams`, in its order; values are not read.

    Raises:
        ModelError: the file is damaged or cut short.
    """
    found: List[Parameter] = []
    description = protobuf.message_class(_TENSOR, "TensorDesc")
    try:
        with params.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            while stream.tell() < size:
                kind, shape = _header(stream, description, params)
                stream.seek(math.prod(shape) * _BYTES[kind], os.SEEK_CUR)
                if stream.tell() > size:
                    raise EOFError
                found.append((kind, shape))
    except (struct.error, EOFError) as error:
        raise ModelError(f"{params}: damaged: cut short after {len(found)} parameters") from error
    except OSError as error:
        raise ModelError(f"{params}: cannot be read: {error.strerror}") from error
    return found


def _header(stream: BinaryIO, description: Any, params: Path) -> Parameter:
    version, levels, tensor_version, length = struct.unpack("<IQIi", stream.read(20))
    if version or levels or tensor_version or not 0 < length <= _LONGEST_HEADER:
        raise ModelError(f"{params}: damaged, or no parameters of Paddle")
    header = protobuf.parse_as(description, stream.read(length), label=str(params))
    shape = tuple(header.dims)
    if header.data_type not in _BYTES or any(axis < 0 for axis in shape):
        raise ModelError(f"{params}: damaged: a parameter of type {header.data_type} and shape {list(shape)}")
    return header.data_type, shape


def _values(parameters: List[Parameter]) -> int:
    return sum(math.prod(shape) for _, shape in parameters)
