"""Running an exported network: one input, one output, NumPy in and out."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import logging
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional, Protocol

import numpy as np

from ppocr.errors import ModelError
from ppocr.infer.model_dir import ModelDir
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.paddle_core import paddle_core
from ppocr.utils.malloc import reuse_freed_memory
from ppocr.utils.mkl import choose_kernels_of_mkl

logger = logging.getLogger(__name__)


class Runtime(Protocol):
    """Whatever runs a model directory. `run` may be called from several threads.

    Attributes:
        few_shapes: whether each new shape of input costs memory or time, so that callers should keep to few.
    """

    few_shapes: bool

    def run(self, batch: np.ndarray, use: Callable[[np.ndarray], Any] = np.array) -> Any:
        """Run the network.

        Args:
            batch: float32[N, 3, H, W].
            use: is given the network's float32 output, which is the engine's own buffer: it may change once `use` has
                returned. A recogniser's output is large, and need not be copied to be decoded.

        Returns:
            What `use` returned; by default an array of the caller's own.
        """
        ...


# oneDNN keeps compiled kernels for the whole process, 1024 of them unless told otherwise. A recogniser has 45 for each
# shape of input; when not all fit, every batch compiles its own anew, which takes as long as running it. 50 KB each.
KERNELS = "4096"


class PaddleRuntime:
    """Paddle Inference on the CPU with oneDNN; for `.pdmodel` graphs in float32 with the OpenVINO that Paddle brings.

    Args:
        program, params: graph and weights.
        threads: threads of the operators; 0 takes all cores.
        precision: "fp32", "bf16" for convolutions and matrix products in bfloat16, or "int8" for a `.pdmodel` that was
            exported for int8 execution.
        shapes: not needed here; `KERNELS` bounds what oneDNN keeps for all networks together.

    Raises:
        ModelError: Paddle cannot load the files.
    """

    few_shapes = True  # oneDNN compiles its kernels for each

    def __init__(self, program: Path, params: Path, *, threads: int = 0, precision: str = "fp32", shapes: int = 0):
        os.environ.setdefault("GLOG_minloglevel", "2")  # Paddle's C++ log goes to standard error; keep it to errors
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS)
        choose_kernels_of_mkl()
        core = paddle_core()
        core.disable_signal_handler()  # it would dump C++ stacks when a process is merely asked to end
        reuse_freed_memory()
        files = (str(program), str(params))
        cores = threads or available_cores()
        legacy = program.suffix == ".pdmodel" and precision == "fp32"
        self._predictor: Any = _legacy_predictor(core, files, cores) if legacy else None
        if self._predictor is None:
            self._predictor = _onednn_predictor(core, files, cores, precision=precision)
        self._input = self._predictor.get_input_handle(self._predictor.get_input_names()[0])
        self._output = self._predictor.get_output_handle(self._predictor.get_output_names()[0])
        self._program = program
        self._lock = threading.Lock()  # a predictor is one set of buffers; each run must be whole

    def run(self, batch: np.ndarray, use: Callable[[np.ndarray], Any] = np.asarray) -> Any:
        """As `Runtime.run` says; Paddle gives a copy of its output in any case."""
        with self._lock:
            try:
                self._input.reshape(batch.shape)
                self._input.copy_from_cpu(batch)
                self._predictor.run()
                output = self._output.copy_to_cpu()
            except Exception as error:
                shape = list(batch.shape)
                raise ModelError(f"{self._program}: failed on an input of {shape}: {telling_line(error)}") from error
        return use(output)


def _cpu_config(core: Any, files: tuple[str, str], threads: int) -> Any:
    config = core.AnalysisConfig(*files)
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(threads)
    return config


# In bf16 Paddle 3.3 mixes up the inputs of linear layers that follow one another, when this pass made one operator of
# each product and sum. Without it they run as two, which costs a recogniser with LSTM half of its speed.
LINEAR_PASS = "fc_onednn_enable_pass"


def _onednn_predictor(
    core: Any, files: tuple[str, str], threads: int, *, precision: str, without: tuple[str, ...] = ()
) -> Any:
    """A predictor that computes with oneDNN.

    Args:
        without: passes over the graph to leave out.

    Raises:
        ModelError: Paddle cannot load the graph.
    """
    config = _cpu_config(core, files, threads)
    config.enable_mkldnn()
    config.set_mkldnn_cache_capacity(1)  # Paddle would keep the weights once more for each shape of input
    if files[0].endswith(".pdmodel"):  # Paddle 3's own graphs plan their memory by themselves
        config.enable_memory_optim()
    if precision == "bf16":
        config.enable_mkldnn_bfloat16()
    if precision == "int8":
        config.enable_mkldnn_int8()
    for name in without:
        config.delete_pass(name)
    try:
        with _silence() if precision == "int8" else contextlib.nullcontext():
            return core.PaddleInferPredictor(config)
    except Exception as error:  # Paddle raises RuntimeError, ValueError, NotImplementedError, … from C++
        if precision == "bf16" and not without:
            return _onednn_predictor(core, files, threads, precision=precision, without=(LINEAR_PASS,))
        raise ModelError(f"{files[0]}: Paddle Inference cannot load it: {telling_line(error)}") from error


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Paddle's int8 passes write a report to the terminal, whatever the level of its log."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept, nothing = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, TypeError, AttributeError):  # no such library on Windows
            ctypes.CDLL(None).fflush(None)  # C++ holds back what goes into a pipe
        for number, copy in zip((1, 2), kept):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nothing)


def _legacy_predictor(core: Any, files: tuple[str, str], threads: int) -> Any:
    """A predictor of a `.pdmodel` by the OpenVINO inside Paddle; None where there is none or it cannot load the graph.

    It computes the official PP-OCRv4 models in 3/4 of oneDNN's time, and takes new input shapes without delay. It
    reads no graphs of Paddle 3.
    """
    config = _cpu_config(core, files, threads)
    if not hasattr(config, "enable_openvino_engine"):
        return None
    config.enable_memory_optim()
    folder = tempfile.mkdtemp(prefix="ppocr-")  # it writes what it compiled, else into the current folder
    try:
        config.set_optim_cache_dir(folder)
        config.enable_openvino_engine(core.AnalysisConfig.Precision.Float32)
        return core.PaddleInferPredictor(config)
    except Exception as error:
        logger.debug("%s: oneDNN runs it, OpenVINO cannot: %s", files[0], telling_line(error))
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


ENGINES: dict[str, str] = {  # what users call it → "module:class", imported when chosen
    "paddle": "ppocr.infer.runtimes.paddle:PaddleRuntime",
    "openvino": "ppocr.infer.runtimes.engines:OpenVINORuntime",
    "onnxruntime": "ppocr.infer.runtimes.engines:OnnxRuntime",
}
PRECISIONS = ("auto", "fp32", "bf16")
COMPUTE_BF16: Mapping[str, tuple[str, ...]] = {"paddle": (".json",), "openvino": (".json", ".pdmodel")}  # which graphs


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
    if options.engine not in ENGINES:
        raise ModelError(f"engine: expected one of {', '.join(ENGINES)}, came {options.engine!r}")
    if options.precision not in PRECISIONS:
        raise ModelError(f"precision: expected one of {', '.join(PRECISIONS)}, came {options.precision!r}")
    program = model.logits if logits and model.logits else model.program
    precision = options.precision
    if precision == "auto":
        possible = program.suffix in COMPUTE_BF16.get(options.engine, ())
        precision = "bf16" if possible and computes_in_bf16() else "fp32"
    elif precision == "bf16" and computes_in_bf16() is False:
        logger.info("%s: this processor does not multiply in bf16: computing in fp32", model.path)
        precision = "fp32"
    if (model.spec.get("Quantization") or {}).get("execution") == "int8":
        if options.engine != "paddle":
            raise ModelError(
                f"{model.path}: was exported for int8 execution by the engine paddle; for {options.engine} export it "
                "with Slim.Quantize.execution: float"
            )
        precision = "int8"
    module, name = ENGINES[options.engine].split(":")
    runtime = getattr(importlib.import_module(module), name)
    return runtime(program, model.params, threads=options.threads, precision=precision, shapes=shapes)


# Instruction sets without bfloat16 to which oneDNN, which computes for Paddle and OpenVINO, can be limited.
WITHOUT_BF16 = frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"})


def computes_in_bf16() -> Optional[bool]:
    """Whether the processor has bfloat16 multiplication (AVX512-BF16 or AMX) and may use it; None if unknown."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    if limit.upper() in WITHOUT_BF16:
        return False
    flags = _processor_flags()
    return None if flags is None else " avx512_bf16" in flags or " amx_bf16" in flags


@functools.lru_cache(maxsize=1)
def _processor_flags() -> Optional[str]:
    """What Linux says of the processors; None elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None


def available_cores() -> int:
    """Processor cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def telling_line(error: Exception) -> str:
    """The telling line of an engine's error, which comes with a C++ traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "Error:" in line), lines[0] if lines else type(error).__name__)
