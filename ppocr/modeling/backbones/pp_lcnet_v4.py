"""PP-LCNetV4, the backbone of PP-OCRv6 (arXiv 2606.13108), for detection and for text crops.

Each block first mixes places (a depthwise convolution, then perhaps squeeze-and-excitation), then channels (two
pointwise convolutions with GELU between): the outline of MetaFormer (Yu et al. 2022). Attribute names are those of the
official state dicts.
"""

from __future__ import annotations

from typing import Dict, List, Literal, NamedTuple, Optional, Tuple

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import ACTIVATIONS, IntPair, SqueezeExcitation, conv_bn
from ppocr.modeling.reparam import RepDWConv

Size = Literal["tiny", "small", "medium"]
Activation = Literal["gelu", "hardswish"]


class Stage(NamedTuple):
    """Blocks of one width.

    Attributes:
        channels: of every block's output.
        stride: of the first block.
        blocks: a letter each: `s` with squeeze-and-excitation, `-` without.
    """

    channels: int
    stride: IntPair
    blocks: str


class Variant(NamedTuple):
    """A network: width of the stem, whether it has two branches, and the stages."""

    stem: int
    branched: bool
    stages: Tuple[Stage, Stage, Stage, Stage]


def _det(first: int, second: int, third: int, fourth: int) -> Variant:
    """All detectors have the same depth."""
    stages = (Stage(first, 1, "s-"), Stage(second, 2, "-s-"), Stage(third, 2, "-s-s-"), Stage(fourth, 2, "-s-"))
    return Variant(first, True, stages)


DET: Dict[str, Variant] = {
    "tiny": _det(32, 48, 64, 160),
    "small": _det(48, 96, 192, 384),
    "medium": _det(128, 256, 512, 896),
}

_LOWER = (2, 1)  # halves the height, keeps the width
REC: Dict[str, Variant] = {
    "tiny": Variant(
        48, False, (Stage(48, 1, "s"), Stage(48, 1, "-"), Stage(96, _LOWER, "-s-"), Stage(160, _LOWER, "-s--"))
    ),
    "small": Variant(
        96, True, (Stage(96, 1, "s"), Stage(96, 1, "--"), Stage(192, _LOWER, "-s-s-s-"), Stage(384, _LOWER, "-s-"))
    ),
    "medium": Variant(
        128, True, (Stage(128, 1, "s"), Stage(256, 1, "--s"), Stage(512, _LOWER, "-s-s-s-"), Stage(768, _LOWER, "-s-"))
    ),
}

TRAINING_COLUMNS = 40  # of a crop's features while training, whatever its width


class DetPPLCNetV4(nn.Layer):
    """`float32[N, 3, H, W]` → four maps at 1/4, 1/8, 1/16 and 1/32 of the size; H and W multiples of 32.

    Args:
        in_channels: of the picture.
        model_size: which table.
        det: official configurations say the task here too; it must agree.
        act, branches: of `LCNetV4Block`.

    Attributes:
        out_channels: one number per map.
    """

    def __init__(
        self,
        in_channels: int = 3,
        model_size: Size = "small",
        det: Literal[True] = True,
        act: Activation = "gelu",
        branches: bool = True,
    ):
        super().__init__()
        variant = DET[model_size]
        self.stem = BranchedStem(in_channels, variant.stem)
        channels = variant.stem
        for number, stage in enumerate(variant.stages, start=1):
            blocks = stage_blocks(channels, stage, act=act, branches=branches, window=16 >> number)
            setattr(self, f"blocks_s{number}", blocks)
            channels = stage.channels
        self.out_channels = [stage.channels for stage in variant.stages]

    def forward(self, pictures: paddle.Tensor) -> List[paddle.Tensor]:
        x = self.stem(pictures)
        maps = []
        for stage in (self.blocks_s1, self.blocks_s2, self.blocks_s3, self.blocks_s4):
            x = stage(x)
            maps.append(x)
        return maps


