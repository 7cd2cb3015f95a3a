"""PP-LCNetV3, the backbone of the mobile networks of PP-OCRv4 and PP-OCRv5, for detection and for text crops.

PP-LCNet (Cui et al. 2021, arXiv 2109.15099) with convolutions that learn as branches (`ppocr.modeling.mobile_one`).
Attribute names are those of the official state dicts.
"""

from __future__ import annotations

from typing import Any, Dict, List, Literal, NamedTuple, Sequence, Tuple

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import IntPair, SqueezeExcitation, make_divisible
from ppocr.modeling.mobile_one import BranchedConv, plain_conv_bn

STEM_CHANNELS = 16
TRAINING_COLUMNS = 40  # of a crop's features, whatever its width, while training
DIVISOR = 16


class BlockSpec(NamedTuple):
    """A block at scale 1: side and stride of its depthwise convolution, channels of its output, and attention."""

    kernel: int
    out: int
    stride: IntPair
    se: bool = False


Stages = Tuple[Tuple[BlockSpec, ...], ...]


def _stages(third: IntPair, fourth: IntPair, fifth: IntPair, sixth: IntPair, last: IntPair) -> Stages:
    """blocks2 … blocks6; the arguments are the strides that differ between the tasks."""
    return (
        (BlockSpec(3, 32, 1),),
        (BlockSpec(3, 64, third), BlockSpec(3, 64, 1)),
        (BlockSpec(3, 128, fourth), BlockSpec(3, 128, 1)),
        (BlockSpec(3, 256, fifth), *[BlockSpec(5, 256, 1)] * 4),
        (BlockSpec(5, 512, sixth, True), BlockSpec(5, 512, 1, True), BlockSpec(5, 512, last), BlockSpec(5, 512, 1)),
    )


DET = _stages(2, 2, 2, 2, last=1)
REC = _stages(1, (2, 1), (1, 2), (2, 1), last=(2, 1))
DET_OUT = (16, 24, 56, 480)  # channels of the maps for the neck, at scale 1


class DetPPLCNetV3(nn.Layer):
    """`float32[N, 3, H, W]` → four maps at 1/4, 1/8, 1/16 and 1/32 of the size; H and W multiples of 32.

    Args:
        in_channels: of the picture.
        scale: of all widths, positive.
        conv_kxk_num: equal branches of each convolution while training.
        lr_mult_list: factors on the learning rate of the stem and of the five stages.
        lab_lr: further factor for what scales and shifts whole maps.
        det: official configurations say the task here; it must agree.
        pretrained: stands in official configurations and changes nothing: weights are named in `Global`.

    Attributes:
        out_channels: one number per map.

    Raises:
        ValueError: for numbers out of range.
    """

    def __init__(
        self,
        in_channels: int = 3,
        scale: float = 1.0,
        conv_kxk_num: int = 4,
        lr_mult_list: Sequence[float] = (1.0,) * 6,
        lab_lr: float = 0.1,
        det: Literal[True] = True,
        pretrained: bool = False,
    ):
        super().__init__()
        add_stages(self, DET, in_channels, scale=scale, branches=conv_kxk_num, lr_mults=lr_mult_list, lab_lr=lab_lr)
        inner = [make_divisible(stage[-1].out * scale, DIVISOR) for stage in DET[1:]]
        self.out_channels = [int(channels * scale) for channels in DET_OUT]
        self.layer_list = nn.LayerList([nn.Conv2D(*sizes, 1) for sizes in zip(inner, self.out_channels)])

    def forward(self, pictures: paddle.Tensor) -> List[paddle.Tensor]:
        x = self.blocks2(self.conv1(pictures))
        maps = []
        for stage in (self.blocks3, self.blocks4, self.blocks5, self.blocks6):
            x = stage(x)
            maps.append(x)
        # not until the end: weights without names are matched by the order in which layers run
        return [reduce(x) for reduce, x in zip(self.layer_list, maps)]


class RecPPLCNetV3(nn.Layer):
    """`float32[N, 3, H, W]`, H from 48 → `float32[N, C, H // 48, W']`, W' = W / 8 (rounded); the official H is 48.

    While training W' is `TRAINING_COLUMNS` and the height 1, whatever the size: batches of several scales share them.

    Args:
        in_channels, scale, conv_kxk_num, lr_mult_list, lab_lr, det, pretrained: as `DetPPLCNetV3`'s.

    Attributes:
        out_channels: C.

    Raises:
        ValueError: for numbers out of range.
    """

    def __init__(
        self,
        in_channels: int = 3,
        scale: float = 1.0,
        conv_kxk_num: int = 4,
        lr_mult_list: Sequence[float] = (1.0,) * 6,
        lab_lr: float = 0.1,
        det: Literal[False] = False,
        pretrained: bool = False,
    ):
        super().__init__()
        add_stages(self, REC, in_channels, scale=scale, branches=conv_kxk_num, lr_mults=lr_mult_list, lab_lr=lab_lr)
        self.out_channels = make_divisible(REC[-1][-1].out * scale, DIVISOR)

    def forward(self, crops: paddle.Tensor) -> paddle.Tensor:
        x = self.conv1(crops)
        for stage in (self.blocks2, self.blocks3, self.blocks4, self.blocks5, self.blocks6):
            x = stage(x)
        return F.adaptive_avg_pool2d(x, [1, TRAINING_COLUMNS]) if self.training else F.avg_pool2d(x, [3, 2])


class LCNetV3Block(nn.Layer):
    """Depthwise convolution, perhaps squeeze-and-excitation, pointwise convolution."""

    def __init__(
        self, in_channels: int, out_channels: int, spec: BlockSpec, *, branches: int, lr_mult: float, lab_lr: float
    ):
        super().__init__()
        shared: Dict[str, Any] = {"branches": branches, "lr_mult": lr_mult, "lab_lr": lab_lr}
        self.dw_conv = BranchedConv(
            in_channels, in_channels, kernel=spec.kernel, stride=spec.stride, groups=in_channels, **shared
        )
        self.se = SqueezeExcitation(in_channels, slope=1 / 6, lr_mult=lr_mult) if spec.se else None
        self.pw_conv = BranchedConv(in_channels, out_channels, kernel=1, **shared)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.dw_conv(x)
        return self.pw_conv(x if self.se is None else self.se(x))


def add_stages(
    network: nn.Layer,
    stages: Stages,
    in_channels: int,
    *,
    scale: float,
    branches: int,
    lr_mults: Sequence[float],
    lab_lr: float,
) -> None:
    """Give `network` its stem (`conv1`) and `blocks2` … `blocks6`."""
    if scale <= 0:
        raise ValueError(f"scale must be positive, came {scale!r}")
    if branches < 1:
        raise ValueError(f"conv_kxk_num must be at least 1, came {branches}")
    if len(lr_mults) != 6:
        raise ValueError(f"lr_mult_list must have 6 numbers, one for the stem and each stage, came {list(lr_mults)!r}")
    channels = make_divisible(STEM_CHANNELS * scale, DIVISOR)
    network.conv1 = plain_conv_bn(in_channels, channels, kernel=3, stride=2, lr_mult=lr_mults[0])
    for number, stage in enumerate(stages, start=2):
        blocks = nn.Sequential()
        for index, spec in enumerate(stage):
            out_channels = make_divisible(spec.out * scale, DIVISOR)
            block = LCNetV3Block(
                channels, out_channels, spec, branches=branches, lr_mult=lr_mults[number - 1], lab_lr=lab_lr
            )
            blocks.add_sublayer(str(index), block)
            channels = out_channels
        setattr(network, f"blocks{number}", blocks)
