"""Depthwise convolutions that learn as several branches and predict as one (Ding et al. 2021, arXiv 2101.03697).

A sum of convolutions over the same input, each with its normalisation, is one convolution: kernels and biases add up.
Each block here has `fuse()`, the one convolution equal to it in `eval()` mode, and `split()`, the way back: branches
that are equal to a given convolution, so that training can go on from a fused model.
"""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np
import paddle
from paddle import nn

Kernel = Tuple[np.ndarray, np.ndarray]  # weight float32[C, 1, k, k] and bias float32[C]

# Side of the large kernel → (side, dilation) of the branches beside it (UniRepLKNet, Ding 2024, arXiv 2311.15599)
DILATED_BRANCHES = {
    5: ((3, 1), (3, 2)),
    7: ((5, 1), (3, 2), (3, 3)),
    9: ((5, 1), (5, 2), (3, 3), (3, 4)),
    11: ((5, 1), (5, 2), (3, 3), (3, 4), (3, 5)),
    13: ((5, 1), (7, 2), (3, 3), (3, 4), (3, 5)),
}


class RepDWConv(nn.Layer):
    """norm(norm(k×k) + 1×1 + identity), all depthwise: `float32[N, C, H, W]` in and out.

    Args:
        channels: C.
        kernel: side of the large branch.
    """

    def __init__(self, channels: int, kernel: int = 3):
        super().__init__()
        self.conv = nn.Sequential(("conv", depthwise(channels, kernel)), ("bn", nn.BatchNorm2D(channels)))
        self.conv1 = depthwise(channels, 1)
        self.bn = nn.BatchNorm2D(channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.bn(self.conv(x) + self.conv1(x) + x)

    def fuse(self) -> nn.Conv2D:
        weight, bias = normalized(self.conv.conv, self.conv.bn)
        middle = weight.shape[-1] // 2
        # The 1×1 branch and the identity act on the middle of the large kernel; the identity is a 1×1 kernel of ones.
        weight[:, :, middle, middle] += self.conv1.weight.numpy()[:, :, 0, 0] + 1
        scale, shift = scale_and_shift(self.bn)
        return convolution(weight * scale.reshape(-1, 1, 1, 1), bias * scale + shift)

    def split(self, weight: np.ndarray, bias: np.ndarray) -> Dict[str, np.ndarray]:
        """State dict of a block whose `fuse()` has this kernel (float32[C, 1, k, k]) and bias (float32[C])."""
        large = np.array(weight)
        middle = large.shape[-1] // 2
        large[:, :, middle, middle] -= 1  # the identity branch has no weight of its own
        return {
            "conv.conv.weight": large,
            **identity_norm("conv.bn", np.zeros_like(bias)),
            "conv1.weight": np.zeros((len(large), 1, 1, 1), np.float32),
            **identity_norm("bn", bias),
        }


class DilatedReparamBlock(nn.Layer):
    """norm(k×k) + Σ norm(dilated branches), all depthwise: `float32[N, C, H, W]` in and out.

    A dilated kernel is a larger one with holes, so each branch adds to some places of the large kernel.

    Args:
        channels: C.
        kernel: side of the large kernel, one of `DILATED_BRANCHES`.

    Raises:
        ValueError: for another side.
    """

    def __init__(self, channels: int, kernel: int):
        super().__init__()
        if kernel not in DILATED_BRANCHES:
            raise ValueError(
                f"dilated_kernel_size must be one of {', '.join(map(str, DILATED_BRANCHES))}, came {kernel}"
            )
        self.lk_origin = depthwise(channels, kernel)
        self.origin_bn = nn.BatchNorm2D(channels)
        self.branches = DILATED_BRANCHES[kernel]
        for side, dilation in self.branches:
            setattr(self, f"dil_conv_k{side}_{dilation}", depthwise(channels, side, dilation))
            setattr(self, f"dil_bn_k{side}_{dilation}", nn.BatchNorm2D(channels))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.origin_bn(self.lk_origin(x))
        for conv, norm, _ in self._dilated():
            y = y + norm(conv(x))
        return y

    def fuse(self) -> nn.Conv2D:
        weight, bias = normalized(self.lk_origin, self.origin_bn)
        middle = weight.shape[-1] // 2
        for conv, norm, dilation in self._dilated():
            branch_weight, branch_bias = normalized(conv, norm)
            radius = dilation * (branch_weight.shape[-1] // 2)
            places = slice(middle - radius, middle + radius + 1, dilation)
            weight[:, :, places, places] += branch_weight
            bias = bias + branch_bias
        return convolution(weight, bias)

    def split(self, weight: np.ndarray, bias: np.ndarray) -> Dict[str, np.ndarray]:
        """State dict of a block whose `fuse()` has this kernel (float32[C, 1, k, k]) and bias (float32[C])."""
        tensors = {"lk_origin.weight": np.array(weight), **identity_norm("origin_bn", bias)}
        for side, dilation in self.branches:
            tensors[f"dil_conv_k{side}_{dilation}.weight"] = np.zeros((len(weight), 1, side, side), np.float32)
            tensors.update(identity_norm(f"dil_bn_k{side}_{dilation}", np.zeros_like(bias)))
        return tensors

    def _dilated(self) -> List[Tuple[nn.Conv2D, nn.BatchNorm2D, int]]:
        names = [(f"k{side}_{dilation}", dilation) for side, dilation in self.branches]
        return [(getattr(self, f"dil_conv_{name}"), getattr(self, f"dil_bn_{name}"), d) for name, d in names]


def depthwise(channels: int, kernel: int, dilation: int = 1) -> nn.Conv2D:
    """A depthwise convolution without bias that keeps the size."""
    padding = dilation * (kernel // 2)
    return nn.Conv2D(channels, channels, kernel, padding=padding, dilation=dilation, groups=channels, bias_attr=False)


def scale_and_shift(norm: nn.Layer) -> Tuple[np.ndarray, np.ndarray]:
    """What batch normalisation does in `eval()` mode: y = scale · x + shift, float32[C] each."""
    scale = norm.weight.numpy() / np.sqrt(norm._variance.numpy() + norm._epsilon)
    return scale, norm.bias.numpy() - norm._mean.numpy() * scale


def normalized(conv: nn.Layer, norm: nn.Layer) -> Kernel:
    """Kernel and bias of a convolution without bias together with the normalisation after it."""
    scale, shift = scale_and_shift(norm)
    kernel = conv.weight.numpy()
    return kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1)), shift


def convolution(weight: np.ndarray, bias: np.ndarray) -> nn.Conv2D:
    """The depthwise convolution with this kernel and bias."""
    channels, _, kernel, _ = weight.shape
    conv = nn.Conv2D(channels, channels, kernel, padding=kernel // 2, groups=channels)
    conv.weight.set_value(weight)
    conv.bias.set_value(bias)
    return conv


def identity_norm(name: str, bias: np.ndarray, *, epsilon: float = 1e-5) -> Dict[str, np.ndarray]:
    """State dict of a batch normalisation that adds `bias` (float32[C]) and changes nothing else."""
    ones = np.ones_like(bias)
    return {
        f"{name}.weight": ones,
        f"{name}.bias": np.array(bias),
        f"{name}._mean": np.zeros_like(bias),
        f"{name}._variance": ones - np.float32(epsilon),  # √(variance + ε) is then exactly 1
    }
