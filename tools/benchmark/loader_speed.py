"""How many samples a second the loader makes: detection, recognition, direction, each with its usual augmentation.

    python tools/benchmark/loader_speed.py --det LABELS --rec LABELS [--cls LABELS] [--workers 2] [--seconds 10]

Without --cls the recognition labels serve for directions too, all of them "0". One line a task: samples a second in
this process and with workers, and milliseconds of each step on one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2

from ppocr.config import load_config
from ppocr.data.loader import Task, build_loader
from ppocr.data.pipeline import Pipeline
from ppocr.utils.dictionary import build_charset

DECODE = {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}
DET = [
    DECODE,
    {"DetLabelEncode": None},
    {"IaaAugment": None},
    {"EastRandomCropData": {"size": [640, 640], "max_tries": 50, "keep_ratio": True}},
    {"MakeBorderMap": {"shrink_ratio": 0.4, "thresh_min": 0.3, "thresh_max": 0.7}},
    {"MakeShrinkMap": {"shrink_ratio": 0.4, "min_text_size": 8}},
    {"NormalizeImage": None},
    {"ToCHWImage": None},
    {"KeepKeys": {"keep_keys": ["image", "threshold_map", "threshold_mask", "shrink_map", "shrink_mask"]}},
]
REC = [
    DECODE,
    {"RecAug": None},
    {"CTCLabelEncode": None},
    {"RecResizeImg": {"image_shape": [3, 32, 320]}},
    {"KeepKeys": {"keep_keys": ["image", "label", "length"]}},
]
CLS = [
    DECODE,
    {"ClsLabelEncode": None},
    {"BaseDataAugmentation": None},
    {"RandAugment": None},
    {"ClsResizeImg": {"image_shape": [3, 48, 192]}},
    {"KeepKeys": {"keep_keys": ["image", "label"]}},
]
STEPS: dict[Task, list] = {"det": DET, "rec": REC, "cls": CLS}
BATCH = {"det": 16, "rec": 64, "cls": 64}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for task in STEPS:
        parser.add_argument(f"--{task}", metavar="LABELS", help=f"label file for {task}")
    parser.add_argument("--root", metavar="DIR", help="where the pictures' paths start (default: each file's folder)")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="X", help="of each measurement")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for task in STEPS:
            labels, root = getattr(args, task), args.root
            if task == "cls" and not labels and args.rec:
                labels, root = upright(Path(args.rec), Path(folder)), root or str(Path(args.rec).parent)
            if labels:
                report(task, labels, root, args)


def upright(labels: Path, folder: Path) -> str:
    """A copy of recognition labels with the direction in place of the text."""
    lines = labels.read_text(encoding="utf-8").splitlines()
    copy = folder / "cls.txt"
    copy.write_text("".join(line.partition("\t")[0] + "\t0\n" for line in lines if line.strip()), encoding="utf-8")
    return str(copy)


def report(task: Task, labels: str, root: str | None, args: argparse.Namespace) -> None:
    alone, _ = speed(task, labels, root, workers=0, seconds=args.seconds)
    together, pipeline = speed(task, labels, root, workers=args.workers, seconds=args.seconds)
    steps = ", ".join(f"{name} {value:.2f}" for name, value in milliseconds(pipeline, args.seconds).items())
    print(f"{task}: {alone:.0f} samples/s here, {together:.0f} with {args.workers} workers; ms: {steps}", flush=True)


def speed(task: Task, labels: str, root: str | None, *, workers: int, seconds: float) -> tuple[float, Pipeline]:
    """Samples a second, counted from the second batch on: starting the workers is not part of it."""
    config = load_config("rec/ch_ppocr_mobile_v2.0_rec.yml")
    section = {
        "dataset": {"name": "SimpleDataSet", "label_file_list": [labels], "data_dir": root, "transforms": STEPS[task]},
        "loader": {"batch_size_per_card": BATCH[task], "shuffle": True, "drop_last": True, "num_workers": workers},
    }
    cv2.setNumThreads(0)
    loader = build_loader(section, task=task, charset=build_charset(config), max_text_length=60)
    samples, epoch = 0, 0
    begin = 0.0
    while not begin or time.perf_counter() - begin < seconds:
        for batch in loader.epoch(epoch):
            if not begin:
                begin = time.perf_counter()
                continue
            samples += len(batch["places"])
            if time.perf_counter() - begin >= seconds:
                break
        epoch += 1
        if not len(loader):
            sys.exit(f"{labels}: fewer samples than a batch of {BATCH[task]}")
    elapsed = time.perf_counter() - begin
    loader.close()
    return samples / elapsed, loader.pipeline


def milliseconds(pipeline: Pipeline, seconds: float) -> dict[str, float]:
    """Processor time of each step for one sample; "read" is the file."""
    spent: dict[str, float] = defaultdict(float)
    begin = time.perf_counter()
    count = 0
    while time.perf_counter() - begin < seconds / 2:
        last = time.process_time()
        for name, _ in pipeline.stages(count % len(pipeline.dataset), count // len(pipeline.dataset)):
            now = time.process_time()
            spent[name or "read"] += now - last
            last = now
        count += 1
    return {name: 1000 * value / count for name, value in spent.items()}


if __name__ == "__main__":
    main()
