"""Operations of training in forms that a CPU computes faster than Paddle's own; values and gradients are the same.

Maps are `float32[N, C, H, W]`. The first three run the kernels of `kernels.c`; the others are Paddle's matrix products,
arranged so that less memory is touched.
"""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.autograd import PyLayer

from ppocr.modeling.cpu.kernels import Convolution, Normalisation, call

LINEAR, RELU, HARD_SWISH = range(3)  # activations, as `kernels.c` numbers them


class DepthwiseConvolution(PyLayer):
    """`apply(x, weight, shape)`: each channel with a kernel of its own, weight `float32[C, 1, h, w]`."""

    @staticmethod
    def forward(ctx: Any, x: paddle.Tensor, weight: paddle.Tensor, shape: Convolution) -> paddle.Tensor:
        x = x.contiguous()
        ctx.save_for_backward(x, weight)
        ctx.shape = shape
        output = paddle.empty([shape.images, shape.channels, shape.out_height, shape.out_width], x.dtype)
        call("depthwise_forward", shape, x, weight, output)
        return output

    @staticmethod
    def backward(  # type: ignore[override]  # Paddle takes None for an input without gradient, its stub does not
        ctx: Any, gradient: paddle.Tensor
    ) -> Tuple[Optional[paddle.Tensor], ...]:
        inputs = ctx.saved_tensor()
        gradients = [paddle.empty_like(tensor) for tensor in inputs]
        call("depthwise_backward", ctx.shape, *inputs, gradient.contiguous(), *gradients)
        return _wanted(inputs, gradients)


