"""Strips for the direction tables of `ppocr ablate`: synthetic and real ones to learn from, real ones to judge by.

    ppocr synth directions --lang zh,en --count 9000 --backgrounds DATA/backgrounds --output synthetic
    python tools/release/make.py --data DATA --work WORK --only lines
    python tools/ablations/strips.py --synthetic synthetic --lines WORK/lines --output ABLATIONS/directions

Real strips are the lines that `make release-models` cuts: `train.txt` of each set teaches, `dev.txt` judges. Whether a
strip is turned is decided by a hash of its name; lines that look the same upside down are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from ppocr.bench.racer import spread
from ppocr.data.synth.directions import shows_direction
from ppocr.ops.images import decode_image
from ppocr.utils.atomic import replacing_directory

HEIGHT = 48  # pixels: what the classifier sees
QUALITY = 95  # of JPEG files


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", type=Path, required=True, metavar="DIR", help="of ppocr synth directions")
    parser.add_argument("--lines", type=Path, required=True, metavar="DIR", help="a folder a set: train.txt, dev.txt")
    parser.add_argument("--train", type=int, default=200, metavar="N", help="strips of each set that teach")
    parser.add_argument("--val", type=int, default=1000, metavar="N", help="strips of each set that judge, at most")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    args = parser.parse_args(argv)
    with replacing_directory(args.output) as folder:
        counts = write(folder, args)
    print(", ".join(f"{name} {count}" for name, count in counts.items()), file=sys.stderr)
    return 0


def write(folder: Path, args: argparse.Namespace) -> Dict[str, int]:
    """`train.txt` and `val.txt` with their pictures; what each was made of."""
    synthetic = [
        f"{(args.synthetic / name).resolve()}\t{label}\n" for name, label in rows(args.synthetic / "labels.txt")
    ]
    real: Dict[str, List[str]] = {}
    for split, source, most in (("train", "train", args.train), ("val", "dev", args.val)):
        (folder / split).mkdir()
        real[split] = []
        for listing in sorted(args.lines.glob(f"*/{source}.txt")):
            if not listing.parent.name.startswith("synth"):
                real[split] += list(strips(folder, split, listing, most))
    (folder / "train.txt").write_text("".join([*synthetic, *real["train"]]), encoding="utf-8")
    (folder / "val.txt").write_text("".join(real["val"]), encoding="utf-8")
    return {"synthetic": len(synthetic), "real": len(real["train"]), "val": len(real["val"])}


def strips(folder: Path, split: str, listing: Path, most: int) -> Iterator[str]:
    """Write up to `most` lines of a set, half of them turned, and tell their places and directions."""
    shown = [name for name, text in rows(listing) if shows_direction(text)]
    for name in spread(shown, most):
        file = listing.parent / name
        image = next(decode_image(file.read_bytes(), str(file)))
        turned = hashlib.sha256(f"{listing.parent.name}/{name}".encode()).digest()[0] % 2 == 1
        picture = f"{split}/{listing.parent.name}-{Path(name).stem}.jpg"
        save(folder / picture, image[::-1, ::-1] if turned else image)
        yield f"{picture}\t{180 if turned else 0}\n"


def save(path: Path, image: np.ndarray) -> None:
    """uint8[h, w, 3], BGR, at the height of the network's input."""
    height, width = image.shape[:2]
    size = (max(1, round(width * HEIGHT / height)), HEIGHT)
    cv2.imwrite(str(path), cv2.resize(image, size, interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def rows(path: Path) -> List[Tuple[str, str]]:
    """(picture, label) of each line of a label file."""
    lines = [line.partition("\t") for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return [(name, label) for name, _, label in lines]


if __name__ == "__main__":
    sys.exit(main())
