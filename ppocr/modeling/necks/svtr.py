"""The neck of PP-OCRv3's to PP-OCRv5's recognisers (Li et al. 2022, arXiv 2206.03001, SVTR-LCNet).

Two transformer blocks of SVTR (Du et al. 2022, arXiv 2205.00159) let each column of a crop look at all others; what
they give is stacked with what came in.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

import paddle
from paddle import nn

from ppocr.modeling.layers import conv_bn
from ppocr.modeling.necks.light_svtr import TransformerBlock


class SVTR(nn.Layer):
    """`float32[N, C, 1, W]` → `float32[N, W, dims]`.

    Args:
        in_channels: C, at least 8.
        dims: width of the result.
        depth: number of blocks.
        hidden_dims: width of the blocks; a multiple of `num_heads`.
        use_guide: keep this neck's gradients from the backbone, which another head then teaches alone.
        num_heads: of each block's attention.
        mlp_ratio: how many times wider the inner layer of each block's perceptron is.
        drop_rate: share of activations dropped while training.
        kernel_size: height and width of the first and the last but one convolution, odd numbers.

    Attributes:
        out_channels: `dims`.

    Raises:
        ValueError: unless the backbone gives one map, and for numbers that do not fit one another.
    """

    def __init__(
        self,
        in_channels: int,
        dims: int = 64,
        depth: int = 2,
        hidden_dims: int = 120,
        use_guide: bool = False,
        num_heads: int = 8,
        mlp_ratio: float = 2.0,
        drop_rate: float = 0.1,
        kernel_size: Sequence[int] = (3, 3),
    ):
        super().__init__()
        if not isinstance(in_channels, int):
            raise ValueError(f"SVTR reads one map; this backbone gives {len(in_channels)}")
        if hidden_dims % num_heads:
            raise ValueError(f"hidden_dims must be a multiple of num_heads, came {hidden_dims} and {num_heads}")
        if len(kernel_size) != 2 or not all(side % 2 for side in kernel_size):
            raise ValueError(f"kernel_size must be two odd numbers, came {list(kernel_size)!r}")
        self.use_guide, self.out_channels = use_guide, dims
        blocks = [
            TransformerBlock(hidden_dims, heads=num_heads, ratio=mlp_ratio, dropout=drop_rate) for _ in range(depth)
        ]
        self.encoder = Mixer(in_channels, dims, hidden_dims, kernel=(kernel_size[0], kernel_size[1]), blocks=blocks)

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        if features.shape[2] != 1:
            raise ValueError(
                f"the crop must be one row high after the backbone, came {features.shape[2]}: "
                "change its strides or the height of image_shape"
            )
        if self.use_guide:
            features = features.detach()
        return self.encoder(features).squeeze(2).transpose([0, 2, 1])


class Mixer(nn.Layer):
    """`float32[N, C, 1, W]` → `float32[N, dims, 1, W]`: narrow, mix the columns, widen again, stack and narrow."""

    def __init__(
        self, in_channels: int, dims: int, hidden_dims: int, *, kernel: Tuple[int, int], blocks: List[TransformerBlock]
    ):
        super().__init__()
        reduced, names = in_channels // 8, ("conv", "norm")
        self.conv1 = conv_bn(in_channels, reduced, kernel=kernel, act="swish", names=names)
        self.conv2 = conv_bn(reduced, hidden_dims, act="swish", names=names)
        self.svtr_block = nn.LayerList(blocks)
        self.norm = nn.LayerNorm(hidden_dims, epsilon=1e-6)
        self.conv3 = conv_bn(hidden_dims, in_channels, act="swish", names=names)
        self.conv4 = conv_bn(2 * in_channels, reduced, kernel=kernel, act="swish", names=names)
        self.conv1x1 = conv_bn(reduced, dims, act="swish", names=names)

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        x = self.conv2(self.conv1(features)).squeeze(2).transpose([0, 2, 1])
        for block in self.svtr_block:
            x = block(x)
        x = self.conv3(self.norm(x).transpose([0, 2, 1]).unsqueeze(2))
        return self.conv1x1(self.conv4(paddle.concat([features, x], axis=1)))
