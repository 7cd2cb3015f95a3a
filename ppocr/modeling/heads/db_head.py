"""Differentiable binarization (Liao et al. 2020, arXiv 1911.08947)."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn

from ppocr.modeling.layers import uniform_attr


class DBHead(nn.Layer):
    """A map at 1/4 of the size → how likely each pixel lies in the shrunk core of a text.

    While training a second branch learns a threshold per pixel, and a steep sigmoid of the difference stands for the
    binary map, so that thresholding itself is learned. Prediction needs the probabilities alone.

    Args:
        in_channels: of the map; a multiple of 4.
        k: steepness of the sigmoid (equation 2).
    """

    def __init__(self, in_channels: int, k: int = 50):
        super().__init__()
        self.k = k
        self.out_channels = 1
        self.binarize = MapBranch(in_channels)
        self.thresh = MapBranch(in_channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """`float32[N, C, H/4, W/4]` → `float32[N, 1, H, W]` probabilities in [0, 1].

        In `train()` mode `float32[N, 3, H, W]`: probability, threshold, approximate binary map.
        """
        probability = self.binarize(x)
        if not self.training:
            return probability
        threshold = self.thresh(x)
        binary = F.sigmoid(self.k * (probability - threshold))
        return paddle.concat([probability, threshold, binary], axis=1)


class MapBranch(nn.Layer):
    """3×3 convolution, then two transposed ones that double the size each → one channel in [0, 1]."""

    def __init__(self, in_channels: int):
        super().__init__()
        inner = in_channels // 4
        self.conv1 = nn.Conv2D(in_channels, inner, 3, padding=1, bias_attr=False)
        self.conv_bn1 = _batch_norm(inner)
        self.conv2 = _double(inner, inner)
        self.conv_bn2 = _batch_norm(inner)
        self.conv3 = _double(inner, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = F.relu(self.conv_bn1(self.conv1(x)))
        x = F.relu(self.conv_bn2(self.conv2(x)))
        return F.sigmoid(self.conv3(x))


def _batch_norm(channels: int) -> nn.BatchNorm2D:
    start = ParamAttr(initializer=nn.initializer.Constant(1e-4))
    return nn.BatchNorm2D(channels, bias_attr=start)


def _double(in_channels: int, out_channels: int) -> nn.Conv2DTranspose:
    weight = ParamAttr(initializer=nn.initializer.KaimingUniform())
    return nn.Conv2DTranspose(
        in_channels, out_channels, 2, stride=2, weight_attr=weight, bias_attr=uniform_attr(in_channels)
    )
