"""What the processor has."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from pathlib import Path
from typing import FrozenSet, Optional, Tuple

# Instruction sets without bfloat16 to which oneDNN, which computes for Paddle and OpenVINO, can be limited.
WITHOUT_BF16 = frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"})


def computes_in_bf16() -> Optional[bool]:
    """Whether the processor has bfloat16 multiplication (AVX512-BF16 or AMX) and may use it; None if unknown."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    if limit.upper() in WITHOUT_BF16:
        return False
    flags = processor()[1]
    return None if flags is None else bool(flags & {"avx512_bf16", "amx_bf16"})


def ends_at_avx2() -> bool:
    """Whether the processor is known to have AVX2 and not AVX-512."""
    flags = processor()[1] or frozenset()
    return "avx2" in flags and "avx512f" not in flags


@functools.lru_cache(maxsize=1)
def processor() -> Tuple[str, Optional[FrozenSet[str]]]:
    """The processor's name and its flags; None where the system does not tell them (it is not Linux)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), None
    entries = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    entries = {key.strip(): value.strip() for key, value in entries.items()}
    flags = entries.get("flags") or entries.get("Features")
    return entries.get("model name") or platform.machine(), None if flags is None else frozenset(flags.split())


@functools.lru_cache(maxsize=1)
def processor_kind() -> str:
    """A few letters that are the same for processors with the same instruction sets."""
    name, flags = processor()
    kind = f"{platform.system()} {platform.machine()} {name if flags is None else sorted(flags)}"
    return hashlib.sha256(kind.encode()).hexdigest()[:8]


def available_cores() -> int:
    """Processor cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1
