"""The feature pyramid of PP-OCRv6's medium detector (arXiv 2606.13108): down the pyramid, and up again.

PP-OCRv3's LK-PAN (arXiv 2206.03001), its 9×9 convolutions replaced by depthwise ones that learn as several branches.
"""

from __future__ import annotations

from typing import Dict, Sequence, Union

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import upsample_nearest
from ppocr.modeling.necks.rep_lk_fpn import pointwise
from ppocr.modeling.reparam import DilatedReparamBlock

KERNEL = 9


class RepLKPAN(nn.Layer):
    """Four maps at 1/4 … 1/32 → one map at 1/4 that has seen all of them.

    Coarse maps are added to finer ones (top-down), the results to coarser ones again (bottom-up); then all are brought
    to 1/4 and stacked. Earlier configurations call it UniRepLKPAN.

    Args:
        in_channels: of the four maps, finest first.
        out_channels: of the result; a multiple of 8.
        intracl: let each level's pixels look along rows and columns at the end (`IntraCL`).

    Raises:
        ValueError: unless the backbone gives four maps, and for other channels.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, intracl: bool = False):
        super().__init__()
        if not isinstance(in_channels, (list, tuple)) or len(in_channels) != 4:
            raise ValueError(f"RepLKPAN reads four maps; this backbone gives {in_channels!r}")
        if out_channels <= 0 or out_channels % 8:
            raise ValueError(f"out_channels must be a positive multiple of 8, came {out_channels}")
        self.out_channels, self.intracl = out_channels, intracl
        quarter = out_channels // 4
        self.ins_conv = nn.LayerList([pointwise(channels, out_channels) for channels in in_channels])
        self.inp_conv = nn.LayerList([LargeConv(out_channels, quarter) for _ in in_channels])
        self.pan_head_conv = nn.LayerList(
            [nn.Conv2D(quarter, quarter, 3, stride=2, padding=1, bias_attr=False) for _ in in_channels[1:]]
        )
        self.pan_lat_conv = nn.LayerList([LargeConv(quarter, quarter) for _ in in_channels])
        if intracl:
            for level in range(1, 5):
                setattr(self, f"incl{level}", IntraCL(quarter))

    def forward(self, maps: Sequence[paddle.Tensor]) -> Union[paddle.Tensor, Dict[str, paddle.Tensor]]:
        """Four `float32[N, C_i, H / s, W / s]`, s = 4, 8, 16, 32 → `float32[N, out_channels, H / 4, W / 4]`.

        In `train()` mode a dict: that map as `fuse`, and the top-down sums at 1/16, 1/8 and 1/4 as `aux_p4`, `aux_p3`,
        `aux_p2`, on which a head may be supervised too.
        """
        sums = [conv(x) for conv, x in zip(self.ins_conv, maps)]
        for level in (2, 1, 0):
            sums[level] = sums[level] + upsample_nearest(sums[level + 1], 2)
        levels = [conv(x) for conv, x in zip(self.inp_conv, sums)]
        for level, down in enumerate(self.pan_head_conv):
            levels[level + 1] = levels[level + 1] + down(levels[level])
        levels = [conv(x) for conv, x in zip(self.pan_lat_conv, levels)]
        if self.intracl:
            levels = [getattr(self, f"incl{level}")(x) for level, x in enumerate(levels, start=1)]
        scaled = [x if level == 0 else upsample_nearest(x, 2**level) for level, x in enumerate(levels)]
        fused = paddle.concat(scaled[::-1], axis=1)
        return {"fuse": fused, "aux_p4": sums[2], "aux_p3": sums[1], "aux_p2": sums[0]} if self.training else fused


class LargeConv(nn.Layer):
    """A 9×9 depthwise convolution, then a pointwise one with normalisation."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.dw = DilatedReparamBlock(in_channels, KERNEL)
        self.pw = pointwise(in_channels, out_channels)
        self.bn = nn.BatchNorm2D(out_channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.bn(self.pw(self.dw(x)))


class IntraCL(nn.Layer):
    """Adds to `float32[N, C, H, W]` what squares, columns and rows of 7, 5 and 3 pixels see, one after another.

    Text lines are long and thin, which squares alone see badly (as PaddleOCR's IntraCLBlock).

    Args:
        channels: C; half of them are computed with.
    """

    def __init__(self, channels: int):
        super().__init__()
        inner = channels // 2
        self.conv1x1_reduce_channel = nn.Conv2D(channels, inner, 1)
        self.conv1x1_return_channel = nn.Conv2D(inner, channels, 1)
        for side in SIDES:
            half = side // 2
            setattr(self, f"c_layer_{side}x{side}", nn.Conv2D(inner, inner, side, padding=half))
            setattr(self, f"v_layer_{side}x1", nn.Conv2D(inner, inner, (side, 1), padding=(half, 0)))
            setattr(self, f"q_layer_1x{side}", nn.Conv2D(inner, inner, (1, side), padding=(0, half)))
        self.bn = nn.BatchNorm2D(channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.conv1x1_reduce_channel(x)
        for side in SIDES:
            names = (f"c_layer_{side}x{side}", f"v_layer_{side}x1", f"q_layer_1x{side}")
            y = paddle.add_n([getattr(self, name)(y) for name in names])
        return x + F.relu(self.bn(self.conv1x1_return_channel(y)))


SIDES = (7, 5, 3)
