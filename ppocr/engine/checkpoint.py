"""Saving a run so that it can go on exactly, and starting from weights of other networks.

A checkpoint `X` is three files: `X.pdparams`, the weights to predict with; `X.pdopt`, what the optimiser remembers; and
`X.states`, JSON, where the run stands, with the sizes and hashes of the other two. A process may be killed at any
moment, so the three must change at once: they are written as `X.next.*`, `X.next.states` last, and then renamed. Where
`X.next.states` is found, all of the new files are complete: who reads takes them, and who writes next finishes the
renaming. Reading renames nothing, since a training run may be writing at the same time.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np

from ppocr.errors import ModelError
from ppocr.parse import parse_json, read_bytes
from ppocr.utils.atomic import replacing_file
from ppocr.utils.hashes import file_sha256
from ppocr.utils.pickles import read_arrays

NEXT = ".next"
FILES = "files"  # in `.states`: the sizes and hashes of the other two
READ_ATTEMPTS = 10  # while a training run is writing
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

    for abandoned in prefix.parent.glob(f".{glob.escape(prefix.name)}.next.*-*"):  # of a process that was killed
        abandoned.unlink(missing_ok=True)
    _finish(prefix)
    files = {}
    for suffix, arrays in ((".pdparams", checkpoint.weights), (".pdopt", checkpoint.optimizer)):
        with replacing_file(_file(prefix, NEXT + suffix)) as temporary:
            paddle.save(dict(arrays), str(temporary))  # type: ignore[arg-type]  # it takes arrays as well
            files[suffix] = {"size": temporary.stat().st_size, "sha256": file_sha256(temporary)}
    # The states come last: as long as they are missing, the other new files are ignored and the old checkpoint counts.
    with replacing_file(_file(prefix, NEXT + ".states")) as temporary:
        temporary.write_text(json.dumps({**checkpoint.states, FILES: files}, indent=1), encoding="utf-8")
    _finish(prefix)


def load_checkpoint(prefix: Path) -> Checkpoint:
    """Read a checkpoint; `prefix` is `output/latest`, with or without a suffix.

    Raises:
        ModelError: a file is missing or damaged.
    """
    prefix = _without_suffix(prefix)
    for _ in range(READ_ATTEMPTS):
        before = _present(prefix)
        try:
            checkpoint = _load(prefix, {path.suffix: path for path, *_ in before})
        except ModelError:
            if _present(prefix) == before:
                raise
        else:
            if _present(prefix) == before:
                return checkpoint
    raise ModelError(f"{prefix}: is being written all the time; try again")


def _load(prefix: Path, paths: Mapping[str, Path]) -> Checkpoint:
    missing = [suffix for suffix in SUFFIXES if suffix not in paths]
    if missing:
        raise ModelError(
            f"{prefix}: no checkpoint to go on from: {', '.join(missing)} missing; weights alone are for "
            "Global.pretrained_model"
        )
    try:
        states = parse_json(read_bytes(paths[".states"]))
        if not isinstance(states, dict):
            raise ValueError(f"expected a mapping, found {type(states).__name__}")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{prefix}.states: not written by this program ({error}); start from the weights with "
            f"Global.pretrained_model={prefix}"
        ) from error
    files = states.pop(FILES, {})  # older checkpoints have no hashes
    for suffix in SUFFIXES[:-1]:
        written = files.get(suffix) if isinstance(files, dict) else None
        if written is not None and written != _as_written(paths[suffix]):
            raise ModelError(
                f"{paths[suffix]}: damaged: not what was written with {paths['.states'].name}; go on from another "
                "checkpoint (iter_epoch_N, best_accuracy)"
            )
    return Checkpoint(read_arrays(paths[".pdparams"]), read_arrays(paths[".pdopt"]), states)


def check_weights(path: Path) -> None:
    """Compare weights with the hash in the `.states` beside them, if there is one.

    Raises:
        ModelError: they are others.
    """
    prefix = _without_suffix(path)
    for _ in range(READ_ATTEMPTS):
        before = _present(prefix)
        files = read_states(prefix).get(FILES)
        written = files.get(".pdparams") if isinstance(files, dict) else None
        if written is None or written == _as_written(path):
            return
        if _present(prefix) == before:
            raise ModelError(
                f"{path}: damaged: not what was written with {prefix.name}.states; take other weights, or remove that "
                "file if they were replaced on purpose"
            )


def _as_written(path: Path) -> Dict[str, Any]:
    try:
        return {"size": path.stat().st_size, "sha256": file_sha256(path)}
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def read_states(prefix: Path) -> Dict[str, Any]:
    """What a checkpoint says beside its arrays; empty for weights that come without it.

    Args:
        prefix: `output/best_accuracy`, with or without a suffix.
    """
    prefix = _without_suffix(prefix)
    path = next((path for path, *_ in _present(prefix) if path.suffix == ".states"), _file(prefix, ".states"))
    try:
        states = parse_json(read_bytes(path))
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
    if not isinstance(states.get("first_loss", 0.0), (int, float)):
        problems.append(f"first_loss: expected a number, found {states['first_loss']!r}")
    if problems:
        raise ModelError([f"{source}: not written by this program: {problem}" for problem in problems])


def has_checkpoint(prefix: Path) -> bool:
    return any(_file(prefix, marker).is_file() for marker in (".states", NEXT + ".states"))


def weights_file(prefix: Path) -> Path:
    """The `.pdparams` of a checkpoint: `X.pdparams`, or a newer one that a killed process could not rename any more."""
    prefix = _without_suffix(prefix)
    found = (path for path, *_ in _present(prefix) if path.suffix == ".pdparams")
    return next(found, _file(prefix, ".pdparams"))


def _present(prefix: Path) -> List[Tuple[Any, ...]]:
    """The files of a checkpoint: (path, number, size, time) of each that is there, the complete new ones first."""
    is_complete = _file(prefix, NEXT + ".states").is_file()
    found: List[Tuple[Any, ...]] = []
    for suffix in SUFFIXES:
        for name in (NEXT + suffix, suffix) if is_complete else (suffix,):
            with contextlib.suppress(OSError):
                state = _file(prefix, name).stat()
                found.append((_file(prefix, name), state.st_ino, state.st_size, state.st_mtime_ns))
                break
    return found


def _without_suffix(prefix: Path) -> Path:
    return prefix.with_suffix("") if prefix.suffix in SUFFIXES else prefix


def _finish(prefix: Path) -> None:
    """Put a new checkpoint in place if it is complete."""
    if _file(prefix, NEXT + ".states").is_file():
        for suffix in SUFFIXES:
            with contextlib.suppress(FileNotFoundError):  # renamed before
                os.replace(_file(prefix, NEXT + suffix), _file(prefix, suffix))


def _file(prefix: Path, suffix: str) -> Path:
    return prefix.with_name(prefix.name + suffix)


def flatten(**groups: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Several groups of arrays as one: `{"optimizer/conv.weight.moment1": …, "weights/conv.weight": …}`."""
    return {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}


def group_of(arrays: Mapping[str, np.ndarray], group: str) -> Dict[str, np.ndarray]:
    """One of the groups that `flatten` put together; empty if it is not there."""
    head = f"{group}/"
    return {name[len(head) :]: array for name, array in arrays.items() if name.startswith(head)}
