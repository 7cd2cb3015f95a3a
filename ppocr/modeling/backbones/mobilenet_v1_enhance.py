"""MobileNetV1Enhance, the backbone of the mobile recognisers of PP-OCRv2 and PP-OCRv3.

PP-LCNet (Cui et al. 2021, arXiv 2109.15099) for text crops: the separable convolutions of MobileNetV1 (Howard et al.
2017, arXiv 1704.04861) with hard swish, larger kernels and squeeze-and-excitation at the end.
"""

from __future__ import annotations

from typing import List, Literal, NamedTuple, Sequence, Tuple, Union

import paddle
from paddle import nn

from ppocr.modeling.layers import IntPair, SqueezeExcitation, conv_bn

STEM_CHANNELS = 32
NAMES = ("_conv", "_batch_norm")


class BlockSpec(NamedTuple):
    """A block at scale 1: channels of its output, stride and kernel of its depthwise convolution, attention."""

    out: int
    stride: IntPair = 1
    kernel: int = 3
    se: bool = False


LOWER = (2, 1)  # halves the height, keeps the width
BLOCKS: Tuple[BlockSpec, ...] = (
    BlockSpec(64),
    BlockSpec(128),
    BlockSpec(128),
    BlockSpec(256, LOWER),
    BlockSpec(256),
    BlockSpec(512, LOWER),
    *[BlockSpec(512, kernel=5)] * 5,
    BlockSpec(1024, LOWER, kernel=5, se=True),
    BlockSpec(1024, kernel=5, se=True),
)


class RecMobileNetV1Enhance(nn.Layer):
    """`float32[N, 3, H, W]` crops → `float32[N, C, h, w]`.

    With H = 32 as PP-OCRv2 has it, h = 1 and w = W / 4; with H = 48, `last_conv_stride: [1, 2]` and average pooling as
    PP-OCRv3 has it, h = 1 and w = W / 8.

    Args:
        in_channels: of the picture.
        scale: of all widths, at least 1 / 16.
        last_conv_stride: of the last block, one number or height and width.
        last_pool_type: what comes last; "max" always takes 2×2 pixels.
        last_pool_kernel_size: height and width of average pooling.

    Attributes:
        out_channels: C.

    Raises:
        ValueError: for numbers out of range.
    """

    def __init__(
        self,
        in_channels: int = 3,
        scale: float = 0.5,
        last_conv_stride: Union[int, List[int]] = 1,
        last_pool_type: Literal["max", "avg"] = "max",
        last_pool_kernel_size: Sequence[int] = (3, 2),
    ):
        super().__init__()
        if scale < 1 / 16:
            raise ValueError(f"scale must be at least 0.0625, came {scale!r}")
        last = _pair(last_conv_stride, "last_conv_stride")
        pool = _pair(last_pool_kernel_size, "last_pool_kernel_size")
        channels = int(STEM_CHANNELS * scale)
        self.conv1 = conv_bn(in_channels, channels, kernel=3, stride=2, act="hardswish", names=NAMES)
        blocks = []
        for spec in (*BLOCKS[:-1], BLOCKS[-1]._replace(stride=last)):
            blocks.append(SeparableConv(channels, int(spec.out * scale), spec))
            channels = int(spec.out * scale)
        self.block_list = nn.Sequential(*blocks)
        self.pool = nn.MaxPool2D(2) if last_pool_type == "max" else nn.AvgPool2D(pool)
        self.out_channels = channels

    def forward(self, crops: paddle.Tensor) -> paddle.Tensor:
        return self.pool(self.block_list(self.conv1(crops)))


class SeparableConv(nn.Layer):
    """Depthwise convolution, perhaps squeeze-and-excitation, pointwise convolution."""

    def __init__(self, in_channels: int, out_channels: int, spec: BlockSpec):
        super().__init__()
        self._depthwise_conv = conv_bn(
            in_channels, in_channels, kernel=spec.kernel, stride=spec.stride, groups=in_channels, act="hardswish",
            names=NAMES,
        )  # fmt: skip
        self._se = SqueezeExcitation(in_channels, slope=1 / 6) if spec.se else None
        self._pointwise_conv = conv_bn(in_channels, out_channels, act="hardswish", names=NAMES)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self._depthwise_conv(x)
        return self._pointwise_conv(x if self._se is None else self._se(x))


def _pair(value: Union[int, Sequence[int]], name: str) -> Tuple[int, int]:
    numbers = [value, value] if isinstance(value, int) else list(value)
    if len(numbers) != 2 or not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ValueError(f"{name} must be one or two positive whole numbers, came {value!r}")
    return numbers[0], numbers[1]
