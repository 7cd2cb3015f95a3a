"""Measure how fast pictures are read on this machine: models, engines, precisions and threads beside each other.

Each combination runs in a process of its own, with its models loaded; they take turns, pass by pass. The first one is
what ratios refer to. Compare ratios rather than pages a second of different runs: machines are shared.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import numpy as np

from ppocr import __version__
from ppocr.bench.racer import CHAIN, Racer, race, spread, summary, table_text
from ppocr.cli.main import print_error
from ppocr.cli.options import at_least_one
from ppocr.errors import PPOCRError
from ppocr.infer.io.sources import expand
from ppocr.infer.runtimes.create import AUTO, ENGINES, PRECISIONS
from ppocr.utils.atomic import replacing_file
from ppocr.utils.cpu import available_cores, processor

ALONE = 30  # pages read one by one at most, for the latencies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="pictures, PDF documents, folders or patterns")
    axes = parser.add_argument_group("what to compare", "each a list with commas; all combinations take part")
    axes.add_argument("--models", type=_names, default="default", metavar="A,B", help="families (default: default)")
    for flag, allowed, default in (("engine", (AUTO, *ENGINES), AUTO), ("precision", PRECISIONS, "fp32")):
        help = f"of {', '.join(allowed)} (default: {default})"
        axes.add_argument(f"--{flag}", type=_among(allowed), default=default, metavar="A,B", help=help)
    axes.add_argument("--pages-at-once", type=_numbers, default="1", metavar="1,2", help="by threads of one process")
    axes.add_argument("--workers", type=_numbers, default="1", metavar="1,2", help="processes")
    axes.add_argument(
        "--against", action="append", default=[], metavar="PYTHON",
        help="the same by another environment's Python, that is by the version of ppocr that is installed there",
    )  # fmt: skip
    parser.add_argument("--threads", type=at_least_one, metavar="N", help="of each combination (default: all cores)")
    parser.add_argument("--limit", type=at_least_one, metavar="N", help="sources, evenly spread over all")
    parser.add_argument("--passes", type=at_least_one, default=5, metavar="N", help="over all pages (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")


def _names(text: str) -> List[str]:
    return [name.strip() for name in text.split(",")]


def _numbers(text: str) -> List[int]:
    return [at_least_one(name) for name in _names(text)]


_names.__name__, _numbers.__name__ = "list", "list of numbers above 0"  # for argparse's "invalid … value"


def _among(allowed: Sequence[str]) -> Callable[[str], List[str]]:
    def parse(text: str) -> List[str]:
        for name in _names(text):
            if name not in allowed:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(allowed)}")
        return _names(text)

    return parse


def run(args: argparse.Namespace) -> int:
    images = spread(expand(args.paths), args.limit)
    threads = args.threads or available_cores()
    racers: List[Racer] = []
    alone = {}
    try:
        for name, command in commands(args, threads).items():
            racers.append(Racer(name, command, cpus=(), threads=threads))
        for racer in racers:
            _progress(f"warm-up {racer.name}")
            racer.run(images)
            alone[racer.name] = racer.run(spread(images, ALONE), alone=True).latencies
        rounds = race(racers, images, passes=args.passes, pause=0.2, tell=_progress)
    except RuntimeError as error:
        print_error(PPOCRError(str(error)))
        return 1
    finally:
        for racer in racers:
            racer.close()
    reference = racers[0].name
    figures = summary(rounds, reference)
    for racer in racers:
        p50, p95 = (1000 * float(np.percentile(alone[racer.name], share)) for share in (50, 95))
        figures[racer.name]["latency_ms"] = {"p50": p50, "p95": p95}
        figures[racer.name]["start_ms"] = 1000 * racer.start_seconds
        figures[racer.name]["version"] = racer.about.get("version")
    pages = rounds[reference][0].pages
    name = processor()[0]
    print(f"{pages} pages, {threads} threads, {args.passes} passes, {name}, Python {platform.python_version()}")
    print(table_text(figures, reference))
    print(latency_text(figures))
    if args.json:
        record = {"pages": pages, "threads": threads, "passes": args.passes, "reference": reference}
        record.update(processor=name, python=platform.python_version(), version=__version__, engines=figures)
        with replacing_file(Path(args.json)) as path:
            path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


def commands(args: argparse.Namespace, threads: int) -> Dict[str, List[str]]:
    """Name → command line of every combination."""
    found: Dict[str, List[str]] = {}
    axes: List[Sequence[Any]] = [args.models, args.engine, args.precision, args.pages_at_once, args.workers]
    axes.append([sys.executable, *args.against])
    for models, engine, precision, at_once, workers, python in itertools.product(*axes):
        parts = [models, engine, precision]
        parts += [f"{at_once} at once"] if len(args.pages_at_once) > 1 else []
        parts += [f"{workers} workers"] if len(args.workers) > 1 else []
        parts += ["" if python == sys.executable else Path(python).parents[1].name] if args.against else []
        name = " ".join(filter(None, parts))
        settings = [f"precision={precision}"]
        settings += [f"engine={engine}"] if engine != AUTO else []  # the default, which older versions do not know
        settings += [f"pages_at_once={at_once}"] if at_once > 1 else []
        command = [python, str(CHAIN), "--name", name, "--models", models, "--threads", str(threads)]
        command += ["--workers", str(workers)]
        found[name] = command + [word for setting in settings for word in ("--set", setting)]
    return found


def latency_text(figures: Dict[str, Dict[str, Any]]) -> str:
    """Start-up and latency of each combination as lines for a person."""
    lines = [f"{'page by page, ms':<34}{'start-up':>10}{'p50':>8}{'p95':>8}"]
    for name, row in figures.items():
        latency = row["latency_ms"]
        lines.append(f"{name:<34}{row['start_ms']:>10.0f}{latency['p50']:>8.0f}{latency['p95']:>8.0f}")
    return "\n".join(lines)


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)
