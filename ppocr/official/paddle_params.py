"""Reading an official Paddle inference directory: `inference.pdmodel`, `.pdiparams` and `.pdiparams.info`.

- `.pdiparams` is the parameters one after the other, without names, sorted by variable name. Each is a `DenseTensor`
  as Paddle serialises it (`paddle/phi/core/framework/dense_tensor_serialize.cc`, little-endian): uint32 version 0;
  uint64 number of LoD levels, each uint64 length + content; uint32 version 0; int32 length + a `TensorDesc` message;
  the values.
- `.pdiparams.info` is a pickled dict: variable name → `{"structured_name": name in the state dict, …}`.
- `.pdmodel` is a `ProgramDesc` message, whose persistable variables are the names of the parameters. It matters where
  the `.info` also lists parameters that only training uses.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ppocr.errors import ModelError
from ppocr.utils import protobuf

_TENSOR_SCHEMA: protobuf.Schema = {"TensorDesc": [("data_type", 1, "int32"), ("dims", 2, "*int64")]}
_PROGRAM_SCHEMA: protobuf.Schema = {
    "Program": [("blocks", 1, "*Block")],
    "Block": [("vars", 3, "*Var")],
    "Var": [("name", 1, "string"), ("persistable", 3, "bool")],
}
_DTYPES = {2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8"}  # VarType.Type of framework.proto
_NOT_PARAMETERS = ("feed", "fetch")  # persistable variables that hold no tensor


def read_inference_dir(directory: Path, prefix: str = "inference") -> dict[str, np.ndarray]:
    """The parameters of an inference model by their state-dict names (`backbone.conv1.conv.weight`).

    Args:
        directory: holds `<prefix>.pdiparams` and `<prefix>.pdiparams.info`, and usually `<prefix>.pdmodel`.

    Raises:
        ModelError: a file is missing, damaged, in another format, or the files do not belong together.
    """
    parameters = directory / f"{prefix}.pdiparams"
    info = read_info(directory / f"{prefix}.pdiparams.info")
    tensors = read_tensors(parameters)
    program = directory / f"{prefix}.pdmodel"
    names = parameter_names(program) if program.is_file() else sorted(info)
    if len(names) != len(tensors):
        raise ModelError(f"{parameters}: holds {len(tensors)} tensors, but {len(names)} names belong to it")
    unnamed = [name for name in names if name not in info]
    if unnamed:
        raise ModelError(f"{parameters}.info: no structured name for {', '.join(unnamed[:5])}")
    return {info[name]: tensor for name, tensor in zip(names, tensors)}


def read_info(path: Path) -> dict[str, str]:
    """`.pdiparams.info`: variable name → structured name. The pickle may hold plain containers only, never code."""
    try:
        content = _PlainUnpickler(io.BytesIO(_read(path))).load()
        return {name: entry["structured_name"] for name, entry in content.items() if "structured_name" in entry}
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a table of structured names: {error}") from error


class _PlainUnpickler(pickle.Unpickler):
    """Refuses every class and function: what remains are dicts, lists, strings, numbers and booleans."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"refers to {module}.{name}, which a table of names has no use for")


def parameter_names(path: Path) -> list[str]:
    """The names of a program's parameters, in the order of its `.pdiparams`."""
    program = protobuf.parse(_PROGRAM_SCHEMA, "Program", _read(path), label=str(path))
    names = {var.name for block in program.blocks for var in block.vars if var.persistable}
    return sorted(names.difference(_NOT_PARAMETERS))


def read_tensors(path: Path) -> list[np.ndarray]:
    """All tensors of a `.pdiparams`, in the file's order."""
    stream = io.BytesIO(_read(path))
    size = len(stream.getbuffer())
    tensors = []
    try:
        while stream.tell() < size:
            tensors.append(_read_tensor(stream, str(path)))
    except (struct.error, EOFError, OverflowError) as error:
        raise ModelError(f"{path}: damaged or cut short after {len(tensors)} tensors") from error
    return tensors


def _read_tensor(stream: io.BytesIO, label: str) -> np.ndarray:
    version, levels = struct.unpack("<IQ", stream.read(12))
    for _ in range(levels):
        (length,) = struct.unpack("<Q", stream.read(8))
        stream.seek(length, io.SEEK_CUR)
    tensor_version, length = struct.unpack("<Ii", stream.read(8))
    if version or tensor_version or length < 0:
        raise ModelError(f"{label}: not Paddle parameters, or damaged (version {version}.{tensor_version})")
    header = protobuf.parse(_TENSOR_SCHEMA, "TensorDesc", stream.read(length), label=label)
    if header.data_type not in _DTYPES:
        raise ModelError(f"{label}: parameters of Paddle's data type {header.data_type} are not supported")
    dtype, shape = np.dtype(_DTYPES[header.data_type]), tuple(header.dims)
    if any(axis < 0 for axis in shape):
        raise ModelError(f"{label}: a tensor with the impossible shape {shape}")
    wanted = math.prod(shape) * dtype.itemsize
    values = stream.read(wanted)
    if len(values) != wanted:
        raise EOFError
    return np.frombuffer(values, dtype).reshape(shape)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
