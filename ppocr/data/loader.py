"""Batches of a section of a configuration (`Train` or `Eval`), epoch by epoch."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Literal, Mapping, NamedTuple, Optional, Sequence, Tuple

from ppocr.data.pipeline import LoadedBatch, Pipeline
from ppocr.data.samplers import Batch, EpochSampler, Plan, parts_of
from ppocr.data.workers import WorkerPool
from ppocr.errors import ConfigError, DataError, suggest
from ppocr.ops.charset import Charset
from ppocr.registry import BATCH_TRANSFORMS, DATASETS, SAMPLERS, TRANSFORMS, signature_problems

logger = logging.getLogger(__name__)

Task = Literal["det", "rec", "cls"]
MAX_SKIPPED_SHARE = 0.05  # of an epoch's samples; more, and something is wrong with the whole set
GLOBAL_DEFAULTS = {"max_text_length", "label_list"}  # from `Global` and `PostProcess`, unless a step has its own
SECTION_KEYS = ("dataset", "loader", "sampler", "batch_transforms")


@dataclass(frozen=True)
class LoaderOptions:
    """What `loader` may hold, by PaddleOCR's names; this signature is the schema.

    Attributes:
        batch_size_per_card: samples a batch of one process; a sampler of several sizes decides itself.
        shuffle: a new order each epoch.
        drop_last: leave out the last batch if it is not full.
        num_workers: processes that make samples; 0 makes them here.
        use_shared_memory: PaddleOCR's; here workers use shared memory where there is enough, else pipes.
    """

    batch_size_per_card: int = 1
    shuffle: bool = False
    drop_last: bool = False
    num_workers: int = 0
    use_shared_memory: bool = True


class Loader:
    """Makes the batches of each epoch, in this process or in workers; which of them changes no batch.

    Args:
        pipeline: makes samples.
        sampler: says which; `EpochSampler` or another with `__len__` and `epoch`.
        workers: number of processes.
        samples: of an epoch in this process, about; the allowance of bad ones is a part of it.
        world_size: processes that train together.

    Attributes:
        skipped: (place, reason) of the bad samples of the epoch under way.
    """

    def __init__(self, pipeline: Pipeline, sampler: Any, *, workers: int = 0, samples: int, world_size: int = 1):
        self.pipeline, self.sampler, self.world_size = pipeline, sampler, world_size
        self.skipped: List[Tuple[str, str]] = []
        self._workers, self._samples = workers, samples
        self._pool: Optional[WorkerPool] = None  # started when first needed, and kept for the next epochs
        self._logged: set[str] = set()

    def __len__(self) -> int:
        """Batches of this process in an epoch."""
        return len(self.sampler)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Dict[str, Any]]:
        """The batches of an epoch from number `start_batch` on.

        Yields:
            The arrays by the names of `KeepKeys`, `places` (where each sample is listed) and `number` (of the batch
            in the epoch). Bad samples are missing from their batch; a batch of nothing else is left out.

        Raises:
            DataError: more than 5 % of the epoch's samples are bad, or samples don't make a batch.
        """
        self.skipped = []
        # A resumed run skips batches without making them: each depends on the epoch and its samples alone.
        batches = self.sampler.epoch(epoch)[start_batch:]
        for number, made in enumerate(self._batches(batches, epoch), start=start_batch):
            self._check_skipped(made)
            # A batch without good samples is left out. With several processes that is not possible: the others would
            # wait for this one's gradients.
            if made.places:
                yield {**made.arrays, "places": made.places, "number": number}
            elif self.world_size > 1:
                raise DataError("a batch has no good sample, and the other processes wait for it; run ppocr check-data")

    def close(self) -> None:
        """End the workers; another `epoch` starts new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _batches(self, batches: Sequence[Batch], epoch: int) -> Iterator[LoadedBatch]:
        if not self._workers:
            return (self.pipeline.batch(batch, epoch) for batch in batches)
        if self._pool is None:
            self._pool = WorkerPool(self.pipeline, self._workers)
        return self._pool.run(batches, epoch)

    def _check_skipped(self, made: LoadedBatch) -> None:
        for place, reason in made.skipped:
            self.skipped.append((place, reason))
            if place not in self._logged:  # once in a run, not in each epoch
                self._logged.add(place)
                logger.warning("left out: %s: %s", place, reason)
        if len(self.skipped) > MAX_SKIPPED_SHARE * self._samples:
            summary = (
                f"{len(self.skipped)} bad samples in an epoch of {self._samples}, more than {MAX_SKIPPED_SHARE:.0%}; "
                "`ppocr check-data` lists all of them; the latest:"
            )
            raise DataError([summary, *(f"{place}: {reason}" for place, reason in self.skipped[-5:])])


