"""The feature pyramid of DB (Liao et al. 2020, arXiv 1911.08947, section 3.1)."""

from __future__ import annotations

from typing import Sequence

import paddle
from paddle import ParamAttr, nn

from ppocr.modeling.layers import upsample_nearest


class DBFPN(nn.Layer):
    """Four maps at 1/4 … 1/32 → one map at 1/4 that has seen all of them.

    Top-down: each map is reduced to `out_channels`, the coarser one is up-sampled and added. Then each level is
    reduced to a quarter of the channels, brought to 1/4 and stacked. The 3×3 convolutions run before the up-sampling:
    on the small maps.

    Args:
        in_channels: of the four maps, finest first.
        out_channels: "inner channels" of PP-OCR's ablation (256 → 96 halves the time of the whole detector).

    Raises:
        ValueError: unless the backbone gives four maps and `out_channels` is a multiple of 4.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int):
        super().__init__()
        if not isinstance(in_channels, (list, tuple)) or len(in_channels) != 4:
            raise ValueError(f"DBFPN reads four maps; this backbone gives {in_channels!r}")
        if out_channels <= 0 or out_channels % 4:
            raise ValueError(f"out_channels must be a positive multiple of 4, came {out_channels}")
        self.out_channels = out_channels
        self.in2_conv, self.in3_conv, self.in4_conv, self.in5_conv = (
            _conv(channels, out_channels, kernel=1) for channels in in_channels
        )
        self.p5_conv, self.p4_conv, self.p3_conv, self.p2_conv = (
            _conv(out_channels, out_channels // 4, kernel=3) for _ in in_channels
        )

    def forward(self, maps: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Four `float32[N, C_i, H / s, W / s]`, s = 4, 8, 16, 32 → `float32[N, out_channels, H / 4, W / 4]`."""
        c2, c3, c4, c5 = maps
        in5 = self.in5_conv(c5)
        out4 = self.in4_conv(c4) + upsample_nearest(in5, 2)
        out3 = self.in3_conv(c3) + upsample_nearest(out4, 2)
        out2 = self.in2_conv(c2) + upsample_nearest(out3, 2)
        levels = [
            upsample_nearest(self.p5_conv(in5), 8),
            upsample_nearest(self.p4_conv(out4), 4),
            upsample_nearest(self.p3_conv(out3), 2),
            self.p2_conv(out2),
        ]
        return paddle.concat(levels, axis=1)


def _conv(in_channels: int, out_channels: int, *, kernel: int) -> nn.Conv2D:
    attr = ParamAttr(initializer=nn.initializer.KaimingUniform())
    return nn.Conv2D(in_channels, out_channels, kernel, padding=kernel // 2, weight_attr=attr, bias_attr=False)
