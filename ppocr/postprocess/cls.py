"""From class probabilities of the direction classifier to labels."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Union

import numpy as np

from ppocr.errors import ModelError


class ClsPostProcess:
    """The most probable direction.

    Args:
        label_list: names of the classes, in order, or number → name; None for their numbers.
        key: which of several outputs.

    Raises:
        ValueError: it is no list of different names.
    """

    def __init__(
        self,
        label_list: Optional[Union[List[Union[str, int]], Mapping[int, str]]] = ["0", "180"],  # noqa: B006  # only read
        key: Optional[str] = None,
    ):
        if isinstance(label_list, Mapping) and set(label_list) == set(range(len(label_list))):
            label_list = [label_list[number] for number in range(len(label_list))]
        self.label_list = None if label_list is None else _labels(label_list)
        self.key = key

    def __call__(self, outputs: Union[np.ndarray, Mapping[str, np.ndarray]]) -> list[tuple[str, float]]:
        """(label, probability) of each crop.

        Args:
            outputs: float32[N, classes], or several by name.

        Raises:
            ModelError: there are more or fewer labels than classes.
        """
        probabilities = outputs[self.key or ""] if isinstance(outputs, Mapping) else outputs
        if self.label_list is None:
            return [(str(row.argmax()), float(row.max())) for row in probabilities]
        if probabilities.shape[1] != len(self.label_list):
            raise ModelError(
                f"the direction classifier gives {probabilities.shape[1]} classes, but its label_list has "
                f"{len(self.label_list)} labels"
            )
        best = probabilities.argmax(axis=1)
        return [(self.label_list[index], float(row[index])) for index, row in zip(best, probabilities)]


def _labels(label_list: Any) -> List[str]:
    if not isinstance(label_list, (list, tuple)) or not label_list:
        raise ValueError(f"label_list: expected a list of names, came {label_list!r}")
    labels = [str(label) for label in label_list]
    if len(set(labels)) != len(labels) or not all(isinstance(label, (str, int)) for label in label_list):
        raise ValueError(f"label_list: expected different names, came {label_list!r}")
    return labels
