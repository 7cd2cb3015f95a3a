"""A recurrent decoder that looks at the crop for each character (Li et al. 2019, SAR, arXiv 1811.00751).

In PP-OCRv3's recognisers it only teaches: while training, its gradients guide the backbone, and prediction uses the CTC
branch alone (guided training of CTC, Hu et al. 2020, arXiv 2002.01276).
"""

from __future__ import annotations

from typing import Optional

import paddle
import paddle.nn.functional as F
from paddle import nn

SPECIAL_CLASSES = 3  # classes after the characters: unknown, start and end, padding


class SARHead(nn.Layer):
    """A crop's features and its text so far → what comes next.

    Args:
        in_channels: of the features.
        out_channels: number of characters and of `SPECIAL_CLASSES`.
        enc_dim: width of both recurrent networks.
        max_text_length: where PaddleOCR's decoder stops when it predicts; this one does not predict.
        d_k: width of the attention.
        enc_drop_rnn: share of activations dropped between the encoder's layers while training.
        pred_dropout: the same for the logits.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        enc_dim: int = 512,
        max_text_length: int = 30,
        d_k: int = 512,
        enc_drop_rnn: float = 0.1,
        pred_dropout: float = 0.1,
    ):
        super().__init__()
        self.padding = out_channels - 1
        self.encoder = Encoder(in_channels, enc_dim, dropout=enc_drop_rnn)
        self.decoder = Decoder(in_channels, out_channels, enc_dim, d_k, dropout=pred_dropout)

    def forward(
        self, features: paddle.Tensor, text: paddle.Tensor, valid_ratio: Optional[paddle.Tensor] = None
    ) -> paddle.Tensor:
        """Logits of what comes after each place of `text`, given the places up to it.

        Args:
            features: float32[N, C, H, W].
            text: int64[N, L]: start mark, characters, end mark, padding. The longest text's end and what all texts
                leave empty are not computed.
            valid_ratio: float[N], how much of the width shows the crop and not what it was padded with; all of it by
                default.

        Returns:
            float32[N, l - 1, out_channels - 1], l the length of the longest text with its two marks. Padding is never
            predicted.
        """
        longest = int((text != self.padding).sum(axis=1).max())
        width = features.shape[3]
        if valid_ratio is None:
            columns = paddle.full([features.shape[0]], width, "int64")
        else:
            columns = paddle.ceil(valid_ratio.astype("float32") * width).astype("int64").clip(1, width)
        whole = self.encoder(features, columns)
        return self.decoder(features, whole, text[:, : longest - 1], columns)


class Encoder(nn.Layer):
    """`float32[N, C, H, W]` → `float32[N, width]`: what the whole crop says, read from left to right."""

    def __init__(self, in_channels: int, width: int, *, dropout: float):
        super().__init__()
        self.rnn_encoder = nn.LSTM(in_channels, width, num_layers=2, dropout=dropout)
        self.linear = nn.Linear(width, width)

    def forward(self, features: paddle.Tensor, columns: paddle.Tensor) -> paddle.Tensor:
        """`columns`: int64[N], how many of them show the crop."""
        steps, _ = self.rnn_encoder(features.max(axis=2).transpose([0, 2, 1]))
        last = F.one_hot(columns - 1, steps.shape[1]).unsqueeze(1)
        return self.linear(paddle.matmul(last, steps).squeeze(1))


class Decoder(nn.Layer):
    """The text so far → which places of the crop to look at → logits of the next character."""

    def __init__(self, in_channels: int, out_channels: int, width: int, inner: int, *, dropout: float):
        super().__init__()
        self.conv1x1_1 = nn.Linear(width, inner)
        self.conv3x3_1 = nn.Conv2D(in_channels, inner, 3, padding=1)
        self.conv1x1_2 = nn.Linear(inner, 1)
        self.rnn_decoder = nn.LSTM(width, width, num_layers=2)
        self.embedding = nn.Embedding(out_channels, width, padding_idx=out_channels - 1)
        self.pred_dropout = nn.Dropout(dropout)
        self.prediction = nn.Linear(2 * width + in_channels, out_channels - 1)

    def forward(
        self, features: paddle.Tensor, whole: paddle.Tensor, text: paddle.Tensor, columns: paddle.Tensor
    ) -> paddle.Tensor:
        """
        Args:
            features: float32[N, C, H, W].
            whole: float32[N, width], of the encoder; it stands before the text.
            text: int64[N, L].
            columns: int64[N].

        Returns:
            float32[N, L, out_channels - 1].
        """
        whole = whole.unsqueeze(1)
        states, _ = self.rnn_decoder(paddle.concat([whole, self.embedding(text)], axis=1))
        states = states[:, 1:]
        seen = self._look(features, states, columns)
        read = paddle.concat([states, seen, whole.expand([-1, states.shape[1], -1])], axis=2)
        return self.pred_dropout(self.prediction(read))

    def _look(self, features: paddle.Tensor, states: paddle.Tensor, columns: paddle.Tensor) -> paddle.Tensor:
        """Mean of the features, weighed for each state by additive attention: float32[N, L, C]."""
        height, width = features.shape[2:]
        keys = self.conv3x3_1(features).flatten(2).transpose([0, 2, 1]).unsqueeze(1)  # [N, 1, H W, inner]
        queries = self.conv1x1_1(states).unsqueeze(2)  # [N, L, 1, inner]
        scores = self.conv1x1_2(F.tanh(keys + queries)).squeeze(3)
        beyond = (paddle.arange(width).unsqueeze(0) >= columns.unsqueeze(1)).astype(scores.dtype)
        scores = scores - 1e9 * beyond.tile([1, height]).unsqueeze(1)
        return paddle.matmul(F.softmax(scores, axis=2), features.flatten(2).transpose([0, 2, 1]))
