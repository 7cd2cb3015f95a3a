"""Where the time goes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Iterator


class Stages:
    """Seconds spent in each stage, summed over all calls and threads."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - begin
            with self._lock:
                self._seconds[stage] = self._seconds.get(stage, 0.0) + elapsed

    def seconds(self) -> dict[str, float]:
        """stage → seconds so far, in the order in which the stages first ran."""
        with self._lock:
            return dict(self._seconds)
