"""Small things that several rooms do with a network. Paddle is imported when one of them is called."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Iterator, List, Sequence

import numpy as np

if TYPE_CHECKING:
    from paddle import nn

EXAMPLE_SIDE = 64  # pixels of a free axis, when a network is run only to be looked at


@contextlib.contextmanager
def kept_modes(model: nn.Layer) -> Iterator[None]:
    """Whatever is done to the modes inside, each layer's own is restored afterwards: some may be frozen."""
    modes = [(layer, layer.training) for layer in model.sublayers(include_self=True)]
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


@contextlib.contextmanager
def eval_mode(model: nn.Layer) -> Iterator[None]:
    """`eval()` mode without gradients inside, `kept_modes` afterwards."""
    import paddle

    with kept_modes(model), paddle.no_grad():
        model.eval()
        yield


def predict(model: nn.Layer, batch: np.ndarray) -> np.ndarray:
    """The network's prediction for `float32[N, C, H, W]` in `eval()` mode."""
    import paddle

    with eval_mode(model):
        return model(paddle.to_tensor(batch)).numpy()


def main_network(model: nn.Layer) -> nn.Layer:
    """Of several networks that learn together the one that predicts; any other network itself."""
    return getattr(model, "main_network", model)


def find_layer(model: nn.Layer, name: str) -> Any:
    """The sublayer with this dotted name; the network itself for an empty one."""
    for part in filter(None, name.split(".")):
        model = getattr(model, part)
    return model


def replace_layer(model: nn.Layer, name: str, layer: nn.Layer) -> None:
    """Put `layer` in the place of the sublayer with this dotted name."""
    parent, _, last = name.rpartition(".")
    find_layer(model, parent)._sub_layers[last] = layer


def example_shape(input_shape: Sequence[int]) -> List[int]:
    """[N, C, H, W] of a small batch: one picture, and `EXAMPLE_SIDE` along each axis that is free (below 1)."""
    count, *rest = input_shape
    return [max(count, 1), *(EXAMPLE_SIDE if axis < 1 else axis for axis in rest)]
