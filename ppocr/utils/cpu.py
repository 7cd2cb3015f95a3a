"""What the processor has."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from pathlib import Path
from typing import Optional

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


@functools.lru_cache(maxsize=1)
def processor_kind() -> str:
    """A few letters that are the same for processors with the same instruction sets."""
    flags = next((line for line in (_processor_flags() or "").splitlines() if line.startswith("flags")), "")
    kind = f"{platform.system()} {platform.machine()} {flags or platform.processor()}"
    return hashlib.sha256(kind.encode()).hexdigest()[:8]


def available_cores() -> int:
    """Processor cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1
