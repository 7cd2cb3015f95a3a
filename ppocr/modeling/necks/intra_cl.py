"""Looking along rows and columns: a block for the maps of a detector's neck (as PaddleOCR's IntraCLBlock)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn


class IntraCL(nn.Layer):
    """Adds to `float32[N, C, H, W]` what squares, columns and rows of 7, 5 and 3 pixels see, one after another.

    Text lines are long and thin, which squares alone see badly.

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
