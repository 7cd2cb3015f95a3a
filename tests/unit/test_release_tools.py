"""Making our own models: splits, case, and the weights that training starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest

from ppocr.modeling.backbones.pp_lcnet_v4 import RecPPLCNetV4

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "release"


@pytest.fixture(autouse=True)
def tools_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))


def test_a_name_stays_in_its_split():
    from recipe import split_of

    shares = {"dev": 0.2, "pick": 0.1}
    splits = [split_of(f"set/{number}.jpg", shares) for number in range(2000)]
    assert splits == [split_of(f"set/{number}.jpg", shares) for number in range(2000)]
    assert splits.count("dev") / 2000 == pytest.approx(0.2, abs=0.03)
    assert splits.count("pick") / 2000 == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    "label, reading, expected",
    [
        ("TOTAL SALES :", "Total Sales:", "Total Sales :"),
        ("TOTAL", "Tota|", "Total"),  # a letter misread within a word is as those beside it
        ("TOTAL", "T0TAL", "TOTAL"),
        ("AMT(RM)", "xyz", None),
        ("CASH", "xash", None),  # nothing tells the first letter's case
        ("7.99", "7.9", "7.99"),
    ],
)
def test_case_of_a_label_in_capitals(label, reading, expected):
    from recase import with_case_of

    assert with_case_of(label, reading) == expected


def test_lines_that_can_be_learnt(tmp_path):
    from recipe import LineWriter, charset, entries

    writer = LineWriter(tmp_path / "set", 64, charset(), suffix=".upper.txt")
    picture = np.full((80, 200, 3), 128, np.uint8)
    writer.add("train", picture, " two  words ")
    writer.add("dev", picture, "店")
    for text, image in (
        ("", picture),
        ("ひ", picture),
        ("x" * 200, picture),
        ("long", np.zeros((8, 800, 3), np.uint8)),
    ):
        writer.add("train", image, text)
    writer.close()
    assert writer.left_out == 4
    assert entries(tmp_path / "set" / "train.upper.txt") == [("images/000000.jpg", "two words")]
    assert entries(tmp_path / "set" / "dev.txt")[0][1] == "店"


def test_training_starts_from_the_official_function(monkeypatch):
    """One convolution for several branches computes the same; hard-swish in place of GELU nearly so."""
    import start

    paddle.seed(0)
    official = RecPPLCNetV4(model_size="tiny", fixed_columns=False)
    for layer in official.sublayers():
        if isinstance(layer, paddle.nn.BatchNorm2D):
            layer.weight.set_value(np.random.default_rng(1).uniform(0.5, 1.5, layer.weight.shape).astype(np.float32))
            layer.bias.set_value(np.random.default_rng(2).normal(0, 0.3, layer.bias.shape).astype(np.float32))
    strips = paddle.to_tensor(np.random.default_rng(0).normal(0, 1, (4, 3, 48, 96)).astype(np.float32))
    official.train()
    for _ in range(20):
        official(strips)  # statistics that fit
    official.eval()
    expected = official(strips).numpy()
    arrays = start.one_convolution(official)
    same = RecPPLCNetV4(model_size="tiny", fixed_columns=False, branches=False)
    assert set(same.state_dict()) == set(arrays)
    same.set_state_dict(arrays)
    same.eval()
    np.testing.assert_allclose(same(strips).numpy(), expected, atol=1e-4 * np.abs(expected).max())

    far, near = (_hardswish(official, values, strips) for values in (arrays, start.scale_activations(arrays, stem="")))
    error = [np.abs(values - expected).mean() / np.abs(expected).mean() for values in (far, near)]
    assert error[1] < 0.3 * error[0], error


def _hardswish(official, arrays, strips):
    model = RecPPLCNetV4(model_size="tiny", act="hardswish", branches=False, fixed_columns=False)
    model.set_state_dict(arrays)
    model.eval()
    return model(strips).numpy()
