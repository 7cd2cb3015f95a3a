"""Standard streams: they may be closed, and what goes to a terminal must not steer it. And the log of `--debug`."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, TextIO

from ppocr.errors import printable

LOG_FORMAT, DATE_FORMAT = "[%(asctime)s] %(message)s", "%Y-%m-%d %H:%M:%S"
DEBUG_VARIABLE = "PPOCR_DEBUG"  # how worker processes know


def open_missing_streams() -> None:
    """Put something in the place of standard streams that were closed (`2>&-`).

    The next file to be opened would take a closed stream's number, and what is written to the stream would go there.
    Standard error goes nowhere then; writing to standard output fails, so that nobody takes lost results for good ones.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or _writer(1)
    sys.stderr = sys.stderr or _writer(2)


def show(text: str) -> None:
    """Print lines on standard output; on a terminal control characters are escaped."""
    print(printable(text, lines=True) if sys.stdout.isatty() else text, flush=True)


def start_debug_log() -> None:
    """Show all that the package logs, tracebacks included, on standard error; in worker processes as well."""
    os.environ[DEBUG_VARIABLE] = "1"
    logger = logging.getLogger("ppocr")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False  # Paddle gives the root logger a handler of its own
    logger.addHandler(log_handler(sys.stderr))


def log_handler(stream: TextIO) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogFormatter(LOG_FORMAT, DATE_FORMAT))
    return handler


class LogFormatter(logging.Formatter):
    """Escapes control characters: messages hold file names and texts of strangers."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # logging's name
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return printable(super().formatException(ei), lines=True)


def _writer(number: int) -> TextIO:
    return os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
