"""One label per picture: the direction of a crop of text."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import uniform_attr


class ClsHead(nn.Layer):
    """`float32[N, C, H, W]` → `float32[N, class_dim]`: probabilities, or logits in `train()` mode.

    Args:
        in_channels: C.
        class_dim: number of labels.

    Raises:
        ValueError: if the backbone gives several maps.
    """

    def __init__(self, in_channels: int, class_dim: int):
        super().__init__()
        if not isinstance(in_channels, int):
            raise ValueError(f"ClsHead reads one map; this backbone gives {len(in_channels)}")
        self.out_channels = class_dim
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.fc = nn.Linear(in_channels, class_dim, weight_attr=uniform_attr(in_channels))

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        logits = self.fc(self.pool(features).flatten(1))
        return logits if self.training else F.softmax(logits, axis=1)
