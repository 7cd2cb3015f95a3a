"""Engines besides Paddle Inference: they run the same model directories, converted to ONNX once."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any, Callable, Optional

import numpy as np

from ppocr.errors import MissingExtraError, ModelError
from ppocr.infer.runtimes.converted import Conversion
from ppocr.infer.runtimes.paddle import available_cores, telling_line
from ppocr.utils.malloc import reuse_freed_memory

KERNELS = 150  # that the largest of our networks has for an input shape


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
            raise ModelError(f"{self._program}: failed on an input of {shape}: {telling_line(error)}") from error
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
            raise ModelError(f"{self._program}: {self.name} cannot load it: {telling_line(error)}") from error

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


class OpenVINORuntime(ConvertedRuntime):
    """OpenVINO on the CPU. Networks run beside each other; calls of the same network take turns."""

    name = "openvino"

    def _import(self) -> str:
        import openvino

        self._core = openvino.Core()
        return openvino.__version__.split("-")[0]

    def _load(self, model: bytes, precision: str, shapes: int) -> None:
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self._threads,
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "ENABLE_CPU_PINNING": False,  # two networks of one thread each would be put on the same core
        }
        if shapes:
            settings["CPU_RUNTIME_CACHE_CAPACITY"] = shapes * KERNELS
        self._network = self._core.compile_model(self._core.read_model(model, b""), "CPU", settings)

    def _shape(self) -> list[Optional[int]]:
        return [axis.get_length() if axis.is_static else None for axis in self._network.input(0).partial_shape]

    def _request(self) -> Any:
        return self._network.create_infer_request()

    def _run(self, request: Any, batch: np.ndarray) -> np.ndarray:
        return request.infer([batch], share_inputs=True, share_outputs=True)[0]


class OnnxRuntime(ConvertedRuntime):
    """onnxruntime on the CPU, in float32. Threads run beside each other."""

    name = "onnxruntime"

    def _import(self) -> str:
        import onnxruntime

        return onnxruntime.__version__

    def _load(self, model: bytes, precision: str, shapes: int) -> None:
        import onnxruntime

        if precision != "fp32":
            raise ModelError(f"precision: engine onnxruntime computes in fp32 only, came {precision!r}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._name = self._session.get_inputs()[0].name

    def _shape(self) -> list[Optional[int]]:
        return [axis if isinstance(axis, int) and axis > 0 else None for axis in self._session.get_inputs()[0].shape]

    def _request(self) -> None:
        return None  # each run allocates its output

    def _run(self, request: None, batch: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._name: batch})[0]
