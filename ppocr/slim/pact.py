"""Quantization-aware training: the network trains with the rounding that its stored form will have.

PACT (Choi et al. 2018, arXiv 1805.06085) learns for each convolution the range of its input: what lies beyond
[−α, α] is cut off, and the gradient of α says whether outliers or fine steps matter more. The range is symmetric
(PACT's own is [0, α]), since a hard-swish gives negative values (PP-OCR, section 2.3.6).

Batch normalisations stay in the training network. Deployment folds them into the weights, which multiplies each output
channel by one number: rounding per channel gives the same whole numbers before and after. So what is trained is what is
deployed.
"""

from __future__ import annotations

import copy
from typing import Dict, Iterable, Sequence

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn

from ppocr.slim.prune import matching
from ppocr.slim.qat import insert_quantizers, is_quantized, keep_from_optimizer, learned_range, plain_layer, start_range
from ppocr.slim.ranges import observe
from ppocr.slim.stored import STORED, is_depthwise
from ppocr.utils.networks import replace_layer

KINDS = (nn.Conv2D, nn.Linear)


def clip_layer(*, alpha: float, alpha_decay: float) -> type:
    """The layer that PaddleSlim is to put before each input: a class, since it makes the instances.

    Args:
        alpha: where α starts.
        alpha_decay: α's own L2 decay, in place of the optimiser's.
    """

    class SymmetricClip(nn.Layer):
        """x → x cut off at ±α; written with ReLUs, through which α gets its gradient."""

        def __init__(self) -> None:
            super().__init__()
            attr = ParamAttr(
                initializer=nn.initializer.Constant(alpha), regularizer=paddle.regularizer.L2Decay(alpha_decay)
            )
            self.alpha = self.create_parameter([1], attr=attr)

        def forward(self, x: paddle.Tensor) -> paddle.Tensor:
            # Where x > α the result is α, so its derivative by α is 1, and −1 where x < −α: what is cut off decides how
            # α moves.
            return x - F.relu(x - self.alpha) + F.relu(-self.alpha - x)

    return SymmetricClip


def quantize(
    model: nn.Layer, *, alpha: float, alpha_decay: float, moving_rate: float, float_layers: Sequence[str] = (),
    depthwise: bool = True,
) -> nn.Layer:  # fmt: skip
    """Put PaddleSlim's quantizers into `model`, in place; the same model.

    Convolutions and linear layers round their weights per channel and their inputs to 8 bits by a moving average of the
    largest value. Recurrent layers stay in float.

    Args:
        model: with its float weights.
        alpha, alpha_decay: of `clip_layer`.
        moving_rate: how much of the average each step keeps.
        float_layers: shell patterns of layers that stay in float.
        depthwise: whether depthwise convolutions are rounded too.

    Raises:
        SlimError: PaddleSlim is not installed, the network is quantized already, or a pattern matches nothing.
    """
    layers = {name: layer for name, layer in model.named_sublayers() if isinstance(layer, KINDS)}
    skipped = set(matching(list(layers), float_layers))
    if not depthwise:
        skipped |= {name for name, layer in layers.items() if is_depthwise(layer)}
    clip = clip_layer(alpha=alpha, alpha_decay=alpha_decay)
    insert_quantizers(model, skipped, clip=clip, moving_rate=moving_rate, kinds=KINDS)
    keep_from_optimizer(model)
    return model


def calibrate(model: nn.Layer, batches: Iterable[np.ndarray]) -> None:
    """Let the ranges of a quantized `model` begin at what its float weights make of real pictures.

    Without it the first steps round everything to a range of about 1, and what they learn is noise. Clips start at a
    layer's best range: an optimiser moves α by its learning rate at most, so that from 20 it would take 100,000 steps
    to 2, and as many to the hundreds that a pyramid without normalisation adds up to. Layers that only training runs
    are looked at as training runs them.

    Args:
        batches: float32[N, 3, H, W] each; a few.
    """
    batches, ranges = list(batches), {}
    for mode in (nn.Layer.train, nn.Layer.eval):  # ranges of the second count where both run a layer
        plain = copy.deepcopy(model)  # anew, since normalisations count what they see
        remove_quantizers(plain, rounded=False)
        mode(plain)
        ranges.update(observe(plain, batches, kinds=KINDS))
    for name, layer in model.named_sublayers():
        if name in ranges and is_quantized(layer):
            start_range(layer, ranges[name])
    keep_from_optimizer(model)


def remove_quantizers(model: nn.Layer, *, rounded: bool = True) -> Dict[str, float]:
    """Turn the quantized layers of `model`, in place, back into plain ones.

    Args:
        rounded: their weights become what they are after rounding.

    Returns:
        Name of a layer → learned range of its input; 0 where it has seen none.
    """
    ranges = {}
    for name, layer in list(model.named_sublayers()):
        if is_quantized(layer):
            ranges[name] = learned_range(layer)
            plain = plain_layer(layer)
            replace_layer(model, name, plain)
            # By the same function that stores them, so that training, checking and the file round alike.
            if rounded:
                plain.weight.set_value(STORED[type(plain)](plain).weight)
    return ranges
