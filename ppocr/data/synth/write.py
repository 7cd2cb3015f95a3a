"""Synthetic samples as files: encoded pictures and labels in order, made by one process or several."""

from __future__ import annotations

import json
import multiprocessing
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Tuple

import cv2
import numpy as np

from ppocr.data.datasets import Dataset
from ppocr.errors import DataError

JPEG_QUALITY = 95  # of JPEG files: nothing that the generator did not spoil itself
FILES_PER_FOLDER = 1000
_SAMPLES_PER_TASK = 8  # samples handed to a worker at once

Encoded = Tuple[bytes, str]


def encoded_samples(dataset: Dataset, *, seed: int, workers: int = 1) -> Iterator[Encoded]:
    """(JPEG file, label) of every sample of a synthetic data set, in order; `workers` changes nothing but the time."""
    numbers = range(len(dataset))
    if workers <= 1:
        yield from (_encode(dataset, seed, number) for number in numbers)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start_worker, (dataset, seed)) as pool:
        yield from pool.imap(_encode_in_worker, numbers, chunksize=_SAMPLES_PER_TASK)


def write_files(folder: Path, samples: Iterable[Encoded]) -> int:
    """Write `images/000/000000000.jpg`, … and `labels.txt` into `folder`; returns how many there were.

    Raises:
        OSError: the disk is full or not writable.
    """
    count = 0
    with open(folder / "labels.txt", "w", encoding="utf-8", newline="\n") as labels:
        for count, (picture, label) in enumerate(samples, start=1):
            name = f"images/{(count - 1) // FILES_PER_FOLDER:03d}/{count - 1:09d}.jpg"
            if (count - 1) % FILES_PER_FOLDER == 0:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(picture)
            labels.write(f"{name}\t{label}\n")
    return count


def label_text(label: Any) -> str:
    """A sample's label as label files have it: text as it is, the regions of a page as JSON."""
    if isinstance(label, str):
        return label
    regions = [
        {"transcription": region.text, "points": [[round(x, 1), round(y, 1)] for x, y in region.points]}
        for region in label
    ]
    return json.dumps(regions, ensure_ascii=False)


def _encode(dataset: Dataset, seed: int, number: int) -> Encoded:
    sample = dataset.read(number, np.random.default_rng([seed, 0, number]))
    ok, data = cv2.imencode(".jpg", sample["image"], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not ok:
        raise DataError(f"{sample['place']}: OpenCV cannot encode it as JPEG")
    return data.tobytes(), label_text(sample["label"])


_worker: Dict[str, Any] = {}  # of a worker process alone: what its pool gave it once


def _start_worker(dataset: Dataset, seed: int) -> None:
    cv2.setNumThreads(1)
    _worker["encode"] = partial(_encode, dataset, seed)


def _encode_in_worker(number: int) -> Encoded:
    return _worker["encode"](number)
