"""Pages that teach a detector: where a larger model finds lines, on pictures with and without labels."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping

from crops import each_page
from pseudo import each_unlabelled
from recipe import entries, logger, write_lines

from ppocr.errors import InputError
from ppocr.infer.detector import TextDetector
from ppocr.infer.io.sources import read_pages
from ppocr.infer.options import OCROptions

GROUP = 20  # pictures whose boxes are written together, so that the work can be stopped


def box_pages(data: Path, work: Path, recipe: Mapping[str, Any], *, engine: str, threads: int) -> None:
    """Write `WORK/boxes/NUMBER.txt`, detection labels, for each group of pages that has none yet, in mixed order.

    The teacher's boxes count even where a set has boxes of its own: those of some are words, of others lines, and a
    network that learns from both finds neither.
    """
    pictures = sorted(_pictures(data, recipe), key=lambda path: hashlib.sha256(str(path).encode()).digest())
    teacher = TextDetector(OCROptions(det=recipe["unlabelled"]["teacher"], engine=engine, threads=threads))
    for number, start in enumerate(range(0, len(pictures), GROUP)):
        target = work / "boxes" / f"{number:03d}.txt"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_lines(target, _boxes(pictures[start : start + GROUP], teacher))
            logger.info("%s: of %d", target, len(pictures) // GROUP)


def _boxes(pictures: List[Path], teacher: TextDetector) -> Iterator[str]:
    for path in pictures:
        try:
            boxes = teacher(next(iter(read_pages(str(path)))).image).boxes
        except InputError as error:
            logger.warning("%s", error)
            continue
        regions: List[Dict[str, Any]] = [{"transcription": "text", "points": box.round().tolist()} for box in boxes]
        if regions:
            yield f"{path}\t{json.dumps(regions)}\n"


def _pictures(data: Path, recipe: Mapping[str, Any]) -> Iterator[Path]:
    """What teaches: nothing that `dev` or `pick` hold back."""
    for name in recipe["pages"]:
        for path, _, split in each_page(data, name, recipe):
            if split == "train":
                yield path
    yield from each_unlabelled(data, recipe)


def pick_pages(data: Path, work: Path, recipe: Mapping[str, Any]) -> None:
    """Write `WORK/pick_pages.txt`: the sets' own labels of the pages that choose checkpoints."""
    rows = []
    for name in recipe["pages"]:
        found = [(path, labels) for path, labels, split in each_page(data, name, recipe) if split == "pick"]
        rows += [f"{path}\t{labels}\n" for path, labels in found]
    write_lines(work / "pick_pages.txt", rows)
    logger.info("%d pages choose", len(entries(work / "pick_pages.txt")))
