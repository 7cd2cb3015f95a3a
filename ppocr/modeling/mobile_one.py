"""A convolution of PP-LCNetV3 that learns as many branches and predicts as one (as PaddleOCR's LearnableRepLayer).

Several equal convolutions, a 1×1 one and the identity, each with its normalisation, are added up: the block of
MobileOne (Vasu et al. 2022, arXiv 2206.04040). After it, and after the activation, one learnt factor and one learnt
summand for the whole map follow.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional, Tuple

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import ParamAttr, nn
from paddle.regularizer import L2Decay

from ppocr.modeling.layers import IntPair
from ppocr.modeling.reparam import Kernel, identity_norm, normalized, scale_and_shift

VARIETY = 0.1  # by how much equal branches are made to differ when a fused kernel is shared among them


class Affine(nn.Layer):
    """scale · x + bias with one number each.

    Args:
        lr_mult: factor on the optimiser's learning rate.
        trainable: false for one that is never run and only stands in the official state dict.
    """

    def __init__(self, lr_mult: float = 1.0, trainable: bool = True):
        super().__init__()
        self.scale, self.bias = (
            self.create_parameter(
                [1], ParamAttr(initializer=nn.initializer.Constant(v), learning_rate=lr_mult, trainable=trainable)
            )
            for v in (1.0, 0.0)
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.scale * x + self.bias


class BranchedConv(nn.Layer):
    """`float32[N, C, H, W]` → `float32[N, C', H', W']`: summed branches, `Affine`, hard swish, `Affine`.

    With the stride 2 (not with a pair of strides) there is no activation: so were the official networks trained.

    Args:
        in_channels, out_channels: C and C'.
        kernel: side of the convolutions, odd.
        stride: of all branches.
        groups: of the convolutions.
        branches: number of equal convolutions.
        lr_mult: factor on the learning rate of all weights here.
        lab_lr: further factor for the two `Affine`s.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int,
        stride: IntPair = 1,
        groups: int = 1,
        branches: int = 4,
        lr_mult: float = 1.0,
        lab_lr: float = 0.1,
    ):
        super().__init__()
        self.shape: Dict[str, Any] = {"stride": stride, "groups": groups, "padding": kernel // 2}
        self.is_active = stride != 2
        has_identity = stride == 1 and in_channels == out_channels
        attrs = [ParamAttr(learning_rate=lr_mult) for _ in range(2)]
        self.identity = nn.BatchNorm2D(in_channels, weight_attr=attrs[0], bias_attr=attrs[1]) if has_identity else None
        sides: Dict[str, Any] = {"stride": stride, "groups": groups, "lr_mult": lr_mult}
        self.conv_kxk = nn.LayerList(
            [plain_conv_bn(in_channels, out_channels, kernel=kernel, **sides) for _ in range(branches)]
        )
        self.conv_1x1 = plain_conv_bn(in_channels, out_channels, kernel=1, **sides) if kernel > 1 else None
        self.lab = Affine(lr_mult * lab_lr)
        self.act = nn.Sequential(("act", nn.Hardswish()), ("lab", Affine(lr_mult * lab_lr, trainable=self.is_active)))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        terms = [branch(x) for branch in self.conv_kxk]
        if self.conv_1x1 is not None:
            terms.append(self.conv_1x1(x))
        if self.identity is not None:
            terms.append(self.identity(x))
        y = self.lab(paddle.add_n(terms) if len(terms) > 1 else terms[0])
        return self.act(y) if self.is_active else y

    def fuse(self) -> FusedConv:
        """The same for prediction."""
        weight, bias = self.kernel()
        scale, shift = self.lab.scale.numpy(), self.lab.bias.numpy()
        after = (self.act.lab.scale.item(), self.act.lab.bias.item()) if self.is_active else None
        return FusedConv(weight * scale, bias * scale + shift, after=after, **self.shape)

    def kernel(self) -> Kernel:
        """The one convolution that the branches are: float32[C', C / groups, k, k] and float32[C']."""
        weight, bias = self._equal_branches()
        middle = weight.shape[-1] // 2
        if self.conv_1x1 is not None:
            point, shift = normalized(self.conv_1x1.conv, self.conv_1x1.bn)
            weight[:, :, middle, middle] += point[:, :, 0, 0]
            bias = bias + shift
        if self.identity is not None:
            scale, shift = scale_and_shift(self.identity)
            own = np.arange(len(weight))
            weight[own, own % weight.shape[1], middle, middle] += scale
            bias = bias + shift
        return weight, bias

    def _equal_branches(self) -> Kernel:
        branches: Iterable[Any] = self.conv_kxk.children()
        weights, biases = zip(*(normalized(branch.conv, branch.bn) for branch in branches))
        return np.sum(weights, axis=0), np.sum(biases, axis=0)

    def split(self, weight: np.ndarray, bias: np.ndarray) -> Dict[str, np.ndarray]:
        """State dict of a block whose `kernel()` is this, without its `Affine`s that run.

        The equal convolutions share the kernel; they differ a little, since equal ones would stay equal in training.
        """
        count, none = len(self.conv_kxk), np.zeros_like(bias)
        noise = np.random.RandomState(0).standard_normal((count, *weight.shape)) * VARIETY * weight.std()
        shares = weight / count + noise - noise.mean(axis=0)
        tensors: Dict[str, np.ndarray] = {}
        for number, share in enumerate(shares.astype(np.float32)):
            tensors[f"conv_kxk.{number}.conv.weight"] = share
            tensors.update(identity_norm(f"conv_kxk.{number}.bn", none if number else bias))
        if self.conv_1x1 is not None:
            tensors["conv_1x1.conv.weight"] = np.zeros((*weight.shape[:2], 1, 1), np.float32)
            tensors.update(identity_norm("conv_1x1.bn", none))
        if self.identity is not None:
            tensors.update({**identity_norm("identity", none), "identity.weight": none})
        if not self.is_active:
            tensors.update({"act.lab.scale": np.ones(1, np.float32), "act.lab.bias": np.zeros(1, np.float32)})
        return tensors


class FusedConv(nn.Layer):
    """A `BranchedConv` for prediction: one convolution, then perhaps hard swish and a factor and a summand.

    Args:
        weight, bias: of the convolution.
        stride, groups, padding: of the convolution.
        after: factor and summand after the activation; None where there is no activation.
    """

    def __init__(
        self,
        weight: np.ndarray,
        bias: np.ndarray,
        *,
        stride: IntPair,
        groups: int,
        padding: int,
        after: Optional[Tuple[float, float]] = None,
    ):
        super().__init__()
        channels, inner, side, _ = weight.shape
        self.conv = nn.Conv2D(inner * groups, channels, side, stride=stride, padding=padding, groups=groups)
        self.conv.weight.set_value(weight)
        self.conv.bias.set_value(bias)
        self.after = after

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.conv(x)
        if self.after is None:
            return x
        scale, bias = self.after
        return paddle.scale(F.hardswish(x), scale=scale, bias=bias)


def plain_conv_bn(
    in_channels: int, out_channels: int, *, kernel: int, stride: IntPair, groups: int = 1, lr_mult: float = 1.0
) -> nn.Sequential:
    """Convolution and normalisation; the latter's weights do not decay."""
    conv = nn.Conv2D(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        weight_attr=ParamAttr(initializer=nn.initializer.KaimingNormal(), learning_rate=lr_mult),
        bias_attr=False,
    )
    weight, bias = (ParamAttr(learning_rate=lr_mult, regularizer=L2Decay(0.0)) for _ in range(2))
    return nn.Sequential(("conv", conv), ("bn", nn.BatchNorm2D(out_channels, weight_attr=weight, bias_attr=bias)))
