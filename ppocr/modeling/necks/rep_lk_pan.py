"""The feature pyramid of PP-OCRv6's medium detector (arXiv 2606.13108): down the pyramid, and up again.

PP-OCRv3's LK-PAN (arXiv 2206.03001), its 9×9 convolutions replaced by depthwise ones that learn as several branches.
"""

from __future__ import annotations

from typing import Dict, Sequence, Union

import paddle
from paddle import nn

from ppocr.modeling.necks.intra_cl import IntraCL
from ppocr.modeling.necks.lk_pan import KERNEL, aggregate, check_channels, halving
from ppocr.modeling.necks.rep_lk_fpn import pointwise
from ppocr.modeling.reparam import DilatedReparamBlock


class RepLKPAN(nn.Layer):
    """Four maps at 1/4 … 1/32 → one map at 1/4 that has seen all of them.

    As `LKPAN`, with other convolutions. Earlier configurations call it UniRepLKPAN.

    Args:
        in_channels: of the four maps, finest first.
        out_channels: of the result; a multiple of 8.
        intracl: let each level's pixels look along rows and columns at the end (`IntraCL`).

    Raises:
        ValueError: unless the backbone gives four maps, and for other channels.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, intracl: bool = False):
        super().__init__()
        check_channels("RepLKPAN", in_channels, out_channels)
        self.out_channels, self.intracl = out_channels, intracl
        quarter = out_channels // 4
        self.ins_conv = nn.LayerList([pointwise(channels, out_channels) for channels in in_channels])
        self.inp_conv = nn.LayerList([LargeConv(out_channels, quarter) for _ in in_channels])
        self.pan_head_conv = nn.LayerList([halving(quarter) for _ in in_channels[1:]])
        self.pan_lat_conv = nn.LayerList([LargeConv(quarter, quarter) for _ in in_channels])
        if intracl:
            for level in range(1, 5):
                setattr(self, f"incl{level}", IntraCL(quarter))

    def forward(self, maps: Sequence[paddle.Tensor]) -> Union[paddle.Tensor, Dict[str, paddle.Tensor]]:
        """Four `float32[N, C_i, H / s, W / s]`, s = 4, 8, 16, 32 → `float32[N, out_channels, H / 4, W / 4]`.

        In `train()` mode a dict: that map as `fuse`, and the top-down sums at 1/16, 1/8 and 1/4 as `aux_p4`, `aux_p3`,
        `aux_p2`, on which a head may be supervised too.
        """
        fused, sums = aggregate(self, maps)
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
