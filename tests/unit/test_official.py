"""Official names → state dicts: every weight finds its place, and what does not fit is named."""

import random

import numpy as np
import official_names
import pytest

from ppocr.config import load_config
from ppocr.engine.build import build_model
from ppocr.engine.weights import load_weights, save_weights
from ppocr.errors import ModelError
from ppocr.official.families import FAMILIES, MOBILE
from ppocr.official.rename import by_creation_order, by_explicit_name, only_weights

MODELS = {model.kind: model for model in MOBILE.models}


@pytest.fixture(scope="module", params=["det", "cls", "rec"])
def official(request):
    """(network, the values it shall get, the same under official names, how to rename them)"""
    model = build_model(load_config(MODELS[request.param].config))
    state = official_names.arrays(model)
    given = official_names.automatic(state) if request.param == "det" else official_names.explicit(state, request.param)
    return model, state, given, MODELS[request.param].rename


def test_every_weight_finds_its_place(official):
    model, state, given, rename = official
    report = load_weights(model, rename(shuffled(given), model), source="test")
    assert report.loaded == len(given)
    assert all(name.startswith("head.thresh.") for name in report.initial)
    assert len(report.initial) + len(given) == len(state)
    for name, tensor in model.state_dict().items():
        if name in state and name not in report.initial:
            np.testing.assert_array_equal(tensor.numpy(), state[name], err_msg=name)


def shuffled(constants):
    """The order in a file says nothing."""
    names = sorted(constants)
    random.Random(0).shuffle(names)
    return {name: constants[name] for name in names}


def test_a_missing_layer_is_told(official):
    model, _, given, rename = official
    name = next(name for name in given if "bn_mean" in name or name.startswith("batch_norm_30."))
    left = {other: array for other, array in given.items() if other.rpartition(".")[0] != name.rpartition(".")[0]}
    left.pop(name, None)
    with pytest.raises(ModelError, match=r"missing|layers, the network has"):
        load_weights(model, rename(left, model), source="test")


def test_an_unknown_name_is_told(official):
    model, _, given, rename = official
    with pytest.raises(ModelError, match="no rule for the name 'surprise'"):
        rename({**given, "surprise": np.zeros(1, np.float32)}, model)


def test_a_wrong_shape_is_told_and_nothing_changes(official):
    model, _, given, rename = official
    name = next(iter(given))
    before = {key: tensor.numpy() for key, tensor in model.state_dict().items()}
    with pytest.raises(ModelError, match=r"test does not fit the network: .*shape \[3, 1, 7\], the network's is"):
        load_weights(model, rename({**given, name: np.zeros((3, 1, 7), np.float32)}, model), source="test")
    for key, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[key])


def test_numbers_count_per_kind_and_start_anywhere():
    from paddle import nn

    model = nn.Sequential(nn.Conv2D(1, 2, 1, bias_attr=False), nn.BatchNorm2D(2), nn.Conv2D(2, 1, 1, bias_attr=False))
    first, last = np.full((2, 1, 1, 1), 3.0), np.full((1, 2, 1, 1), 4.0)
    norm = {f"batch_norm_7.{leaf}": np.arange(2.0) for leaf in ("w_0", "b_0", "w_1", "w_2")}
    renamed = by_creation_order({"conv2d_10.w_0": last, "conv2d_9.w_0": first, **norm}, model)
    assert renamed["0.weight"] is first and renamed["2.weight"] is last  # by number, not by text
    assert sorted(renamed) == ["0.weight", "1._mean", "1._variance", "1.bias", "1.weight", "2.weight"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("conv1_weights", "backbone.conv1.conv.weight"),
        ("conv_last_bn_variance", "backbone.conv2.bn._variance"),
        ("conv2_expand_weights", "backbone.blocks.0.expand_conv.conv.weight"),
        ("conv12_depthwise_bn_offset", "backbone.blocks.10.bottleneck_conv.bn.bias"),
        ("conv9_se_2_offset", "backbone.blocks.7.mid_se.conv2.bias"),
        ("lstm_cell_0.w_0", "neck.encoder.lstm.0.cell_fw.weight_ih"),
        ("lstm_cell_3.b_1", "neck.encoder.lstm.1.cell_bw.bias_hh"),
        ("ctc_fc_w_attr", "head.fc.weight"),
        ("fc_0.b_0", "head.fc.bias"),
    ],
)
def test_explicit_names(name, place):
    assert list(by_explicit_name({name: np.zeros(1)}, None)) == [place]


def test_constants_of_the_conversion_are_no_weights():
    kept = only_weights(dict.fromkeys(["Constant_12", "fill_constant_1.tmp_0", "conv1_weights", "Constant_x"]))
    assert list(kept) == ["conv1_weights", "Constant_x"]


def test_saved_weights_load_again(tmp_path):
    import paddle

    model, other = (build_model(load_config(MODELS["cls"].config)) for _ in range(2))
    save_weights(model, tmp_path / "deep" / "best_accuracy.pdparams")
    other.set_state_dict(paddle.load(str(tmp_path / "deep" / "best_accuracy.pdparams")))
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name].numpy(), tensor.numpy())
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["best_accuracy.pdparams"]


def test_families_are_complete():
    for name, family in FAMILIES.items():
        assert family.name == name
        assert {model.kind for model in family.models} == {"det", "cls", "rec"}
        assert len(family.wheel.sha256) == 64
        for model in family.models:
            assert load_config(model.config).at("Architecture.model_type") == model.kind
