"""The feature pyramid of PP-OCRv6's detector (arXiv 2606.13108): DBFPN with attention and large depthwise kernels."""

from __future__ import annotations

from typing import Dict, Sequence, Union

import paddle
from paddle import ParamAttr, nn

from ppocr.modeling.layers import SqueezeExcitation, upsample_nearest
from ppocr.modeling.reparam import DilatedReparamBlock


class RepLKFPN(nn.Layer):
    """Four maps at 1/4 … 1/32 → one map at 1/4 that has seen all of them.

    As `DBFPN`, except that each level's reduction weighs its channels, and that the 3×3 convolutions before stacking
    are a large depthwise kernel, a pointwise convolution and weighing again. Earlier configurations call it
    UniRepLKFPN.

    Args:
        in_channels: of the four maps, finest first.
        out_channels: of the result; a multiple of 16.
        shortcut: add what was weighed to what was not.
        dilated_kernel_size: side of the large kernel, see `DilatedReparamBlock`.

    Raises:
        ValueError: unless the backbone gives four maps, for other channels and for another kernel.
    """

    def __init__(
        self, in_channels: Sequence[int], out_channels: int, shortcut: bool = True, dilated_kernel_size: int = 7
    ):
        super().__init__()
        if not isinstance(in_channels, (list, tuple)) or len(in_channels) != 4:
            raise ValueError(f"RepLKFPN reads four maps; this backbone gives {in_channels!r}")
        if out_channels <= 0 or out_channels % 16:
            raise ValueError(f"out_channels must be a positive multiple of 16, came {out_channels}")
        self.out_channels = out_channels
        windows = (8, 4, 2, 1)  # sides of the maps are multiples of these, where the picture's are of 32
        self.ins_conv = nn.LayerList([
            WeighedConv(channels, out_channels, shortcut=shortcut, window=window)
            for channels, window in zip(in_channels, windows)
        ])  # fmt: skip
        quarter = out_channels // 4
        self.inp_conv_dw = nn.LayerList([DilatedReparamBlock(out_channels, dilated_kernel_size) for _ in in_channels])
        self.inp_conv_pw = nn.LayerList([pointwise(out_channels, quarter) for _ in in_channels])
        self.inp_conv_se = nn.LayerList(
            [SqueezeExcitation(quarter, window=window, shortcut=shortcut) for window in windows]
        )

    def forward(self, maps: Sequence[paddle.Tensor]) -> Union[paddle.Tensor, Dict[str, paddle.Tensor]]:
        """Four `float32[N, C_i, H / s, W / s]`, s = 4, 8, 16, 32 → `float32[N, out_channels, H / 4, W / 4]`.

        In `train()` mode a dict: that map as `fuse`, and the sums at 1/16, 1/8 and 1/4 as `aux_p4`, `aux_p3`,
        `aux_p2`, on which a head may be supervised too.
        """
        in5, in4, in3, in2 = (self.ins_conv[index](maps[index]) for index in (3, 2, 1, 0))
        out4 = in4 + upsample_nearest(in5, 2)
        out3 = in3 + upsample_nearest(out4, 2)
        out2 = in2 + upsample_nearest(out3, 2)
        levels = [
            upsample_nearest(self.reduce(in5, 3), 8),
            upsample_nearest(self.reduce(out4, 2), 4),
            upsample_nearest(self.reduce(out3, 1), 2),
            self.reduce(out2, 0),
        ]
        fused = paddle.concat(levels, axis=1)
        return {"fuse": fused, "aux_p4": out4, "aux_p3": out3, "aux_p2": out2} if self.training else fused

    def reduce(self, x: paddle.Tensor, level: int) -> paddle.Tensor:
        """One level's map to a quarter of the channels; level 0 is the finest."""
        x = self.inp_conv_pw[level](self.inp_conv_dw[level](x))
        return self.inp_conv_se[level](x)


class WeighedConv(nn.Layer):
    """k×k convolution, its channels weighed by squeeze-and-excitation, both added if `shortcut`."""

    def __init__(self, in_channels: int, out_channels: int, *, shortcut: bool, window: int, kernel: int = 1):
        super().__init__()
        self.in_conv = plain_conv(in_channels, out_channels, kernel)
        self.se_block = SqueezeExcitation(out_channels, window=window, shortcut=shortcut)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.se_block(self.in_conv(x))


def pointwise(in_channels: int, out_channels: int) -> nn.Conv2D:
    return plain_conv(in_channels, out_channels, 1)


def plain_conv(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2D:
    """A convolution without bias that keeps the size."""
    attr = ParamAttr(initializer=nn.initializer.KaimingUniform())
    return nn.Conv2D(in_channels, out_channels, kernel, padding=kernel // 2, weight_attr=attr, bias_attr=False)
