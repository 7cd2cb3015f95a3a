"""A line on the terminal that tells how far a long run is."""

from __future__ import annotations

import sys
import time

_WIDTH = 24
_INTERVAL = 0.1  # seconds between two drawings


class Progress:
    """`[######--------] 12/40 files, 57 pages, 3.2 pages/s` on standard error.

    Shown only on a terminal and from the second page (or file) on. Call `hide` before anything else is printed.

    Args:
        files: how many there are in all.
    """

    def __init__(self, files: int):
        self._files, self._pages = files, 0
        self._begin = self._drawn_at = time.monotonic()
        self._terminal, self._visible = sys.stderr.isatty(), False

    def advance(self, finished_files: int) -> None:
        """Count one more page; `finished_files` are behind it."""
        self._pages += 1
        now = time.monotonic()
        if not self._terminal or max(self._files, self._pages) < 2 or now - self._drawn_at < _INTERVAL:
            return
        filled = _WIDTH * finished_files // max(1, self._files)
        speed = self._pages / max(now - self._begin, 1e-9)
        bar = "#" * filled + "-" * (_WIDTH - filled)
        sys.stderr.write(
            f"\r[{bar}] {finished_files}/{self._files} files, {self._pages} pages, {speed:.1f} pages/s\x1b[K"
        )
        sys.stderr.flush()
        self._drawn_at, self._visible = now, True

    def hide(self) -> None:
        """Clear the line; the next `advance` draws it again."""
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._visible = False
