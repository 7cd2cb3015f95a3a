"""The folded pyramid gives the values of pyramid and convolution, border pixels included."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from ppocr.config import Config, load_config
from ppocr.engine.build import build_model
from ppocr.modeling.deploy.prediction import for_prediction
from ppocr.modeling.deploy.pyramid import FoldedPyramid, doubling_conv_of
from ppocr.modeling.necks.db_fpn import DBFPN


def noise(*shape, seed=0):
    return paddle.to_tensor(np.random.RandomState(seed).standard_normal(shape).astype("float32"))


def pyramid(channels, *, height=2, width=3):
    return [noise(2, c, height * 2**level, width * 2**level, seed=c) for c, level in zip(channels, (3, 2, 1, 0))]


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 3)])
def test_doubling_convolution(size):
    x, weight = noise(2, 3, *size), noise(5, 3, 3, 3, seed=1)
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, padding=1)
    np.testing.assert_allclose(doubling_conv_of(weight.numpy())(x).numpy(), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("with_bias", [True, False])
def test_same_values_as_pyramid_and_convolution(with_bias):
    channels = [8, 12, 20, 24]
    neck = DBFPN(channels, 16)
    conv = nn.Conv2D(16, 6, 3, padding=1, bias_attr=None if with_bias else False)
    if with_bias:
        conv.bias.set_value(noise(6))
    maps = pyramid(channels)
    np.testing.assert_allclose(FoldedPyramid(neck, conv)(maps).numpy(), conv(neck(maps)).numpy(), atol=2e-5)


def test_levels_of_different_width():
    """As pruning leaves them."""
    channels = [4, 4, 4, 4]
    neck = DBFPN(channels, 16)
    for name, width in (("p5_conv", 1), ("p4_conv", 5), ("p3_conv", 2), ("p2_conv", 3)):
        setattr(neck, name, nn.Conv2D(16, width, 3, padding=1, bias_attr=False))
    conv = nn.Conv2D(1 + 5 + 2 + 3, 6, 3, padding=1)
    maps = pyramid(channels)
    np.testing.assert_allclose(FoldedPyramid(neck, conv)(maps).numpy(), conv(neck(maps)).numpy(), atol=2e-5)


def test_export_uses_it_and_the_detector_is_unchanged():
    config = load_config("det/ch_ppocr_mobile_v2.0_det.yml")
    model = build_model(Config(config.to_dict()))
    x = noise(2, 3, 64, 96)
    for _ in range(3):  # so that batch normalisation has seen something
        model(x)
    names = list(model.state_dict())
    faster = for_prediction(model, x).network
    assert isinstance(faster.neck, FoldedPyramid)
    model.eval()
    expected = model(x).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(faster(x).numpy(), expected, atol=1e-5)
    assert list(model.state_dict()) == names and isinstance(model.neck, DBFPN)
