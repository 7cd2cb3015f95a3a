"""Samples → a batch."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np

from ppocr.data.datasets import Sample
from ppocr.errors import DataError

# What differs in number from page to page; a list with one entry a sample.
LIST_FIELDS = ("polys", "texts", "ignore_tags")


def collate(samples: Sequence[Sample], places: Sequence[str]) -> Dict[str, Any]:
    """Stack the entries of samples by name: arrays and numbers become `[n, …]`; `LIST_FIELDS` and texts stay lists.

    Raises:
        DataError: arrays of different shapes, or samples with different entries.
    """
    return {key: _stack(key, [sample[key] for sample in samples], places) for key in samples[0]}


def _stack(key: str, values: List[Any], places: Sequence[str]) -> Any:
    if key in LIST_FIELDS or isinstance(values[0], str):
        return values
    arrays = [np.asarray(value) for value in values]
    for array, place in zip(arrays, places):
        if array.shape != arrays[0].shape:
            raise DataError(
                f"{place}: {key!r} has shape {list(array.shape)}, but {list(arrays[0].shape)} at {places[0]}: a batch "
                "needs one shape; resize to a fixed size, or set loader.batch_size_per_card: 1"
            )
    return np.stack(arrays)