class RecPPLCNetV4(nn.Layer):
    """`float32[N, 3, H, W]`, H from 48 → `float32[N, C, H // 48, W']`, W' = W / 8 (rounded); the official H is 48.

    While training W' is `TRAINING_COLUMNS` and the height 1, whatever the size: batches of several scales share them.

    Args:
        in_channels: of the picture.
        model_size: which table.
        det: official configurations may say the task here; it must agree.
        act, branches: of `LCNetV4Block`.
        fixed_columns: False: W' is W / 8 while training too, for batches of crops as wide as they are.

    Attributes:
        out_channels: C.
    """

    def __init__(
        self,
        in_channels: int = 3,
        model_size: Size = "small",
        det: Literal[False] = False,
        act: Activation = "gelu",
        branches: bool = True,
        fixed_columns: bool = True,
    ):
        super().__init__()
        variant = REC[model_size]
        self.fixed_columns = fixed_columns
        if variant.branched:
            self.conv1: nn.Layer = BranchedStem(in_channels, variant.stem)
        else:
            half = conv_bn(in_channels, variant.stem // 2, kernel=3, stride=2)
            self.conv1 = nn.Sequential(
                half, ACTIVATIONS[act](), conv_bn(variant.stem // 2, variant.stem, kernel=3, stride=2)
            )
        channels = variant.stem
        for number, stage in enumerate(variant.stages, start=2):
            setattr(self, f"blocks{number}", stage_blocks(channels, stage, act=act, branches=branches))
            channels = stage.channels
        self.out_channels = channels

    def forward(self, crops: paddle.Tensor) -> paddle.Tensor:
        x = self.conv1(crops)
        for stage in (self.blocks2, self.blocks3, self.blocks4, self.blocks5):
            x = stage(x)
        if self.training and self.fixed_columns:
            return F.adaptive_avg_pool2d(x, [1, TRAINING_COLUMNS])
        return F.avg_pool2d(x, [3, 2])


class BranchedStem(nn.Layer):
    """To 1/4 of the size; at 1/2, convolutions and max pooling run beside each other (as PP-HGNetV2's stem).

    Args:
        in_channels: of the picture.
        out_channels: even.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        inner = out_channels // 2
        self.stem1 = conv_bn(in_channels, inner, kernel=3, stride=2, act="relu")
        self.stem2a = conv_bn(inner, inner // 2, kernel=2, padding=AFTER, act="relu")
        self.stem2b = conv_bn(inner // 2, inner, kernel=2, padding=AFTER, act="relu")
        self.stem3 = conv_bn(2 * inner, inner, kernel=3, stride=2, act="relu")
        self.stem4 = conv_bn(inner, out_channels, act="relu")
        self.pool = nn.MaxPool2D(kernel_size=2, stride=1, padding=AFTER)

    def forward(self, pictures: paddle.Tensor) -> paddle.Tensor:
        x = self.stem1(pictures)
        convolved = self.stem2b(self.stem2a(x))
        return self.stem4(self.stem3(paddle.concat([self.pool(x), convolved], axis=1)))


AFTER = [0, 1, 0, 1]  # top, bottom, left, right: a 2×2 window keeps the size with a row below and a column at the right


class LCNetV4Block(nn.Layer):
    """Mix places, then channels; the second is added to its input where shapes allow.

    Args:
        in_channels, out_channels: of the block.
        stride: of the depthwise convolution.
        use_se: squeeze-and-excitation after it.
        act: between the pointwise convolutions. "hardswish" is cheaper than the official "gelu", above all in 8 bits.
        branches: whether the depthwise convolution of a block with a shortcut learns as several branches; without, it
            is the one that they fuse to, and training costs less.
        window: of squeeze-and-excitation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: IntPair,
        use_se: bool,
        act: Activation = "gelu",
        branches: bool = True,
        window: Optional[int] = None,
    ):
        super().__init__()
        self.has_residual = stride == 1 and in_channels == out_channels
        self.token_mixer = nn.Sequential()
        if self.has_residual and branches:
            self.token_mixer.add_sublayer("rep_dw", RepDWConv(in_channels))
        else:
            depthwise = conv_bn(in_channels, in_channels, kernel=3, stride=stride, groups=in_channels)
            self.token_mixer.add_sublayer("dw_conv", depthwise)
        if use_se:
            self.token_mixer.add_sublayer("se", SqueezeExcitation(in_channels, slope=1 / 6, window=window))
        compress = conv_bn(2 * in_channels, out_channels)
        if self.has_residual:  # starts as the identity: deep stacks then train from the first step
            nn.initializer.Constant(0.0)(compress.bn.weight)
        self.channel_mixer = nn.Sequential(
            ("expand", conv_bn(in_channels, 2 * in_channels)), ("act", ACTIVATIONS[act]()), ("compress", compress)
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.token_mixer(x)
        y = self.channel_mixer(x)
        return x + y if self.has_residual else y


def stage_blocks(
    in_channels: int, stage: Stage, *, act: Activation, branches: bool, window: Optional[int] = None
) -> nn.Sequential:
    """The blocks of a stage; the first one changes width and size. Other arguments are `LCNetV4Block`'s."""
    blocks = []
    for index, letter in enumerate(stage.blocks):
        first = index == 0
        blocks.append(
            LCNetV4Block(
                in_channels if first else stage.channels,
                stage.channels,
                stride=stage.stride if first else 1,
                use_se=letter == "s",
                act=act,
                branches=branches,
                window=window,
            )
        )
    return nn.Sequential(*blocks)
