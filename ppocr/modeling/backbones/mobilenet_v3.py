"""MobileNetV3 (Howard et al. 2019, arXiv 1905.02244) for detection and for text crops.

Both share the blocks and the tables; they differ in strides, in what they return, and in the names that the official
state dicts give their parts.
"""

from __future__ import annotations

from typing import Dict, List, Literal, NamedTuple, Sequence, Tuple

import paddle
from paddle import nn

from ppocr.modeling.layers import IntPair, SqueezeExcitation, conv_bn, make_divisible

SCALES = (0.35, 0.5, 0.75, 1.0, 1.25)
STEM_CHANNELS = 16


class BlockSpec(NamedTuple):
    """One row of the paper's tables 1 and 2, at scale 1."""

    kernel: int
    expanded: int
    out: int
    se: bool
    act: str


class Variant(NamedTuple):
    """A table and where it halves the picture.

    Attributes:
        det_strided: blocks with stride 2 for detection.
        det_cuts: blocks at which a new detection stage begins.
        rec_strided: blocks whose vertical stride `large_stride` or `small_stride` sets for text crops.
    """

    blocks: Tuple[BlockSpec, ...]
    last_channels: int
    det_strided: Tuple[int, ...]
    det_cuts: Tuple[int, ...]
    rec_strided: Tuple[int, ...]


VARIANTS: Dict[str, Variant] = {
    "large": Variant(
        blocks=(
            BlockSpec(3, 16, 16, False, "relu"),
            BlockSpec(3, 64, 24, False, "relu"),
            BlockSpec(3, 72, 24, False, "relu"),
            BlockSpec(5, 72, 40, True, "relu"),
            BlockSpec(5, 120, 40, True, "relu"),
            BlockSpec(5, 120, 40, True, "relu"),
            BlockSpec(3, 240, 80, False, "hardswish"),
            BlockSpec(3, 200, 80, False, "hardswish"),
            BlockSpec(3, 184, 80, False, "hardswish"),
            BlockSpec(3, 184, 80, False, "hardswish"),
            BlockSpec(3, 480, 112, True, "hardswish"),
            BlockSpec(3, 672, 112, True, "hardswish"),
            BlockSpec(5, 672, 160, True, "hardswish"),
            BlockSpec(5, 960, 160, True, "hardswish"),
            BlockSpec(5, 960, 160, True, "hardswish"),
        ),
        last_channels=960,
        det_strided=(1, 3, 6, 12),
        det_cuts=(3, 6, 12),
        rec_strided=(0, 1, 3, 12),
    ),
    "small": Variant(
        blocks=(
            BlockSpec(3, 16, 16, True, "relu"),
            BlockSpec(3, 72, 24, False, "relu"),
            BlockSpec(3, 88, 24, False, "relu"),
            BlockSpec(5, 96, 40, True, "hardswish"),
            BlockSpec(5, 240, 40, True, "hardswish"),
            BlockSpec(5, 240, 40, True, "hardswish"),
            BlockSpec(5, 120, 48, True, "hardswish"),
            BlockSpec(5, 144, 48, True, "hardswish"),
            BlockSpec(5, 288, 96, True, "hardswish"),
            BlockSpec(5, 576, 96, True, "hardswish"),
            BlockSpec(5, 576, 96, True, "hardswish"),
        ),
        last_channels=576,
        det_strided=(0, 1, 3, 8),
        det_cuts=(1, 3, 8),
        rec_strided=(0, 1, 3, 8),
    ),
}


class DetMobileNetV3(nn.Layer):
    """`float32[N, 3, H, W]` → four maps at 1/4, 1/8, 1/16 and 1/32 of the size; H and W multiples of 32.

    Args:
        in_channels: of the picture.
        model_name: which table.
        scale: of all widths, one of `SCALES`.
        disable_se: leave out squeeze-and-excitation, which costs time and gains nothing in detection (PP-OCR, 2.1.3).

    Attributes:
        out_channels: one number per map.

    Raises:
        ValueError: for another scale.
    """

    def __init__(
        self,
        in_channels: int = 3,
        model_name: Literal["large", "small"] = "large",
        scale: float = 0.5,
        disable_se: bool = False,
    ):
        super().__init__()
        check_scale(scale)
        variant = VARIANTS[model_name]
        self.conv = stem(in_channels, scale)
        strides = [2 if index in variant.det_strided else 1 for index in range(len(variant.blocks))]
        layers = residual_units(variant, scale, strides, use_se=not disable_se)
        layers.append(last_conv(variant, scale))

        self.out_channels: List[int] = []
        bounds = (0, *variant.det_cuts, len(layers))
        for number, (start, end) in enumerate(zip(bounds, bounds[1:])):
            self.add_sublayer(f"stage{number}", nn.Sequential(*layers[start:end]))
            spec_channels = variant.last_channels if end == len(layers) else variant.blocks[end - 1].out
            self.out_channels.append(make_divisible(scale * spec_channels))

    def forward(self, images: paddle.Tensor) -> List[paddle.Tensor]:
        x = self.conv(images)
        maps = []
        for stage in (self.stage0, self.stage1, self.stage2, self.stage3):
            x = stage(x)
            maps.append(x)
        return maps


