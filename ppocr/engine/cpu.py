"""How this process computes on a CPU, for training: two settings of libraries, made before they are first used."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Optional

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # parameters of mallopt, as malloc.h numbers them
_ONE_GIBIBYTE = 1 << 30
_AVX512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def prepare_cpu() -> None:
    """Let matrix products use all of the processor, and memory be used again. Call before Paddle's first operation."""
    choose_kernels_of_mkl()
    keep_freed_memory()


def choose_kernels_of_mkl() -> None:
    """Have the matrix library inside Paddle use the vector instructions of AMD's processors.

    It is an MKL of 2019, which takes its slowest kernels on any processor but Intel's, unless this variable names the
    kind of kernels (24 × 864 by 864 × 6400 on a Zen 5: 9.6 → 1.4 ms). A variable that is set is left alone.
    """
    kind = mkl_kind(Path("/proc/cpuinfo"))
    if kind is not None:
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", kind)


def mkl_kind(cpuinfo: Path) -> Optional[str]:
    """The number of MKL's kernels that an AMD processor can run; None for others, which MKL knows, or if unknown."""
    try:
        text = cpuinfo.read_text(encoding="utf-8")
    except OSError:
        return None
    if "AuthenticAMD" not in text:
        return None
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    flags = set(line.split())
    if flags >= _AVX512:
        return "7"
    return "5" if flags >= {"avx2", "fma"} else None


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next step, which needs the same again. glibc only.

    Otherwise each large tensor comes from the kernel anew, page by page and zeroed: 80,000 page faults in a step of
    the recogniser with 6625 classes, a tenth of its time.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, _ONE_GIBIBYTE)  # type: ignore[union-attr]
        library.mallopt(_TRIM_THRESHOLD, -1)  # never give back  # type: ignore[union-attr]
        library.mallopt(_ARENA_MAX, 1)  # type: ignore[union-attr]
