"""Where an engine computes: what `OCROptions.device` says.

Written by what the engines document, and tried on machines without a GPU alone.
"""

from __future__ import annotations

import re
from typing import Any, List, NamedTuple, Sequence, Tuple

from ppocr.errors import ModelError

CPU, GPU = "cpu", "gpu"
# Of onnxruntime's packages (-gpu, -rocm, -directml, for macOS), in the order in which they are preferred.
GPU_PROVIDERS = (
    "CUDAExecutionProvider", "ROCMExecutionProvider", "MIGraphXExecutionProvider", "DmlExecutionProvider",
    "CoreMLExecutionProvider",
)  # fmt: skip
PROVIDER_ENDING = "ExecutionProvider"
_FORM = re.compile(rf"(cpu|gpu|\w+{PROVIDER_ENDING})(?::(\d{{1,3}}))?")


class Device(NamedTuple):
    """A device: "cpu", "gpu", or an execution provider of onnxruntime; and which of several."""

    kind: str
    number: int

    @classmethod
    def parse(cls, text: str) -> Device:
        """`cpu`, `gpu`, `gpu:1`, `CUDAExecutionProvider`, `TensorrtExecutionProvider:1` …

        Raises:
            ModelError: it is none of these.
        """
        found = _FORM.fullmatch(text)
        if not found or (found[1] == CPU and found[2]):
            raise ModelError(
                f"device: expected cpu, gpu, gpu:N or the name of an execution provider of onnxruntime, came {text!r}"
            )
        return cls(found[1], int(found[2] or 0))

    @property
    def is_provider(self) -> bool:
        return self.kind.endswith(PROVIDER_ENDING)


ON_CPU = Device(CPU, 0)


def onnx_providers(device: Device, available: Sequence[str]) -> List[Any]:
    """What onnxruntime's session is given: the device's provider, then the CPU for what that cannot compute.

    Raises:
        ModelError: this onnxruntime has none for it.
    """
    fallback = "CPUExecutionProvider"
    if device.kind == CPU:
        return [fallback]
    wanted = (device.kind,) if device.is_provider else GPU_PROVIDERS
    name = next((name for name in wanted if name in available), None)
    if name is None:
        raise ModelError(
            f"device: this onnxruntime has no {device.kind}; it has {', '.join(available)} "
            "(onnxruntime-gpu and the like bring others)"
        )
    options: Tuple[str, Any] = (name, {"device_id": device.number}) if name != fallback else (name, {})
    return [options, *([fallback] if name != fallback else [])]


def openvino_device(device: Device, available: Sequence[str]) -> str:
    """OpenVINO's name of the device.

    Raises:
        ModelError: it has none such, or the device is one of onnxruntime's.
    """
    if device.kind == CPU:
        return "CPU"
    gpus = [name for name in available if name.split(".")[0] == "GPU"]
    if device.is_provider or device.number >= len(gpus):
        raise ModelError(f"device: OpenVINO has no {device.kind}:{device.number} here; it has {', '.join(available)}")
    return gpus[device.number]
