"""Characters per column, for connectionist temporal classification (Graves et al. 2006)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import uniform_attr


class CTCHead(nn.Layer):
    """`float32[N, W, C]` → `float32[N, W, out_channels]`: probabilities, or logits in `train()` mode.

    Args:
        in_channels: C.
        out_channels: size of the character set with the blank (class 0); the builder gives it.
        fc_decay: weight decay of this layer, in place of the optimiser's.
    """

    def __init__(self, in_channels: int, out_channels: int, fc_decay: float = 0.0004):
        super().__init__()
        self.out_channels = out_channels
        self.logits = False  # export turns it on for a second graph: a predictor needs few steps' probabilities
        self.fc = nn.Linear(
            in_channels,
            out_channels,
            weight_attr=uniform_attr(in_channels, l2_decay=fc_decay),
            bias_attr=uniform_attr(in_channels, l2_decay=fc_decay),
        )

    def forward(self, sequence: paddle.Tensor) -> paddle.Tensor:
        logits = self.fc(sequence)
        return logits if self.training or self.logits else F.softmax(logits, axis=2)
