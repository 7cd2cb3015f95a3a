"""This project's predictor chain as a racer, reading the pages of a pass as one stream.

It runs as a script, also by the Python of another environment, whose version of ppocr is raced then: so it uses
nothing but what every version has.

With `--workers N` the pages are shared out to N processes, as `ppocr ocr --workers N` does; they share the threads.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Dict, List, Sequence, Tuple

from protocol import Pages, Recognise, arguments, peak_rss_mb, serve  # beside this script

import ppocr
from ppocr.errors import PPOCRError
from ppocr.infer.io.sources import read_all


def parse() -> argparse.Namespace:
    parser = arguments(__doc__ or "")
    parser.add_argument("--models", default="default", help="model family (default: the one in the package)")
    parser.add_argument("--det", help="model family or directory of the detector")
    parser.add_argument("--cls", help="the same for the direction classifier; none: without")
    parser.add_argument("--rec", help="the same for the recogniser")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the threads (default 1)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other OCROptions field")
    return parser.parse_args()


class Chain:
    """The predictor chain and the seconds that each of its stages took in the last pass."""

    def __init__(self, options: argparse.Namespace):
        settings: Dict[str, Any] = {part: getattr(options, part) or options.models for part in ("det", "cls", "rec")}
        if settings["cls"] == "none":
            settings["cls"] = None
        for setting in options.set:
            name, _, value = setting.partition("=")
            settings[name] = _value(value)
        self._ocr = ppocr.OCR(threads=max(1, options.threads // options.workers), **settings)
        self._before: Dict[str, float] = {}

    def recognise(self, paths: Sequence[str]) -> Pages:
        self._before = self._ocr.stages.seconds()  # this clock runs on from pass to pass
        pages = []
        for result in self._ocr.stream(read_all(paths)):
            if isinstance(result, PPOCRError):
                raise result
            pages.append(result.to_dict())
        return pages

    def peak_rss_mb(self) -> float:
        return peak_rss_mb()

    def stages(self) -> Dict[str, float]:
        return {stage: end - self._before.get(stage, 0.0) for stage, end in self._ocr.stages.seconds().items()}


class Workers:
    """Chains in processes of their own; each takes the next few pages as soon as it is done with its last."""

    AT_ONCE = 4  # pages

    def __init__(self, options: argparse.Namespace):
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(options.workers, spawn, initializer=_load, initargs=(options,))
        self._peaks: Dict[int, float] = {}
        self._stages: Dict[str, float] = {}
        # Every worker loads its models now: as many tasks as workers, each held until all have one.
        barrier = multiprocessing.Manager().Barrier(options.workers)
        list(self._pool.map(_meet, [barrier] * options.workers))

    def recognise(self, paths: Sequence[str]) -> Pages:
        self._stages = {}
        chunks = [paths[begin : begin + self.AT_ONCE] for begin in range(0, len(paths), self.AT_ONCE)]
        pages: Pages = []
        for chunk, worker, peak, stages in self._pool.map(_recognise, chunks):
            pages += chunk
            self._peaks[worker] = peak
            for stage, seconds in stages.items():
                self._stages[stage] = self._stages.get(stage, 0.0) + seconds
        return pages

    def stages(self) -> Dict[str, float]:
        """Seconds of all workers together."""
        return self._stages

    def peak_rss_mb(self) -> float:
        return peak_rss_mb() + sum(self._peaks.values())


_chains: List[Chain] = []  # of a worker process


def _load(options: argparse.Namespace) -> None:
    _chains.append(Chain(options))


def _meet(barrier: Any) -> None:
    barrier.wait()


def _recognise(paths: Sequence[str]) -> Tuple[Pages, int, float, Dict[str, float]]:
    pages = _chains[0].recognise(paths)
    return pages, multiprocessing.current_process().pid or 0, peak_rss_mb(), _chains[0].stages()


def _value(text: str) -> Any:
    """`3`, `0.5`, `true`, `null`, `[3, 48, 320]` as JSON has them; anything else is a string."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def main() -> None:
    options = parse()
    engines: List[Any] = []

    def load() -> Recognise:
        engines.append(Workers(options) if options.workers > 1 else Chain(options))
        return engines[0].recognise

    serve(
        load,
        engine=options.name or "ppocr",
        version=ppocr.__version__,
        threads=options.threads,
        stages=lambda: engines[0].stages(),
        peak=lambda: engines[0].peak_rss_mb(),
    )


if __name__ == "__main__":
    main()
