"""Builds `kernels.c` for this very processor, and calls it. Where there is no C compiler, there are no kernels."""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Optional

import paddle

logger = logging.getLogger(__name__)

MAX_KERNEL_TAPS = 256  # of a convolution, as in `kernels.c`
SOURCE = Path(__file__).with_name("kernels.c")
# Sums may be added in any order, which vector instructions need. -O3 would vectorise loops that must not be.
FLAGS = ["-O2", "-ftree-vectorize", "-march=native", "-std=gnu99", "-fPIC", "-shared"]
FLAGS += ["-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"]


class Convolution(ctypes.Structure):
    """The struct of the same name in `kernels.c`."""

    _fields_ = [
        (name, ctypes.c_long)
        for name in (
            "images", "channels", "height", "width", "out_height", "out_width", "kernel_height", "kernel_width",
            "step_y", "step_x", "spread_y", "spread_x", "top", "left",
        )
    ]  # fmt: skip


class Normalisation(ctypes.Structure):
    """The struct of the same name in `kernels.c`."""

    _fields_ = [
        *((name, ctypes.c_long) for name in ("images", "channels", "pixels", "activation")),
        *((name, ctypes.c_float) for name in ("epsilon", "momentum")),
    ]


@functools.lru_cache(maxsize=1)
def kernels() -> Optional[ctypes.CDLL]:
    """The compiled kernels, built on the first call (a second), or None where that is not possible."""
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)
    if compiler is None or sys.platform == "win32":  # where a file in use cannot be deleted
        logger.info("no C compiler: training uses Paddle's own layers, which are slower")
        return None
    # Built in each process: a library in a cache might have been built for another processor, or by someone else. Once
    # it is loaded, its file is not needed any more.
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "kernels.so"
        command = [compiler, *FLAGS, str(SOURCE), "-o", str(library), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            logger.warning("%s failed, so training is slower than it could be:\n%s", " ".join(command), done.stderr)
            return None
        return ctypes.CDLL(str(library))


def call(name: str, shape: ctypes.Structure, *tensors: paddle.Tensor) -> None:
    """Run a kernel on tensors that are contiguous, float32 and in main memory."""
    function: Any = getattr(kernels(), name)
    if function(ctypes.byref(shape), *(ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors)):
        raise MemoryError(f"{name}: no memory left")
