"""`OCROptions.device`: no GPU is needed, so that what is refused and what engines are told can be tested everywhere."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from ppocr.errors import ModelError
from ppocr.infer.model_dir import open_model
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes import paddle as paddle_module
from ppocr.infer.runtimes.create import create_runtime, engine_for
from ppocr.infer.runtimes.devices import Device, onnx_providers, openvino_device

BATCH = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, 192)).astype(np.float32)


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    return open_model("slim", "cls")


@pytest.mark.parametrize("text", ["", "GPU", "gpu:", "gpu:x", "cpu:0", "cuda", "Provider", "gpu:1000"])
def test_a_device_that_is_none_is_refused(text):
    with pytest.raises(ModelError, match="device: expected cpu, gpu"):
        Device.parse(text)


def test_providers_of_onnxruntime():
    has = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    assert onnx_providers(Device.parse("cpu"), has) == ["CPUExecutionProvider"]
    assert onnx_providers(Device.parse("gpu:1"), has) == [
        ("CUDAExecutionProvider", {"device_id": 1}), "CPUExecutionProvider",
    ]  # fmt: skip
    assert onnx_providers(Device.parse("TensorrtExecutionProvider"), has)[0] == (
        "TensorrtExecutionProvider", {"device_id": 0},
    )  # fmt: skip
    with pytest.raises(ModelError, match="no ROCMExecutionProvider; it has Tensorrt"):
        onnx_providers(Device.parse("ROCMExecutionProvider"), has)
    with pytest.raises(ModelError, match="no gpu; it has CPUExecutionProvider"):
        onnx_providers(Device.parse("gpu"), ["CPUExecutionProvider"])


def test_gpus_of_openvino():
    assert openvino_device(Device.parse("gpu:1"), ["CPU", "GPU.0", "GPU.1"]) == "GPU.1"
    assert openvino_device(Device.parse("gpu"), ["CPU", "GPU"]) == "GPU"
    for text in ("gpu", "CUDAExecutionProvider"):
        with pytest.raises(ModelError, match="it has CPU, NPU"):
            openvino_device(Device.parse(text), ["CPU", "NPU"])


def test_a_provider_by_name_computes_the_same_and_keeps_nothing(model, tmp_path):
    pytest.importorskip("onnxruntime")
    options = OCROptions(engine="onnxruntime", threads=1)
    expected = create_runtime(model, options).run(BATCH)
    kept = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    found = create_runtime(model, dataclasses.replace(options, device="CPUExecutionProvider")).run(BATCH)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == kept


@pytest.mark.parametrize("engine", ["paddle", "onnxruntime", "openvino"])
def test_without_a_gpu_each_engine_says_what_it_has(engine, model):
    package = pytest.importorskip(engine)
    if engine == "paddle" and package.device.is_compiled_with_cuda():
        pytest.skip("this Paddle is for GPUs")
    with pytest.raises(
        ModelError, match=r"device: (this Paddle computes on the CPU alone|this onnxruntime has|OpenVINO)"
    ):
        create_runtime(model, OCROptions(engine=engine, device="gpu:7"))


def test_auto_depends_on_the_device(model, monkeypatch):
    monkeypatch.delenv("PPOCR_ENGINE", raising=False)
    assert engine_for(OCROptions(device="gpu"), model) == "paddle"
    assert engine_for(OCROptions(device="CUDAExecutionProvider"), model) == "onnxruntime"


def test_paddle_is_told_which_gpu(model, monkeypatch):
    told = []

    class Config:
        def __init__(self, *files):
            self.files = files

        def __getattr__(self, name):
            return lambda *values: told.append((name, *values))

    def predictor(config):
        handle = SimpleNamespace(
            reshape=lambda shape: None,
            copy_from_cpu=lambda batch: None,
            copy_to_cpu=lambda: np.ones((2, 2), np.float32),
        )
        return SimpleNamespace(
            get_input_names=lambda: ["x"], get_output_names=lambda: ["y"], get_input_handle=lambda name: handle,
            get_output_handle=lambda name: handle, run=lambda: None,
        )  # fmt: skip

    core = SimpleNamespace(
        AnalysisConfig=Config, PaddleInferPredictor=predictor, is_compiled_with_cuda=lambda: True,
        disable_signal_handler=lambda: None,
    )  # fmt: skip
    monkeypatch.setattr(paddle_module, "paddle_core", lambda: core)
    runtime = create_runtime(model, OCROptions(engine="paddle", device="gpu:1"))
    assert runtime.run(BATCH).shape == (2, 2)
    assert ("enable_use_gpu", paddle_module.GPU_MEMORY_MB, 1) in told and not any("mkldnn" in name for name, *_ in told)
