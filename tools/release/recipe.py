"""What `lines.yml` says, and which split a page or line belongs to."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any, Iterable, List, Mapping, Tuple

import cv2
import numpy as np

from ppocr.config import read_yaml
from ppocr.ops.charset import Charset
from ppocr.utils.atomic import replacing_file

logger = logging.getLogger("release")

HERE = Path(__file__).parent
DICTIONARY = HERE.parents[1] / "ppocr" / "utils" / "dict" / "ppocrv6_tiny_dict.txt"
SPLITS = ("train", "pick", "dev")
LONGEST_TEXT = 120  # characters
LONGEST_LINE = 54  # heights; longer lines are left out
QUALITY = 95  # of JPEG files


def read_recipe() -> Mapping[str, Any]:
    return read_yaml(HERE / "lines.yml")


def split_of(name: str, shares: Mapping[str, float]) -> str:
    """`dev`, `pick` or `train`, always the same for a name: its hash as a number in [0, 1) falls into one of them."""
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
    if place < shares["dev"]:
        return "dev"
    return "pick" if place < shares["dev"] + shares["pick"] else "train"


def charset() -> Charset:
    return Charset(Charset.from_file(DICTIONARY).characters, use_space_char=True)


class LineWriter:
    """Writes crops of a set and their texts, `WORK/lines/SET/SPLIT.txt` beside `images/`; the lists appear at the end.

    Args:
        folder: `WORK/lines/SET`.
        height: higher crops are shrunk to it, pixels.
        known: characters that a text may have; others are left out and counted.
        suffix: of the lists that teach or choose, if they are not finished yet.
    """

    def __init__(self, folder: Path, height: int, known: Charset, *, suffix: str = ".txt"):
        self.suffix = suffix
        self.folder, self.height, self._known = folder, height, frozenset(known.characters) | {" "}
        self._lines: dict[str, List[str]] = {split: [] for split in SPLITS}
        self._count = self.left_out = 0
        (folder / "images").mkdir(parents=True, exist_ok=True)

    def add(self, split: str, image: np.ndarray, text: str) -> None:
        """A line: uint8[h, w, 3], BGR, and what it says."""
        text = " ".join(text.split())
        height, width = image.shape[:2]
        if not text or len(text) > LONGEST_TEXT or width > LONGEST_LINE * height or not self._known.issuperset(text):
            self.left_out += 1
            return
        if height > self.height:
            size = (max(1, round(width * self.height / height)), self.height)
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        name = f"images/{self._count:06d}.jpg"
        self._count += 1
        cv2.imwrite(str(self.folder / name), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        self._lines[split].append(f"{name}\t{text}\n")

    def close(self) -> None:
        for split, lines in self._lines.items():
            if lines:
                write_lines(self.folder / f"{split}{'.txt' if split == 'dev' else self.suffix}", lines)
        counts = ", ".join(f"{split} {len(lines)}" for split, lines in self._lines.items() if lines)
        logger.info("%s: %s; left out %d", self.folder.name, counts or "nothing", self.left_out)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    with replacing_file(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def entries(path: Path) -> List[Tuple[str, str]]:
    """(first column, rest) of each line of a label file."""
    rows = [line.partition("\t") for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return [(name, rest) for name, _, rest in rows]
