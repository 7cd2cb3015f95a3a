"""Groups of channels of whole networks: cutting them out computes what ignoring those channels does."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.config import load_config
from ppocr.engine.build import build_model, input_shape
from ppocr.errors import SlimError
from ppocr.modeling.backbones.shufflenet_v2 import RecShuffleNetV2
from ppocr.slim.groups import AXES, find_groups
from ppocr.slim.prune import plan_pruning
from ppocr.utils.networks import example_shape, predict


def ignoring(model, plan):
    """A copy of a network whose layers multiply what the plan takes out of their inputs by 0."""
    model = copy.deepcopy(model)
    for name, layer in model.named_sublayers():
        axis = AXES.get(type(layer), (0, 0))[1]
        kept = plan.keep.get(f"{name}.weight", {}).get(axis) if type(layer) in AXES else None
        if kept is not None and getattr(layer, "_groups", 1) == 1:
            values = layer.weight.numpy()
            gone = np.setdiff1d(np.arange(values.shape[axis]), kept)
            values[(slice(None),) * axis + (gone,)] = 0
            layer.weight.set_value(values)
    return model


def check(model, shape, *, count=None):
    """Take the first third of every group out, at once; the groups."""
    groups = find_groups(model, shape)
    assert count is None or len(groups) == count
    plan = plan_pruning(
        SimpleNamespace(groups=groups, worst=lambda _, number: tuple(range(number))),
        model, {name: 1 / 3 for name, group in groups.items() if group.size > 2},
    )  # fmt: skip
    pruned = plan.apply(copy.deepcopy(model))
    picture = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    expected = predict(ignoring(model, plan), picture)
    np.testing.assert_allclose(predict(pruned, picture), expected, atol=1e-5 * np.abs(expected).max())
    assert sum(tensor.size for tensor in pruned.parameters()) < sum(tensor.size for tensor in model.parameters())
    return groups


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("det/ch_ppocr_mobile_v2.0_det.yml", 29), ("det/PP-OCRv3_mobile_det.yml", 37),
        ("det/PP-OCRv6_tiny_det.yml", 47), ("cls/ch_ppocr_mobile_v2.0_cls.yml", 26),
        ("rec/en63_mobile_rec.yml", 25),
    ],
)  # fmt: skip
def test_whole_networks(name, count):
    paddle.seed(0)
    config = load_config(name)
    check(build_model(config), example_shape(input_shape(config)), count=count)


def test_channels_that_are_split_and_shuffled():
    paddle.seed(0)
    backbone = RecShuffleNetV2()
    model = nn.Sequential(backbone, nn.Conv2D(backbone.out_channels, 4, 1))
    groups = check(model, [1, 3, 32, 64], count=18)  # what blocks keep to themselves, the stem, the last
    assert not [name for name in groups if "_conv_linear" in name]


def test_what_layers_mix_or_keep_is_in_no_group():
    class Scale(nn.Layer):
        """A layer that nobody knows."""

        def __init__(self):
            super().__init__()
            self.factors = self.create_parameter([1, 8, 1, 1])

        def forward(self, x):
            return x * self.factors

    def groups(*between):
        return set(find_groups(nn.Sequential(nn.Conv2D(3, 8, 1), *between, nn.Conv2D(8, 4, 1)), [1, 3, 8, 8]))

    assert groups(nn.ReLU()) == {"0.weight"}  # the last one's channels are the output
    assert groups(nn.Softmax(axis=1)) == groups(nn.LayerNorm([8, 8, 8])) == groups(Scale()) == set()


def test_a_network_that_needs_more_than_pictures_is_refused():
    config = load_config("rec/PP-OCRv6_tiny_rec.yml")
    with pytest.raises(SlimError, match="runs the network on pictures alone, which this one refuses: NRTRHead"):
        find_groups(build_model(config), example_shape(input_shape(config)))
