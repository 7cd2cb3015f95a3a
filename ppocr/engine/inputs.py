"""What networks read, made from pictures: for checks, for calibration, and for predictions while training."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator

import cv2
import numpy as np

from ppocr.config import Config
from ppocr.registry import TRANSFORMS

CROPS_PER_BATCH = 8


def preprocessing(config: Config) -> Callable[[np.ndarray], np.ndarray]:
    """`Eval.dataset.transforms` as a function from a picture (uint8[H, W, 3], BGR) to float32[3, h, w]."""
    steps = []
    for step in config.plain("Eval.dataset.transforms"):
        ((name, settings),) = step.items()
        if not name.endswith("LabelEncode") and name != "KeepKeys":  # what only labelled pictures have
            steps.append(TRANSFORMS.build_named(name, settings or {}, f"Eval.dataset.transforms.{name}"))

    def prepare(image: np.ndarray) -> np.ndarray:
        sample: Any = {"image": image}
        for step in steps:
            sample = step(sample)
        return np.ascontiguousarray(sample["image"])

    return prepare


def page_batches(pages: Iterable[np.ndarray], config: Config) -> Iterator[np.ndarray]:
    """Pages (uint8[H, W, 3], BGR) → what the detector of `config` reads, float32[1, 3, h, w] each."""
    prepare = preprocessing(config)
    for page in pages:
        yield prepare(page)[np.newaxis]


def crop_batches(crops: Iterable[np.ndarray], config: Config) -> Iterator[np.ndarray]:
    """Crops (uint8[H, W, 3], BGR) → what the recogniser or classifier of `config` reads, float32[N, 3, h, w] each."""
    prepare = preprocessing(config)
    batch = []
    for crop in crops:
        batch.append(prepare(crop))
        if len(batch) == CROPS_PER_BATCH:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def drawn_pages() -> list[np.ndarray]:
    """A few pages with text, drawn on the spot: dark on light, light on dark, small and large, and a slanted one."""
    words = ("Invoice 2020-09-21", "Total 1234.56 EUR", "PP-OCR ultra light", "No. 0042/b", "thank you!", "A")
    pages: list[np.ndarray] = []
    for number, (rows, paper, ink) in enumerate(((6, 250, 20), (8, 40, 230))):
        page = np.full((40 + 62 * rows, 640, 3), paper, np.uint8)
        for row in range(rows):
            text = words[(row + number) % len(words)]
            font = cv2.FONT_HERSHEY_COMPLEX if row % 2 else cv2.FONT_HERSHEY_SIMPLEX
            scale, thickness = 0.6 + 0.25 * ((row + number) % 4), 1 + row % 2
            place = (20 + 30 * (row % 3), 60 + 62 * row)
            cv2.putText(page, text, place, font, scale, (ink, ink, ink), thickness, cv2.LINE_AA)
        pages.append(page)
    height, width = pages[0].shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 0.9)
    pages.append(cv2.warpAffine(pages[0], turn, (width, height), borderValue=(250, 250, 250)))
    return pages


def drawn_crops() -> list[np.ndarray]:
    """The rows of the first two pages of `drawn_pages`, cut out."""
    first, second, _ = drawn_pages()
    return [page[15 + 62 * row : 80 + 62 * row] for page, rows in ((first, 6), (second, 8)) for row in range(rows)]
