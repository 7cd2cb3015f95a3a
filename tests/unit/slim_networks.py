"""A small network with everything that slimming must get right, and what tests of slimming share."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from ppocr.errors import SlimError

SHAPE = [1, 3, 16, 16]


def need_paddleslim():
    """Skip where PaddleSlim is not installed; `make test` installs it."""
    from ppocr.slim.paddleslim import paddleslim

    try:
        paddleslim("dygraph.prune.fpgm_pruner")
    except SlimError as error:
        pytest.skip(str(error))


class Gate(nn.Layer):
    """Squeeze-and-excitation."""

    def __init__(self, channels):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.down = nn.Conv2D(channels, channels // 2, 1)
        self.up = nn.Conv2D(channels // 2, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.up(F.relu(self.down(self.pool(x)))))


class Network(nn.Layer):
    """Depthwise convolution, gate, shortcut, up-sampling by a fixed transposed convolution, concat, deconvolution."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2D(3, 8, 3, stride=2, padding=1, bias_attr=False)
        self.norm = nn.BatchNorm2D(8)
        self.expand = nn.Conv2D(8, 16, 1)
        self.depthwise = nn.Conv2D(16, 16, 3, padding=1, groups=16)
        self.gate = Gate(16)
        self.project = nn.Conv2D(16, 8, 1)
        self.low = nn.Conv2D(8, 8, 3, stride=2, padding=1)
        self.high = nn.Conv2D(8, 4, 1)
        self.last = nn.Conv2D(12, 4, 3, padding=1)
        self.extra = nn.Conv2D(12, 4, 1)  # runs in training alone
        self.grow = nn.Conv2DTranspose(4, 1, 2, stride=2)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        x = x + self.project(self.gate(F.hardswish(self.depthwise(self.expand(x)))))
        low = self.low(x)
        ones = paddle.ones([low.shape[1], 1, 2, 2])
        both = paddle.concat([F.conv2d_transpose(low, ones, stride=2, groups=low.shape[1]), self.high(x)], axis=1)
        y = F.sigmoid(self.grow(F.relu(self.last(both))))
        return [y, self.extra(both)] if self.training else y


def network(seed=0):
    paddle.seed(seed)
    model = Network()
    model.eval()
    return model


def pictures(count=3, seed=0):
    random = np.random.default_rng(seed)
    return [random.standard_normal(SHAPE).astype(np.float32) for _ in range(count)]


def predict(model, picture):
    with paddle.no_grad():
        return model(paddle.to_tensor(picture)).numpy()
