"""Contact sheets of synthetic text: what each language, difficulty and kind of page looks like.

    python tools/synth_sheets.py --output docs/images [--backgrounds photos/]

Writes `synth_lines_LANG.jpg` (a row of each difficulty), `synth_directions.jpg` and `synth_pages.jpg` (boxes drawn).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import List, Optional, Sequence

import cv2
import numpy as np

from ppocr.data.synth.directions import DirectionGenerator
from ppocr.data.synth.languages import LANGUAGES
from ppocr.data.synth.lines import LineGenerator, Materials, Sources
from ppocr.data.synth.pages import KINDS, PageGenerator

DIFFICULTIES = (0.0, 0.25, 0.5, 0.75, 1.0)
WIDTH = 720  # pixels of a sheet
PAGE = 300  # of a page in a sheet
GAP = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--backgrounds", metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    for code in LANGUAGES:
        save(args.output / f"synth_lines_{code}.jpg", lines_sheet(code, args.backgrounds, args.seed))
    save(args.output / "synth_directions.jpg", directions_sheet(args.backgrounds, args.seed))
    save(args.output / "synth_pages.jpg", pages_sheet(args.backgrounds, args.seed))


def save(path: Path, sheet: np.ndarray) -> None:
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 72])
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def lines_sheet(code: str, backgrounds: Optional[str], seed: int) -> np.ndarray:
    """Two rows of lines for each difficulty, its number in front."""
    generator = LineGenerator(Materials(Sources((code,), backgrounds=backgrounds)))
    rows = []
    for difficulty in DIFFICULTIES:
        made = [generator.make(np.random.default_rng([seed, 2, i]), difficulty=difficulty).image for i in range(14)]
        rows += packed(made, f"{difficulty:g}", count=2)
    return np.vstack(rows)


def directions_sheet(backgrounds: Optional[str], seed: int) -> np.ndarray:
    generator = DirectionGenerator(Materials(Sources(("zh", "ja", "en"), backgrounds=backgrounds)), height=32)
    made = [generator.make(np.random.default_rng([seed, 3, i]), difficulty=0.4) for i in range(40)]
    return np.vstack([
        row for label in ("0", "180")
        for row in packed([sample.image for sample in made if sample.direction == label], label, count=3)
    ])  # fmt: skip


def packed(pictures: Sequence[np.ndarray], title: str, *, count: int) -> List[np.ndarray]:
    """`count` rows of pictures side by side, `title` at the left of the first."""
    height, waiting = pictures[0].shape[0], list(pictures)
    rows = []
    for number in range(count):
        row = np.full((height + GAP, WIDTH, 3), 255, np.uint8)
        x = 48
        if number == 0:
            cv2.putText(row, title, (4, height - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        for picture in list(waiting):
            if x + picture.shape[1] <= WIDTH:
                row[:height, x : x + picture.shape[1]] = picture
                x += picture.shape[1] + GAP
                waiting.pop(next(k for k, other in enumerate(waiting) if other is picture))
        rows.append(row)
    return rows


def pages_sheet(backgrounds: Optional[str], seed: int) -> np.ndarray:
    """A clean and a spoiled page of each kind."""
    materials = Materials(Sources(("zh", "en", "ja", "ko", "fr", "de"), backgrounds=backgrounds))
    tiles = []
    for number, kind in enumerate([kind for kind in KINDS if kind != "vertical"]):
        for difficulty in (0.1, 0.8):
            rng = np.random.default_rng([seed, 6, number])
            page = PageGenerator(materials, kinds=[kind]).make(rng, difficulty=difficulty)
            picture = page.image.copy()
            for region in page.regions:
                cv2.polylines(picture, [np.rint(region.quad).astype(np.int32)], True, (0, 0, 255), 2)
            tiles.append(cv2.resize(picture, (PAGE, PAGE), interpolation=cv2.INTER_AREA))
    return np.vstack([np.hstack(tiles[k::2]) for k in range(2)])


if __name__ == "__main__":
    main()
