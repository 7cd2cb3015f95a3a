"""A data set and the steps of its `transforms`, run on one sample or on the samples of a batch."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ppocr.data.collate import collate
from ppocr.data.datasets import Dataset, Sample
from ppocr.data.samplers import Batch
from ppocr.data.transforms.view import apply_view
from ppocr.errors import DataError, InputError, PPOCRError, SampleError


class LoadedBatch(NamedTuple):
    """What became of a `Batch`.

    Attributes:
        arrays: by name, the samples stacked; empty if none of them was good.
        places: where each sample is listed.
        skipped: (place, reason) of the bad ones.
    """

    arrays: Dict[str, Any]
    places: List[str]
    skipped: List[Tuple[str, str]]


class Pipeline:
    """Makes samples. All randomness of one comes from (seed, epoch, index), never from who makes it or when.

    A step is called with what its `__call__` asks for by name: `sample`; `rng`, the sample's generator; and `other`, a
    function that gives another sample of the data set, made as far as this step (None if that one is bad).

    Args:
        dataset: where raw samples come from.
        steps: (name in YAML, transform), in order.
        seed: of the run.
        batch_steps: called with the stacked arrays and a generator.
    """

    def __init__(
        self,
        dataset: Dataset,
        steps: Sequence[Tuple[str, Callable[..., Sample]]],
        *,
        seed: int,
        batch_steps: Sequence[Callable[..., Dict[str, Any]]] = (),
    ):
        self.dataset, self.seed = dataset, seed
        self._steps = [_Step(name, step) for name, step in steps]
        self._batch_steps = list(batch_steps)

    def batch(self, batch: Batch, epoch: int) -> LoadedBatch:
        """Make the samples of a batch; bad ones are left out and listed in `skipped`.

        Raises:
            DataError: the samples have different shapes, or a step failed in a way that is no fault of the sample.
        """
        samples, places, skipped = [], [], []
        for index in batch.indices.tolist():
            try:
                place, sample = self.sample(index, epoch, size=batch.size)
            except SampleError as error:
                skipped.append((error.place, error.reason))
            else:
                samples.append(sample)
                places.append(place)
        if not samples:
            return LoadedBatch({}, [], skipped)
        arrays = collate(samples, places)
        if self._batch_steps:
            # Of its own, whatever the samples drew; the last number keeps it apart from the first sample's generator.
            rng = np.random.default_rng([self.seed, epoch, int(batch.indices[0]), 1])
            for step in self._batch_steps:
                arrays = step(arrays, rng)
        return LoadedBatch(arrays, places, skipped)

    def sample(self, index: int, epoch: int = 0, *, size: Optional[Tuple[int, int]] = None) -> Tuple[str, Sample]:
        """(place, sample) with what the last step keeps.

        Raises:
            SampleError: the sample is bad.
        """
        stages = self.stages(index, epoch, size=size)
        first = next(stages)
        place = first[1]["place"]
        *_, (_, sample) = [first, *stages]
        return place, apply_view(sample)

    def stages(
        self, index: int, epoch: int = 0, *, size: Optional[Tuple[int, int]] = None
    ) -> Iterator[Tuple[str, Sample]]:
        """("", the raw sample), then (name of a step, what it made of it); each changes the last one in place."""
        rng = np.random.default_rng([self.seed, epoch, index])
        given = {"epoch": epoch} if size is None else {"epoch": epoch, "size": size}
        return self._stages(index, rng, len(self._steps), given)

    def _stages(
        self, index: int, rng: np.random.Generator, count: int, given: Dict[str, Any]
    ) -> Iterator[Tuple[str, Sample]]:
        sample = {**self.dataset.read(index, rng), **given}
        place = sample["place"]
        yield "", sample
        for number, step in enumerate(self._steps[:count]):

            # As a default value: a step may call it later, when the loop has gone on.
            def other(number: int = number) -> Optional[Sample]:
                return self._other(rng, number, given)

            try:
                sample = step.run(sample, rng, other)
            except SampleError:
                raise
            except PPOCRError as error:
                raise SampleError(place, _reason(error, place)) from error
            except Exception as error:  # a mistake of the code, not of the sample: say where it shows
                raise DataError(f"{place}: {step.name} failed: {type(error).__name__}: {error}") from error
            yield step.name, sample

    def _other(self, rng: np.random.Generator, count: int, given: Dict[str, Any]) -> Optional[Sample]:
        """Another sample of the set, as it is before step number `count`; None if it is bad."""
        index = int(rng.integers(len(self.dataset)))
        try:
            *_, (_, sample) = self._stages(index, rng, count, given)
        except SampleError:
            return None  # it is reported when its own turn comes
        return apply_view(sample)


def _reason(error: PPOCRError, place: str) -> str:
    return error.reason if isinstance(error, InputError) and error.source == place else str(error)


class _Step:
    def __init__(self, name: str, transform: Callable[..., Sample]):
        wanted = inspect.signature(transform).parameters
        self.name, self._transform = name, transform
        self._wants_rng, self._wants_other = "rng" in wanted, "other" in wanted
        self._moves_only = getattr(transform, "moves_only", False)

    def run(self, sample: Sample, rng: np.random.Generator, other: Callable[[], Optional[Sample]]) -> Sample:
        if not self._moves_only:
            sample = apply_view(sample)
        extra: Dict[str, Any] = {"rng": rng} if self._wants_rng else {}
        if self._wants_other:
            extra["other"] = other
        return self._transform(sample, **extra)
