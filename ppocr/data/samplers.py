"""Which samples make which batch: pure functions of (seed, epoch), so that a run can be resumed and shared out.

Every process computes the same order of the whole epoch, cuts it into steps, and takes each `world_size`-th sample of a
step. No sample is seen twice in an epoch; in training all processes make the same number of batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Literal, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ppocr.data.datasets import Dataset, Part
from ppocr.ops.text_image import RIGHT_MARGIN_PIXELS, padded_width

RATIO_HEIGHT = 1000  # pixels at which widths are asked for, so that rounding does not matter


class Batch(NamedTuple):
    """A batch to be made.

    Attributes:
        indices: int64[n], of the data set's samples.
        size: (height, width) in pixels at which all its pictures are given to the network, where the batch decides.
    """

    indices: np.ndarray
    size: Optional[Tuple[int, int]] = None


@dataclass(frozen=True)
class Plan:
    """What an epoch is made of, and whose part of it is wanted.

    Attributes:
        parts: of the data set.
        batch_size: of one process.
        shuffle: a new order each epoch; without it also the shares of `parts` stay the same.
        drop_last: leave out the last batch if it is not full.
        seed: of the run.
        rank, world_size: this process, of so many.
        training: all processes must make equally many batches; of the last step's samples fewer than `world_size` are
            then left out. In evaluation every sample counts.
        widths: of all samples at a height, both pixels; None where the data set does not know them.
    """

    parts: Sequence[Part]
    batch_size: int
    shuffle: bool = True
    drop_last: bool = False
    seed: int = 0
    rank: int = 0
    world_size: int = 1
    training: bool = True
    widths: Optional[Callable[[int], np.ndarray]] = None

    @property
    def samples(self) -> int:
        """How many samples an epoch sees, over all processes."""
        return sum(_share(part) for part in self.parts)

    def order(self, epoch: int) -> np.ndarray:
        """int64[samples]: the epoch's samples in order."""
        # A generator of (seed, epoch) alone: every process and every resumed run draws the same order.
        rng = np.random.default_rng([self.seed, epoch if self.shuffle else 0])
        starts = np.cumsum([0, *(part.count for part in self.parts)])
        chosen = [
            start + (np.arange(part.count) if part.ratio == 1 else np.sort(rng.permutation(part.count)[: _share(part)]))
            for start, part in zip(starts, self.parts)
        ]
        order = np.concatenate(chosen)
        return rng.permutation(order) if self.shuffle else order

    def is_used(self, remaining: int, full: int) -> bool:
        """Whether a step of `remaining` samples, instead of `full`, is made."""
        if remaining >= full:
            return True
        return not self.drop_last and remaining >= (self.world_size if self.training else 1)


def _share(part: Part) -> int:
    return max(1, round(part.count * part.ratio))


def parts_of(dataset: Dataset) -> List[Part]:
    return list(getattr(dataset, "parts", None) or [Part(len(dataset))])


class EpochSampler:
    """Batches of one size."""

    def __init__(self, plan: Plan):
        self._plan = plan

    def __len__(self) -> int:
        """Batches of this process in an epoch."""
        plan = self._plan
        full = plan.batch_size * plan.world_size
        steps, rest = divmod(plan.samples, full)
        # In evaluation the last step may have a sample for the first ranks only. In training all ranks must make the
        # same number of batches, or those with one more would wait for gradients that never come.
        if not plan.training:
            return steps + (rest > plan.rank and plan.is_used(rest, full))
        return steps + (rest > 0 and plan.is_used(rest, full))

    def epoch(self, epoch: int) -> List[Batch]:
        plan = self._plan
        order, full = plan.order(epoch), plan.batch_size * plan.world_size
        # Interleaved, not in blocks: with n processes a step has the samples of one process's step of n times the size.
        return [Batch(order[k * full : (k + 1) * full][plan.rank :: plan.world_size]) for k in range(len(self))]


