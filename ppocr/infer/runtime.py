"""Running an exported network: one input, one output, NumPy in and out."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ppocr.errors import ModelError
from ppocr.infer.model_dir import ModelDir


class Runtime(Protocol):
    """Whatever runs a model directory. `run` may be called from several threads."""

    def run(self, batch: np.ndarray) -> np.ndarray:
        """float32[N, 3, H, W] → the network's float32 output, an array of the caller's own."""
        ...


class PaddleRuntime:
    """Paddle Inference on the CPU with oneDNN.

    Args:
        model: what to run.
        threads: threads of the operators; 0 takes all cores.
        precision: "fp32" or "bf16".

    Raises:
        ModelError: Paddle cannot load the files.
    """

    # oneDNN keeps compiled kernels and scratch memory per input shape; the predictors give a bounded set of shapes, and
    # this bounds how many are remembered at once.
    SHAPES_REMEMBERED = 16

    def __init__(self, model: ModelDir, *, threads: int = 0, precision: str = "fp32"):
        os.environ.setdefault("GLOG_minloglevel", "2")  # Paddle's C++ log goes to standard error; keep it to errors
        from paddle import inference  # importing paddle takes a second: not before a network is wanted

        config = inference.Config(str(model.program), str(model.params))
        config.disable_gpu()
        config.disable_glog_info()
        config.enable_mkldnn()
        config.set_mkldnn_cache_capacity(self.SHAPES_REMEMBERED)
        config.set_cpu_math_library_num_threads(threads or os.cpu_count() or 1)
        if model.program.suffix == ".pdmodel":  # Paddle 3's own graphs plan their memory by themselves
            config.enable_memory_optim()
        if precision == "bf16":
            config.enable_mkldnn_bfloat16()
        try:
            self._predictor = inference.create_predictor(config)
        except Exception as error:  # Paddle raises RuntimeError, ValueError, NotImplementedError, … from C++
            raise ModelError(f"{model.path}: Paddle Inference cannot load it: {_first_line(error)}") from error
        self._input = self._predictor.get_input_handle(self._predictor.get_input_names()[0])
        self._output = self._predictor.get_output_handle(self._predictor.get_output_names()[0])
        self._path = model.path
        self._lock = threading.Lock()  # a predictor is one set of buffers; each run must be whole

    def run(self, batch: np.ndarray) -> np.ndarray:
        with self._lock:
            try:
                self._input.reshape(batch.shape)
                self._input.copy_from_cpu(batch)
                self._predictor.run()
                return self._output.copy_to_cpu()
            except Exception as error:
                raise ModelError(
                    f"{self._path}: failed on an input of {list(batch.shape)}: {_first_line(error)}"
                ) from error


ENGINES: dict[str, Any] = {"paddle": PaddleRuntime}


def create_runtime(model: ModelDir, *, engine: str, threads: int, precision: str) -> Runtime:
    """The runtime that `engine` names.

    Raises:
        ModelError: no such engine, or it cannot load the model.
    """
    if engine not in ENGINES:
        raise ModelError(f"engine: expected one of {', '.join(ENGINES)}, came {engine!r}")
    return ENGINES[engine](model, threads=threads, precision=precision)


def _first_line(error: Exception) -> str:
    """The telling line of a Paddle error, which comes with a C++ traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "Error:" in line), lines[0] if lines else type(error).__name__)


def model_size(path: Path) -> int:
    """Stored bytes of a model directory's graph and weights."""
    model = ModelDir.open(path)
    return model.program.stat().st_size + model.params.stat().st_size
