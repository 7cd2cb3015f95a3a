"""Does a long-running reader keep its memory? Many pages of random sizes through one `OCR`, with the memory in between.

Pages are drawn at run time (lines of random words on paper of random size), or are cut and scaled at random from
`--images`. Every 20 pages one line is printed: pages so far, resident memory now, its peak. The run passes when the
peak stays below `--limit-mb` and memory is flat over the last 300 pages: a straight line laid through the memory after
each page (least squares) rises by less than `--flat-mb` from first to last. After each page, since memory goes up and
down by hundreds of MiB between the times when what is free goes back: a few samples would tell chance.

    python tools/benchmark/memory_curve.py --pages 500 --threads 2
"""

from __future__ import annotations

import argparse
import json
import random
import string
import sys
import time
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence

import cv2
import numpy as np
from peer_protocol import peak_rss_mb, rss_mb

from ppocr import OCR, OCRResult, PPOCRError
from ppocr.infer.io.sources import Page, expand, read_pages


class Reading(NamedTuple):
    """Memory of the process after some pages, in MiB."""

    pages: int
    rss: float
    peak: float


def drawn_pages(count: int, seed: int, sides: Sequence[int]) -> Iterator[Page]:
    """`count` pages of text, uint8[H, W, 3], both sides uniform in [sides[0], sides[1]]."""
    dice = random.Random(seed)
    for index in range(count):
        width, height = dice.randint(*sides), dice.randint(*sides)
        paper = np.full((height, width, 3), dice.randint(190, 255), np.uint8)
        top = dice.randint(10, 40)
        while top < height - 20:
            size = dice.uniform(0.5, 1.6)
            words = [
                "".join(dice.choices(string.ascii_letters + string.digits, k=dice.randint(1, 12))) for _ in range(20)
            ]
            line = " ".join(words)[: dice.randint(4, max(5, int(width / (20 * size))))]
            place = (dice.randint(5, max(6, width // 4)), top + int(22 * size))
            cv2.putText(
                paper, line, place, cv2.FONT_HERSHEY_SIMPLEX, size, (20, 20, 20), max(1, int(2 * size)), cv2.LINE_AA
            )
            top += int(dice.uniform(40, 90) * size)
        yield Page(f"drawn-{index}", 0, paper)


def photographed_pages(paths: Sequence[str], count: int, seed: int, sides: Sequence[int]) -> Iterator[Page]:
    """`count` pages: random parts of the pictures, at random scale, of random size."""
    dice = random.Random(seed)
    files = expand(paths)
    for index in range(count):
        picture = next(read_pages(dice.choice(files))).image
        height, width = picture.shape[:2]
        part_height, part_width = (int(side * dice.uniform(0.3, 1)) for side in (height, width))
        top, left = dice.randint(0, height - part_height), dice.randint(0, width - part_width)
        part = picture[top : top + part_height, left : left + part_width]
        scale = dice.randint(*sides) / max(part.shape[:2])
        size = tuple(max(1, round(side * scale)) for side in (part_width, part_height))
        yield Page(f"part-{index}", 0, cv2.resize(part, size, interpolation=cv2.INTER_AREA))


def rise(readings: Sequence[Reading], last: int) -> float:
    """How much a straight line through the memory of the last `last` pages rises over them, in MiB."""
    end = readings[-1].pages
    tail = [reading for reading in readings if reading.pages >= end - last]
    if len(tail) < 2:
        return 0.0
    slope = np.polyfit([reading.pages for reading in tail], [reading.rss for reading in tail], 1)[0]
    return float(slope * (tail[-1].pages - tail[0].pages))


def verdict(readings: Sequence[Reading], *, limit_mb: float, flat_mb: float, last: int) -> List[str]:
    """What is wrong with a curve; empty when it passes."""
    problems = []
    peak = max(reading.peak for reading in readings)
    if peak >= limit_mb:
        problems.append(f"the peak of {peak:.0f} MiB is not below {limit_mb:.0f}")
    growth = rise(readings, last)
    if growth >= flat_mb:
        problems.append(f"memory rises by {growth:.0f} MiB over the last {last} pages, {flat_mb:.0f} or more")
    return problems


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--every", type=int, default=20, help="pages between two lines (default 20)")
    parser.add_argument("--last", type=int, default=300, help="pages over which memory must be flat (default 300)")
    parser.add_argument("--limit-mb", type=float, default=1024)
    parser.add_argument("--flat-mb", type=float, default=30)
    parser.add_argument("--images", nargs="+", metavar="PATH", help="cut the pages out of these pictures")
    parser.add_argument("--sides", type=int, nargs=2, default=[100, 3000], metavar=("MIN", "MAX"), help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", default="default", help="model family (default: the one in the package)")
    parser.add_argument("--engine", default="auto", help="openvino, onnxruntime or paddle (default: auto)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the curve here")
    arguments = parser.parse_args(argv)
    models = arguments.models
    try:
        ocr = OCR(det=models, cls=models, rec=models, threads=arguments.threads, engine=arguments.engine)
    except PPOCRError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.images:
        pages = photographed_pages(arguments.images, arguments.pages, arguments.seed, arguments.sides)
    else:
        pages = drawn_pages(arguments.pages, arguments.seed, arguments.sides)
    readings = [Reading(0, rss_mb(), peak_rss_mb())]
    begin, lines = time.perf_counter(), 0
    print("pages     MiB    peak")
    for number, result in enumerate(ocr.stream(pages), start=1):
        lines += len(result.lines) if isinstance(result, OCRResult) else 0
        readings.append(Reading(number, rss_mb(), peak_rss_mb()))
        if number % arguments.every == 0:
            print(f"{number:5d} {readings[-1].rss:7.0f} {readings[-1].peak:7.0f}", flush=True)
    seconds = time.perf_counter() - begin
    growth = rise(readings, arguments.last)
    print(f"{lines} lines of text, {arguments.pages / seconds:.2f} pages/s, rise {growth:+.1f} MiB")
    problems = verdict(readings, limit_mb=arguments.limit_mb, flat_mb=arguments.flat_mb, last=arguments.last)
    print("\n".join(problems) or "passed")
    if arguments.json:
        curve = [reading._asdict() for reading in readings]
        arguments.json.write_text(json.dumps({"curve": curve, "problems": problems}, indent=1) + "\n", encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
