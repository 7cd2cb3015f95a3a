"""Mixing the samples of a batch, for classification: `Train.batch_transforms`.

Each takes a batch's arrays, `image` float32[N, 3, H, W] and `label` int64[N] or float32[N, classes], and makes labels
float32[N, classes]: the shares of the classes in each picture.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import numpy as np

Arrays = Dict[str, Any]


class Mixup:
    """Lay each picture over another of the batch. Source: Zhang et al. 2018.

    Args:
        label_list: from the builder.
        alpha: of the Beta(alpha, alpha) distribution of the shares.
    """

    def __init__(self, label_list: Optional[List[str]] = None, alpha: float = 0.2):
        self.classes, self.alpha = len(label_list or ("0", "180")), alpha

    def __call__(self, arrays: Arrays, rng: np.random.Generator) -> Arrays:
        image, label = arrays["image"], shares(arrays["label"], self.classes)
        share, partner = np.float32(rng.beta(self.alpha, self.alpha)), rng.permutation(len(image))
        mixed = share * image + (1 - share) * image[partner]
        return {**arrays, "image": mixed, "label": share * label + (1 - share) * label[partner]}


class CutMix:
    """Replace a rectangle of each picture by that of another of the batch. Source: Yun et al. 2019.

    Args:
        label_list: from the builder.
        alpha: of the Beta(alpha, alpha) distribution of the share that stays.
    """

    def __init__(self, label_list: Optional[List[str]] = None, alpha: float = 0.2):
        self.classes, self.alpha = len(label_list or ("0", "180")), alpha

    def __call__(self, arrays: Arrays, rng: np.random.Generator) -> Arrays:
        image, label = arrays["image"].copy(), shares(arrays["label"], self.classes)
        height, width = image.shape[2:]
        side, partner = (1 - rng.beta(self.alpha, self.alpha)) ** 0.5, rng.permutation(len(image))
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        rows = slice(max(0, round(y - side * height / 2)), min(height, round(y + side * height / 2)))
        columns = slice(max(0, round(x - side * width / 2)), min(width, round(x + side * width / 2)))
        image[:, :, rows, columns] = arrays["image"][partner][:, :, rows, columns]
        lost = (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
        label = np.float32(1 - lost) * label + np.float32(lost) * label[partner]
        return {**arrays, "image": image, "label": label}


def shares(label: np.ndarray, classes: int) -> np.ndarray:
    """int64[N] → float32[N, classes], one-hot; shares stay as they are."""
    return label if label.ndim == 2 else np.eye(classes, dtype=np.float32)[label]
