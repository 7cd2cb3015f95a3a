"""Moving averages of weights, which often predict better than the last ones (Polyak and Juditsky 1992)."""

from __future__ import annotations

import contextlib
import math
from typing import Dict, Iterator, Literal, Mapping

import numpy as np
import paddle
from paddle import nn

from ppocr.errors import ModelError


class MovingAverage:
    """average ← d · average + (1 − d) · weight after each step, for everything in the state dict that is a number.

    Args:
        model: what is trained; never changed but inside `applied()`.
        decay: d in the long run.
        decay_type: how d begins. "threshold": (1 + n) / (10 + n) after n steps; "exponential":
            decay · (1 − e^(−(n + 1) / 2000)); "normal": at once.
    """

    def __init__(
        self,
        model: nn.Layer,
        decay: float = 0.9998,
        decay_type: Literal["threshold", "exponential", "normal"] = "threshold",
    ):
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, came {decay}")
        self.decay, self.decay_type = decay, decay_type
        # LSTM weights stand in the state dict twice; one variable, one average
        variables = {tensor.name: (name, tensor) for name, tensor in model.state_dict().items()}
        self._weights = {name: tensor for name, tensor in variables.values() if tensor.is_floating_point()}
        self._averages = {name: tensor.detach().clone() for name, tensor in self._weights.items()}

    def update(self, steps: int) -> None:
        """Follow the weights after a step, the `steps`-th counted from 1."""
        decay = self._decay(steps)
        with paddle.no_grad():
            for name, weight in self._weights.items():
                average = self._averages[name]
                average.set_value(average * decay + weight.detach() * (1 - decay))

    def _decay(self, steps: int) -> float:
        if self.decay_type == "threshold":
            return min(self.decay, (1 + steps) / (10 + steps))
        if self.decay_type == "exponential":
            return self.decay * (1 - math.exp(-(steps + 1) / 2000))
        return self.decay

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the block the network has the averages as its weights."""
        weights = {name: tensor.numpy() for name, tensor in self._weights.items()}
        for name, tensor in self._weights.items():
            tensor.set_value(self._averages[name])
        try:
            yield
        finally:
            for name, tensor in self._weights.items():
                tensor.set_value(weights[name])

    def state(self) -> Dict[str, np.ndarray]:
        return {name: tensor.numpy() for name, tensor in self._averages.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state()` gave.

        Raises:
            ModelError: it belongs to another network.
        """
        if set(state) != set(self._averages):
            raise ModelError("the moving averages of the checkpoint belong to another network")
        for name, array in state.items():
            self._averages[name].set_value(array)
