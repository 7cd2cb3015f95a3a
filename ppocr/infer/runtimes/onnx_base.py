"""What engines share that run the ONNX form of a Paddle model, converted once."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any, Callable, Optional

import numpy as np

from ppocr.errors import MissingExtraError, ModelError
from ppocr.infer.runtimes.base import error_line
from ppocr.infer.runtimes.converted import Conversion
from ppocr.utils.cpu import available_cores
from ppocr.utils.malloc import reuse_freed_memory


class ConvertedRuntime(abc.ABC):
    """A `Runtime` that runs the ONNX form of a Paddle model.

    Args:
        program, params: graph and weights, as Paddle has them.
        threads: threads of the operators; 0 takes all cores.
        precision: "fp32", or "bf16" where the engine has it.
        shapes: how many input shapes to keep compiled kernels for, where the engine lets choose; 0 for all.

    Raises:
        MissingExtraError: the engine or the converter is not installed.
        ModelError: the model cannot be converted or loaded, or gives other outputs than with Paddle Inference.
    """

    name: str  # of the engine, and of the extra that brings it
    few_shapes = False  # both take an input of another shape at little cost

    def __init__(self, program: Path, params: Path, *, threads: int = 0, precision: str = "fp32", shapes: int = 0):
        self._program = program
        self._threads = threads or available_cores()
        self._idle: list[Any] = []  # requests that no thread uses; list's pop and append are atomic
        reuse_freed_memory()
        try:
            version = self._import()
        except ImportError as error:
            raise MissingExtraError(f"engine {self.name}", self.name) from error
        conversion = Conversion(program, params)
        model = conversion.onnx(self.name)
        engine = f"{self.name}-{version}"
        checked = conversion.is_checked(engine)
        if not checked:
            self._open(model, "fp32", shapes)
            conversion.check(engine, self._shape(), self.run)
        if checked or precision != "fp32":
            self._open(model, precision, shapes)

    def run(self, batch: np.ndarray, use: Callable[[np.ndarray], Any] = np.array) -> Any:
        """As `Runtime.run` says. Several threads may call it."""
        request = self._take()
        try:
            output = self._run(request, np.ascontiguousarray(batch))
        except Exception as error:  # both engines raise exceptions of their own from C++
            shape = list(batch.shape)
            raise ModelError(f"{self._program}: failed on an input of {shape}: {error_line(error)}") from error
        answer = use(output)
        self._idle.append(request)
        return answer

    def _take(self) -> Any:
        """What holds the buffers of one run: an idle one, or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._request()

    def _open(self, model: bytes, precision: str, shapes: int) -> None:
        try:
            self._load(model, precision, shapes)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"{self._program}: {self.name} cannot load it: {error_line(error)}") from error

    @abc.abstractmethod
    def _import(self) -> str:
        """Import the engine; its version."""

    @abc.abstractmethod
    def _load(self, model: bytes, precision: str, shapes: int) -> None:
        """Get ready to run an ONNX model."""

    @abc.abstractmethod
    def _shape(self) -> list[Optional[int]]:
        """The input's shape, None where it is free."""

    @abc.abstractmethod
    def _request(self) -> Any:
        """What holds the buffers of one run."""

    @abc.abstractmethod
    def _run(self, request: Any, batch: np.ndarray) -> np.ndarray:
        """The network's output, valid until the request runs again."""
