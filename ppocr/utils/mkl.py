"""The matrix library inside Paddle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

_AVX512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def choose_kernels_of_mkl() -> None:
    """Have the matrix library inside Paddle use the vector instructions of AMD's processors.

    It is an MKL of 2019, which takes its slowest kernels on any processor but Intel's, unless this variable names the
    kind of kernels (24 × 864 by 864 × 6400 on a Zen 5: 9.6 → 1.4 ms). A variable that is set is left alone. Call before
    Paddle's first operation.
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
