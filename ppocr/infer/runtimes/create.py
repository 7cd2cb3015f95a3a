"""The runtime that options ask for."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from pathlib import Path
from typing import Any, Mapping, Optional

from ppocr.errors import ModelError
from ppocr.infer.integrity import SECTION
from ppocr.infer.model_dir import ATTEMPTS, ONNX, ONNX_GRAPH, ModelDir
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.base import Runtime
from ppocr.infer.runtimes.converted import can_convert
from ppocr.infer.runtimes.devices import CPU, Device
from ppocr.utils.cpu import available_cores, computes_in_bf16, ends_at_avx2

logger = logging.getLogger(__name__)

ENGINES: dict[str, str] = {  # what users call it → "module:class", imported when chosen
    "paddle": "ppocr.infer.runtimes.paddle:PaddleRuntime",
    "openvino": "ppocr.infer.runtimes.openvino:OpenVINORuntime",
    "onnxruntime": "ppocr.infer.runtimes.onnxruntime:OnnxRuntime",
}
AUTO = "auto"
ONNX_ENGINES = ("openvino", "onnxruntime")
ENGINE_VARIABLE = "PPOCR_ENGINE"  # what "auto" means, for those who want it otherwise
PRECISIONS = ("auto", "fp32", "bf16")
COMPUTE_BF16: Mapping[str, tuple[str, ...]] = {  # which graphs
    "paddle": (".json",),
    "openvino": (".json", ".pdmodel", ".onnx"),
}


def engine_for(options: OCROptions, model: Optional[ModelDir] = None, *, logits: bool = False) -> str:
    """The engine that `options.engine` names; for "auto" the fastest one that is installed and can run the model.

    Args:
        options: of the chain.
        model: None asks for any model.
        logits: its graph that stops before the softmax is meant.
    """
    if options.engine != AUTO:
        return options.engine
    if os.environ.get(ENGINE_VARIABLE):
        return os.environ[ENGINE_VARIABLE]
    device = Device.parse(options.device)
    if device.kind != CPU:
        return "onnxruntime" if device.is_provider else "paddle"
    if model is not None and _is_int8(model):
        return "paddle"
    for engine in _fastest_first():
        if importlib.util.find_spec(engine) and (
            model is None or can_convert(_program(model, logits), model.params)
        ):
            return engine
    return "paddle"


def _fastest_first() -> tuple[str, ...]:
    """With AVX-512 OpenVINO takes a quarter less time, in bf16 half; without, onnxruntime takes a sixth less."""
    return ONNX_ENGINES[::-1] if ends_at_avx2() else ONNX_ENGINES


def create_runtime(model: ModelDir, options: OCROptions, *, logits: bool = False, shapes: int = 0) -> Runtime:
    """The runtime that `options.engine` names, with its threads and precision.

    Precision "auto" means bf16 where the processor multiplies in it and the engine can: onnxruntime cannot, and Paddle
    only for graphs of Paddle 3. "bf16" becomes "fp32" where the processor is known not to.

    Args:
        model: what to run.
        options: of the chain.
        logits: run the graph that stops before the softmax; `model.logits` must be there.
        shapes: how many input shapes to keep compiled kernels for, where the engine lets choose; 0 for all.

    Raises:
        ModelError: no such engine or precision, or it cannot load the model.
        MissingExtraError: the engine's packages are not installed.
    """
    for _ in range(ATTEMPTS):
        try:
            runtime = _create(model, options, logits, shapes)
        except ModelError:
            if model.is_current():
                raise
        else:
            if model.is_current():
                return runtime
        model = _again(model)  # its files were replaced while the engine read them
    raise ModelError(f"{model.path}: is being replaced all the time; try again")


def _again(model: ModelDir) -> ModelDir:
    """The directory as it is now.

    Raises:
        ModelError: another model lies there now, or a damaged one.
    """
    now = ModelDir.open(model.path)
    known, found = ({**one.spec, SECTION: None} for one in (model, now))
    if known != found:
        raise ModelError(f"{model.path}: was replaced by another model while it was loaded; start again")
    return now


def _create(model: ModelDir, options: OCROptions, logits: bool, shapes: int) -> Runtime:
    engine, program = engine_for(options, model, logits=logits), _program(model, logits)
    if engine not in ENGINES:
        raise ModelError(f"engine: expected one of {', '.join((AUTO, *ENGINES))}, came {engine!r}")
    if options.precision not in PRECISIONS:
        raise ModelError(f"precision: expected one of {', '.join(PRECISIONS)}, came {options.precision!r}")
    if options.pages_at_once > 1 and options.engine == "paddle":
        raise ModelError("pages_at_once: the engine paddle reads one page at a time; use several processes (--workers)")
    if model.program.name == ONNX and engine == "paddle":
        raise ModelError(f"{model.path}: has {ONNX} alone, which needs --engine onnxruntime or openvino")
    if engine != "paddle" and program.with_suffix(ONNX_GRAPH).is_file():
        program = program.with_suffix(ONNX_GRAPH)
    settings: dict[str, Any] = {"precision": _precision(model, program, engine, options.precision), "shapes": shapes}
    settings["threads"] = options.threads
    device = Device.parse(options.device)
    if device.kind != CPU:
        settings["device"] = device
    if options.pages_at_once > 1 and engine != "paddle":
        settings["runs"] = options.pages_at_once
        settings["threads"] = max(1, (options.threads or available_cores()) // options.pages_at_once)
    logger.debug("%s: engine %s, %s", program, engine, settings)
    module, name = ENGINES[engine].split(":")
    runtime = getattr(importlib.import_module(module), name)
    return runtime(program, model.params, **settings)


def _program(model: ModelDir, logits: bool) -> Path:
    return model.logits if logits and model.logits else model.program


def _precision(model: ModelDir, program: Path, engine: str, wanted: str) -> str:
    """What the engine is told to compute in."""
    if _is_int8(model):
        if engine != "paddle":
            raise ModelError(
                f"{model.path}: was exported for int8 execution by the engine paddle; for {engine} export it "
                "with Slim.Quantize.execution: float"
            )
        return "int8"
    if wanted == "auto":
        possible = program.suffix in COMPUTE_BF16.get(engine, ())
        return "bf16" if possible and computes_in_bf16() else "fp32"
    if wanted == "bf16" and computes_in_bf16() is False:
        logger.info("%s: this processor does not multiply in bf16: computing in fp32", model.path)
        return "fp32"
    return wanted


def _is_int8(model: ModelDir) -> bool:
    return bool((model.spec.get("Quantization") or {}).get("execution") == "int8")
