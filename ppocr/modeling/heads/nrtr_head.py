"""A transformer decoder that spells a crop's text character by character (Sheng et al. 2019, NRTR, arXiv 1806.00926).

In PP-OCR's recognisers it only teaches: while training, its gradients guide the backbone, and prediction uses the CTC
branch alone (guided training of CTC, Hu et al. 2020, arXiv 2002.01276).
"""

from __future__ import annotations

import math

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.attention import attend

PADDING_CLASS = 0
SPECIAL_CLASSES = 4  # classes before the characters: padding, unknown, start, end
ATTENTION_HEAD_CHANNELS = 32  # channels of an attention head
MAX_POSITIONS = 5000  # positions in the table, as the official state dicts have it


class NRTRHead(nn.Layer):
    """Columns of a crop and its text so far → what comes next.

    Args:
        out_channels: number of characters and of `SPECIAL_CLASSES`.
        nrtr_dim: width of the columns and of the decoder; a multiple of 32, the width of each attention head.
        num_decoder_layers: number of blocks.
        max_text_length: where PaddleOCR's decoder stops when it predicts; this one does not predict.

    Attributes:
        width: `nrtr_dim`.

    Raises:
        ValueError: for another width.
    """

    def __init__(self, out_channels: int, nrtr_dim: int = 256, num_decoder_layers: int = 4, max_text_length: int = 25):
        super().__init__()
        if nrtr_dim <= 0 or nrtr_dim % ATTENTION_HEAD_CHANNELS:
            raise ValueError(f"nrtr_dim must be a positive multiple of {ATTENTION_HEAD_CHANNELS}, came {nrtr_dim}")
        start = paddle.ParamAttr(initializer=nn.initializer.Normal(std=nrtr_dim**-0.5))
        self.out_channels, self.width = out_channels, nrtr_dim
        self.scale = math.sqrt(nrtr_dim)
        self.embedding = nn.Sequential(
            ("embedding", nn.Embedding(out_channels, nrtr_dim, padding_idx=PADDING_CLASS, weight_attr=start))
        )
        self.positional_encoding = Positions(nrtr_dim)
        self.decoder = nn.LayerList([DecoderBlock(nrtr_dim) for _ in range(num_decoder_layers)])
        self.tgt_word_prj = nn.Linear(nrtr_dim, out_channels, weight_attr=start, bias_attr=False)

    def forward(self, columns: paddle.Tensor, text: paddle.Tensor) -> paddle.Tensor:
        """Logits of what comes after each place of `text`, given the places up to it.

        Args:
            columns: float32[N, S, nrtr_dim].
            text: int64[N, L]: start mark, characters, end mark, padding. The longest text's end and what all texts
                leave empty are not computed.

        Returns:
            float32[N, l - 1, out_channels], l the length of the longest text with its two marks.
        """
        longest = int((text != PADDING_CLASS).sum(axis=1).max())
        text = text[:, : longest - 1]
        future = paddle.triu(paddle.full([text.shape[1]] * 2, -math.inf), diagonal=1)
        x = self.positional_encoding(self.embedding(text) * self.scale)
        for block in self.decoder:
            x = block(x, columns, mask=future)
        return self.tgt_word_prj(x)


class Columns(nn.Layer):
    """`float32[N, C, H, W]` → `float32[N, H W, out_channels]`: a picture's places in a row."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.fc = nn.Linear(in_channels, out_channels, bias_attr=False)

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        return self.fc(features.flatten(2).transpose([0, 2, 1]))


class Positions(nn.Layer):
    """Adds to each place of `float32[N, L, C]` sines and cosines that tell where it is (Vaswani et al. 2017, 3.5)."""

    def __init__(self, channels: int, *, dropout: float = 0.1):
        super().__init__()
        places = paddle.arange(MAX_POSITIONS, dtype="float32").unsqueeze(1)
        angles = places * paddle.exp(paddle.arange(0, channels, 2, dtype="float32") * (-math.log(1e4) / channels))
        table = paddle.stack([angles.sin(), angles.cos()], axis=2).reshape([MAX_POSITIONS, 1, channels])
        self.register_buffer("pe", table)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.dropout(x + self.pe[: x.shape[1], 0])


class DecoderBlock(nn.Layer):
    """Attention to the text so far, to the crop, then a perceptron; each is added to its input, then normalised."""

    def __init__(self, channels: int, *, dropout: float = 0.1):
        super().__init__()
        self.self_attn = SelfAttention(channels)
        self.norm1 = nn.LayerNorm(channels)
        self.cross_attn = CrossAttention(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Perceptron(channels, dropout=dropout)
        self.norm3 = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: paddle.Tensor, columns: paddle.Tensor, *, mask: paddle.Tensor) -> paddle.Tensor:
        x = self.norm1(x + self.dropout(self.self_attn(x, mask)))
        x = self.norm2(x + self.dropout(self.cross_attn(x, columns)))
        return self.norm3(x + self.dropout(self.mlp(x)))


class SelfAttention(nn.Layer):
    """`float32[N, L, C]` in and out."""

    def __init__(self, channels: int):
        super().__init__()
        self.heads = channels // ATTENTION_HEAD_CHANNELS
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out_proj = nn.Linear(channels, channels)

    def forward(self, x: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
        queries, keys, values = self.qkv(x).chunk(3, axis=-1)
        return self.out_proj(attend(queries, keys, values, heads=self.heads, mask=mask))


class CrossAttention(nn.Layer):
    """Places `float32[N, L, C]` look at columns `float32[N, S, C]` → `float32[N, L, C]`."""

    def __init__(self, channels: int):
        super().__init__()
        self.heads = channels // ATTENTION_HEAD_CHANNELS
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, 2 * channels)
        self.out_proj = nn.Linear(channels, channels)

    def forward(self, x: paddle.Tensor, columns: paddle.Tensor) -> paddle.Tensor:
        keys, values = self.kv(columns).chunk(2, axis=-1)
        return self.out_proj(attend(self.q(x), keys, values, heads=self.heads))


class Perceptron(nn.Layer):
    """`float32[N, L, C]` in and out, each place by itself."""

    def __init__(self, channels: int, *, dropout: float):
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.drop(self.fc2(self.drop(F.relu(self.fc1(x)))))
