"""Taking filters out of a network: a plan that says which channels stay, made by FPGM, kept with the checkpoint."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
import paddle
from paddle import nn

from ppocr.errors import SlimError, suggest
from ppocr.slim.fpgm import FPGM

PLAN_FORMAT = 1
PLAN_ATTRIBUTE = "_ppocr_slim_plan"  # attribute of a pruned network


@dataclass(frozen=True)
class PruningPlan:
    """Which channels of which tensors stay.

    Attributes:
        shapes: of the tensors that are cut, before: they tell whether a network is the one the plan was made for.
        keep: state-dict name → axis → indices that stay, ascending.
    """

    shapes: Mapping[str, Tuple[int, ...]]
    keep: Mapping[str, Mapping[int, Tuple[int, ...]]]

    def apply(self, model: nn.Layer) -> nn.Layer:
        """Cut `model` in place, weights and structure; the same model.

        Raises:
            SlimError: another network, or one that is pruned already. It is unchanged then.
        """
        if hasattr(model, PLAN_ATTRIBUTE):
            raise SlimError("the network is pruned already; start from the unpruned weights, or drop Slim.Prune")
        state = model.state_dict()
        problems = [f"{name}: no such tensor" for name in self.shapes if name not in state]
        problems += [
            f"{name}: shape {list(state[name].shape)}, the plan is for {list(shape)}"
            for name, shape in self.shapes.items()
            if name in state and tuple(state[name].shape) != tuple(shape)
        ]
        if problems:
            more = f" (and {len(problems) - 4} more)" if len(problems) > 4 else ""
            raise SlimError("the pruning plan is for another network: " + "; ".join(problems[:4]) + more)
        for name, axes in self.keep.items():
            values = state[name].numpy()
            for axis, indices in axes.items():
                values = values.take(indices, axis)
            _resize(state[name], values)
        _correct_layers(model)
        # Past Layer.__setattr__, which sorts attributes into its tables.
        object.__setattr__(model, PLAN_ATTRIBUTE, self)
        return model

    def state(self) -> Dict[str, Any]:
        """For `json`; `from_state` reads it."""
        return {
            "format": PLAN_FORMAT,
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "keep": {name: {str(axis): list(kept) for axis, kept in axes.items()} for name, axes in self.keep.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> PruningPlan:
        """Raises:
        SlimError: not what `state` gave.
        """
        try:
            if state["format"] != PLAN_FORMAT:
                raise SlimError(f"pruning plan: format {state['format']!r}, this version reads {PLAN_FORMAT}")
            shapes = {name: tuple(shape) for name, shape in state["shapes"].items()}
            keep = {
                name: {int(axis): tuple(kept) for axis, kept in axes.items()} for name, axes in state["keep"].items()
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SlimError(f"not a pruning plan: {type(error).__name__}: {error}") from error
        return cls(shapes, keep)


def plan_pruning(fpgm: FPGM, model: nn.Layer, ratios: Mapping[str, float]) -> PruningPlan:
    """The plan that takes the given share of channels out of each group; those FPGM says can be spared.

    Args:
        fpgm: made for `model`.
        ratios: master of a group (state-dict name, with or without `.weight`) → share in [0, 1).

    Raises:
        SlimError: no such group, or a ratio that leaves no channel: all of them at once.
    """
    named = {name if name.endswith(".weight") else f"{name}.weight": ratio for name, ratio in ratios.items()}
    problems = []
    for name, ratio in named.items():
        if name not in fpgm.groups:
            problems.append(f"{name}: {why_not(fpgm, name)}")
        elif isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not 0 <= ratio < 1:
            problems.append(f"{name}: the ratio must be at least 0 and below 1, came {ratio!r}")
        elif cut_of(fpgm.groups[name].size, ratio) >= fpgm.groups[name].size:
            problems.append(f"{name}: {ratio} would leave none of its {fpgm.groups[name].size} channels")
    if problems:
        raise SlimError("Slim.Prune.ratios: " + "; ".join(problems))
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    gone: Dict[Tuple[str, int], List[int]] = {}
    for name, ratio in named.items():
        group = fpgm.groups[name]
        worst = fpgm.worst(name, cut_of(group.size, ratio))
        # A tensor may belong to several groups, by different axes or by different parts of one axis: indices add up.
        for member in group.members if worst else ():
            gone.setdefault((member.tensor, member.axis), []).extend(
                index for channel in worst for index in member.cut[channel]
            )
    keep: Dict[str, Dict[int, Tuple[int, ...]]] = {}
    for (tensor, axis), indices in gone.items():
        kept = np.setdiff1d(np.arange(shapes[tensor][axis]), indices)
        keep.setdefault(tensor, {})[axis] = tuple(kept.tolist())
    return PruningPlan({name: shapes[name] for name in keep}, keep)


def cut_of(size: int, ratio: float) -> int:
    """How many of `size` channels a ratio takes."""
    return round(size * ratio)


def why_not(fpgm: FPGM, name: str) -> str:
    """Why `name` is not the master of a group."""
    for group in fpgm.groups.values():
        if any(member.tensor == name and member.axis == 0 for member in group.members):
            return f"its outputs are cut together with those of {group.master}"
    return f"cannot be pruned, or is no convolution of this network{suggest(name, fpgm.groups)}"


def matching(names: Sequence[str], patterns: Sequence[str]) -> List[str]:
    """Names of layers that one of the shell patterns (`backbone.conv*`) matches, with or without `.weight`.

    Raises:
        SlimError: a pattern that matches nothing.
    """
    found = []
    for pattern in patterns:
        hits = [name for name in names if any(fnmatch.fnmatchcase(form, pattern) for form in _forms(name))]
        if not hits:
            raise SlimError(f"{pattern!r} matches no layer{suggest(pattern, [name[:-7] for name in names])}")
        found += hits
    return found


def _forms(name: str) -> Tuple[str, str]:
    return name, name[: -len(".weight")] if name.endswith(".weight") else name


def _resize(tensor: Any, values: np.ndarray) -> None:
    """Give a parameter new values of another shape; it stays the same object, with its own learning rate and decay."""
    inner = tensor.value().get_tensor()
    place = inner._place()
    on = paddle.CPUPlace() if place.is_cpu_place() else paddle.CUDAPlace(place.gpu_device_id())
    inner.set(np.ascontiguousarray(values), on)
    if not tensor.stop_gradient:
        tensor.clear_gradient(False)


def _correct_layers(model: nn.Layer) -> None:
    """Numbers of channels that layers keep beside their weights."""
    for layer in model.sublayers():
        if isinstance(layer, nn.Conv2D):
            outputs, inputs = layer.weight.shape[:2]
            # A depthwise convolution has as many groups as channels, so its groups shrink with it.
            if layer._groups > 1 and layer._groups != outputs // (layer._out_channels // layer._groups):
                layer._groups = outputs // (layer._out_channels // layer._groups)
            layer._in_channels, layer._out_channels = inputs * layer._groups, outputs
        elif isinstance(layer, nn.Conv2DTranspose) and layer._groups == 1:
            layer._in_channels, layer._out_channels = layer.weight.shape[:2]
        elif isinstance(layer, nn.BatchNorm2D):
            layer._num_features = layer._mean.shape[0]
