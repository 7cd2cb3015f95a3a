"""How `race.py` talks to an engine: JSON lines over standard input and output. Standard library only.

Every engine lives in a process of its own, started with its own Python, models loaded once:

* the runner says it is ready: `{"ready": true, "engine": "…", "version": "…", "threads": 2, "load_seconds": 1.2}`;
* the race asks for a pass: `{"images": ["a.png", …], "results": true}`, with `"alone": true` if pages are to be read
  one by one;
* the runner reads every picture from its file, recognises it and answers one line a page in the schema of
  `ppocr ocr --format jsonl` (when `results` is true), then `{"done": true, "seconds": …, "cpu_seconds": …,
  "pages": …, "peak_rss_mb": …}`, with `"stages": {…}` where the engine can tell its stages apart, and
  `"latencies": […]` of pages read one by one;
* end of input ends the runner.

`seconds` is the wall clock from the first file opened to the last text known, `cpu_seconds` the processor time of the
process meanwhile (not of others that it starts); making and sending the answer is not in them. A runner gives
`serve` one function, `recognise(paths) -> pages`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, TextIO, Tuple

Line = Tuple[Sequence[Sequence[float]], str, float]  # corners clockwise from the text's top-left in pixels, text, score
Pages = List[Dict[str, Any]]
Recognise = Callable[[Sequence[str]], Pages]  # paths of pictures -> their pages


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the options that every runner has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=2, help="threads of the engine (default 2)")
    parser.add_argument("--name", help="how the engine is called in the results")
    return parser


def page(path: str, lines: Iterable[Line], seconds: float, size: Tuple[int, int] = (0, 0)) -> Dict[str, Any]:
    """One page in the results schema. `size` is (width, height) where the engine tells it."""
    return {
        "file": path,
        "page": 0,
        "width": int(size[0]),
        "height": int(size[1]),
        "seconds": round(seconds, 4),
        "lines": [
            {"text": text, "score": round(float(score), 4), "box": [[float(x), float(y)] for x, y in corners]}
            for corners, text, score in lines
        ],
    }


def one_by_one(read: Callable[[str], Iterable[Line]]) -> Callable[[Sequence[str]], Pages]:
    """A `recognise` for engines that take one picture at a time."""

    def recognise(paths: Sequence[str]) -> Pages:
        pages = []
        for path in paths:
            start = time.perf_counter()
            lines = list(read(path))
            pages.append(page(path, lines, time.perf_counter() - start))
        return pages

    return recognise


def peak_rss_mb() -> float:
    """Peak resident memory of this process in MiB (0.0 where the platform does not tell)."""
    peak = _status_mb("VmHWM")
    if peak is not None:
        return peak
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage / (1024 * 1024 if sys.platform == "darwin" else 1024)


def rss_mb() -> float:
    """Resident memory of this process in MiB (its peak where the platform does not tell)."""
    now = _status_mb("VmRSS")
    return peak_rss_mb() if now is None else now


def _status_mb(field: str) -> Optional[float]:
    """What Linux says of this process, in MiB."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            values = [line.split()[1] for line in status if line.startswith(f"{field}:")]
    except OSError:
        return None
    return int(values[0]) / 1024 if values else None


def claim_stdout() -> TextIO:
    """Keep standard output for the protocol: whatever a library prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


class StageSeconds:
    """Seconds of each stage, summed over a pass, for engines that tell them page by page."""

    def __init__(self) -> None:
        self._seconds: Dict[str, float] = {}

    def add(self, seconds: Optional[Sequence[Optional[float]]]) -> None:
        """Add what RapidOCR tells of a page: detector, classifier, recogniser; None for what did not run."""
        for stage, value in zip(("det", "cls", "rec"), seconds or ()):
            self._seconds[stage] = self._seconds.get(stage, 0.0) + (value or 0.0)

    def take(self) -> Dict[str, float]:
        """The sums so far; the next pass begins at zero."""
        taken, self._seconds = self._seconds, {}
        return taken


def serve(
    load: Callable[[], Recognise],
    *,
    engine: str,
    version: str,
    threads: int,
    stages: Optional[Callable[[], Dict[str, float]]] = None,
    peak: Callable[[], float] = peak_rss_mb,
) -> None:
    """Load the models with `load()`, then answer passes until the input ends.

    Args:
        load: returns `recognise(paths) -> pages`.
        engine: name in the table.
        version: of the engine's package.
        threads: what the engine was told.
        stages: seconds of each stage of the last pass, where the engine can tell.
        peak: peak resident memory in MiB, of all processes that the engine needs.
    """
    channel = claim_stdout()

    def say(message: Dict[str, Any]) -> None:
        channel.write(json.dumps(message, ensure_ascii=False) + "\n")
        channel.flush()

    start = time.perf_counter()
    recognise = load()
    loaded = time.perf_counter() - start
    say({"ready": True, "engine": engine, "version": version, "threads": threads, "load_seconds": round(loaded, 3)})
    for request_line in sys.stdin:
        if not request_line.strip():
            continue
        request = json.loads(request_line)
        start, cpu_start = time.perf_counter(), time.process_time()
        pages, latencies = [], []
        for images in [[path] for path in request["images"]] if request.get("alone") else [request["images"]]:
            begin = time.perf_counter()
            pages += recognise(images)
            latencies.append(time.perf_counter() - begin)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
        done: Dict[str, Any] = {
            "done": True,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "pages": len(pages),
            "peak_rss_mb": round(peak(), 1),
        }
        if request.get("alone"):
            done["latencies"] = latencies
        if stages is not None:
            done["stages"] = stages()
        if request.get("results"):
            for result in pages:
                say(result)
        say(done)
