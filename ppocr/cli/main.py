"""Entry point of `ppocr`: finds the sub-command, runs it, and turns errors into exit statuses.

0: all well. 1: something could not be read or done; the rest was. 2: wrong usage. 70: a mistake of the program.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import warnings
from typing import NoReturn, Optional, Sequence

from ppocr import __version__
from ppocr.cli.streams import DEBUG_VARIABLE, open_missing_streams, start_debug_log
from ppocr.errors import PPOCRError, printable, suggest

# Name → (module with add_arguments(parser) and run(args) -> int, what `ppocr --help` says of it).
COMMANDS = {
    "ocr": ("ppocr.cli.ocr", "read the text of pictures and PDF documents"),
    "detect": ("ppocr.cli.detect", "find where text is, without reading it"),
    "recognize": ("ppocr.cli.recognize", "read already cropped lines of text"),
    "classify": ("ppocr.cli.classify", "tell which cropped lines lie upside down"),
    "bulk": ("ppocr.cli.bulk", "read very many pages into Parquet files, on one machine or a cluster"),
    "serve": ("ppocr.cli.serve", "read over HTTP, with a page for browsers"),
    "models": ("ppocr.cli.models", "fetch, list and locate models"),
    "doctor": ("ppocr.cli.doctor", "say what is installed and whether it works, for bug reports"),
    "check-data": ("ppocr.cli.check_data", "list everything wrong with a data set"),
    "lmdb": ("ppocr.cli.lmdb", "pack a data set into an LMDB database"),
    "synth": ("ppocr.cli.synth", "make synthetic lines and pages to train on"),
    "augment": ("ppocr.cli.augment", "draw what training sees of a data set"),
    "crop-words": ("ppocr.cli.crop_words", "cut the texts out of labelled pages, to train the recogniser"),
    "train": ("ppocr.cli.train", "train a network as a configuration describes it"),
    "eval": ("ppocr.cli.evaluate", "measure a network on labelled pictures"),
    "export": ("ppocr.cli.export", "write a trained network as a model directory"),
    "prune-sensitivity": ("ppocr.cli.prune_sensitivity", "measure which layers of a network can spare filters"),
    "quantize": ("ppocr.cli.quantize", "store a network with 8-bit weights, without training"),
    "predict": ("ppocr.cli.predict", "predict pictures with the weights of a training run"),
    "bench": ("ppocr.cli.bench", "measure how fast pictures are read here: models, engines, versions"),
    "ablate": ("ppocr.cli.ablate", "measure tables of variants: what each costs, how good it is"),
    "eval-system": ("ppocr.cli.eval_system", "score results against labels"),
}

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE
OWN_MISTAKE = 70  # EX_SOFTWARE of sysexits.h

logger = logging.getLogger(__name__)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run a command line (without the program's name) and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    open_missing_streams()
    quiet()
    try:
        if not arguments or arguments[0].startswith("-"):
            _overview().parse_args(arguments)
            _overview().print_help(sys.stderr)  # no command was named
            return 2
        name, *rest = arguments
        if name not in COMMANDS:
            print_error(PPOCRError(f"no command is called {name!r}{suggest(name, COMMANDS)}"))
            return 2
        return _run(name, rest)
    except SystemExit as end:  # argparse: 0 after --help and --version, 2 after wrong usage
        return end.code if isinstance(end.code, int) else 2
    except PPOCRError as error:
        print_error(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        drop_standard_output()  # whoever read the results has enough of them (`| head`)
        return PIPE_CLOSED
    except Exception as error:  # nothing may end in a traceback without a word about what to do
        logger.debug("unexpected error", exc_info=True)
        what = f"unexpected {type(error).__name__}: {error}"
        print_error(PPOCRError(f"{what} (a mistake in ppocr: please report it with what --debug shows)"))
        return OWN_MISTAKE


def print_error(error: Exception) -> None:
    """Say what went wrong on standard error, one line for each thing."""
    for line in str(error).split("\n") or [type(error).__name__]:
        encoded = f"ppocr: {line}\n".encode(sys.stderr.encoding or "utf-8", "backslashreplace")
        print(encoded.decode(sys.stderr.encoding or "utf-8"), end="", file=sys.stderr, flush=True)


def drop_standard_output() -> None:
    """Send the rest of standard output nowhere: Python flushes it once more at its end, and would complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def quiet() -> None:
    """Keep other packages' chatter off standard error, unless the user asked for it."""
    os.environ.setdefault("GLOG_minloglevel", "2")  # Paddle's C++ log
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _run(name: str, arguments: Sequence[str]) -> int:
    module = importlib.import_module(COMMANDS[name][0])
    parser = _Parser(prog=f"ppocr {name}", description=module.__doc__, formatter_class=_Formatter)
    parser.add_argument("--debug", action="store_true", help="log every step, and the traceback of every error")
    module.add_arguments(parser)
    args = parser.parse_args(arguments)
    if args.debug or os.environ.get(DEBUG_VARIABLE):
        start_debug_log()
    return module.run(args)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _overview() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    parser = argparse.ArgumentParser(
        prog="ppocr",
        usage="ppocr COMMAND …\n       ppocr COMMAND --help",
        description="Text in pictures: find it and read it.",
        epilog="commands:\n" + "\n".join(lines),
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"ppocr {__version__}")
    return parser


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions; two columns that fit a terminal."""

    def __init__(self, prog: str, **options: int):
        super().__init__(prog, max_help_position=30, **options)  # type: ignore[arg-type]
