"""What the C library does with freed memory: reused, and given back once the process has grown large. glibc only."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections import deque
from typing import Any, Optional

LARGE_PROCESS_BYTES = 880_000_000  # bytes of a process
LARGE_PICTURE_BYTES = 24_000_000  # bytes: 8 megapixels
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # parameters of mallopt, as malloc.h numbers them


@functools.lru_cache(maxsize=1)
def reuse_freed_memory() -> None:
    """Have the C library reuse freed memory instead of giving it back at once.

    Paddle allocates each operator's output anew. Blocks above 32 MB would come fresh from the kernel every time, page
    by page and zeroed, which takes longer than computing them (recogniser, 16 crops: 61 → 38 ms in bf16; detector,
    960×1280: 130 → 108 ms). For the whole process, once.
    """
    library = _glibc()
    if library is not None:
        # Larger blocks are mapped on their own and go back when freed, which keeps a huge picture from staying for
        # ever.
        library.mallopt(_MMAP_THRESHOLD, 64 << 20)
        library.mallopt(_ARENA_MAX, 1)  # one pool: an engine's threads would each keep free memory of their own
        library.mallopt(_TRIM_THRESHOLD, 96 << 20)


def keep_freed_memory() -> None:
    """Have the C library keep all that is freed, for training: the next step needs the same again.

    Otherwise each large tensor comes from the kernel anew: 80,000 page faults in a step of the recogniser with 6625
    classes, a tenth of its time.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, 1 << 30)
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_TRIM_THRESHOLD, -1)  # never give back


def return_freed_memory(above: int = LARGE_PROCESS_BYTES, *, need: int = 0, picture: int = 0) -> None:
    """Give back what is free now if the process would become larger than it should.

    Pages of other sizes often find no use for what is free, and memory would creep up. But memory that was given back
    must be fetched again and zeroed, which takes a fifth of a page's time, so it is not to be done at every page.

    Args:
        above: bytes that the process may have in memory …
        need: … with so many more as what comes next takes beyond what is free already.
        picture: bytes of the picture that is being read. Beside a large one everything goes back: decoding alone left
            a second copy of it, and the time does not matter.
    """
    library = _glibc()
    if library is not None and (picture >= LARGE_PICTURE_BYTES or _resident() + need > above):
        library.malloc_trim(0)


class MemoryNeed:
    """What the runs of a network ask for beyond memory that is free already.

    A run of a recent shape finds its memory free. A run of another shape does not fit into the gaps that others left,
    and the process grows.

    Args:
        runs: how many of the latest runs are recent.
    """

    def __init__(self, runs: int):
        self._recent: deque[tuple[int, ...]] = deque(maxlen=runs)

    def bytes_for(self, shape: tuple[int, ...], size: int) -> int:
        """`size`, or 0 if `shape` is among the recent ones; it is from now on."""
        seen = shape in self._recent
        self._recent.append(shape)
        return 0 if seen else size


def _resident() -> int:
    """Bytes of this process in memory now."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@functools.lru_cache(maxsize=1)
def _glibc() -> Optional[Any]:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
