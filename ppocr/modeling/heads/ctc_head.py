"""Characters per column, for connectionist temporal classification (Graves et al. 2006)."""

from __future__ import annotations

from typing import Optional

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.layers import uniform_attr
from ppocr.modeling.reparam import normalized


class CTCHead(nn.Layer):
    """`float32[N, W, C]` → `float32[N, W, out_channels]`: probabilities, or logits in `train()` mode.

    Args:
        in_channels: C.
        out_channels: size of the character set with the blank (class 0); the builder gives it.
        fc_decay: weight decay of the linear layers, in place of the optimiser's.
        mid_channels: put a layer of this width before the last: far fewer weights for many classes.
        use_guide: mix neighbouring columns first (`ColumnMixer`), as PP-OCRv6 tiny does in place of a neck.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        fc_decay: float = 0.0004,
        mid_channels: Optional[int] = None,
        use_guide: bool = False,
    ):
        super().__init__()
        self.out_channels = out_channels
        self.logits = False  # export turns it on for a second graph: a predictor needs few steps' probabilities
        self.guide_layer = ColumnMixer(in_channels) if use_guide else None
        if mid_channels is None:
            self.fc = _linear(in_channels, out_channels, fc_decay)
        else:
            self.fc1 = _linear(in_channels, mid_channels, fc_decay)
            self.fc2 = _linear(mid_channels, out_channels, fc_decay)
        self.is_deep = mid_channels is not None

    def forward(self, sequence: paddle.Tensor) -> paddle.Tensor:
        if self.guide_layer is not None:
            sequence = self.guide_layer(sequence)
        logits = self.fc2(self.fc1(sequence)) if self.is_deep else self.fc(sequence)
        return logits if self.training or self.logits else F.softmax(logits, axis=2)


class ColumnMixer(nn.Sequential):
    """`float32[N, W, C]` in and out: a depthwise convolution over five columns, then a pointwise one.

    Args:
        channels: C.
    """

    def __init__(self, channels: int):
        super().__init__(
            nn.Conv1D(channels, channels, 5, padding=2, groups=channels, bias_attr=False),
            nn.BatchNorm1D(channels),
            nn.Hardswish(),
            nn.Conv1D(channels, channels, 1, bias_attr=False),
            nn.BatchNorm1D(channels),
            nn.Hardswish(),
        )

    def forward(self, sequence: paddle.Tensor) -> paddle.Tensor:
        return super().forward(sequence.transpose([0, 2, 1])).transpose([0, 2, 1])

    def fuse(self) -> FusedColumnMixer:
        """The same for prediction, in fewer operations."""
        return FusedColumnMixer(self)


class FusedColumnMixer(nn.Layer):
    """`ColumnMixer` in `eval()` mode: its normalisations folded, the pointwise convolution a linear layer.

    Args:
        mixer: not changed.
    """

    def __init__(self, mixer: ColumnMixer):
        super().__init__()
        kernel, bias = normalized(mixer[0], mixer[1])
        channels = len(bias)
        self.conv = nn.Conv2D(channels, channels, (1, 5), padding=(0, 2), groups=channels)
        self.conv.weight.set_value(kernel[:, :, None])
        self.conv.bias.set_value(bias)
        kernel, bias = normalized(mixer[3], mixer[4])
        self.fc = nn.Linear(channels, channels)
        self.fc.weight.set_value(kernel[:, :, 0].T)
        self.fc.bias.set_value(bias)

    def forward(self, sequence: paddle.Tensor) -> paddle.Tensor:
        """`float32[N, W, C]` in and out."""
        features = F.hardswish(self.conv(sequence.transpose([0, 2, 1]).unsqueeze(2)))
        return F.hardswish(self.fc(features.squeeze(2).transpose([0, 2, 1])))


def _linear(in_channels: int, out_channels: int, decay: float) -> nn.Linear:
    weight, bias = (uniform_attr(in_channels, l2_decay=decay) for _ in range(2))
    return nn.Linear(in_channels, out_channels, weight_attr=weight, bias_attr=bias)
