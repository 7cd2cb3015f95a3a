"""How fast synthetic text is made by one core.

    python tools/benchmark/synth_speed.py --lang zh,en --backgrounds photos/

Processor time of one thread, not time on the clock: other processes disturb it less. Lines are 32 pixels high, those
of the direction classifier 48, pages are 960 x 960. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import time
from typing import Callable

import cv2
import numpy as np

from ppocr.data.synth.directions import DirectionGenerator
from ppocr.data.synth.lines import LineGenerator, Materials, Sources
from ppocr.data.synth.pages import PageGenerator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lang", default="zh,en")
    parser.add_argument("--backgrounds", metavar="DIR")
    parser.add_argument("--difficulty", type=float, default=0.5)
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--pages", type=int, default=60)
    args = parser.parse_args()

    cv2.setNumThreads(1)
    begin = time.process_time()
    materials = Materials(Sources(tuple(args.lang.split(",")), backgrounds=args.backgrounds))
    print(f"fonts and texts loaded in {time.process_time() - begin:.1f} s\n")
    print(f"| difficulty {args.difficulty:g} | a second | texts each |\n|---|---|---|")
    difficulty = args.difficulty

    lines = LineGenerator(materials)
    measure("lines", args.lines, lambda rng, i: bool(lines.make(rng, difficulty=difficulty, turn=i).text))
    turned = DirectionGenerator(materials)
    measure("direction lines", args.lines // 2, lambda rng, i: bool(turned.make(rng, difficulty=difficulty).direction))
    pages = PageGenerator(materials)
    measure("pages", args.pages, lambda rng, i: len(pages.make(rng, difficulty=difficulty).regions))


def measure(name: str, count: int, make: Callable[[np.random.Generator, int], int]) -> None:
    """Print how many a second; a tenth of the samples comes first, uncounted, to open fonts and photos."""
    for i in range(count // 10):
        make(np.random.default_rng([1, 0, i]), i)
    begin = time.process_time()
    texts = sum(make(np.random.default_rng([0, 0, i]), i) for i in range(count))
    speed = count / (time.process_time() - begin)
    print(f"| {name} | {speed:.1f} | {texts / count:.1f} |", flush=True)


if __name__ == "__main__":
    main()
