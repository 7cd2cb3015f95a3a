"""PaddleSlim's QAT: layers that round their inputs and weights while they train."""

from __future__ import annotations

from typing import Any, Collection, Sequence

import numpy as np
import paddle
from paddle import nn

from ppocr.errors import SlimError
from ppocr.slim.paddleslim import paddleslim

UNSEEN_RANGE = 0.001  # where Paddle's moving average begins


def insert_quantizers(
    model: nn.Layer, skipped: Collection[str], *, clip: type, moving_rate: float, kinds: Sequence[type]
) -> nn.Layer:
    """Have PaddleSlim's `QAT` replace the layers of some kinds, in place; the same model.

    Of `QAT` only the rounding of inputs and weights is used. It would also watch outputs, in layers that change the
    names in the state dict, though deployment never rounds there.

    Args:
        skipped: names of layers that stay.
        clip: layer that its PACT puts before each input.
        moving_rate: of the moving average of each input's largest value.
        kinds: of layers.

    Raises:
        SlimError: PaddleSlim is not installed, or the model is quantized already.
    """
    if any(is_quantized(layer) for layer in model.sublayers()):
        raise SlimError("the network is quantized already; start from float weights, or drop Slim.Quantize")
    module = paddleslim("dygraph.quant.qat")
    qat = module.QAT(
        {
            "weight_quantize_type": "channel_wise_abs_max",
            "activation_quantize_type": "moving_average_abs_max",
            "moving_rate": moving_rate,
            "quantizable_layer_type": [kind.__name__ for kind in kinds],
        },
        act_preprocess=clip,
    )
    layers = dict(model.named_sublayers())
    for name in skipped:
        layers[name].skip_quant = True
    qat.imperative_qat._quantize_inputs.apply(model)
    return model


def is_quantized(layer: nn.Layer) -> bool:
    """Whether it came from `insert_quantizers`."""
    return type(layer).__name__ in ("QuantizedConv2D", "QuantizedLinear")


def learned_range(layer: Any) -> float:
    """Range of the input of a quantized layer, seen after the clip; 0 before the first step."""
    seen, alpha = layer._fake_quant_input._scale.numpy().item(), layer._act_preprocess.alpha.numpy().item()
    return min(seen, abs(alpha)) if seen > UNSEEN_RANGE else 0.0


def start_range(layer: Any, clip: float) -> None:
    """Let the moving average of a quantized layer's input and its clip begin at `clip`."""
    alpha = layer._act_preprocess.alpha
    alpha.set_value(paddle.full_like(alpha, clip))
    quantizer = layer._fake_quant_input
    for tensor, value in ((quantizer._scale, clip), (quantizer._accum, clip), (quantizer._state, 1.0)):
        tensor.set_value(np.array([value], np.float32))


def keep_from_optimizer(model: nn.Layer) -> None:
    """What the quantizers count is not trained, though a forward pass of theirs marks it so."""
    for layer in model.sublayers():
        if is_quantized(layer):
            for quantizer in (layer._fake_quant_input, layer._fake_quant_weight):
                for tensor in quantizer.parameters():
                    tensor.stop_gradient = True


def plain_layer(layer: Any) -> nn.Layer:
    """The ordinary layer of a quantized one, over the same weights."""
    bias = None if layer.bias is not None else False
    if type(layer).__name__ == "QuantizedLinear":
        inputs, outputs = layer.weight.shape
        plain: Any = nn.Linear(inputs, outputs, bias_attr=bias)
    else:
        outputs, inputs, *kernel = layer.weight.shape
        plain = nn.Conv2D(
            inputs * layer._groups, outputs, kernel, stride=layer._stride, padding=layer._padding,
            dilation=layer._dilation, groups=layer._groups, bias_attr=bias,
        )  # fmt: skip
    plain.weight, plain.bias = layer.weight, layer.bias
    return plain
