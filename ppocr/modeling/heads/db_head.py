"""Differentiable binarization (Liao et al. 2020, arXiv 1911.08947)."""

from __future__ import annotations

from typing import Dict, Sequence, Union

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
        fix_nan: while training, let activations that are no numbers count as 0, as PP-OCRv6's recipe does.
        aux_in_channels: channels of the neck's inner sums; if not 0, while training each of them gets a pair of
            branches of its own (PP-OCRv6's deep supervision).
        kernel_list: sides of the three convolutions of a branch; the first is odd, the others are 2.

    Raises:
        ValueError: for other kernels.
    """

    def __init__(
        self,
        in_channels: int,
        k: int = 50,
        fix_nan: bool = False,
        aux_in_channels: int = 0,
        kernel_list: Sequence[int] = (3, 2, 2),
    ):
        super().__init__()
        kernel, *doubling = kernel_list
        if kernel % 2 == 0 or doubling != [2, 2]:
            raise ValueError(f"kernel_list must be an odd number and twice 2, came {list(kernel_list)!r}")
        self.k = k
        self.out_channels = 1
        self.binarize = MapBranch(in_channels, fix_nan, kernel)
        self.thresh = MapBranch(in_channels, fix_nan, kernel)
        self.has_aux = aux_in_channels > 0
        if self.has_aux:
            for level in AUX_SCALES:
                setattr(self, f"aux_binarize_{level}", MapBranch(aux_in_channels, fix_nan))
                setattr(self, f"aux_thresh_{level}", MapBranch(aux_in_channels, fix_nan))

    def forward(
        self, x: Union[paddle.Tensor, Dict[str, paddle.Tensor]]
    ) -> Union[paddle.Tensor, Dict[str, paddle.Tensor]]:
        """`float32[N, C, H/4, W/4]` → `float32[N, 1, H, W]` probabilities in [0, 1].

        In `train()` mode `float32[N, 3, H, W]`: probability, threshold, approximate binary map; with auxiliary
        branches a dict of such, `maps`, `aux_maps_p4`, `aux_maps_p3`, `aux_maps_p2`, from a neck's dict.
        """
        fused = x["fuse"] if isinstance(x, dict) else x
        if not self.training:
            return self.binarize(fused)
        maps = self._three_maps(fused, self.binarize, self.thresh)
        if not self.has_aux or not isinstance(x, dict):
            return maps
        result = {"maps": maps}
        for level, scale in AUX_SCALES.items():
            inner = x[f"aux_{level}"]
            if scale > 1:
                inner = F.interpolate(inner, scale_factor=scale, mode="bilinear", align_corners=False)
            binarize, thresh = getattr(self, f"aux_binarize_{level}"), getattr(self, f"aux_thresh_{level}")
            result[f"aux_maps_{level}"] = self._three_maps(inner, binarize, thresh)
        return result

    def _three_maps(self, x: paddle.Tensor, binarize: MapBranch, thresh: MapBranch) -> paddle.Tensor:
        probability, threshold = binarize(x), thresh(x)
        binary = F.sigmoid(self.k * (probability - threshold))
        return paddle.concat([probability, threshold, binary], axis=1)


AUX_SCALES = {"p4": 4, "p3": 2, "p2": 1}  # level of the neck → what brings it to 1/4 of the picture's size


class MapBranch(nn.Layer):
    """k×k convolution, then two transposed ones that double the size each → one channel in [0, 1]."""

    def __init__(self, in_channels: int, fix_nan: bool = False, kernel: int = 3):
        super().__init__()
        inner = in_channels // 4
        self.conv1 = nn.Conv2D(in_channels, inner, kernel, padding=kernel // 2, bias_attr=False)
        self.conv_bn1 = _batch_norm(inner)
        self.conv2 = _double(inner, inner)
        self.conv_bn2 = _batch_norm(inner)
        self.conv3 = _double(inner, 1)
        self.fix_nan = fix_nan

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = F.relu(self.numbers(self.conv_bn1(self.conv1(x))))
        x = F.relu(self.numbers(self.conv_bn2(self.conv2(x))))
        return F.sigmoid(self.conv3(x))

    def numbers(self, x: paddle.Tensor) -> paddle.Tensor:
        """What is no number counts as 0, if so wished and training."""
        return paddle.where(paddle.isnan(x), paddle.zeros_like(x), x) if self.fix_nan and self.training else x


def _batch_norm(channels: int) -> nn.BatchNorm2D:
    start = ParamAttr(initializer=nn.initializer.Constant(1e-4))
    return nn.BatchNorm2D(channels, bias_attr=start)


def _double(in_channels: int, out_channels: int) -> nn.Conv2DTranspose:
    weight = ParamAttr(initializer=nn.initializer.KaimingUniform())
    return nn.Conv2DTranspose(
        in_channels, out_channels, 2, stride=2, weight_attr=weight, bias_attr=uniform_attr(in_channels)
    )