class MultiScaleSampler:
    """Batches of several picture sizes in turn, in random order: text of all resolutions in one run.

    Args:
        plan: from the builder.
        scales: (width, height) each, pixels, or widths alone, which are squares.
        first_bs: batch size at the first scale; the others hold about as many pixels.
        fix_bs: the same batch size at every scale instead.
        divided_factor: widths and heights are rounded down to multiples of these.
        is_training: must agree with the loader; PaddleOCR's key.
        ds_width: batches of crops of similar proportions. Each is as many whole heights wide as its crops are on
            average; the widths of `scales` then only say how many crops it holds.
        max_w: widest with `ds_width`, pixels.

    Raises:
        ValueError: `scales` are no sizes, or with `ds_width` a data set does not know how wide its pictures are.
    """

    def __init__(
        self,
        plan: Plan,
        scales: List[Union[int, Sequence[int]]],
        first_bs: int = 128,
        fix_bs: bool = True,
        divided_factor: Sequence[int] = (8, 16),
        is_training: Literal[True] = True,
        ds_width: bool = False,
        max_w: int = 480,
    ):
        pairs = [(scale, scale) if isinstance(scale, int) else tuple(scale) for scale in scales]
        if not pairs or any(len(pair) != 2 or min(pair) < 1 for pair in pairs):
            raise ValueError(f"scales: expected [[width, height], …], came {list(scales)}")
        sizes = [_multiple(pair, divided_factor) for pair in pairs]
        area = sizes[0][0] * sizes[0][1]
        self._plan = plan
        self._kinds = [
            (first_bs if fix_bs else max(1, first_bs * area // (width * height)), (height, width))
            for width, height in sizes
        ]
        self._kind_of_step = self._steps()
        self._max_width = max_w
        self._ratios: Optional[np.ndarray] = None  # width / height of each sample
        if ds_width:
            if plan.widths is None:
                raise ValueError("ds_width needs a data set that knows its pictures' sizes, as SimpleDataSet does")
            self._ratios = plan.widths(RATIO_HEIGHT) / RATIO_HEIGHT

    def _steps(self) -> np.ndarray:
        """The number of each step's scale. They take turns, so every epoch has equally many steps."""
        kinds: List[int] = []
        remaining = self._plan.samples
        while True:
            kind = len(kinds) % len(self._kinds)
            full = self._kinds[kind][0] * self._plan.world_size
            if remaining <= 0 or not self._plan.is_used(remaining, full):
                return np.array(kinds, np.int64)
            kinds.append(kind)
            remaining -= full

    def __len__(self) -> int:
        return len(self._kind_of_step)

    def epoch(self, epoch: int) -> List[Batch]:
        plan, order, batches, begin = self._plan, self._plan.order(epoch), [], 0
        if self._ratios is not None:
            order = order[np.argsort(self._ratios[order], kind="stable")]
        for kind in self._kind_of_step:
            batch_size, size = self._kinds[kind]
            step = order[begin : begin + batch_size * plan.world_size]
            batches.append(Batch(step[plan.rank :: plan.world_size], self._size(size, step)))
            begin += len(step)
        if plan.shuffle:
            # The third number keeps this generator apart from that of the order, which has the same seed and epoch.
            turns = np.random.default_rng([plan.seed, epoch, 1]).permutation(len(batches))
            batches = [batches[turn] for turn in turns]
        return batches

    def _size(self, size: Tuple[int, int], step: np.ndarray) -> Tuple[int, int]:
        """(height, width) of a step's crops."""
        if self._ratios is None:
            return size
        heights = max(1, round(float(self._ratios[step].mean())))
        return size[0], max(size[0], min(heights * size[0], self._max_width))


class WidthSampler:
    """Batches of crops that are about equally wide, each as wide as its widest crop needs.

    The epoch's samples are sorted by width, equal ones in random order, and cut into batches of about equally many
    pixels, which come in random order. Widths are rounded up as the recogniser does it when it reads.

    Args:
        plan: from the builder; its `batch_size` counts crops of `width` pixels.
        height: of the crops, pixels.
        width: of a crop of which a batch holds `batch_size_per_card`, pixels.
        longest: wider crops are squeezed, pixels.

    Raises:
        ValueError: the data set does not know how wide its pictures are.
    """

    def __init__(self, plan: Plan, height: int = 48, width: int = 320, longest: int = 2560):
        if plan.widths is None:
            raise ValueError(
                "WidthSampler needs a data set that knows the sizes of its pictures, as SimpleDataSet does"
            )
        self._plan, self._height = plan, height
        longest = min(longest, padded_width(longest) - RIGHT_MARGIN_PIXELS)
        self._widths = np.array([padded_width(min(one, longest)) for one in plan.widths(height).tolist()])
        pixels = self._widths.mean() * plan.samples
        batches = round(pixels / (plan.batch_size * width * plan.world_size))
        self._count = max(1, min(batches, plan.samples // plan.world_size))

    def __len__(self) -> int:
        """Batches of this process in an epoch."""
        return self._count

    def epoch(self, epoch: int) -> List[Batch]:
        plan = self._plan
        order = plan.order(epoch)
        # Stable: equal widths stay in the epoch's random order, so batches differ from epoch to epoch.
        order = order[np.argsort(self._widths[order], kind="stable")]
        cuts = _equal_cuts(self._widths[order], self._count * plan.world_size)
        batches = [Batch(part, (self._height, int(self._widths[part[-1]]))) for part in np.split(order, cuts)]
        if plan.shuffle:
            turns = np.random.default_rng([plan.seed, epoch, 1]).permutation(len(batches))
            batches = [batches[turn] for turn in turns]
        return batches[plan.rank :: plan.world_size]


def _equal_cuts(costs: np.ndarray, count: int) -> np.ndarray:
    """Where to cut a list so that its `count` parts cost about the same, and none is empty; int64[count - 1]."""
    ends = np.cumsum(costs)
    cuts = np.searchsorted(ends, np.linspace(0, ends[-1], count + 1)[1:-1])
    numbers = np.arange(1, count)
    cuts = np.maximum.accumulate(np.maximum(cuts, 1) - numbers) + numbers  # each after the one before
    return np.minimum(cuts, len(costs) - count + numbers)


def _multiple(pair: Sequence[int], factor: Sequence[int]) -> Tuple[int, int]:
    width, height = (max(step, length // step * step) for length, step in zip(pair, factor))
    return width, height
