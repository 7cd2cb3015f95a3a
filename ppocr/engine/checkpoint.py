"""Saving a run so that it can go on exactly, and starting from weights of other networks.

A checkpoint `X` is three files: `X.pdparams`, the weights to predict with; `X.pdopt`, what the optimiser remembers; and
`X.states`, JSON, where the run stands. A process may be killed at any moment, so the three must change at once: they
are written as `X.next.*`, `X.next.states` last, and then renamed. Where `X.next.states` is found, all of the new files
are complete, and whoever comes next finishes the renaming.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np

from ppocr.errors import ModelError
from ppocr.parse import parse_json, read_bytes
from ppocr.utils.atomic import replacing_file
from ppocr.utils.pickles import read_arrays

SUFFIXES = (".pdparams", ".pdopt", ".states")  # the last is the one that says that the others are complete


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        weights: state-dict name → array; moving averages where the run keeps them.
        optimizer: the optimiser's state, and under other names what else of the run is arrays.
        states: where the run stands; plain JSON.
    """

    weights: Mapping[str, np.ndarray]
    optimizer: Mapping[str, np.ndarray]
    states: Mapping[str, Any]


def save_checkpoint(prefix: Path, checkpoint: Checkpoint) -> None:
    """Write `prefix.pdparams`, `.pdopt` and `.states`; all three are the old ones or all three the new ones.

    Raises:
        OSError: the disk is full or not writable.
    """
    import paddle

    for abandoned in prefix.parent.glob(f".{prefix.name}.next.*-*"):  # of a process that was killed
        abandoned.unlink(missing_ok=True)
    _finish(prefix)
    for suffix, arrays in ((".pdparams", checkpoint.weights), (".pdopt", checkpoint.optimizer)):
        with replacing_file(_file(prefix, ".next" + suffix)) as temporary:
            paddle.save(dict(arrays), str(temporary))  # type: ignore[arg-type]  # it takes arrays as well
    # The states come last: as long as they are missing, the other new files are ignored and the old checkpoint counts.
    with replacing_file(_file(prefix, ".next.states")) as temporary:
        temporary.write_text(json.dumps(checkpoint.states, indent=1), encoding="utf-8")
    _finish(prefix)


def load_checkpoint(prefix: Path) -> Checkpoint:
    """Read a checkpoint; `prefix` is `output/latest`, with or without a suffix.

    Raises:
        ModelError: a file is missing or damaged.
    """
    if prefix.suffix in SUFFIXES:
        prefix = prefix.with_suffix("")
    _finish(prefix)
    missing = [suffix for suffix in SUFFIXES if not _file(prefix, suffix).is_file()]
    if missing:
        raise ModelError(
            f"{prefix}: no checkpoint to go on from: {', '.join(missing)} missing; weights alone are for "
            "Global.pretrained_model"
        )
    try:
        states = parse_json(read_bytes(_file(prefix, ".states")))
        if not isinstance(states, dict):
            raise ValueError(f"expected a mapping, found {type(states).__name__}")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{prefix}.states: not written by this program ({error}); start from the weights with "
            f"Global.pretrained_model={prefix}"
        ) from error
    return Checkpoint(read_arrays(_file(prefix, ".pdparams")), read_arrays(_file(prefix, ".pdopt")), states)


def read_states(prefix: Path) -> Dict[str, Any]:
    """What a checkpoint says beside its arrays; empty for weights that come without it.

    Args:
        prefix: `output/best_accuracy`, with or without a suffix.
    """
    if prefix.suffix in SUFFIXES:
        prefix = prefix.with_suffix("")
    _finish(prefix)
    try:
        states = parse_json(read_bytes(_file(prefix, ".states")))
    except (OSError, ValueError):
        return {}
    return states if isinstance(states, dict) and isinstance(states.get("slim", {}), dict) else {}


def check_states(states: Mapping[str, Any], source: str) -> None:
    """Whether states have the form that a trainer writes and goes on from.

    Args:
        states: of `Checkpoint`.
        source: what the message calls them.

    Raises:
        ModelError: something is missing or of another form.
    """
    problems = [
        f"{key}: expected a whole number from 0 on, found {states.get(key)!r}"
        for key in ("epoch", "next_batch", "step", "batches")
        if type(states.get(key)) is not int or not 0 <= states[key] < 1 << 62
    ]
    problems += [
        f"{key}: expected a mapping, found {states.get(key)!r}"
        for key in ("best", "slim", "scaler")
        if not isinstance(states.get(key), dict)
    ]
    problems += [
        f"{group}.{name}: expected a number, found {value!r}"
        for group in ("best", "scaler")
        if isinstance(states.get(group), dict)
        for name, value in states[group].items()
        if not isinstance(value, (int, float))
    ]
    if problems:
        raise ModelError([f"{source}: not written by this program: {problem}" for problem in problems])


def has_checkpoint(prefix: Path) -> bool:
    return any(_file(prefix, marker).is_file() for marker in (".states", ".next.states"))


def _finish(prefix: Path) -> None:
    """Put a new checkpoint in place if it is complete."""
    if _file(prefix, ".next.states").is_file():
        for suffix in SUFFIXES:
            with contextlib.suppress(FileNotFoundError):  # renamed before
                os.replace(_file(prefix, ".next" + suffix), _file(prefix, suffix))


def _file(prefix: Path, suffix: str) -> Path:
    return prefix.with_name(prefix.name + suffix)


def flatten(**groups: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Several groups of arrays as one: `{"optimizer/conv.weight.moment1": …, "weights/conv.weight": …}`."""
    return {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}


def group_of(arrays: Mapping[str, np.ndarray], group: str) -> Dict[str, np.ndarray]:
    """One of the groups that `flatten` put together; empty if it is not there."""
    head = f"{group}/"
    return {name[len(head) :]: array for name, array in arrays.items() if name.startswith(head)}
