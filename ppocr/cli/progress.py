"""A line on the terminal that says how far a long run is."""

from __future__ import annotations

import sys
from typing import Any, Optional

REDRAW_SECONDS = 0.1


class Progress:
    """A `tqdm` bar on standard error, with the pages read so far.

    Shown only on a terminal and for more than one file or page. Call `hide` before anything else is printed.

    Args:
        files: how many there are in all.
    """

    def __init__(self, files: int):
        self._files, self._pages = files, 0
        self._bar: Optional[Any] = None

    def advance(self, finished_files: int) -> None:
        """Count one more page; `finished_files` are behind it."""
        self._pages += 1
        if max(self._files, self._pages) < 2 or not sys.stderr.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm  # not at the top: a single picture need not wait for its import

            self._bar = tqdm(total=self._files, unit="file", leave=False, mininterval=REDRAW_SECONDS)
        self._bar.set_postfix_str(f"{self._pages} pages", refresh=False)
        self._bar.update(finished_files - self._bar.n)

    def hide(self) -> None:
        """Clear the line; the next `advance` draws it again."""
        if self._bar is not None:
            self._bar.clear()
