"""What the commands with a configuration have in common: `-c`, `-o`, and a log on standard error."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Optional, Sequence

from ppocr.cli.main import print_error
from ppocr.cli.streams import DATE_FORMAT, DEBUG_VARIABLE, LOG_FORMAT, LogFormatter, log_handler
from ppocr.config import Config, load_config
from ppocr.errors import TrainingError


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `-c FILE` and `-o KEY.KEY=VALUE …`."""
    parser.add_argument(
        "-c",
        "--config",
        required=True,
        metavar="FILE",
        help="a configuration, or the name of a shipped one (rec/….yml)",
    )
    parser.add_argument(
        "--slim", metavar="FILE", help="a configuration laid over it, such as slim/pact.yml: its Slim section and more"
    )
    parser.add_argument("-p", "--profiler_options", help=argparse.SUPPRESS)  # PaddleOCR's; nothing is profiled
    add_override_argument(parser)


def add_override_argument(parser: argparse.ArgumentParser) -> None:
    """Add `-o KEY.KEY=VALUE …`, the one meaning that `-o` has in every command."""
    parser.add_argument(
        "-o", "--opt", nargs="+", action="extend", default=[], metavar="KEY.KEY=VALUE",
        help="settings that replace those of the configuration",
    )  # fmt: skip


def config_from(args: argparse.Namespace, more: Sequence[str] = ()) -> Config:
    """The configuration that the arguments describe; `more` are settings after those of `-o`."""
    return load_config(args.config, [*args.opt, *more], [args.slim] if args.slim else [])


def start_log(folder: Optional[Path] = None) -> None:
    """Show what the package logs on standard error, and append it to `folder/train.log`.

    Of several processes that train together only the first one logs more than warnings.
    """
    is_main = os.environ.get("PADDLE_TRAINER_ID", "0") == "0"
    logger = logging.getLogger("ppocr")
    level = logging.INFO if is_main else logging.WARNING
    logger.setLevel(min(level, logger.level or level))  # --debug shows more
    logger.propagate = False  # Paddle gives the root logger a handler of its own, and logs trifles to it
    logging.getLogger().setLevel(logging.WARNING)
    handlers = [] if os.environ.get(DEBUG_VARIABLE) else [log_handler(sys.stderr)]
    if folder is not None and is_main:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = _LogFile(folder / "train.log", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise TrainingError(f"{folder}: cannot be written: {error.strerror}") from error
        file.setFormatter(LogFormatter(LOG_FORMAT, DATE_FORMAT))
        handlers.append(file)
    for handler in handlers:
        logger.addHandler(handler)


class _LogFile(logging.FileHandler):
    """A log on a disk that is full says so once; `logging` would print a traceback for every line."""

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        logging.getLogger("ppocr").removeHandler(self)
        print_error(TrainingError(f"{self.baseFilename}: cannot be written: {error.strerror}: the log ends here"))

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
            super().close()


def as_line(results: dict) -> str:
    """Results as `name: value` pairs."""
    return ", ".join(
        f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}" for name, value in results.items()
    )
