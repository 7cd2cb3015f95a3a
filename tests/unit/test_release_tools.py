"""Making our own models: splits, the case of labels, pruning by pictures."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.modeling.backbones.pp_lcnet_v4 import LCNetV4Block
from ppocr.slim.groups import find_groups
from ppocr.slim.prune import plan_pruning

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


def test_weights_kept_in_half_precision(tmp_path: Path) -> None:
    from keep import keep

    from ppocr.utils.pickles import read_arrays

    rng = np.random.default_rng(0)
    arrays = {
        "conv.weight": rng.normal(0, 1, (8, 4, 3, 3)).astype(np.float32),
        "bn._variance": np.full(8, 1e5, np.float32),
    }
    (tmp_path / "whole.pdparams").write_bytes(pickle.dumps(arrays, protocol=2))
    keep(tmp_path / "whole.pdparams", tmp_path / "folder" / "half.pdparams")
    back = read_arrays(tmp_path / "folder" / "half.pdparams")
    assert {array.dtype for array in back.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(back["bn._variance"], arrays["bn._variance"])
    np.testing.assert_allclose(back["conv.weight"], arrays["conv.weight"], rtol=1e-3, atol=1e-6)
    assert (tmp_path / "folder" / "half.pdparams").stat().st_size < 0.7 * (tmp_path / "whole.pdparams").stat().st_size


def test_how_often_a_set_is_seen(tmp_path: Path) -> None:
    from rec_training import shares_of

    for name in ("often", "seldom", "unlabelled/000"):
        folder = tmp_path / "lines" / name
        folder.mkdir(parents=True)
        (folder / "train.txt").write_text("x.jpg\tx\n", encoding="utf-8")
    shares = shares_of(tmp_path, {"often": 2.5, "seldom": 0.25})
    assert [(path.parent.name, share) for path, share in shares] == [
        ("often", 1.0), ("often", 1.0), ("often", 0.5), ("seldom", 0.25), ("000", 1.0),
    ]  # fmt: skip


def test_mean_of_runs(tmp_path: Path) -> None:
    from mean import average

    from ppocr.errors import ModelError
    from ppocr.utils.pickles import read_arrays

    for name, value, side in (("a", 1.0, 2), ("b", 3.0, 2), ("other", 1.0, 3)):
        arrays = {"weight": np.full((side, 2), value, np.float32)}
        (tmp_path / name).write_bytes(pickle.dumps(arrays, protocol=2))
    average([tmp_path / "a", tmp_path / "b"], tmp_path / "mean")
    np.testing.assert_array_equal(read_arrays(tmp_path / "mean")["weight"], np.full((2, 2), 2, np.float32))
    with pytest.raises(ModelError, match="other: is another network"):
        average([tmp_path / "a", tmp_path / "other"], tmp_path / "mean")


def test_channels_that_others_replace_go_first_and_cost_nothing():
    """Half of a block's hidden channels are twins of the others: without them it computes the same once fitted."""
    import shrink

    paddle.seed(0)
    blocks = nn.Sequential(LCNetV4Block(4, 6, stride=1, use_se=False, act="hardswish"), nn.Conv2D(6, 2, 1))
    blocks.eval()
    expand = blocks[0].channel_mixer.expand.conv.weight
    expand.set_value(paddle.concat([expand[:4], expand[:4]]))
    pictures = [paddle.rand([2, 4, 12, 12]) for _ in range(3)]
    expected, master = blocks(pictures[0]).numpy(), "0.channel_mixer.expand.conv.weight"
    reference = copy.deepcopy(blocks)
    (order, errors) = shrink.order_of(blocks[0], shrink.hidden_stats(blocks, {"0": blocks[0]}, pictures)["0"])
    assert sorted(number % 4 for number in order[:4]) == [0, 1, 2, 3] and errors[3] < 1e-3 < errors[5]
    groups = find_groups(blocks, [1, 4, 8, 8])
    chooser = SimpleNamespace(groups=groups, worst=lambda name, count: sorted(order[:count]))
    plan_pruning(chooser, blocks, {master: 0.5}).apply(blocks)
    assert blocks[0].channel_mixer.expand.conv.weight.shape == [4, 4, 1, 1]
    assert np.abs(blocks(pictures[0]).numpy() - expected).max() > 0.01
    shrink.fit(blocks, blocks[0], reference, reference[0], pictures, "0")
    np.testing.assert_allclose(blocks(pictures[0]).numpy(), expected, atol=2e-3)
