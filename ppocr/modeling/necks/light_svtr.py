"""The neck of PP-OCRv6's recognisers (arXiv 2606.13108): columns of a crop look at their neighbours, then at all.

Transformer blocks on crops are SVTR's (Du et al. 2022, arXiv 2205.00159); here two of them at a height of one.
"""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.attention import attend
from ppocr.modeling.layers import conv_bn


class LightSVTR(nn.Layer):
    """`float32[N, C, 1, W]` → `float32[N, W, dims]`.

    Args:
        in_channels: C.
        dims: width of the blocks and of the result; a multiple of `num_heads`.
        depth: number of blocks.
        num_heads: of each block's attention.
        mlp_ratio: how many times wider the inner layer of each block's perceptron is.
        local_kernel: columns that the convolution before the blocks sees, an odd number.
        use_guide: keep this neck's gradients from the backbone.
        drop_rate: share of activations dropped while training.

    Attributes:
        out_channels: `dims`.

    Raises:
        ValueError: unless the backbone gives one map, heads divide `dims` and the kernel is odd.
    """

    def __init__(
        self,
        in_channels: int,
        dims: int = 64,
        depth: int = 1,
        num_heads: int = 8,
        mlp_ratio: float = 4.0,
        local_kernel: int = 7,
        use_guide: bool = False,
        drop_rate: float = 0.1,
    ):
        super().__init__()
        if not isinstance(in_channels, int):
            raise ValueError(f"LightSVTR reads one map; this backbone gives {len(in_channels)}")
        if dims % num_heads:
            raise ValueError(f"dims must be a multiple of num_heads, came {dims} and {num_heads}")
        if local_kernel % 2 == 0:
            raise ValueError(f"local_kernel must be odd, came {local_kernel}")
        self.use_guide = use_guide
        self.out_channels = dims
        self.encoder = ColumnEncoder(in_channels, dims, local_kernel)
        self.encoder.svtr_block = nn.LayerList(
            [TransformerBlock(dims, heads=num_heads, ratio=mlp_ratio, dropout=drop_rate) for _ in range(depth)]
        )

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        if features.shape[2] != 1:
            raise ValueError(f"the crop must be one row high after the backbone, came {features.shape[2]}")
        encoded = self.encoder(features.detach() if self.use_guide else features)
        return encoded.squeeze(2).transpose([0, 2, 1])


class ColumnEncoder(nn.Layer):
    """`float32[N, C, 1, W]` → `float32[N, dims, 1, W]`: a convolution along the crop, blocks, and a shortcut."""

    svtr_block: nn.LayerList

    def __init__(self, in_channels: int, dims: int, kernel: int):
        super().__init__()
        self.conv_reduce = conv_bn(in_channels, dims, act="swish", names=("conv", "norm"))
        along = nn.Conv2D(dims, dims, (1, kernel), padding=(0, kernel // 2), groups=dims, bias_attr=False)
        self.local_conv = nn.Sequential(along, nn.BatchNorm2D(dims), nn.Swish())
        self.norm = nn.LayerNorm(dims, epsilon=1e-6)
        self.skip_conv = conv_bn(in_channels, dims, act="swish", names=("conv", "norm"))

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        shortcut = self.skip_conv(features)
        x = self.conv_reduce(features)
        x = (x + self.local_conv(x)).squeeze(2).transpose([0, 2, 1])
        for block in self.svtr_block:
            x = block(x)
        return self.norm(x).transpose([0, 2, 1]).unsqueeze(2) + shortcut


class TransformerBlock(nn.Layer):
    """`float32[N, L, C]` in and out: attention, then a perceptron, each normalised before and added to its input."""

    def __init__(self, channels: int, *, heads: int, ratio: float, dropout: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.mixer = SelfAttention(channels, heads=heads, dropout=dropout)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Perceptron(channels, int(channels * ratio), dropout=dropout)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = x + self.mixer(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class SelfAttention(nn.Layer):
    """`float32[N, L, C]` in and out."""

    def __init__(self, channels: int, *, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.qkv = linear(channels, 3 * channels)
        self.attn_drop = nn.Dropout(dropout)
        self.proj = linear(channels, channels)
        self.proj_drop = nn.Dropout(dropout)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        queries, keys, values = self.qkv(x).chunk(3, axis=-1)
        return self.proj_drop(self.proj(attend(queries, keys, values, heads=self.heads, dropout=self.attn_drop)))


class Perceptron(nn.Layer):
    """`float32[N, L, C]` in and out, each place by itself."""

    def __init__(self, channels: int, inner: int, *, dropout: float):
        super().__init__()
        self.fc1 = linear(channels, inner)
        self.fc2 = linear(inner, channels)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.drop(self.fc2(self.drop(F.silu(self.fc1(x)))))


def linear(in_channels: int, out_channels: int) -> nn.Linear:
    weight = paddle.ParamAttr(initializer=nn.initializer.TruncatedNormal(std=0.02))
    return nn.Linear(in_channels, out_channels, weight_attr=weight)