def depthwise_conv2d(
    x: paddle.Tensor, weight: paddle.Tensor, *, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> paddle.Tensor:
    """As `F.conv2d` with one group for each channel; padding is [top, bottom, left, right]."""
    sides = [
        (size + before + after - spread * (taps - 1) - 1) // step + 1
        for size, before, after, spread, taps, step in zip(
            x.shape[2:], padding[::2], padding[1::2], dilation, weight.shape[2:], stride
        )
    ]
    shape = Convolution(*x.shape, *sides, *weight.shape[2:], *stride, *dilation, padding[0], padding[2])
    return DepthwiseConvolution.apply(x, weight, shape)


class NormaliseActivate(PyLayer):
    """`apply(x, scale, shift, running_mean, running_variance, shape)`; the last two tensors are updated in place."""

    @staticmethod
    def forward(
        ctx: Any,
        x: paddle.Tensor,
        scale: paddle.Tensor,
        shift: paddle.Tensor,
        running_mean: paddle.Tensor,
        running_variance: paddle.Tensor,
        shape: Normalisation,
    ) -> paddle.Tensor:
        x = x.contiguous()  # the kernel walks through memory and knows no strides
        mean, variance, output = paddle.empty_like(scale), paddle.empty_like(scale), paddle.empty_like(x)
        call("normalise_forward", shape, x, scale, shift, mean, variance, running_mean, running_variance, output)
        # Neither the normalised map nor the activation's mask is kept: the way back computes them anew from x, which
        # costs less than reading them from memory.
        ctx.save_for_backward(x, scale, shift, mean, variance)
        ctx.shape = shape
        return output

    @staticmethod
    def backward(  # type: ignore[override]  # Paddle takes None for an input without gradient, its stub does not
        ctx: Any, gradient: paddle.Tensor
    ) -> Tuple[Optional[paddle.Tensor], ...]:
        inputs = ctx.saved_tensor()
        gradients = [paddle.empty_like(tensor) for tensor in inputs[:3]]
        call("normalise_backward", ctx.shape, *inputs, gradient.contiguous(), *gradients)
        return (*_wanted(inputs[:3], gradients), None, None)


class FrozenNormActivate(PyLayer):
    """`apply(x, scale, shift, mean, variance, shape)`: with statistics that stay."""

    @staticmethod
    def forward(
        ctx: Any,
        x: paddle.Tensor,
        scale: paddle.Tensor,
        shift: paddle.Tensor,
        mean: paddle.Tensor,
        variance: paddle.Tensor,
        shape: Normalisation,
    ) -> paddle.Tensor:
        x = x.contiguous()
        output = paddle.empty_like(x)
        call("frozen_forward", shape, x, scale, shift, mean, variance, output)
        ctx.save_for_backward(x, scale, shift, mean, variance)
        ctx.shape = shape
        return output

    @staticmethod
    def backward(  # type: ignore[override]  # as above
        ctx: Any, gradient: paddle.Tensor
    ) -> Tuple[Optional[paddle.Tensor], ...]:
        inputs = ctx.saved_tensor()
        gradients = [paddle.empty_like(tensor) for tensor in inputs[:3]]
        call("frozen_backward", ctx.shape, *inputs, gradient.contiguous(), *gradients)
        return (*_wanted(inputs[:3], gradients), None, None)


def batch_norm_act(x: paddle.Tensor, norm: nn.BatchNorm2D, activation: int = LINEAR) -> paddle.Tensor:
    """`norm`, then an activation; what lies between is never stored. In `eval()` mode its statistics stay."""
    images, channels, height, width = x.shape
    shape = Normalisation(images, channels, height * width, activation, norm._epsilon, norm._momentum)
    function = NormaliseActivate if norm.training else FrozenNormActivate
    return function.apply(x, norm.weight, norm.bias, norm._mean, norm._variance, shape)


def narrow_conv2d(x: paddle.Tensor, weight: paddle.Tensor, padding: Sequence[int]) -> paddle.Tensor:
    """A convolution with stride 1 as the transposed one with the mirrored kernel.

    Paddle unfolds what goes into a convolution, k² maps of each input channel, but what comes out of a transposed one.
    So this is the cheaper form where there are fewer outputs than inputs (96 → 24 channels, 3×3, 80×80: 58 → 24 ms for
    both ways).

    Args:
        weight: float32[O, I, h, w].
        padding: of rows and columns, the same on both sides.
    """
    # y[p] = Σ w[t] x[p + t − pad] is, seen from x, a sum over outputs with the kernel read backwards.
    mirrored = weight.transpose([1, 0, 2, 3]).flip([2, 3])
    pads = [side - 1 - pad for side, pad in zip(weight.shape[2:], padding)]
    return F.conv2d_transpose(x, mirrored, padding=pads)


def subpixel_conv2d_transpose(x: paddle.Tensor, weight: paddle.Tensor, bias: Optional[paddle.Tensor]) -> paddle.Tensor:
    """A transposed convolution whose stride is the side of its kernel: a 1×1 convolution, then a pixel shuffle.

    Each pixel makes a block of its own. The bias is one more input channel, of ones: to add it to the large map, and to
    sum up that map's gradient, costs Paddle more than the convolution (24 → 24 channels, 80×80: 27 → 9 ms).

    Args:
        weight: float32[I, O, s, s].
        bias: float32[O].
    """
    inputs, outputs, side, _ = weight.shape
    # Each place (v, u) of a block is an output channel of its own: channel O · s² + v · s + u, as pixel_shuffle reads
    # them.
    kernel = weight.transpose([1, 2, 3, 0]).reshape([outputs * side**2, inputs])
    if bias is not None:
        kernel = paddle.concat([kernel, bias.unsqueeze(1).tile([1, side**2]).reshape([-1, 1])], axis=1)
        x = paddle.concat([x, paddle.ones([x.shape[0], 1, *x.shape[2:]], x.dtype)], axis=1)
    return F.pixel_shuffle(F.conv2d(x, kernel.unsqueeze([2, 3])), side)


def wide_linear(x: paddle.Tensor, weight: paddle.Tensor, bias: paddle.Tensor) -> paddle.Tensor:
    """A linear layer whose bias is one more row of the weight, since Paddle sums a bias' gradient up slowly.

    80 × 16 columns, 96 → 6625: 55 → 30 ms for both ways.
    """
    ones = paddle.ones([*x.shape[:-1], 1], x.dtype)
    return paddle.matmul(paddle.concat([x, ones], axis=-1), paddle.concat([weight, bias.unsqueeze(0)]))


def _wanted(inputs: Sequence[paddle.Tensor], gradients: Sequence[paddle.Tensor]) -> Tuple[Optional[paddle.Tensor], ...]:
    """Paddle refuses a gradient for a tensor that asked for none."""
    return tuple(None if tensor.stop_gradient else gradient for tensor, gradient in zip(inputs, gradients))


def four_pads(padding: Any) -> List[int]:
    """What a layer's `padding` says, as [top, bottom, left, right]."""
    if isinstance(padding, int):
        return [padding] * 4
    return [pad for pad in padding for _ in range(2)] if len(padding) == 2 else list(padding)
