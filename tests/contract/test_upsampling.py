"""Nearest up-sampling: Paddle's own values, in eager mode and in an exported model under oneDNN."""

from __future__ import annotations

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn
from paddle.inference import Config, create_predictor

from ppocr.modeling.layers import upsample_nearest


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_values_and_gradient_are_those_of_interpolate(factor):
    values = np.random.RandomState(factor).standard_normal((2, 5, 3, 4)).astype("float32")
    ours, theirs = (paddle.to_tensor(values, stop_gradient=False) for _ in range(2))
    y = upsample_nearest(ours, factor)
    reference = F.interpolate(theirs, scale_factor=factor, mode="nearest")
    np.testing.assert_array_equal(y.numpy(), reference.numpy())
    weights = paddle.to_tensor(np.random.RandomState(1).standard_normal(y.shape).astype("float32"))
    (y * weights).sum().backward()
    (reference * weights).sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-5, atol=1e-5)


class Pyramid(nn.Layer):
    def forward(self, x):
        return paddle.concat([upsample_nearest(x, 8), upsample_nearest(upsample_nearest(x, 2), 4)], axis=1)


def test_exported_it_runs_under_onednn_at_any_size(tmp_path):
    model = Pyramid()
    model.eval()
    spec = paddle.static.InputSpec([None, 6, None, None], "float32")
    paddle.jit.save(model, str(tmp_path / "inference"), input_spec=[spec])
    config = Config(str(tmp_path / "inference.json"), str(tmp_path / "inference.pdiparams"))
    config.disable_gpu()
    config.enable_mkldnn()
    config.disable_glog_info()
    predictor = create_predictor(config)
    for shape in ((1, 6, 2, 3), (2, 6, 5, 4)):
        x = np.random.RandomState(0).standard_normal(shape).astype("float32")
        entry = predictor.get_input_handle(predictor.get_input_names()[0])
        entry.reshape(shape)
        entry.copy_from_cpu(x)
        predictor.run()
        y = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
        repeated = x.repeat(8, axis=2).repeat(8, axis=3)
        np.testing.assert_array_equal(y, np.concatenate([repeated, repeated], axis=1))
