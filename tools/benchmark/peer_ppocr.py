"""This project's predictor chain as a racer, reading the pages of a pass as one stream."""

from __future__ import annotations

import argparse
import json
from typing import Any, Dict, Sequence

from peer_protocol import Pages, arguments, serve

import ppocr
from ppocr.errors import PPOCRError
from ppocr.infer.sources import read_all


def parse() -> argparse.Namespace:
    parser = arguments(__doc__ or "")
    parser.add_argument("--models", default="mobile", help="model family (default mobile)")
    parser.add_argument("--det", help="model family or directory of the detector")
    parser.add_argument("--cls", help="the same for the direction classifier; none: without")
    parser.add_argument("--rec", help="the same for the recogniser")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="any other field of OCROptions")
    return parser.parse_args()


class Chain:
    """The predictor chain and the seconds that each of its stages took in the last pass."""

    def __init__(self, options: argparse.Namespace):
        settings: Dict[str, Any] = {part: getattr(options, part) or options.models for part in ("det", "cls", "rec")}
        if settings["cls"] == "none":
            settings["cls"] = None
        for setting in options.set:
            name, _, value = setting.partition("=")
            settings[name] = json.loads(value)
        self._ocr = ppocr.OCR(threads=options.threads, **settings)
        self._before: Dict[str, float] = {}

    def recognise(self, paths: Sequence[str]) -> Pages:
        self._before = self._ocr.stages.seconds()  # this clock runs on from pass to pass
        pages = []
        for result in self._ocr.stream(read_all(paths)):
            if isinstance(result, PPOCRError):
                raise result
            pages.append(result.to_dict())
        return pages

    def stages(self) -> Dict[str, float]:
        return {stage: end - self._before.get(stage, 0.0) for stage, end in self._ocr.stages.seconds().items()}


def main() -> None:
    options = parse()
    chains = []

    def load():
        chains.append(Chain(options))
        return chains[0].recognise

    serve(
        load,
        engine=options.name or "ppocr",
        version=ppocr.__version__,
        threads=options.threads,
        stages=lambda: chains[0].stages(),
    )


if __name__ == "__main__":
    main()
