"""Draw what training sees: samples of a configuration before and after its transforms, on one sheet.

Each row is a sample: as stored, then as the first epochs see it, or with --steps after each of its steps. Outlines of
texts are green, of ignored ones red; what the detector learns as text is tinted blue, and its borders red.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import cv2
import numpy as np

from ppocr.cli.data_section import section_loader
from ppocr.cli.main import print_error
from ppocr.cli.training import add_override_argument
from ppocr.config import load_config
from ppocr.data.datasets import SimpleDataSet
from ppocr.data.pipeline import Pipeline
from ppocr.data.transforms.view import apply_view
from ppocr.errors import PPOCRError, SampleError
from ppocr.utils.atomic import replacing_file
from ppocr.utils.overwriting import refuse_inputs

CELL, CAPTION, GAP = 320, 18, 6  # pixels: longest side of a picture, height of its caption, space around it
SUFFIXES = (".jpg", ".png")
GREEN, RED, BLACK = (0, 200, 0), (0, 0, 230), (0, 0, 0)

Cell = Tuple[str, np.ndarray]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--config", required=True, metavar="FILE", help="configuration")
    add_override_argument(parser)
    parser.add_argument("--output", required=True, metavar="FILE", help="the sheet (.jpg or .png)")
    parser.add_argument("--section", choices=("Train", "Eval"), default="Train", help="whose samples (default: Train)")
    parser.add_argument("--seed", type=int, metavar="N", help="of the run (default: Global.seed)")
    parser.add_argument("--samples", type=int, default=6, metavar="N", help="rows (6)")
    parser.add_argument("--epochs", type=int, default=4, metavar="N", help="columns after the first (4)")
    parser.add_argument("--steps", action="store_true", help="columns are the steps of epoch 0 instead")


def run(args: argparse.Namespace) -> int:
    if Path(args.output).suffix.lower() not in SUFFIXES:
        raise PPOCRError(f"--output {args.output}: expected a name that ends in {' or '.join(SUFFIXES)}")
    loader = section_loader(load_config(args.config, args.opt), args.section, seed=args.seed)
    dataset = loader.pipeline.dataset
    if Path(args.output).exists() and isinstance(dataset, SimpleDataSet):
        refuse_inputs(args.output, dataset.files())
    indices = [index for batch in loader.sampler.epoch(0) for index in batch.indices.tolist()][: args.samples]
    rows, failed = [], False
    make = steps_of if args.steps else epochs_of
    for index in indices:
        try:
            rows.append(make(loader.pipeline, index, args.epochs))
        except SampleError as error:
            print_error(error)
            failed = True
    if not rows:
        raise PPOCRError("no sample could be drawn")
    _, data = cv2.imencode(Path(args.output).suffix.lower(), sheet(rows))
    try:
        with replacing_file(Path(args.output)) as temporary:
            temporary.write_bytes(data.tobytes())
    except OSError as error:
        raise PPOCRError(f"{args.output}: cannot be written: {error.strerror}") from error
    print(f"{args.output}: {len(rows)} samples of {args.section}, seed {loader.pipeline.seed}", file=sys.stderr)
    return 1 if failed else 0


def epochs_of(pipeline: Pipeline, index: int, count: int) -> List[Cell]:
    """The picture as stored, and as epochs 0 … count - 1 see it."""
    first, *_ = drawn = pictures(pipeline, index, 0)
    cells = [first]
    for epoch in range(count):
        _, last = (drawn if epoch == 0 else pictures(pipeline, index, epoch))[-1]
        cells.append((f"epoch {epoch}", last))
    return cells


def steps_of(pipeline: Pipeline, index: int, _: int = 0) -> List[Cell]:
    """The picture as stored, and after each step of epoch 0 that changed it."""
    cells: List[Cell] = []
    for name, picture in pictures(pipeline, index, 0):
        if not cells or not np.array_equal(picture, cells[-1][1]):
            cells.append((name, picture))
    return cells


def pictures(pipeline: Pipeline, index: int, epoch: int) -> List[Cell]:
    """(caption, drawing) after each step, as long as the picture is one: uint8[H, W, 3]."""
    drawn: List[Cell] = []
    place = ""
    for name, sample in pipeline.stages(index, epoch):
        place = place or sample["place"]
        image = sample.get("image")
        if image is not None and image.dtype == np.uint8 and image.ndim == 3:
            drawn.append((name if drawn else Path(place).name, draw(apply_view(dict(sample)))))
    return drawn


def draw(sample: Dict[str, Any]) -> np.ndarray:
    """A sample's picture at the size of a cell, with its outlines and target maps."""
    image = sample["image"].copy()
    for key, channel in (("shrink_map", 0), ("threshold_map", 2)):
        if key in sample:
            strength = np.clip(sample[key] - (0.3 if key == "threshold_map" else 0), 0, 1)
            image[..., channel] = np.maximum(image[..., channel], (strength * 255).astype(np.uint8))
    scale = CELL / max(image.shape[:2])
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for points, ignored in zip(sample.get("polys", ()), sample.get("ignore_tags", ())):
        outline = np.round(points * scale).astype(np.int32)
        cv2.polylines(image, [outline], True, RED if ignored else GREEN, 1, cv2.LINE_AA)
        cv2.circle(image, outline[0].tolist(), 2, RED if ignored else GREEN, -1)
    return image


def sheet(rows: List[List[Cell]]) -> np.ndarray:
    """Rows of captioned pictures on white."""
    columns = max(len(row) for row in rows)
    bands = []
    for row in rows:
        height = max(picture.shape[0] for _, picture in row) + CAPTION + GAP
        band = np.full((height, columns * (CELL + GAP), 3), 255, np.uint8)
        for number, (caption, picture) in enumerate(row):
            left = number * (CELL + GAP)
            text = caption.encode("ascii", "replace").decode()
            cv2.putText(band, text, (left, CAPTION - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, BLACK, 1, cv2.LINE_AA)
            band[CAPTION : CAPTION + picture.shape[0], left : left + picture.shape[1]] = picture
        bands.append(band)
    return np.concatenate(bands)
