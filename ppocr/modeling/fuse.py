"""Folding batch normalisation into the convolution before it: fewer operations and tensors, equal values."""

from __future__ import annotations

import copy
from typing import Tuple

import paddle
from paddle import nn

CONVOLUTIONS = (nn.Conv2D, nn.Conv2DTranspose)


def fold_batch_norm(model: nn.Layer, example: paddle.Tensor) -> nn.Layer:
    """A copy of `model` for prediction, in `eval()` mode, in which convolutions carry their batch normalisation.

    With y = γ (w∗x + b − μ) / √(σ² + ε) + β, the factor s = γ / √(σ² + ε) goes into the weights, and the new bias is
    (b − μ) s + β. Which normalisation follows which convolution is seen by running `example` once; where anything else
    also reads the convolution's output, or a layer runs twice, both stay as they are.

    Args:
        model: not changed.
        example: an input, as small as the model allows.
    """
    model = copy.deepcopy(model)
    model.eval()
    for convolution, norm in _pairs(model, example):
        _fold(convolution, norm)
        _replace(model, norm, nn.Identity())
    return model


def _pairs(model: nn.Layer, example: paddle.Tensor) -> list[Tuple[nn.Layer, nn.Layer]]:
    """Convolutions whose output goes into one batch normalisation and nowhere else."""
    produced: dict[int, nn.Layer] = {}  # id of an output → its convolution
    readers: dict[int, list[nn.Layer]] = {}  # id of an output → layers that take it
    kept, calls = [], {}  # outputs must live, or ids would be used again

    def watch(layer: nn.Layer, inputs: Tuple, output: object) -> None:
        calls[layer] = calls.get(layer, 0) + 1
        for value in inputs:
            readers.setdefault(id(value), []).append(layer)
        if isinstance(layer, CONVOLUTIONS):
            produced[id(output)] = layer
        kept.append((inputs, output))

    leaves = [layer for layer in model.sublayers() if not layer.sublayers()]
    hooks = [layer.register_forward_post_hook(watch) for layer in leaves]
    try:
        with paddle.no_grad():
            model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return [
        (convolution, readers[key][0])
        for key, convolution in produced.items()
        if len(readers.get(key, ())) == 1
        and isinstance(readers[key][0], nn.BatchNorm2D)
        and calls[convolution] == calls[readers[key][0]] == 1
    ]


def _fold(convolution: nn.Layer, norm: nn.BatchNorm2D) -> None:
    scale = norm.weight / paddle.sqrt(norm._variance + norm._epsilon)
    # weights are [out, in / groups, h, w]; those of a transposed convolution [in, out, h, w]
    axis = [1, -1, 1, 1] if isinstance(convolution, nn.Conv2DTranspose) else [-1, 1, 1, 1]
    bias = paddle.zeros_like(norm._mean) if convolution.bias is None else convolution.bias
    folded = (bias - norm._mean) * scale + norm.bias
    convolution.weight.set_value(convolution.weight * scale.reshape(axis))
    if convolution.bias is None:
        convolution.bias = convolution.create_parameter([len(folded)], is_bias=True)
    convolution.bias.set_value(folded)


def _replace(model: nn.Layer, old: nn.Layer, new: nn.Layer) -> None:
    for parent in model.sublayers(include_self=True):
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
