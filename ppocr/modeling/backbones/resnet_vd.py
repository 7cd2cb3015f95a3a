"""ResNet-vd (He et al. 2019, "Bag of Tricks", arXiv 1812.01187) for detection and for text crops.

Against the plain ResNet: three 3×3 convolutions in place of the 7×7 one, and shortcuts that shrink by average pooling
instead of skipping three pixels of four.
"""

from __future__ import annotations

from typing import Dict, List, Literal, NamedTuple, Optional, Tuple

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import IntPair, conv_bn

NAMES = ("_conv", "_batch_norm")  # as the official state dicts have them
WIDTHS = (64, 128, 256, 512)


class Depth(NamedTuple):
    """Blocks per stage, and whether they are bottlenecks (1×1, 3×3, 1×1), whose output is four times as wide."""

    blocks: Tuple[int, int, int, int]
    bottleneck: bool


DEPTHS: Dict[int, Depth] = {
    18: Depth((2, 2, 2, 2), bottleneck=False),
    34: Depth((3, 4, 6, 3), bottleneck=False),
    50: Depth((3, 4, 6, 3), bottleneck=True),
}


class DetResNetVd(nn.Layer):
    """`float32[N, 3, H, W]` → four maps at 1/4, 1/8, 1/16 and 1/32 of the size; H and W multiples of 32.

    Args:
        in_channels: of the picture.
        layers: depth.
        disable_se: PaddleOCR's; there is no squeeze-and-excitation here.

    Attributes:
        out_channels: one number per map.
    """

    def __init__(self, in_channels: int = 3, layers: Literal[18, 34, 50] = 50, disable_se: bool = True):
        super().__init__()
        add_stem(self, in_channels, stride=2)
        self.stage_blocks, self.out_channels = add_stages(self, DEPTHS[layers], stride=(2, 2))

    def forward(self, images: paddle.Tensor) -> List[paddle.Tensor]:
        x = self.pool2d_max(self.conv1_3(self.conv1_2(self.conv1_1(images))))
        maps = []
        for blocks in self.stage_blocks:
            for block in blocks:
                x = block(x)
            maps.append(x)
        return maps


class RecResNetVd(nn.Layer):
    """`float32[N, 3, 32, W]` crops → `float32[N, C, 1, W // 4]`: after the stem only the height is halved.

    Args:
        in_channels: of the picture.
        layers: depth.
        disable_se: PaddleOCR's; there is no squeeze-and-excitation here.

    Attributes:
        out_channels: C.
    """

    def __init__(self, in_channels: int = 3, layers: Literal[18, 34, 50] = 34, disable_se: bool = True):
        super().__init__()
        add_stem(self, in_channels, stride=1)
        self.stage_blocks, stage_channels = add_stages(self, DEPTHS[layers], stride=(2, 1))
        self.out_channels = stage_channels[-1]
        self.out_pool = nn.MaxPool2D(kernel_size=2, stride=2)

    def forward(self, crops: paddle.Tensor) -> paddle.Tensor:
        x = self.pool2d_max(self.conv1_3(self.conv1_2(self.conv1_1(crops))))
        for blocks in self.stage_blocks:
            for block in blocks:
                x = block(x)
        return self.out_pool(x)


class ResidualBlock(nn.Layer):
    """Two 3×3 convolutions (basic) or 1×1, 3×3, 1×1 (bottleneck), plus the shortcut.

    Args:
        in_channels: of the input.
        width: of the inner convolutions.
        bottleneck: which of the two.
        stride: of the first 3×3 convolution.
        project: let a 1×1 convolution match the shortcut's channels, after average pooling if there is a stride;
            otherwise the input itself is added.
    """

    def __init__(self, in_channels: int, width: int, *, bottleneck: bool, stride: IntPair, project: bool):
        super().__init__()
        self.out_channels = out_channels = 4 * width if bottleneck else width
        self.conv2: Optional[nn.Layer] = None
        self.short: Optional[nn.Layer] = None
        if bottleneck:
            self.conv0 = conv_bn(in_channels, width, act="relu", names=NAMES)
            self.conv1 = conv_bn(width, width, kernel=3, stride=stride, act="relu", names=NAMES)
            self.conv2 = conv_bn(width, out_channels, names=NAMES)
        else:
            self.conv0 = conv_bn(in_channels, width, kernel=3, stride=stride, act="relu", names=NAMES)
            self.conv1 = conv_bn(width, out_channels, kernel=3, names=NAMES)
        if project:
            pool = None if stride == 1 else nn.AvgPool2D(kernel_size=stride, stride=stride, ceil_mode=True)
            self.short = conv_bn(in_channels, out_channels, pool=pool, names=NAMES)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.conv1(self.conv0(x))
        if self.conv2 is not None:
            y = self.conv2(y)
        shortcut = x if self.short is None else self.short(x)
        return F.relu(shortcut + y)


def add_stem(network: nn.Layer, in_channels: int, *, stride: int) -> None:
    """Give `network` the three first convolutions and the pooling that halves the map."""
    network.conv1_1 = conv_bn(in_channels, 32, kernel=3, stride=stride, act="relu", names=NAMES)
    network.conv1_2 = conv_bn(32, 32, kernel=3, act="relu", names=NAMES)
    network.conv1_3 = conv_bn(32, 64, kernel=3, act="relu", names=NAMES)
    network.pool2d_max = nn.MaxPool2D(kernel_size=3, stride=2, padding=1)


def add_stages(network: nn.Layer, depth: Depth, *, stride: IntPair) -> Tuple[List[List[nn.Layer]], List[int]]:
    """Give `network` its blocks as `bb_STAGE_INDEX`; all stages but the first begin with `stride`.

    Returns:
        The blocks of each stage, and the channels that each stage ends with.
    """
    stages: List[List[nn.Layer]] = []
    channels = [64]
    for stage, (count, width) in enumerate(zip(depth.blocks, WIDTHS)):
        blocks: List[nn.Layer] = []
        for index in range(count):
            block = ResidualBlock(
                channels[-1] if index == 0 else blocks[-1].out_channels,
                width,
                bottleneck=depth.bottleneck,
                stride=stride if stage > 0 and index == 0 else 1,
                project=index == 0,
            )
            blocks.append(network.add_sublayer(f"bb_{stage}_{index}", block))
        stages.append(blocks)
        channels.append(blocks[-1].out_channels)
    return stages, channels[1:]
