"""What engines share that run the ONNX form of a Paddle model, converted once."""

from __future__ import annotations

import abc
import logging
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np

from ppocr.errors import MissingExtraError, ModelError
from ppocr.infer.runtimes.base import error_line
from ppocr.infer.runtimes.converted import Conversion
from ppocr.infer.runtimes.devices import CPU, ON_CPU, Device
from ppocr.utils.cpu import available_cores, processor_kind
from ppocr.utils.malloc import reuse_freed_memory

logger = logging.getLogger(__name__)


class ConvertedRuntime(abc.ABC):
    """A `Runtime` that runs the ONNX form of a Paddle model.

    Args:
        program, params: graph and weights, as Paddle has them.
        threads: threads of the operators in one run; 0 takes all cores.
        runs: how many threads of the caller shall run it at the same time without waiting for each other.
        precision: "fp32", or "bf16" where the engine has it.
        shapes: how many input shapes to keep compiled kernels for, where the engine lets choose; 0 for all.
        device: where it computes.

    Raises:
        MissingExtraError: the engine or the converter is not installed.
        ModelError: the model cannot be converted or loaded, or gives other outputs than with Paddle Inference.
    """

    name: str  # of the engine, and of the extra that brings it
    few_shapes = False  # both take an input of another shape at little cost

    def __init__(
        self,
        program: Path,
        params: Path,
        *,
        threads: int = 0,
        runs: int = 1,
        precision: str = "fp32",
        shapes: int = 0,
        device: Device = ON_CPU,
    ):
        self._device = device
        self._program = program
        self._threads, self._runs = threads or available_cores(), runs
        self._idle: list[Any] = []  # requests that no thread uses; list's pop and append are atomic
        reuse_freed_memory()
        try:
            version = self._import()
        except ImportError as error:
            raise MissingExtraError(f"engine {self.name}", self.name) from error
        self._conversion = Conversion(program, params)
        engine = f"{self.name}-{version}" + (f"-{device.kind}" if device.kind != CPU else "")
        checked = self._conversion.is_checked(engine)
        if not checked:
            self._open(engine, "fp32", shapes)
            self._conversion.check(engine, self.shape(), self.run)
        if checked or precision != "fp32":
            self._open(engine, precision, shapes)

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

    def _open(self, engine: str, precision: str, shapes: int) -> None:
        """Load the form that this engine has prepared before, or prepare it now.

        Raises:
            ModelError: the model cannot be converted or loaded.
        """
        form = f"{engine}-{precision}-{processor_kind()}"
        is_cpu = self._device.kind == CPU  # what is prepared for another device fits no other machine
        prepared = self._conversion.prepared(form) if is_cpu else None
        if prepared is not None:
            try:
                return self._restore(prepared, precision, shapes)
            except Exception as error:  # both engines raise exceptions of their own from C++
                logger.warning("%s: prepared by %s before, not loaded now: %s", self._program, form, error_line(error))
        model = self._conversion.onnx(self.name)
        try:
            prepared = self._load(model, precision, shapes)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"{self._program}: {self.name} cannot load it: {error_line(error)}") from error
        if prepared is not None and is_cpu:
            self._conversion.keep_prepared(form, prepared)
        return None

    @abc.abstractmethod
    def _import(self) -> str:
        """Import the engine; its version."""

    @abc.abstractmethod
    def _load(self, model: Union[bytes, str], precision: str, shapes: int) -> Optional[bytes]:
        """Get ready to run an ONNX model, its content or path.

        Returns:
            What `_restore` can load in a fraction of the time; None where it would need other files.
        """

    @abc.abstractmethod
    def _restore(self, prepared: bytes, precision: str, shapes: int) -> None:
        """Get ready to run what `_load` has prepared with the same version, precision and kind of processor."""

    @abc.abstractmethod
    def shape(self) -> list[Optional[int]]:
        """The input's shape, None where it is free."""

    @abc.abstractmethod
    def _request(self) -> Any:
        """What holds the buffers of one run."""

    @abc.abstractmethod
    def _run(self, request: Any, batch: np.ndarray) -> np.ndarray:
        """The network's output, valid until the request runs again."""
