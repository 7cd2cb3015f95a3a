"""`make soak`: thousands of pages through one `OCR` of each engine; memory must stay flat, texts the same everywhere.

    python tests/robustness/soak.py --pages 10000 [--engine paddle …] [--sides 100 600] [--json build/soak.json]

For each engine, in a process of its own: the pages are drawn at run time and read in a stream, and resident memory is
noted after each. A straight line laid through the memory of the last three quarters of the pages (least squares) may
rise by `--slope-mb` per 1000 pages. Then `--check` pages are read one after another, from 16 threads that share the
`OCR`, in a forked process that inherits it, in a forked process with an `OCR` of its own, and in a spawned process:
texts, scores and boxes must be the same bits. The report is JSON; the exit status is 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools" / "benchmark"))

from memory_curve import Reading, drawn_pages, rise
from peer_protocol import peak_rss_mb, rss_mb

ENGINES = {"paddle": "paddle", "openvino": "openvino", "onnxruntime": "onnxruntime"}  # and the packages they need
THREADS = 16
CURVE_POINTS = 50  # of the report
WARM = 0.25  # share of the pages before the line begins: caches of shapes fill up
PROCESS_SECONDS = 600.0  # for the check pages in another process


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Soak each engine; the exit status is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", nargs="+", choices=list(ENGINES))
    parser.add_argument("--pages", type=int, default=10_000, help="for each engine (default %(default)s)")
    parser.add_argument("--check", type=int, default=32, help="pages for threads and processes (default %(default)s)")
    parser.add_argument("--sides", type=int, nargs=2, default=[100, 600], metavar=("MIN", "MAX"), help="pixels")
    parser.add_argument("--models", default="tiny")
    parser.add_argument("--threads", type=int, default=2, help="of an engine (default %(default)s)")
    parser.add_argument("--limit-mb", type=float, default=1024, help="peak (default %(default)s)")
    parser.add_argument("--slope-mb", type=float, default=10, help="per 1000 pages (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report here as well")
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)  # of one engine: we are its process
    arguments = parser.parse_args(argv)
    if arguments.report:
        arguments.report.write_text(json.dumps(soak(arguments.engine[0], arguments)))
        return 0
    found = [name for name in ENGINES if importlib.util.find_spec(ENGINES[name]) is not None]
    reports = [_in_process(engine, list(argv or sys.argv[1:])) for engine in arguments.engine or found]
    text = json.dumps(reports, indent=1)
    print(text)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text + "\n")
    return 1 if any(report["problems"] for report in reports) else 0


def _in_process(engine: str, argv: List[str]) -> Dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        command = [sys.executable, __file__, *argv, "--engine", engine, "--report", str(report)]
        status = subprocess.run(command, stdout=sys.stderr, check=False).returncode
        if status:
            return {"engine": engine, "problems": [f"the process ended with status {status}"]}
        return json.loads(report.read_text())


def soak(engine: str, arguments: argparse.Namespace) -> Dict[str, Any]:
    """What one engine does."""
    from ppocr import OCR

    settings = {"engine": engine, "threads": arguments.threads}
    settings.update(dict.fromkeys(("det", "cls", "rec"), arguments.models))
    ocr = OCR(**settings)
    readings, lines, seconds = _stream(ocr, arguments)
    last = int(len(readings) * (1 - WARM))
    slope = 1000 * rise(readings, last) / max(1, last)
    peak = readings[-1].peak
    problems = [] if peak < arguments.limit_mb else [f"the peak is {peak:.0f} MB"]
    if slope > arguments.slope_mb:
        problems.append(f"memory rises by {slope:.1f} MB per 1000 pages")
    same = _compare(ocr, settings, arguments)
    problems += [f"{name}: {answer}" for name, answer in same.items() if answer != "same"]
    every = max(1, len(readings) // CURVE_POINTS)
    return {
        "engine": engine, "models": arguments.models, "pages": arguments.pages, "lines": lines,
        "pages_per_second": round(arguments.pages / seconds, 2), "peak_mb": round(peak),
        "slope_mb_per_1000_pages": round(slope, 2),
        "limits": {"peak_mb": arguments.limit_mb, "slope_mb_per_1000_pages": arguments.slope_mb},
        "same_texts": same, "problems": problems,
        "curve": [[reading.pages, round(reading.rss)] for reading in readings[::every]],
    }  # fmt: skip


def _stream(ocr: Any, arguments: argparse.Namespace) -> Any:
    """Memory after each page, lines read, seconds."""
    readings, lines, begin = [Reading(0, rss_mb(), peak_rss_mb())], 0, time.perf_counter()
    for number, result in enumerate(ocr.stream(drawn_pages(arguments.pages, arguments.seed, arguments.sides)), start=1):
        lines += len(result.lines)
        readings.append(Reading(number, rss_mb(), peak_rss_mb()))
    return readings, lines, time.perf_counter() - begin


def _compare(ocr: Any, settings: Dict[str, Any], arguments: argparse.Namespace) -> Dict[str, str]:
    """`same`, or what is otherwise, for each way to read the check pages."""
    pages = [page.image for page in drawn_pages(arguments.check, arguments.seed + 1, arguments.sides)]
    expected = read_one_by_one(ocr, pages)
    with ThreadPoolExecutor(THREADS) as pool:
        threaded = list(itertools.chain.from_iterable(pool.map(lambda page: read_one_by_one(ocr, [page]), pages)))
    found = {f"{THREADS} threads": _difference(expected, threaded)}
    found["spawn"] = _difference(expected, _elsewhere("spawn", read_anew, settings, pages))
    if "fork" in multiprocessing.get_all_start_methods():
        found["fork, its own"] = _difference(expected, _elsewhere("fork", read_anew, settings, pages))
        found["fork, inherited"] = _difference(expected, _elsewhere("fork", read_one_by_one, ocr, pages))
    return found


def read_one_by_one(ocr: Any, pages: Sequence[Any]) -> List[Any]:
    """All of each result but its seconds."""
    return [replace(result, seconds=0.0) for page in pages for result in ocr(page)]


def read_anew(settings: Dict[str, Any], pages: Sequence[Any]) -> List[Any]:
    """By an `OCR` of this process."""
    from ppocr import OCR

    return read_one_by_one(OCR(**settings), pages)


def _elsewhere(method: str, read: Callable[..., List[Any]], *given: Any) -> Any:
    """What another process reads, or how it failed."""
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, read, given))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(PROCESS_SECONDS) else f"nothing after {PROCESS_SECONDS:.0f} s"
    except EOFError:
        process.join(5)
        return f"status {process.exitcode}"
    finally:
        process.kill()
        process.join()


def _send(sender: Any, read: Callable[..., List[Any]], given: Sequence[Any]) -> None:
    sender.send(read(*given))


def _difference(expected: List[Any], found: Any) -> str:
    if isinstance(found, str):
        return found
    other = [number for number, (one, two) in enumerate(zip(expected, found)) if one != two]
    if other or len(expected) != len(found):
        return f"{len(other)} of {len(expected)} pages are read otherwise, the first is number {other[:1]}"
    return "same"


if __name__ == "__main__":
    raise SystemExit(main())
