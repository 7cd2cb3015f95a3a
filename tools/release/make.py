"""Everything that our own models are made of, stage by stage; what is finished is not done again.

    python tools/release/make.py --data ../data --work ~/.cache/ppocr-release
    python tools/release/make.py --data ../data --work ~/.cache/ppocr-release --only lines

Stages: `lines` (crops of the labelled sets, lists of held-out pages), `case` (of labels in capitals), `synthetic`,
`start` (official weights as the network trained here wants them), `unlabelled` (an hour or two: a larger model reads
a thousand pictures), `rec` (training; goes on from where it was stopped), `export` (the model directory of its latest
weights); on request `boxes` (pages that a detector learns from). Any of them may run beside `rec`, which takes the
lines that there are when it begins.
"""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from pathlib import Path
from typing import Callable, Dict

from boxes import box_pages, pick_pages
from crops import copy_lines, cut_pages, list_dev_pages
from pseudo import label_pictures
from rec_training import export_recognizer, train_recognizer
from recase import restore_case
from recipe import logger, read_recipe
from start import start_weights
from synthetic import draw_lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder of the labelled sets")
    parser.add_argument("--work", required=True, type=Path, metavar="DIR", help="what is made goes there")
    parser.add_argument("--only", metavar="STAGE", choices=list(STAGES), help=f"one of {', '.join(STAGES)}")
    parser.add_argument("--fonts", metavar="DIR", help="for synthetic lines, instead of the system's")
    parser.add_argument("--engine", default="onnxruntime", help="that reads unlabelled pictures (default: onnxruntime)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of that engine (default: 1)")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of the training")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for name in [args.only] if args.only else [name for name in STAGES if name not in ON_REQUEST]:
        logger.info("stage %s", name)
        STAGES[name](args)
    return 0


def lines(args: argparse.Namespace) -> None:
    recipe = read_recipe()
    for kind, make in (("pages", cut_pages), ("lines", copy_lines)):
        for name in recipe[kind]:
            once(args.work / "lines" / name, partial(make, args.data, args.work, name, recipe))
    for name in recipe["pages"]:
        list_dev_pages(args.data, args.work, name, recipe)


def case(args: argparse.Namespace) -> None:
    recipe = read_recipe()
    for name, spec in recipe["pages"].items():
        if spec.get("upper"):
            folder = args.work / "lines" / name
            restore_case(folder, recipe["unlabelled"], engine=args.engine, threads=args.threads)


def synthetic(args: argparse.Namespace) -> None:
    recipe = read_recipe()
    for spec in recipe["synthetic"]:
        folder = args.work / "lines" / spec["name"]
        once(folder, partial(draw_lines, args.data, args.work, spec, recipe, args.fonts))


def unlabelled(args: argparse.Namespace) -> None:
    label_pictures(args.data, args.work, read_recipe(), engine=args.engine, threads=args.threads)


def boxes(args: argparse.Namespace) -> None:
    pick_pages(args.data, args.work, read_recipe())
    box_pages(args.data, args.work, read_recipe(), engine=args.engine, threads=args.threads)


def start(args: argparse.Namespace) -> None:
    once(args.work / "start", partial(start_weights, args.work))


def rec(args: argparse.Namespace) -> None:
    train_recognizer(args.work, args.set)


def export(args: argparse.Namespace) -> None:
    export_recognizer(args.work)


def once(folder: Path, make: Callable[[], object]) -> None:
    """Make what belongs into a folder, unless it was finished before."""
    if not (folder / "done").exists():
        make()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "done").touch()


STAGES: Dict[str, Callable[[argparse.Namespace], None]] = {
    "lines": lines, "case": case, "synthetic": synthetic, "start": start, "unlabelled": unlabelled, "boxes": boxes,
    "rec": rec, "export": export,
}  # fmt: skip
ON_REQUEST = ("boxes",)  # for a detector, which the package does not have yet

if __name__ == "__main__":
    sys.exit(main())
