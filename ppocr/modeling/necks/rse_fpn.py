"""The feature pyramid of the mobile detectors of PP-OCRv3 to PP-OCRv5 (Li et al. 2022, arXiv 2206.03001, RSE-FPN)."""

from __future__ import annotations

from typing import Sequence

import paddle
from paddle import nn

from ppocr.modeling.layers import upsample_nearest
from ppocr.modeling.necks.rep_lk_fpn import WeighedConv

WINDOWS = (8, 4, 2, 1)  # sides of the maps are multiples of these, where the picture's are of 32


class RSEFPN(nn.Layer):
    """Four maps at 1/4 … 1/32 → one map at 1/4 that has seen all of them.

    As `DBFPN`, except that each convolution's channels are weighed by squeeze-and-excitation.

    Args:
        in_channels: of the four maps, finest first.
        out_channels: of the result; a multiple of 16.
        shortcut: add what was weighed to what was not.

    Raises:
        ValueError: unless the backbone gives four maps, and for other channels.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, shortcut: bool = True):
        super().__init__()
        if not isinstance(in_channels, (list, tuple)) or len(in_channels) != 4:
            raise ValueError(f"RSEFPN reads four maps; this backbone gives {in_channels!r}")
        if out_channels <= 0 or out_channels % 16:
            raise ValueError(f"out_channels must be a positive multiple of 16, came {out_channels}")
        self.out_channels = out_channels
        self.ins_conv, self.inp_conv = nn.LayerList(), nn.LayerList()
        for channels, window in zip(in_channels, WINDOWS):
            self.ins_conv.append(WeighedConv(channels, out_channels, shortcut=shortcut, window=window))
            self.inp_conv.append(
                WeighedConv(out_channels, out_channels // 4, shortcut=shortcut, window=window, kernel=3)
            )

    def forward(self, maps: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Four `float32[N, C_i, H / s, W / s]`, s = 4, 8, 16, 32 → `float32[N, out_channels, H / 4, W / 4]`."""
        in5, in4, in3, in2 = (self.ins_conv[index](maps[index]) for index in (3, 2, 1, 0))
        out4 = in4 + upsample_nearest(in5, 2)
        out3 = in3 + upsample_nearest(out4, 2)
        out2 = in2 + upsample_nearest(out3, 2)
        levels = [
            upsample_nearest(self.inp_conv[3](in5), 8),
            upsample_nearest(self.inp_conv[2](out4), 4),
            upsample_nearest(self.inp_conv[1](out3), 2),
            self.inp_conv[0](out2),
        ]
        return paddle.concat(levels, axis=1)
