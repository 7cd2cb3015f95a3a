"""From class probabilities of the direction classifier to labels."""

from __future__ import annotations

from typing import List, Optional

import numpy as np


class ClsPostProcess:
    """The most probable direction.

    Args:
        label_list: names of the classes, in order.
    """

    def __init__(self, label_list: Optional[List[str]] = None):
        self.label_list = [str(label) for label in label_list or ("0", "180")]

    def __call__(self, probabilities: np.ndarray) -> list[tuple[str, float]]:
        """(label, probability) of each crop; `probabilities` float32[N, classes]."""
        best = probabilities.argmax(axis=1)
        return [(self.label_list[index], float(row[index])) for index, row in zip(best, probabilities)]
