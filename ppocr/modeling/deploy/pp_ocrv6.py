"""Parts of PP-OCRv6's detector in a form that predicts faster: what export does to them. All of it is exact."""

from __future__ import annotations

from typing import Optional, Sequence

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.backbones.pp_lcnet_v4 import BranchedStem
from ppocr.modeling.deploy.fused import Fused
from ppocr.modeling.deploy.pyramid import conv_of, doubling_conv_of
from ppocr.modeling.layers import upsample_nearest
from ppocr.modeling.necks.rep_lk_fpn import RepLKFPN


class FoldedRepLKFPN(nn.Layer):
    """What `conv(neck(maps))` computes, for prediction, with the ideas of `FoldedPyramid`.

    The three coarser levels meet at 1/8 instead of 1/4, and the finest level's sum with the up-sampled one is never
    made: its large kernel and its reduction are applied to each of the two alone.

    Args:
        neck: a fused one; not changed.
        conv: the 3×3 convolution that reads the neck's output.
    """

    def __init__(self, neck: RepLKFPN, conv: nn.Conv2D):
        super().__init__()
        self.neck = neck
        large, pointwise = neck.inp_conv_dw[0].weight.numpy(), neck.inp_conv_pw[0].weight.numpy()
        self.p2_from_out3 = doubling_conv_of(pointwise * large.transpose(1, 0, 2, 3))
        weight = conv.weight.numpy()
        coarse = 3 * neck.out_channels // 4  # channels of the three coarser levels, which come first
        self.conv_from_coarse = doubling_conv_of(weight[:, :coarse])
        self.conv_from_p2 = conv_of(weight[:, coarse:], bias=conv.bias)

    def forward(self, maps: Sequence[paddle.Tensor]) -> paddle.Tensor:
        """Four `float32[N, C_i, H / s, W / s]`, s = 4, 8, 16, 32 → `float32[N, C, H / 4, W / 4]`."""
        neck = self.neck
        in5, in4, in3, in2 = (neck.ins_conv[index](maps[index]) for index in (3, 2, 1, 0))
        out4 = in4 + upsample_nearest(in5, 2)
        out3 = in3 + upsample_nearest(out4, 2)
        p5, p4, p3 = (neck.reduce(x, level) for x, level in ((in5, 3), (out4, 2), (out3, 1)))
        coarse = paddle.concat([upsample_nearest(p5, 4), upsample_nearest(p4, 2), p3], axis=1)
        p2 = neck.inp_conv_pw[0](neck.inp_conv_dw[0](in2)) + self.p2_from_out3(out3)
        return self.conv_from_p2(neck.inp_conv_se[0](p2)) + self.conv_from_coarse(coarse)


def fold_rep_lk_fpn(neck: RepLKFPN, conv: nn.Conv2D) -> Fused:
    """The neck, its branches fused already, and the convolution after it as a `FoldedRepLKFPN`."""
    reads = {
        "p2_from_out3": neck.inp_conv_dw[1],
        "conv_from_coarse": conv,
        "conv_from_p2": conv,
        "neck.inp_conv_dw.0": None,  # read the finest level alone, in training with the coarser one added
        "neck.inp_conv_pw.0": None,
    }
    return Fused(FoldedRepLKFPN(neck, conv), reads)


class SplitStem(nn.Layer):
    """`BranchedStem` with its normalisations folded, for prediction: convolves its branches apart instead of stacked.

    Stacking copies both branches at half of the picture's size; the sum of their convolutions has a quarter of that.

    Args:
        stem: not changed.
    """

    def __init__(self, stem: BranchedStem):
        super().__init__()
        # Its parts, not the stem: one within would be split once more where a network is fused that was fused before.
        self.stem1, self.stem2a, self.stem2b, self.stem4 = stem.stem1, stem.stem2a, stem.stem2b, stem.stem4
        self.pool = stem.pool
        conv = stem.stem3.conv
        kernel = conv.weight.numpy()
        half = kernel.shape[1] // 2
        self.pooled = nn.Conv2D(half, len(kernel), 3, stride=2, padding=1, bias_attr=False)
        self.pooled.weight.set_value(np.ascontiguousarray(kernel[:, :half]))
        self.convolved = nn.Conv2D(half, len(kernel), 3, stride=2, padding=1)
        self.convolved.weight.set_value(np.ascontiguousarray(kernel[:, half:]))
        self.convolved.bias.set_value(conv.bias)

    def forward(self, pictures: paddle.Tensor) -> paddle.Tensor:
        x = self.stem1(pictures)
        y = self.stem2b(self.stem2a(x))
        return self.stem4(F.relu(self.pooled(self.pool(x)) + self.convolved(y)))


def split_stem(stem: BranchedStem) -> Optional[Fused]:
    """The stem as a `SplitStem`; None where its normalisations could not be folded."""
    if not isinstance(stem.stem3.bn, nn.Identity):
        return None
    return Fused(SplitStem(stem), {"pooled": stem.stem3.conv, "convolved": stem.stem3.conv})
