"""From the `Optimizer` section to what updates the weights."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional

import numpy as np
import paddle

from ppocr.errors import ConfigError, ModelError
from ppocr.optimizer.schedules import Schedule
from ppocr.registry import LR_SCHEDULES, OPTIMIZERS

Parameters = Mapping[str, paddle.Tensor]


class Optimizer:
    """A schedule and one of Paddle's optimisers, whose state is named after the network's state dict.

    Paddle itself names the state after variables (`conv2d_41.w_0_moment1_0`), whose numbers depend on what else the
    process has built.

    Args:
        inner: over `parameters`.
        schedule: step → learning rate.
        parameters: what is trained, by name in the state dict.
    """

    def __init__(self, inner: paddle.optimizer.Optimizer, schedule: Schedule, parameters: Parameters):
        self.inner, self.schedule, self._parameters = inner, schedule, dict(parameters)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return self.schedule(step)

    def update(self, step: int, scaler: Optional[paddle.amp.GradScaler] = None) -> None:
        """Follow the gradients with the rate of this step, and clear them.

        Args:
            step: its number, from 0.
            scaler: what multiplied the loss; it divides the gradients, and leaves the step out if they overflowed.
        """
        self.inner.set_lr(self.rate(step))
        with paddle.utils.unique_name.guard():  # the state's names then always end in _0
            if scaler is None:
                self.inner.step()
            else:
                scaler.step(self.inner)
                scaler.update()
        self.inner.clear_grad(set_to_zero=False)

    def state(self) -> Dict[str, np.ndarray]:
        """Moments and their like: `backbone.conv1.conv.weight.moment1` → array. Empty before the first step."""
        by_variable = {tensor.name: name for name, tensor in self._parameters.items()}
        named = {}
        for key, tensor in self.inner.state_dict().items():
            variable, kind = _split(key, by_variable)
            named[f"{by_variable[variable]}.{kind}"] = tensor.numpy()
        return named

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state()` gave, in this process or another, before the first step.

        Raises:
            ModelError: it belongs to other parameters.
        """
        renamed = {}
        for name, array in state.items():
            parameter, _, kind = name.rpartition(".")
            if parameter not in self._parameters:
                raise ModelError(f"the optimiser's state has {name}, but no such parameter is trained here")
            renamed[f"{self._parameters[parameter].name}_{kind}_0"] = paddle.to_tensor(array)
        if renamed:
            self.inner.set_state_dict(renamed)


def build_optimizer(
    section: Mapping[str, Any], parameters: Parameters, *, epochs: int, steps_per_epoch: int
) -> Optimizer:
    """What `Optimizer` describes: `name` and its settings, and under `lr` a schedule (`Const` if it has no name).

    Args:
        section: of the configuration.
        parameters: those to train, by name in the state dict.
        epochs, steps_per_epoch: of the run.

    Raises:
        ConfigError: every problem of the section.
    """
    spec = {key: value for key, value in section.items() if key != "lr"}
    lr = {"name": "Const", **(section.get("lr") or {})}
    times = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    given = {"parameters": list(parameters.values())}
    problems = OPTIMIZERS.problems(spec, "Optimizer", given) + LR_SCHEDULES.problems(lr, "Optimizer.lr", times)
    if problems:
        raise ConfigError(problems)
    schedule = LR_SCHEDULES.build(lr, "Optimizer.lr", **times)
    return Optimizer(OPTIMIZERS.build(spec, "Optimizer", **given), schedule, parameters)


def _split(key: str, variables: Mapping[str, str]) -> List[str]:
    """`conv2d_1.w_0_moment1_0` → [`conv2d_1.w_0`, `moment1`]. One variable's name may begin another's."""
    variable = max((name for name in variables if key.startswith(f"{name}_")), key=len)
    return [variable, re.sub(r"_\d+$", "", key[len(variable) + 1 :])]
