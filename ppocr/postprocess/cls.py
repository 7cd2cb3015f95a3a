"""From class probabilities of the direction classifier to labels."""

from __future__ import annotations

from typing import List, Sequence, Union

import numpy as np

from ppocr.errors import ModelError


class ClsPostProcess:
    """The most probable direction.

    Args:
        label_list: names of the classes, in order.

    Raises:
        ValueError: it is no list of different names.
    """

    def __init__(self, label_list: List[Union[str, int]] = ["0", "180"]):  # noqa: B006  # it is only read
        self.label_list = _labels(label_list)

    def __call__(self, probabilities: np.ndarray) -> list[tuple[str, float]]:
        """(label, probability) of each crop.

        Args:
            probabilities: float32[N, classes].

        Raises:
            ModelError: there are more or fewer labels than classes.
        """
        if probabilities.shape[1] != len(self.label_list):
            raise ModelError(
                f"the direction classifier gives {probabilities.shape[1]} classes, but its label_list has "
                f"{len(self.label_list)} labels"
            )
        best = probabilities.argmax(axis=1)
        return [(self.label_list[index], float(row[index])) for index, row in zip(best, probabilities)]


def _labels(label_list: Sequence[Union[str, int]]) -> List[str]:
    if not isinstance(label_list, (list, tuple)) or not label_list:
        raise ValueError(f"label_list: expected a list of names, came {label_list!r}")
    labels = [str(label) for label in label_list]
    if len(set(labels)) != len(labels) or not all(isinstance(label, (str, int)) for label in label_list):
        raise ValueError(f"label_list: expected different names, came {label_list!r}")
    return labels
