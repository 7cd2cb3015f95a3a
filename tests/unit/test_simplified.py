"""Official weights in PP-LCNetV4's cheaper forms."""

from __future__ import annotations

from typing import Dict

import numpy as np
import paddle

from ppocr.engine.simplified import one_convolution, scale_activations
from ppocr.modeling.backbones.pp_lcnet_v4 import RecPPLCNetV4


def test_training_starts_from_the_official_function() -> None:
    """One convolution for several branches computes the same; hard-swish in place of GELU nearly so."""
    paddle.seed(0)
    official = RecPPLCNetV4(model_size="tiny", fixed_columns=False)
    for layer in official.sublayers():
        if isinstance(layer, paddle.nn.BatchNorm2D):
            layer.weight.set_value(np.random.default_rng(1).uniform(0.5, 1.5, layer.weight.shape).astype(np.float32))
            layer.bias.set_value(np.random.default_rng(2).normal(0, 0.3, layer.bias.shape).astype(np.float32))
    crops = paddle.to_tensor(np.random.default_rng(0).normal(0, 1, (4, 3, 48, 96)).astype(np.float32))
    official.train()
    for _ in range(20):
        official(crops)  # statistics that fit
    official.eval()
    expected = official(crops).numpy()
    arrays = one_convolution(official)
    same = RecPPLCNetV4(model_size="tiny", fixed_columns=False, branches=False)
    assert set(same.state_dict()) == set(arrays)
    same.set_state_dict(arrays)
    same.eval()
    np.testing.assert_allclose(same(crops).numpy(), expected, atol=1e-4 * np.abs(expected).max())

    far, near = (_hardswish(values, crops) for values in (arrays, scale_activations(arrays, stem="")))
    error = [np.abs(values - expected).mean() / np.abs(expected).mean() for values in (far, near)]
    assert error[1] < 0.3 * error[0], error


def _hardswish(arrays: Dict[str, np.ndarray], crops: paddle.Tensor) -> np.ndarray:
    model = RecPPLCNetV4(model_size="tiny", act="hardswish", branches=False, fixed_columns=False)
    model.set_state_dict(arrays)
    model.eval()
    return model(crops).numpy()
