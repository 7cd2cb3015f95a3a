"""Paddle Inference, the engine that the others are compared with."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np

from ppocr.errors import ModelError
from ppocr.infer.runtimes.base import error_line
from ppocr.infer.runtimes.devices import CPU, ON_CPU, Device
from ppocr.infer.runtimes.paddle_core import paddle_core
from ppocr.utils.cpu import available_cores
from ppocr.utils.malloc import reuse_freed_memory
from ppocr.utils.mkl import choose_kernels_of_mkl

logger = logging.getLogger(__name__)

# oneDNN keeps compiled kernels for the whole process, 1024 of them unless told otherwise. A recogniser has 45 for each
# shape of input; when not all fit, every batch compiles its own anew, which takes as long as running it. 50 KB each.
CACHED_KERNELS = "4096"


class PaddleRuntime:
    """Paddle Inference, on the CPU with oneDNN; for `.pdmodel` graphs in float32 with the OpenVINO that Paddle brings.

    Args:
        program, params: graph and weights.
        threads: threads of the operators; 0 takes all cores.
        precision: "fp32", "bf16" for convolutions and matrix products in bfloat16, or "int8" for a `.pdmodel` that was
            exported for int8 execution.
        shapes: not needed here; `CACHED_KERNELS` bounds what oneDNN keeps for all networks together.
        device: where it computes.

    Raises:
        ModelError: Paddle cannot load the files.
    """

    few_shapes = True  # oneDNN compiles its kernels for each

    def __init__(
        self,
        program: Path,
        params: Path,
        *,
        threads: int = 0,
        precision: str = "fp32",
        shapes: int = 0,
        device: Device = ON_CPU,
    ):
        os.environ.setdefault("GLOG_minloglevel", "2")  # Paddle's C++ log goes to standard error; keep it to errors
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", CACHED_KERNELS)
        choose_kernels_of_mkl()
        try:
            core = paddle_core()
        except ModuleNotFoundError as error:
            raise ModelError(
                f"{program}: the engine paddle needs the package paddlepaddle, which is not installed; openvino and "
                "onnxruntime do without for models that have ONNX graphs"
            ) from error
        core.disable_signal_handler()  # it would dump C++ stacks when a process is merely asked to end
        reuse_freed_memory()
        files = (str(program), str(params))
        cores = threads or available_cores()
        # Graphs of int8 execution are `.pdmodel`s too, but only oneDNN computes them as they were exported.
        legacy = program.suffix == ".pdmodel" and precision == "fp32" and device.kind == CPU
        self._predictor: Any = _legacy_predictor(core, files, cores) if legacy else None
        if device.kind != CPU:
            self._predictor = _gpu_predictor(core, files, device, precision=precision)
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
                raise ModelError(f"{self._program}: failed on an input of {shape}: {error_line(error)}") from error
        return use(output)


GPU_MEMORY_MB = 500  # that Paddle takes at once; it takes more when that is full


def _gpu_predictor(core: Any, files: tuple[str, str], device: Device, *, precision: str) -> Any:
    """A predictor that computes on a GPU, in float32.

    Raises:
        ModelError: this Paddle has none, or cannot load the graph.
    """
    if device.is_provider:
        raise ModelError(f"device: {device.kind} is one of onnxruntime's: give --engine onnxruntime, or --device gpu")
    if precision == "int8":
        raise ModelError(f"{files[0]}: was exported for int8 execution, which is for the CPU: leave --device out")
    if not core.is_compiled_with_cuda():
        raise ModelError("device: this Paddle computes on the CPU alone; paddlepaddle-gpu is the package for GPUs")
    config = core.AnalysisConfig(*files)
    config.disable_glog_info()
    config.enable_use_gpu(GPU_MEMORY_MB, device.number)
    if files[0].endswith(".pdmodel"):
        config.enable_memory_optim()
    try:
        return core.PaddleInferPredictor(config)
    except Exception as error:  # Paddle raises RuntimeError, ValueError, NotImplementedError, … from C++
        raise ModelError(f"{files[0]}: Paddle Inference cannot load it: {error_line(error)}") from error


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
        raise ModelError(f"{files[0]}: Paddle Inference cannot load it: {error_line(error)}") from error


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
        logger.debug("%s: oneDNN runs it, OpenVINO cannot: %s", files[0], error_line(error))
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
