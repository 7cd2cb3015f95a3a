"""How well a recogniser reads synthetic lines of each difficulty, beside real ones.

    python tools/benchmark/synth_difficulty.py --rec mobile --count 400 --backgrounds photos/ --real labels.txt …

No line is there to give a rare character its turn. `--real` names label files of the detection or recognition format;
their lines are cropped as a detector's would be.
Prints a table in Markdown: share of lines read exactly but for spaces, width and case; the same with spaces; and
characters (1 - edits / characters).
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from ppocr import OCROptions, TextRecognizer
from ppocr.data.labels import read_detection_labels, read_recognition_labels
from ppocr.data.synth.lines import LineGenerator, Materials, Sources
from ppocr.errors import LabelError
from ppocr.metrics.text import TextRules, score_lines
from ppocr.ops.boxes import crop_quad

Line = Tuple[np.ndarray, str]
Found = Tuple[Path, str, Sequence[Tuple[float, float]]]  # picture, text, corners (none: the whole picture)
ROUGHLY, WITH_SPACES = TextRules(), TextRules(ignore_spaces=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rec", default="mobile", metavar="MODEL")
    parser.add_argument("--lang", default="zh,en")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--height", type=int, default=32)
    parser.add_argument("--backgrounds", metavar="DIR")
    parser.add_argument("--difficulties", type=float, nargs="+", default=[0, 0.25, 0.5, 0.75, 1])
    parser.add_argument("--real", nargs="*", default=[], metavar="LABELS")
    args = parser.parse_args()

    recognizer = TextRecognizer(OCROptions(rec=args.rec, threads=1))
    characters = recognizer.postprocess.characters
    materials = Materials(Sources(tuple(args.lang.split(",")), characters=characters, backgrounds=args.backgrounds))
    generator = LineGenerator(materials, height=args.height)
    print("| lines | count | exact | exact with spaces | characters |\n|---|---|---|---|---|")
    for difficulty in args.difficulties:
        made = (
            generator.make(np.random.default_rng([0, 0, i]), difficulty=difficulty) for i in range(args.count)
        )
        report(f"synthetic, difficulty {difficulty:g}", [(line.image, line.text) for line in made], recognizer)
    for name in args.real:
        report(Path(name).parent.name, real_lines(Path(name), args.count), recognizer)


def real_lines(path: Path, count: int) -> List[Line]:
    """Up to `count` lines of a label file, drawn at random (always the same ones), that can be read."""
    try:
        labels = read_detection_labels(path, repair=True)
        found: List[Found] = [(page.path, region.text, region.points) for page in labels for region in page.regions
                 if not region.ignore and len(region.points) == 4]  # fmt: skip
    except LabelError:
        found = [(line.path, line.text, ()) for line in read_recognition_labels(path)]
    random.Random(0).shuffle(found)
    return list(_crops(sorted(found[:count], key=lambda line: line[0])))


def _crops(found: Sequence[Found]) -> Iterator[Line]:
    opened: Optional[Path] = None
    picture: Optional[np.ndarray] = None
    for path, text, points in found:
        if path != opened:
            opened, picture = path, cv2.imread(str(path))
        if picture is None:
            raise SystemExit(f"{path}: cannot be read")
        yield (crop_quad(picture, np.array(points)) if points else picture), text


def report(name: str, lines: Sequence[Line], recognizer: TextRecognizer) -> None:
    answers = [text for text, _ in recognizer([image for image, _ in lines])]
    pairs = [(text, answer) for (_, text), answer in zip(lines, answers)]
    roughly, spaced = score_lines(pairs, ROUGHLY), score_lines(pairs, WITH_SPACES)
    letters = 1 - roughly.character_error_rate
    print(f"| {name} | {len(lines)} | {roughly.accuracy:.1%} | {spaced.accuracy:.1%} | {letters:.1%} |", flush=True)


if __name__ == "__main__":
    main()
