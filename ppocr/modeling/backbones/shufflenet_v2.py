"""ShuffleNetV2 (Ma et al. 2018, arXiv 1807.11164), which PP-OCR's table 5 compares with MobileNetV3.

Names in the state dict are those of the ImageNet weights in PaddleClas.
"""

from __future__ import annotations

from typing import Dict, List, Tuple

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import IntPair, conv_bn

NAMES = ("_conv", "_batch_norm")
STEM_CHANNELS = 24
LAST_CHANNELS = 1024
REPEATS = (4, 8, 4)
WIDTHS: Dict[float, Tuple[int, int, int]] = {0.5: (48, 96, 192), 1.0: (116, 232, 464)}  # table 5 of the paper


class DetShuffleNetV2(nn.Layer):
    """`float32[N, 3, H, W]` → four maps at 1/4, 1/8, 1/16 and 1/32 of the size; H and W multiples of 32.

    Args:
        in_channels: of the picture.
        scale: 0.5 or 1.0.

    Attributes:
        out_channels: one number per map.

    Raises:
        ValueError: for another scale.
    """

    def __init__(self, in_channels: int = 3, scale: float = 0.5):
        super().__init__()
        widths = widths_of(scale)
        add_stem(self, in_channels)
        self.stage_blocks = add_stages(self, widths, stride=2)
        self._last_conv = conv_bn(widths[-1], LAST_CHANNELS, act="relu", names=NAMES)
        self.out_channels = [STEM_CHANNELS, *widths[:-1], LAST_CHANNELS]

    def forward(self, images: paddle.Tensor) -> List[paddle.Tensor]:
        x = self._max_pool(self._conv1(images))
        maps = [x]
        for blocks in self.stage_blocks:
            for block in blocks:
                x = block(x)
            maps.append(x)
        maps[-1] = self._last_conv(maps[-1])
        return maps


class RecShuffleNetV2(nn.Layer):
    """`float32[N, 3, H, W]` crops → `float32[N, 1024, H / 32, W / 4]`: after the stem only the height is halved.

    Args:
        in_channels: of the picture.
        scale: 0.5 or 1.0.

    Attributes:
        out_channels: 1024.

    Raises:
        ValueError: for another scale.
    """

    def __init__(self, in_channels: int = 3, scale: float = 0.5):
        super().__init__()
        widths = widths_of(scale)
        add_stem(self, in_channels)
        self.stage_blocks = add_stages(self, widths, stride=(2, 1))
        self._last_conv = conv_bn(widths[-1], LAST_CHANNELS, act="relu", names=NAMES)
        self.out_channels = LAST_CHANNELS

    def forward(self, crops: paddle.Tensor) -> paddle.Tensor:
        x = self._max_pool(self._conv1(crops))
        for blocks in self.stage_blocks:
            for block in blocks:
                x = block(x)
        return self._last_conv(x)


class InvertedResidual(nn.Layer):
    """Half of the channels go through 1×1, depthwise 3×3, 1×1; the other half passes; then all are shuffled."""

    def __init__(self, channels: int):
        super().__init__()
        half = channels // 2
        self._conv_pw = conv_bn(half, half, act="relu", names=NAMES)
        self._conv_dw = conv_bn(half, half, kernel=3, groups=half, names=NAMES)
        self._conv_linear = conv_bn(half, half, act="relu", names=NAMES)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        passed, worked = paddle.split(x, 2, axis=1)
        worked = self._conv_linear(self._conv_dw(self._conv_pw(worked)))
        return F.channel_shuffle(paddle.concat([passed, worked], axis=1), 2)


class DownsamplingResidual(nn.Layer):
    """The first block of a stage: both halves see all channels and shrink the map."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: IntPair):
        super().__init__()
        half = out_channels // 2
        self._conv_dw_1 = conv_bn(in_channels, in_channels, kernel=3, stride=stride, groups=in_channels, names=NAMES)
        self._conv_linear_1 = conv_bn(in_channels, half, act="relu", names=NAMES)
        self._conv_pw_2 = conv_bn(in_channels, half, act="relu", names=NAMES)
        self._conv_dw_2 = conv_bn(half, half, kernel=3, stride=stride, groups=half, names=NAMES)
        self._conv_linear_2 = conv_bn(half, half, act="relu", names=NAMES)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        first = self._conv_linear_1(self._conv_dw_1(x))
        second = self._conv_linear_2(self._conv_dw_2(self._conv_pw_2(x)))
        return F.channel_shuffle(paddle.concat([first, second], axis=1), 2)


def widths_of(scale: float) -> Tuple[int, int, int]:
    """Channels of the three stages.

    Raises:
        ValueError: for a scale that has none.
    """
    if scale not in WIDTHS:
        raise ValueError(f"scale must be one of {', '.join(map(str, WIDTHS))}, came {scale!r}")
    return WIDTHS[scale]


def add_stem(network: nn.Layer, in_channels: int) -> None:
    """Give `network` the first convolution and the pooling; each halves the picture."""
    network._conv1 = conv_bn(in_channels, STEM_CHANNELS, kernel=3, stride=2, act="relu", names=NAMES)
    network._max_pool = nn.MaxPool2D(kernel_size=3, stride=2, padding=1)


def add_stages(network: nn.Layer, widths: Tuple[int, ...], *, stride: IntPair) -> List[List[nn.Layer]]:
    """Give `network` its blocks as `STAGE_INDEX`, counted as in the paper (stages from 2, blocks from 1)."""
    stages: List[List[nn.Layer]] = []
    in_channels = STEM_CHANNELS
    for stage, (count, width) in enumerate(zip(REPEATS, widths), start=2):
        blocks: List[nn.Layer] = [DownsamplingResidual(in_channels, width, stride=stride)]
        blocks += [InvertedResidual(width) for _ in range(count - 1)]
        for index, block in enumerate(blocks, start=1):
            network.add_sublayer(f"{stage}_{index}", block)
        stages.append(blocks)
        in_channels = width
    return stages
