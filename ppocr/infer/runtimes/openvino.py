"""The engine OpenVINO."""

from __future__ import annotations

import io
from typing import Any, Optional, Union

import numpy as np

from ppocr.infer.runtimes.devices import CPU, openvino_device
from ppocr.infer.runtimes.onnx_base import ConvertedRuntime

KERNELS_PER_SHAPE = 150  # that the largest of our networks has for an input shape


class OpenVINORuntime(ConvertedRuntime):
    """OpenVINO. Networks run beside each other; more than `runs` calls of the same network take turns."""

    name = "openvino"

    def _import(self) -> str:
        import openvino

        self._core = openvino.Core()
        return openvino.__version__.split("-")[0]

    def _load(self, model: Union[bytes, str], precision: str, shapes: int) -> Optional[bytes]:
        network = self._core.read_model(model) if isinstance(model, str) else self._core.read_model(model, b"")
        if self._device.kind != CPU:
            name = openvino_device(self._device, self._core.available_devices)
            hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
            self._network = self._core.compile_model(network, name, hints)
            return None
        self._network = self._core.compile_model(network, "CPU", self._settings(precision, shapes))
        prepared = io.BytesIO()
        self._network.export_model(prepared)
        return prepared.getvalue()

    def _restore(self, prepared: bytes, precision: str, shapes: int) -> None:
        self._network = self._core.import_model(io.BytesIO(prepared), "CPU", self._settings(precision, shapes))

    def _settings(self, precision: str, shapes: int) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": self._runs,
            "INFERENCE_NUM_THREADS": self._threads * self._runs,
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "ENABLE_CPU_PINNING": False,  # two networks of one thread each would be put on the same core
        }
        if shapes:
            settings["CPU_RUNTIME_CACHE_CAPACITY"] = shapes * KERNELS_PER_SHAPE
        return settings

    def shape(self) -> list[Optional[int]]:
        return [axis.get_length() if axis.is_static else None for axis in self._network.input(0).partial_shape]

    def _request(self) -> Any:
        return self._network.create_infer_request()

    def _run(self, request: Any, batch: np.ndarray) -> np.ndarray:
        return request.infer([batch], share_inputs=True, share_outputs=True)[0]
