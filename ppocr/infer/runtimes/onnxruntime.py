"""The engine onnxruntime."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from ppocr.errors import ModelError
from ppocr.infer.model_dir import PARAMS
from ppocr.infer.runtimes.devices import CPU, onnx_providers
from ppocr.infer.runtimes.onnx_base import ConvertedRuntime


class OnnxRuntime(ConvertedRuntime):
    """onnxruntime, in float32. Threads run beside each other."""

    name = "onnxruntime"

    def _import(self) -> str:
        import onnxruntime

        return onnxruntime.__version__

    def _load(self, model: Union[bytes, str], precision: str, shapes: int) -> Optional[bytes]:
        if precision != "fp32":
            raise ModelError(f"precision: engine onnxruntime computes in fp32 only, came {precision!r}")
        options = self._options()
        if self._device.kind != CPU:
            self._start(model, options)
            return None
        with tempfile.TemporaryDirectory(prefix="ppocr-") as folder:
            optimized = Path(folder) / "optimized.onnx"
            options.optimized_model_filepath = str(optimized)
            self._start(model, options)
            prepared = optimized.read_bytes()
        return None if PARAMS.encode() in prepared else prepared

    def _restore(self, prepared: bytes, precision: str, shapes: int) -> None:
        import onnxruntime

        options = self._options()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # it is optimized
        self._start(prepared, options)

    def _options(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3  # errors
        return options

    def _start(self, model: Union[bytes, str], options: Any) -> None:
        import onnxruntime

        providers = onnx_providers(self._device, onnxruntime.get_available_providers())
        self._session = onnxruntime.InferenceSession(model, options, providers=providers)
        self._name = self._session.get_inputs()[0].name

    def shape(self) -> list[Optional[int]]:
        return [axis if isinstance(axis, int) and axis > 0 else None for axis in self._session.get_inputs()[0].shape]

    def _request(self) -> None:
        return None  # each run allocates its output

    def _run(self, request: None, batch: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._name: batch})[0]
