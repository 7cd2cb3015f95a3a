"""Layers that train faster on a CPU than those of Paddle, which they replace inside a finished network."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple, Type

import paddle
from paddle import nn

from ppocr.modeling.cpu import functional as fast
from ppocr.modeling.cpu.kernels import MAX_KERNEL_TAPS, kernels

ACTIVATIONS = {nn.ReLU: fast.RELU, nn.Hardswish: fast.HARD_SWISH}


def accelerate(model: nn.Layer) -> nn.Layer:
    """Let a network train faster on a CPU, in place; returns it.

    Its layers get another class: their weights, the state dict, what the network computes, its gradients and exported
    files stay. Nothing changes in `eval()` mode, on a GPU, in static graphs or for other types than float32.
    """
    for layer in model.sublayers(include_self=True):
        for plain, suits, faster in REPLACEMENTS:
            if type(layer) is plain and suits(layer):
                # Not a new layer: parameters, names, hooks and optimiser state stay as they are.
                layer.__class__ = faster
                break
    return model


def runs_fast(layer: nn.Layer, x: paddle.Tensor) -> bool:
    return layer.training and _is_usual_tensor(x)


def norm_runs_fast(norm: nn.Layer, x: paddle.Tensor) -> bool:
    """In `train()` mode, or, being in `eval()` mode itself, with frozen weights in a network that learns."""
    learns = norm.training or (norm.weight.stop_gradient and paddle.is_grad_enabled())
    return learns and _is_usual_tensor(x)


def _is_usual_tensor(x: paddle.Tensor) -> bool:
    return paddle.in_dynamic_mode() and x.place.is_cpu_place() and x.dtype == paddle.float32


class DepthwiseConv2D(nn.Conv2D):
    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not runs_fast(self, x):
            return super().forward(x)
        return fast.depthwise_conv2d(
            x, self.weight, stride=self._stride, padding=fast.four_pads(self._padding), dilation=self._dilation
        )


class NarrowConv2D(nn.Conv2D):
    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not runs_fast(self, x):
            return super().forward(x)
        return fast.narrow_conv2d(x, self.weight, fast.four_pads(self._padding)[::2])


class SubPixelConv2DTranspose(nn.Conv2DTranspose):
    def forward(self, x: paddle.Tensor, output_size: Any = None) -> paddle.Tensor:
        if output_size is not None or not runs_fast(self, x):
            return super().forward(x, output_size)
        return fast.subpixel_conv2d_transpose(x, self.weight, self.bias)


class WideLinear(nn.Linear):
    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return fast.wide_linear(x, self.weight, self.bias) if runs_fast(self, x) else super().forward(x)


class BatchNorm2D(nn.BatchNorm2D):
    def forward(self, x: paddle.Tensor, activation: int = fast.LINEAR) -> paddle.Tensor:
        return fast.batch_norm_act(x, self, activation) if norm_runs_fast(self, x) else super().forward(x)


class NormSequential(nn.Sequential):
    """Has batch normalisations with activations after them, each of which run as one."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if not paddle.in_dynamic_mode():  # Paddle's tracer cannot translate what follows
            return super().forward(x)
        steps = _flat(self)
        while steps:
            step = steps.pop(0)
            following = ACTIVATIONS.get(type(steps[0])) if steps else None
            if following is not None and isinstance(step, BatchNorm2D) and norm_runs_fast(step, x):
                steps.pop(0)
                x = step(x, activation=following)
            else:
                x = step(x)
        return x


def _flat(sequence: nn.Layer) -> List[nn.Layer]:
    """The layers of a sequence that is run as plain `Sequential` does it, those of sequences inside it in place."""
    plain = (nn.Sequential, NormSequential)
    return [step for child in sequence.children() for step in (_flat(child) if type(child) in plain else [child])]


# Shapes are read off the weights, since pruning changes these and leaves a layer's settings behind.


def _is_usual(conv: nn.Layer) -> bool:
    """Zeros around a map in Paddle's own order of axes, no bias."""
    zeros = conv._padding_mode == "zeros" and not isinstance(conv._padding, str)
    return zeros and conv._data_format == "NCHW" and conv.bias is None


def _is_depthwise(conv: nn.Conv2D) -> bool:
    outputs, inputs_each, height, width = conv.weight.shape
    one_each = conv._groups == outputs > 1 == inputs_each and height * width <= MAX_KERNEL_TAPS
    return one_each and _is_usual(conv) and kernels() is not None


def _is_narrow(conv: nn.Conv2D) -> bool:
    outputs, inputs, *sides = conv.weight.shape
    if not _is_usual(conv) or conv._groups > 1 or outputs > inputs or max(sides) == 1:
        return False
    top, bottom, left, right = fast.four_pads(conv._padding)
    # Only with stride and dilation 1 is the mirrored kernel's result the same size; padding must be less than the
    # kernel.
    simple = {*conv._stride, *conv._dilation} == {1}
    return simple and top == bottom < sides[0] and left == right < sides[1]


def _makes_blocks(conv: nn.Conv2DTranspose) -> bool:
    _, outputs, *sides = conv.weight.shape
    simple = conv._groups == 1 and conv._padding == 0 and conv.output_padding == 0 and set(conv._dilation) == {1}
    return simple and len({*sides, *conv._stride}) == 1 and outputs > 1


def _is_wide(linear: nn.Linear) -> bool:
    # For narrow outputs the bias' gradient is cheap, and the wider product would cost more than it saves.
    return linear.bias is not None and linear.weight.shape[1] > linear.weight.shape[0]


def _is_norm(norm: nn.BatchNorm2D) -> bool:
    plain = norm._data_format == "NCHW" and not norm._use_global_stats
    return plain and norm.weight is not None and norm.bias is not None and kernels() is not None


def _activates_norms(sequence: nn.Sequential) -> bool:
    steps = _flat(sequence)
    return any(isinstance(a, nn.BatchNorm2D) and type(b) in ACTIVATIONS for a, b in zip(steps, steps[1:]))


# What is replaced, whether it may be, by what
REPLACEMENTS: Tuple[Tuple[Type[nn.Layer], Callable[[Any], bool], Type[nn.Layer]], ...] = (
    (nn.Conv2D, _is_depthwise, DepthwiseConv2D),
    (nn.Conv2D, _is_narrow, NarrowConv2D),
    (nn.Conv2DTranspose, _makes_blocks, SubPixelConv2DTranspose),
    (nn.Linear, _is_wide, WideLinear),
    (nn.BatchNorm2D, _is_norm, BatchNorm2D),
    (nn.Sequential, _activates_norms, NormSequential),
)
