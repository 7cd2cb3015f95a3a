"""Small pieces that several networks share."""

from __future__ import annotations

import math
from typing import List, Optional, Tuple, Union

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn

IntPair = Union[int, Tuple[int, int]]

ACTIVATIONS = {"relu": nn.ReLU, "hardswish": nn.Hardswish, "swish": nn.Swish, "gelu": nn.GELU}


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor` (at least one) without losing more than 10 % of the channels.

    Every MobileNet scales its widths this way (Sandler et al. 2018), so that vector units are used fully.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def conv_bn(
    in_channels: int,
    out_channels: int,
    *,
    kernel: IntPair = 1,
    stride: IntPair = 1,
    groups: int = 1,
    padding: Optional[List[int]] = None,
    act: Optional[str] = None,
    pool: Optional[nn.Layer] = None,
    names: Tuple[str, str] = ("conv", "bn"),
) -> nn.Sequential:
    """[pool →] convolution without bias → batch normalisation [→ activation], `float32[N, C, H, W]` in and out.

    Args:
        kernel: side of a square kernel, or height and width.
        padding: [top, bottom, left, right]; by default what keeps the size (before striding) for an odd kernel.
        act: a key of `ACTIVATIONS`, or None.
        pool: what comes before the convolution, for the shortcuts of ResNet-vd.
        names: what the two layers with weights are called in the state dict; the official networks use two styles.
    """
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    pads = [(side - 1) // 2 for side in sides] if padding is None else padding
    conv = nn.Conv2D(in_channels, out_channels, sides, stride=stride, padding=pads, groups=groups, bias_attr=False)
    steps = [("pool", pool)] if pool is not None else []
    steps += [(names[0], conv), (names[1], nn.BatchNorm2D(out_channels))]
    steps += [("act", ACTIVATIONS[act]())] if act is not None else []
    return nn.Sequential(*steps)


class SqueezeExcitation(nn.Layer):
    """Weigh each channel by a gate in [0, 1] computed from all channels' means (Hu et al. 2018).

    Args:
        channels: of the map.
        reduction: how many times fewer channels the gate's inner layer has.
        slope: of the gate's hard sigmoid. The MobileNetV3 paper and Paddle's default have 1/6; the official weights
            of MobileNetV3 and of the detection necks 1/5.
        window: of `PreciseMean`, for large maps.
        shortcut: add the unweighed map.
        lr_mult: factor on the optimiser's learning rate.
    """

    def __init__(
        self,
        channels: int,
        reduction: int = 4,
        *,
        slope: float = 0.2,
        window: Optional[int] = None,
        shortcut: bool = False,
        lr_mult: float = 1.0,
    ):
        super().__init__()
        inner = channels // reduction
        attrs = [ParamAttr(learning_rate=lr_mult) for _ in range(4)]
        self.pool = nn.AdaptiveAvgPool2D(1) if window is None else PreciseMean(window)
        self.conv1 = nn.Conv2D(channels, inner, 1, weight_attr=attrs[0], bias_attr=attrs[1])
        self.conv2 = nn.Conv2D(inner, channels, 1, weight_attr=attrs[2], bias_attr=attrs[3])
        self.slope = slope
        self.shortcut = shortcut

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        gate = self.conv2(F.relu(self.conv1(self.pool(x))))
        gate = F.hardsigmoid(gate, slope=self.slope, offset=0.5)
        return x * (gate + 1 if self.shortcut else gate)  # the sum on one pixel of the gate, not on all of x


class PreciseMean(nn.Layer):
    """Mean of each map, `float32[N, C, H, W]` → `float32[N, C, 1, 1]`, to the last digits.

    Pooling adds a map up in one float32, which over a page's 50,000 pixels loses four digits: the probabilities of
    PP-OCRv6's detector were off by 3e-3. By windows, then rows of windows, then their column, it is 2e-5. All of it is
    pooling, since Paddle Inference leaves oneDNN for `mean`: 29 instead of 7 ms for a gate on the largest map.

    Args:
        window: H and W must be multiples of it, at most `MAX_MEAN_WINDOW` times.
    """

    def __init__(self, window: int):
        super().__init__()
        self.window = window

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.window > 1:
            x = F.avg_pool2d(x, self.window)
        # A window that reaches beyond the map counts only what is in the map: one such window is the whole row.
        x = F.avg_pool2d(x, (1, MAX_MEAN_WINDOW), stride=(1, MAX_MEAN_WINDOW), ceil_mode=True)
        return F.avg_pool2d(x, (MAX_MEAN_WINDOW, 1), stride=(MAX_MEAN_WINDOW, 1), ceil_mode=True)


MAX_MEAN_WINDOW = 1024


def uniform_attr(fan_in: int, *, l2_decay: Optional[float] = None) -> ParamAttr:
    """Start from U(−1/√fan_in, 1/√fan_in); `l2_decay` replaces the optimiser's weight decay for this parameter."""
    bound = 1.0 / math.sqrt(fan_in)
    regularizer = None if l2_decay is None else paddle.regularizer.L2Decay(l2_decay)
    return ParamAttr(initializer=nn.initializer.Uniform(-bound, bound), regularizer=regularizer)


def upsample_nearest(x: paddle.Tensor, factor: int) -> paddle.Tensor:
    """Repeat every pixel `factor` times along both axes: `float32[N, C, H, W]` → `float32[N, C, fH, fW]`.

    Written as a transposed depthwise convolution with ones, each output pixel having one input pixel, so the values
    are those of `F.interpolate(mode="nearest")` to the bit. That function cannot be used: Paddle Inference 3.3 with
    oneDNN (the default on CPU) stops at its exported form. Of the forms that run, this one costs least (detector at
    960×1280, one thread, 3.3.1, CPU ms in float32 / bfloat16: this 218 / 180, repeat_interleave 225 / 181, tile and
    reshape 238 / 195, stack 263 / 214), since the data stay in oneDNN's own layout; its gradient is 3–10 times cheaper
    than repeat_interleave's.
    """
    channels = x.shape[1]
    ones = paddle.ones([channels, 1, factor, factor], dtype=x.dtype)
    return F.conv2d_transpose(x, ones, stride=factor, groups=channels)
