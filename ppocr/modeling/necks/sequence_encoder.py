"""From a feature map of height 1 to a sequence along the width, for CTC (Shi et al. 2017, CRNN, arXiv 1507.05717)."""

from __future__ import annotations

from typing import Literal, Optional

import paddle
from paddle import nn

from ppocr.modeling.layers import uniform_attr


class SequenceEncoder(nn.Layer):
    """`float32[N, C, 1, W]` → `float32[N, W, out_channels]`.

    Args:
        in_channels: C.
        encoder_type: `reshape` only turns the axes; `fc` adds a linear layer; `rnn` two bidirectional LSTM layers.
        hidden_size: of the linear layer, or of each LSTM direction.

    Attributes:
        out_channels: C, `hidden_size` or 2 × `hidden_size`.

    Raises:
        ValueError: unless the backbone gives one map and `hidden_size` is positive.
    """

    def __init__(self, in_channels: int, encoder_type: Literal["reshape", "fc", "rnn"] = "rnn", hidden_size: int = 48):
        super().__init__()
        if not isinstance(in_channels, int):
            raise ValueError(f"SequenceEncoder reads one map; this backbone gives {len(in_channels)}")
        if hidden_size <= 0:
            raise ValueError(f"hidden_size must be positive, came {hidden_size}")
        self.encoder: Optional[nn.Layer] = None
        self.out_channels = in_channels
        if encoder_type == "fc":
            self.encoder = LinearEncoder(in_channels, hidden_size)
            self.out_channels = hidden_size
        elif encoder_type == "rnn":
            self.encoder = LSTMEncoder(in_channels, hidden_size)
            self.out_channels = 2 * hidden_size

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        if features.shape[2] != 1:
            raise ValueError(
                f"the crop must be one row high after the backbone, came {features.shape[2]}: "
                "change its strides or the height of image_shape"
            )
        sequence = features.squeeze(2).transpose([0, 2, 1])
        return sequence if self.encoder is None else self.encoder(sequence)


class LinearEncoder(nn.Layer):
    """One linear layer; its own weight decay is PaddleOCR's."""

    def __init__(self, in_channels: int, hidden_size: int):
        super().__init__()
        self.fc = nn.Linear(
            in_channels,
            hidden_size,
            weight_attr=uniform_attr(in_channels, l2_decay=1e-5),
            bias_attr=uniform_attr(in_channels, l2_decay=1e-5),
        )

    def forward(self, sequence: paddle.Tensor) -> paddle.Tensor:
        return self.fc(sequence)


class LSTMEncoder(nn.Layer):
    """Two bidirectional LSTM layers."""

    def __init__(self, in_channels: int, hidden_size: int):
        super().__init__()
        self.lstm = nn.LSTM(in_channels, hidden_size, num_layers=2, direction="bidirectional")

    def forward(self, sequence: paddle.Tensor) -> paddle.Tensor:
        sequence, _ = self.lstm(sequence)
        return sequence
