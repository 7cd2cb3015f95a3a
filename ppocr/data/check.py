"""Everything that is wrong with a data set, sample by sample, without stopping at the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Literal, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ppocr.data.datasets import Sample
from ppocr.data.labels import Fault, TextRegion, regions_and_faults, text_faults
from ppocr.data.pipeline import LoadedBatch
from ppocr.data.samplers import Batch
from ppocr.data.transforms.basic import DecodeImage
from ppocr.errors import InputError, SampleError
from ppocr.ops.charset import Charset

UNREADABLE, OUTSIDE, DIRECTION = "unreadable picture", "polygon outside the picture", "unknown direction"
SAMPLES_PER_TASK = 64  # samples that a worker checks at a time


class Problem(NamedTuple):
    """One mistake of a data set.

    Attributes:
        place: `file:line`.
        kind: what to count it under.
        text: what is wrong.
    """

    place: str
    kind: str
    text: str


@dataclass(frozen=True)
class Rules:
    """What a good sample is.

    Attributes:
        task: says what labels are: regions, texts or directions.
        charset: None leaves out the check of characters.
        max_text_length: None leaves out that check.
        label_list: of directions.
        pictures: also read and decode every picture.
    """

    task: Literal["det", "rec", "cls"]
    charset: Optional[Charset] = None
    max_text_length: Optional[int] = None
    label_list: Sequence[str] = ("0", "180")
    pictures: bool = True


@dataclass
class Report:
    """What was found in some samples.

    Attributes:
        samples: how many were looked at.
        texts, ignored: regions of pages, and how many of them don't count.
        problems: in the order of the samples.
    """

    samples: int = 0
    texts: int = 0
    ignored: int = 0
    problems: List[Problem] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.samples, self.texts = self.samples + other.samples, self.texts + other.texts
        self.ignored += other.ignored
        self.problems += other.problems

    def counts(self) -> Dict[str, int]:
        """Kind of problem → how many, the most frequent first."""
        kinds = [problem.kind for problem in self.problems]
        return dict(sorted(((kind, kinds.count(kind)) for kind in set(kinds)), key=lambda item: (-item[1], item[0])))


class Checker:
    """Checks samples of a data set; has `batch`, so that a `WorkerPool` can run it.

    Args:
        dataset: one with `label`, as those of files have.
        rules: what a good sample is.
    """

    def __init__(self, dataset: Any, rules: Rules):
        self.dataset, self.rules = dataset, rules
        self._decode = DecodeImage()

    def batches(self) -> List[Batch]:
        """All samples in order, in portions."""
        order = np.arange(len(self.dataset))
        return [Batch(order[begin : begin + SAMPLES_PER_TASK]) for begin in range(0, len(order), SAMPLES_PER_TASK)]

    def batch(self, batch: Batch, epoch: int = 0) -> LoadedBatch:
        """A `LoadedBatch` that holds a `report`."""
        report = Report()
        for index in batch.indices.tolist():
            report.add(self.check(index))
        return LoadedBatch({"report": report}, [], [])

    def check(self, index: int) -> Report:
        """Everything wrong with one sample."""
        try:
            place, label = self.dataset.label(index)
        except SampleError as error:
            return Report(1, problems=[Problem(error.place, error.kind, error.reason)])
        regions, faults = self._judge(label)
        if self.rules.pictures:
            faults += self._judge_picture(index, regions)
        ignored = sum(region.ignore for region in regions)
        return Report(1, len(regions), ignored, [Problem(place, kind, text) for kind, text in faults])

    def _judge(self, label: str) -> Tuple[Sequence[TextRegion], List[Fault]]:
        if self.rules.task == "det":
            return regions_and_faults(label)
        if self.rules.task == "rec":
            return (), text_faults(label, self.rules.charset, self.rules.max_text_length)
        expected = [str(name) for name in self.rules.label_list]
        if label.strip() in expected:
            return (), []
        return (), [Fault(DIRECTION, f"expected one of {', '.join(expected)}, came {label!r}")]

    def _judge_picture(self, index: int, regions: Sequence[TextRegion]) -> List[Fault]:
        try:
            sample: Sample = self._decode(self.dataset.read(index, np.random.default_rng(0)))
        except SampleError as error:
            return [Fault(error.kind, error.reason)]
        except InputError as error:
            return [Fault(UNREADABLE, error.reason)]
        height, width = sample["image"].shape[:2]
        return [
            Fault(OUTSIDE, f"region {number} {region.text!r}: lies outside the picture of {width} x {height} pixels")
            for number, region in enumerate(regions)
            if not region.ignore and _is_outside(region, width, height)
        ]


def _is_outside(region: TextRegion, width: int, height: int) -> bool:
    points = np.array(region.points)
    return bool((points.max(axis=0) <= 0).any() or (points.min(axis=0) >= (width, height)).any())
