"""What the C library does with freed memory: reused inside a group of pages, given back after it. glibc only."""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any, Optional

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # parameters of mallopt, as malloc.h numbers them


@functools.lru_cache(maxsize=1)
def reuse_freed_memory() -> None:
    """Have the C library reuse freed memory instead of giving it back at once.

    Paddle allocates each operator's output anew. Blocks above 32 MB would come fresh from the kernel every time, page
    by page and zeroed, which takes longer than computing them (recogniser, 16 strips: 61 → 38 ms in bf16; detector,
    960×1280: 130 → 108 ms). For the whole process, once.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, 64 << 20)
        library.mallopt(_ARENA_MAX, 1)  # one pool: an engine's threads would each keep free memory of their own
        library.mallopt(_TRIM_THRESHOLD, 96 << 20)


def return_freed_memory() -> None:
    """Give back what is free now: pages of other sizes would find no use for it, and memory would creep up."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@functools.lru_cache(maxsize=1)
def _glibc() -> Optional[Any]:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
