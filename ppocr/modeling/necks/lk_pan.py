"""The feature pyramid of PP-OCRv3's teacher (Li et al. 2022, arXiv 2206.03001, LK-PAN): down, and up again."""

from __future__ import annotations

from typing import Any, List, Literal, Sequence, Tuple

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import upsample_nearest
from ppocr.modeling.necks.intra_cl import IntraCL
from ppocr.modeling.necks.rep_lk_fpn import plain_conv, pointwise

KERNEL = 9


class LKPAN(nn.Layer):
    """Four maps at 1/4 … 1/32 → one map at 1/4 that has seen all of them.

    Coarse maps are added to finer ones (top-down), the results to coarser ones again (bottom-up); then all are brought
    to 1/4 and stacked. Its 9×9 convolutions see far.

    Args:
        in_channels: of the four maps, finest first.
        out_channels: of the result; a multiple of 8.
        mode: "large" has full 9×9 convolutions, "lite" depthwise ones.
        intracl: let each level's pixels look along rows and columns at the end (`IntraCL`).

    Raises:
        ValueError: unless the backbone gives four maps, and for other channels.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        mode: Literal["large", "lite"] = "large",
        intracl: bool = False,
    ):
        super().__init__()
        check_channels("LKPAN", in_channels, out_channels)
        self.out_channels, self.intracl = out_channels, intracl
        quarter = out_channels // 4
        self.ins_conv = nn.LayerList([pointwise(channels, out_channels) for channels in in_channels])
        self.inp_conv = nn.LayerList([_large(out_channels, quarter, mode) for _ in in_channels])
        self.pan_head_conv = nn.LayerList([halving(quarter) for _ in in_channels[1:]])
        self.pan_lat_conv = nn.LayerList([_large(quarter, quarter, mode) for _ in in_channels])
        if intracl:
            for level in range(1, 5):
                setattr(self, f"incl{level}", IntraCL(quarter))

    def forward(self, maps: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Four `float32[N, C_i, H / s, W / s]`, s = 4, 8, 16, 32 → `float32[N, out_channels, H / 4, W / 4]`."""
        return aggregate(self, maps)[0]


def check_channels(neck: str, in_channels: Any, out_channels: int) -> None:
    """Raises:
    ValueError: unless there are four maps and the result's channels are a multiple of 8.
    """
    if not isinstance(in_channels, (list, tuple)) or len(in_channels) != 4:
        raise ValueError(f"{neck} reads four maps; this backbone gives {in_channels!r}")
    if out_channels <= 0 or out_channels % 8:
        raise ValueError(f"out_channels must be a positive multiple of 8, came {out_channels}")


def halving(channels: int) -> nn.Conv2D:
    """The convolution that brings a map to the next coarser one."""
    return nn.Conv2D(channels, channels, 3, stride=2, padding=1, bias_attr=False)


def aggregate(neck: Any, maps: Sequence[paddle.Tensor]) -> Tuple[paddle.Tensor, List[paddle.Tensor]]:
    """What a neck with the parts of `LKPAN` makes of four maps: the stacked map, and the top-down sums."""
    sums = [conv(x) for conv, x in zip(neck.ins_conv, maps)]
    for level in (2, 1, 0):
        sums[level] = sums[level] + upsample_nearest(sums[level + 1], 2)
    levels = [conv(x) for conv, x in zip(neck.inp_conv, sums)]
    for level, down in enumerate(neck.pan_head_conv):
        levels[level + 1] = levels[level + 1] + down(levels[level])
    levels = [conv(x) for conv, x in zip(neck.pan_lat_conv, levels)]
    if neck.intracl:
        levels = [getattr(neck, f"incl{level}")(x) for level, x in enumerate(levels, start=1)]
    scaled = [x if level == 0 else upsample_nearest(x, 2**level) for level, x in enumerate(levels)]
    return paddle.concat(scaled[::-1], axis=1), sums


class LiteConv(nn.Layer):
    """A 9×9 depthwise convolution, then two pointwise ones with four times the channels between.

    Where the number of channels changes, a pointwise convolution of the input is added.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        wide = 4 * in_channels
        self.conv1 = nn.Conv2D(
            in_channels, in_channels, KERNEL, padding=KERNEL // 2, groups=in_channels, bias_attr=False
        )
        self.bn1 = nn.BatchNorm2D(in_channels)
        self.conv2 = nn.Conv2D(in_channels, wide, 1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(wide)
        self.conv3 = nn.Conv2D(wide, out_channels, 1, bias_attr=False)
        changes = in_channels != out_channels
        self.conv_end = nn.Conv2D(in_channels, out_channels, 1, bias_attr=False) if changes else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.conv3(F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x))))))
        return y if self.conv_end is None else y + self.conv_end(x)


def _large(in_channels: int, out_channels: int, mode: str) -> nn.Layer:
    if mode == "lite":
        return LiteConv(in_channels, out_channels)
    return plain_conv(in_channels, out_channels, KERNEL)