def build_loader(
    section: Mapping[str, Any],
    *,
    task: Task,
    charset: Optional[Charset] = None,
    max_text_length: int = 25,
    label_list: Optional[Sequence[str]] = None,
    seed: int = 0,
    rank: int = 0,
    world_size: int = 1,
    training: bool = True,
) -> Loader:
    """The loader that `Train` or `Eval` describes.

    Args:
        section: `dataset` with its `transforms`, `loader`, and `sampler` and `batch_transforms` if there are any.
        task: of the network.
        charset, max_text_length, label_list: of `Global` and `PostProcess`, for what encodes labels.
        seed, rank, world_size: of the run and of this process.
        training: all processes make equally many batches (see `Plan`).

    Raises:
        ConfigError: every problem of the section, or there are too few samples for a batch.
        LabelError: a label file cannot be read.
    """
    path = "Train" if training else "Eval"
    given = {"charset": charset, "max_text_length": max_text_length, "label_list": label_list, "task": task}
    parts = _prepare(section, path, given)
    dataset = parts.dataset(**given)
    steps = [(name, construct()) for name, construct in parts.steps]
    batch_steps = [construct() for _, construct in parts.batch_steps]
    options = parts.options
    plan = Plan(
        parts_of(dataset), options.batch_size_per_card, shuffle=options.shuffle, drop_last=options.drop_last,
        seed=seed, rank=rank, world_size=world_size, training=training,
        widths=getattr(dataset, "widths", None),
    )  # fmt: skip
    sampler = parts.sampler(plan=plan) if parts.sampler else EpochSampler(plan)
    if training and not len(sampler):
        raise ConfigError([_no_batch(path, plan)])
    return Loader(
        Pipeline(dataset, steps, seed=seed, batch_steps=batch_steps),
        sampler,
        workers=options.num_workers,
        samples=-(-plan.samples // world_size),
        world_size=world_size,
    )


def _no_batch(path: str, plan: Plan) -> str:
    processes = f" in each of {plan.world_size} processes" if plan.world_size > 1 else ""
    return (
        f"{path}.loader: {plan.samples} samples make no full batch{processes}; set batch_size_per_card to at most "
        f"{max(1, plan.samples // plan.world_size)}, or drop_last: false"
    )


class _Parts(NamedTuple):
    """What a section describes, checked and not constructed yet."""

    dataset: Callable[..., Any]
    steps: List[Tuple[str, Callable[[], Any]]]
    batch_steps: List[Tuple[str, Callable[[], Any]]]
    sampler: Optional[Callable[..., Any]]
    options: LoaderOptions


def _prepare(section: Mapping[str, Any], path: str, given: Mapping[str, Any]) -> _Parts:
    """Check a section and everything in it.

    Raises:
        ConfigError: every problem, as sentences that start with the dotted key.
    """
    problems = [f"{path}.{key}: unknown key{suggest(key, SECTION_KEYS)}" for key in section if key not in SECTION_KEYS]
    described = section.get("dataset")
    if not isinstance(described, Mapping):
        raise ConfigError([*problems, f"{path}.dataset: expected a mapping with a 'name', came {described!r}"])
    spec = {key: value for key, value in described.items() if key != "transforms"}
    dataset = DATASETS.prepare(spec, f"{path}.dataset", given, problems)
    transforms = described.get("transforms")
    if getattr(DATASETS.find(spec), "resizes", False):
        transforms = _with_resizing(transforms, section.get("sampler"))
    where = f"{path}.dataset.transforms"
    steps = TRANSFORMS.prepare_steps(transforms, where, given, problems, overruled=GLOBAL_DEFAULTS)
    where = f"{path}.batch_transforms"
    batch_steps = BATCH_TRANSFORMS.prepare_steps(section.get("batch_transforms") or (), where, given, problems)
    options = section.get("loader") or {}
    problems += option_problems(options, f"{path}.loader")
    if given.get("charset") is None:
        problems += [
            f"Global.character_dict_path: missing; {name} of {path} needs the characters it lists"
            for name, _ in steps
            if TRANSFORMS.wants({"name": name}, "charset")
        ]
    sampler = None
    if section.get("sampler"):
        sampler = SAMPLERS.prepare(section["sampler"], f"{path}.sampler", ("plan",), problems)
    if problems:
        raise ConfigError(problems)
    return _Parts(dataset, steps, batch_steps, sampler, LoaderOptions(**options))


def loader_problems(section: Mapping[str, Any], path: str, given: Mapping[str, Any]) -> List[str]:
    """Everything wrong in a section, as sentences that start with the dotted key."""
    try:
        _prepare(section, path, given)
    except ConfigError as error:
        return error.problems
    return []


def option_problems(options: Any, path: str) -> List[str]:
    """Everything wrong in `loader`."""
    if not isinstance(options, Mapping):
        return [f"{path}: expected a mapping, came {options!r}"]
    problems = signature_problems(LoaderOptions, options, path, label="loader")
    return problems or [
        f"{path}.{key}: expected {least} or more, came {options[key]}"
        for key, least in (("batch_size_per_card", 1), ("num_workers", 0))
        if options.get(key, least) < least
    ]


def _with_resizing(steps: Any, sampler: Any) -> Any:
    """The steps with RecResizeImg before the last one, KeepKeys, where they lack it; each batch's size overrules it."""
    if not isinstance(steps, (list, tuple)) or not isinstance(sampler, Mapping) or not sampler.get("scales"):
        return steps  # `prepare_steps` reports what is wrong with them
    if any("RecResizeImg" in step for step in steps):
        return steps
    width, height = sampler["scales"][0]
    return [*steps[:-1], {"RecResizeImg": {"image_shape": [3, height, width]}}, *steps[-1:]]
