"""The engine onnxruntime."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ppocr.errors import ModelError
from ppocr.infer.runtimes.onnx_base import ConvertedRuntime


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