class RecMobileNetV3(nn.Layer):
    """`float32[N, 3, H, W]` crops → `float32[N, C, h, W // 4]`; with H = 32 and three strides of 2, h = 1.

    The crop is read along its width, so only its height is halved after the first convolution (PP-OCR, 2.3.4: more
    columns for the sequence model).

    Args:
        in_channels: of the picture.
        model_name: which table.
        scale: of all widths, one of `SCALES`.
        large_stride: vertical strides of the large variant's four strided blocks.
        small_stride: the same for the small variant; `[1, 2, 2, 2]` for recognition.
        disable_se: leave out squeeze-and-excitation.

    Attributes:
        out_channels: C.

    Raises:
        ValueError: for another scale, or strides that are not four positive whole numbers.
    """

    def __init__(
        self,
        in_channels: int = 3,
        model_name: Literal["large", "small"] = "small",
        scale: float = 0.5,
        large_stride: Sequence[int] = (1, 2, 2, 2),
        small_stride: Sequence[int] = (2, 2, 2, 2),
        disable_se: bool = False,
    ):
        super().__init__()
        check_scale(scale)
        variant = VARIANTS[model_name]
        heights = small_stride if model_name == "small" else large_stride
        if len(heights) != 4 or not all(isinstance(height, int) and height > 0 for height in heights):
            raise ValueError(f"{model_name}_stride must be four positive whole numbers, came {list(heights)!r}")
        vertical = dict(zip(variant.rec_strided, heights))
        strides = [(vertical[index], 1) if index in vertical else 1 for index in range(len(variant.blocks))]

        self.conv1 = stem(in_channels, scale)
        self.blocks = nn.Sequential(*residual_units(variant, scale, strides, use_se=not disable_se))
        self.conv2 = last_conv(variant, scale)
        self.pool = nn.MaxPool2D(kernel_size=2, stride=2)
        self.out_channels = make_divisible(scale * variant.last_channels)

    def forward(self, crops: paddle.Tensor) -> paddle.Tensor:
        return self.pool(self.conv2(self.blocks(self.conv1(crops))))


class ResidualUnit(nn.Layer):
    """Expand (1×1) → depthwise → squeeze-and-excitation → project (1×1); the input is added where shapes allow."""

    def __init__(self, in_channels: int, spec: BlockSpec, *, stride: IntPair):
        super().__init__()
        # A pair, even (1, 1), never has a shortcut: so were the official networks trained (recognition, block 0).
        self.has_shortcut = stride == 1 and in_channels == spec.out
        self.expand_conv = conv_bn(in_channels, spec.expanded, act=spec.act)
        self.bottleneck_conv = conv_bn(
            spec.expanded, spec.expanded, kernel=spec.kernel, stride=stride, groups=spec.expanded, act=spec.act
        )
        self.mid_se = SqueezeExcitation(spec.expanded) if spec.se else None
        self.linear_conv = conv_bn(spec.expanded, spec.out)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.bottleneck_conv(self.expand_conv(x))
        if self.mid_se is not None:
            y = self.mid_se(y)
        y = self.linear_conv(y)
        return x + y if self.has_shortcut else y


def check_scale(scale: float) -> None:
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(map(str, SCALES))}, came {scale!r}")


def stem(in_channels: int, scale: float) -> nn.Sequential:
    """The first convolution, which halves the picture."""
    return conv_bn(in_channels, make_divisible(scale * STEM_CHANNELS), kernel=3, stride=2, act="hardswish")


def last_conv(variant: Variant, scale: float) -> nn.Sequential:
    """The 1×1 convolution that widens the last block's output for the head."""
    in_channels = make_divisible(scale * variant.blocks[-1].out)
    return conv_bn(in_channels, make_divisible(scale * variant.last_channels), act="hardswish")


def residual_units(variant: Variant, scale: float, strides: Sequence[IntPair], *, use_se: bool) -> List[nn.Layer]:
    """The blocks of a table, scaled."""
    units: List[nn.Layer] = []
    in_channels = make_divisible(scale * STEM_CHANNELS)
    for spec, stride in zip(variant.blocks, strides):
        spec = spec._replace(
            expanded=make_divisible(scale * spec.expanded), out=make_divisible(scale * spec.out), se=spec.se and use_se
        )
        units.append(ResidualUnit(in_channels, spec, stride=stride))
        in_channels = spec.out
    return units
