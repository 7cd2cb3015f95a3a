"""Characters per column, for connectionist temporal classification (Graves et al. 2006)."""

from __future__ import annotations

from typing import Optional

import numpy as np
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

    def fuse(self) -> nn.Layer:
        """The same for prediction, in fewer operations; itself where there is nothing to gain."""
        return self if self.guide_layer is None else FusedCTCHead(self, self.guide_layer)


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


class FusedCTCHead(nn.Layer):
    """A `CTCHead` with `use_guide` in `eval()` mode: normalisations folded, all but the last layer as convolutions.

    Linear layers one after another stop Paddle Inference 3.3 in bfloat16: it confuses their inputs.

    Args:
        head: not changed.
        mixer: its `guide_layer`.
    """

    def __init__(self, head: CTCHead, mixer: ColumnMixer):
        super().__init__()
        self.logits = head.logits
        self.columns = _conv(*normalized(mixer[0], mixer[1]), groups=mixer[0].weight.shape[0])
        self.pointwise = _conv(*normalized(mixer[3], mixer[4]))
        self.mid = _conv(head.fc1.weight.numpy().T[:, :, None], head.fc1.bias.numpy()) if head.is_deep else None
        self.fc = head.fc2 if head.is_deep else head.fc

    def forward(self, sequence: paddle.Tensor) -> paddle.Tensor:
        features = sequence.transpose([0, 2, 1]).unsqueeze(2)
        features = F.hardswish(self.pointwise(F.hardswish(self.columns(features))))
        if self.mid is not None:
            features = self.mid(features)
        logits = self.fc(features.squeeze(2).transpose([0, 2, 1]))
        return logits if self.logits else F.softmax(logits, axis=2)


def _conv(kernel: np.ndarray, bias: np.ndarray, groups: int = 1) -> nn.Conv2D:
    """The convolution along rows with this kernel, float32[O, I / groups, k], that keeps the width."""
    out_channels, in_channels, side = kernel.shape
    conv = nn.Conv2D(in_channels * groups, out_channels, (1, side), padding=(0, side // 2), groups=groups)
    conv.weight.set_value(kernel[:, :, None])
    conv.bias.set_value(bias)
    return conv


def _linear(in_channels: int, out_channels: int, decay: float) -> nn.Linear:
    weight, bias = (uniform_attr(in_channels, l2_decay=decay) for _ in range(2))
    return nn.Linear(in_channels, out_channels, weight_attr=weight, bias_attr=bias)
