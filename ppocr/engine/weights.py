"""Putting named arrays into a network, and saving a network's weights: all of them accounted for, or an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Collection, Mapping, Tuple

import numpy as np

from ppocr.errors import ModelError
from ppocr.utils.atomic import replacing_file

if TYPE_CHECKING:
    import paddle

# Parameters that no inference model holds, because only training runs them: the threshold map of DB (eq. 1 and 2), the
# supervision of the neck's inner maps, and the recogniser's branches that only teach
TRAINING_ONLY = ("head.thresh.", "head.aux_", "head.before_gtc.", "head.gtc_head.", "head.sar_head.")


@dataclass(frozen=True)
class LoadReport:
    """What `load_weights` did.

    Attributes:
        loaded: number of tensors that were set.
        initial: names of training-only tensors that the source lacks; they keep their initial values.
    """

    loaded: int
    initial: Tuple[str, ...]


def load_weights(model: paddle.nn.Layer, weights: Mapping[str, np.ndarray], *, source: str) -> LoadReport:
    """Set every tensor of `model` from `weights` (state-dict name → array). The model changes only if all fit.

    A tensor that the state dict lists under two names (each LSTM weight is) needs only one of them.

    Args:
        source: what the error message calls the weights.

    Raises:
        ModelError: with all names that are left over, missing, or of another shape.
    """
    state = model.state_dict()
    problems = [f"{name}: the network has no such tensor" for name in weights if name not in state]
    problems += [
        f"{name}: shape {list(array.shape)}, the network's is {list(state[name].shape)}"
        for name, array in weights.items()
        if name in state and list(array.shape) != list(state[name].shape)
    ]
    given = {state[name].name for name in weights if name in state}  # names of variables: equal for both aliases
    lacking = [name for name, tensor in state.items() if tensor.name not in given]
    initial = tuple(name for name in lacking if name.startswith(TRAINING_ONLY))
    problems += [f"{name}: missing" for name in lacking if name not in initial]
    if problems:
        more = f" (and {len(problems) - 8} more)" if len(problems) > 8 else ""
        raise ModelError(f"{source} does not fit the network: " + "; ".join(problems[:8]) + more)
    for name, array in weights.items():
        state[name].set_value(array)
    return LoadReport(loaded=len(given), initial=initial)


def save_weights(model: paddle.nn.Layer, path: Path, *, without: Collection[str] = ()) -> None:
    """Write the state dict as a `.pdparams` to train on, here or with PaddleOCR; it appears whole or not at all.

    Args:
        without: names to leave out, because their values mean nothing.

    Raises:
        OSError: the disk is full or not writable.
    """
    import paddle

    state = {name: tensor for name, tensor in model.state_dict().items() if name not in without}
    with replacing_file(path) as temporary:
        paddle.save(state, str(temporary))
