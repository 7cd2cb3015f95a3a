"""Starting from other weights: what fits, what is told, whose characters are kept, what is frozen."""

from __future__ import annotations

import json

import numpy as np
import paddle
import pytest
import yaml
from paddle import nn

from ppocr.engine.checkpoint import Checkpoint, save_checkpoint
from ppocr.engine.pretrained import find_weights, freeze, load_pretrained
from ppocr.errors import ConfigError, ModelError
from ppocr.ops.charset import Charset
from ppocr.utils.hashes import file_sha256

OLD, NEW = Charset(list("abc"), use_space_char=True), Charset(list("xcaz"), use_space_char=True)


class Net(nn.Layer):
    """A recogniser in outline."""

    def __init__(self, classes, extra=False):
        super().__init__()
        self.backbone = nn.Sequential(("conv", nn.Conv2D(3, 4, 3)), ("bn", nn.BatchNorm2D(4)))
        self.neck = nn.LSTM(4, 2)
        self.head = nn.Linear(4, classes)
        if extra:
            self.more = nn.Linear(2, 2)


def saved(tmp_path, model, name="model", characters=None, use_space_char=True):
    folder = tmp_path / name
    folder.mkdir()
    paddle.save(model.state_dict(), str(folder / "best_accuracy.pdparams"))
    if characters is not None:
        post = {"character_dict": list(characters)}
        if use_space_char is not None:
            post["use_space_char"] = use_space_char
        (folder / "inference.yml").write_text(yaml.safe_dump({"PostProcess": post}), encoding="utf-8")
    return folder


def test_everything_fits(tmp_path):
    source, model = Net(5), Net(5)
    report = load_pretrained(model, str(saved(tmp_path, source)), kind="rec", charset=OLD)
    assert not report.missing and not report.unexpected and not report.mismatched
    for name, tensor in model.state_dict().items():
        assert np.array_equal(tensor.numpy(), source.state_dict()[name].numpy())
    assert report.lines() == [f"{tmp_path}/model/best_accuracy.pdparams: {len(report.loaded)} of "
                              f"{len(report.loaded)} tensors taken"]  # fmt: skip


def test_another_dictionary_keeps_all_but_the_last_layer(tmp_path):
    source, model = Net(5, extra=True), Net(6)
    before = model.head.weight.numpy()
    report = load_pretrained(model, str(saved(tmp_path, source)), kind="rec", charset=NEW)
    assert report.mismatched == {"head.weight": ([4, 5], [4, 6]), "head.bias": ([5], [6])}
    assert report.unexpected == ("more.weight", "more.bias")
    assert np.array_equal(model.head.weight.numpy(), before)
    assert np.array_equal(model.neck.weight_ih_l0.numpy(), source.neck.weight_ih_l0.numpy())
    assert "  head.bias: shape [5], the network's is [6]: starts anew" in report.lines()
    assert "  more.bias: the network has no such tensor" in report.lines()


def test_the_classes_of_common_characters_are_taken_over(tmp_path):
    source, model = Net(5), Net(6)
    before = model.head.weight.numpy()
    report = load_pretrained(model, str(saved(tmp_path, source, characters="abc")), kind="rec", charset=NEW)
    assert report.translated == ("head.weight", "head.bias") and not report.mismatched
    weight, old = model.head.weight.numpy(), source.head.weight.numpy()
    # blank x c a z space  ←  blank a b c space
    for new_class, old_class in {0: 0, 2: 3, 3: 1, 5: 4}.items():
        assert np.array_equal(weight[:, new_class], old[:, old_class])
    assert np.array_equal(weight[:, [1, 4]], before[:, [1, 4]])
    assert model.head.bias.numpy()[5] == source.head.bias.numpy()[4]


@pytest.mark.parametrize(
    ("characters", "use_space_char"), [("abc", None), ("abc ", False), ("abc ", None), ("abc ", True)]
)
def test_whatever_the_list_beside_the_weights_means(tmp_path, characters, use_space_char):
    """PaddleOCR's directories, our final lists, and our older directories of a dictionary with a space."""
    source, model = Net(5), Net(6)
    weights = saved(tmp_path, source, characters=characters, use_space_char=use_space_char)
    report = load_pretrained(model, str(weights), kind="rec", charset=NEW)
    assert report.translated == ("head.weight", "head.bias")
    assert np.array_equal(model.head.bias.numpy()[[0, 2, 3, 5]], source.head.bias.numpy()[[0, 3, 1, 4]])


def test_of_two_spaces_the_last_one_is_taken_over(tmp_path):
    source, model = Net(5), Net(6)
    weights = saved(tmp_path, source, characters="a c", use_space_char=None)
    load_pretrained(model, str(weights), kind="rec", charset=NEW)
    # blank x c a z space  ←  blank a space c space
    assert np.array_equal(model.head.bias.numpy()[[0, 2, 3, 5]], source.head.bias.numpy()[[0, 3, 1, 4]])


def test_a_list_beside_the_weights_that_is_no_dictionary(tmp_path):
    weights = saved(tmp_path, Net(5), characters="aba")
    with pytest.raises(ModelError, match=r"inference\.yml: PostProcess\.character_dict: .* 3 is 'a' again"):
        load_pretrained(Net(6), str(weights), kind="rec", charset=NEW)


def test_a_backbone_alone(tmp_path):
    source, model = Net(5), Net(5)
    paddle.save(source.backbone.state_dict(), str(tmp_path / "imagenet.pdparams"))
    report = load_pretrained(model, str(tmp_path / "imagenet"), kind="rec", charset=OLD)
    assert np.array_equal(model.backbone.conv.weight.numpy(), source.backbone.conv.weight.numpy())
    assert "head.weight" in report.missing and "  head.weight: not in the file: starts anew" in report.lines()


def test_weights_of_another_network_are_refused(tmp_path):
    paddle.save(nn.Linear(2, 2).state_dict(), str(tmp_path / "x.pdparams"))
    model = Net(5)
    before = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    with pytest.raises(ModelError, match="is for another network"):
        load_pretrained(model, str(tmp_path / "x"), kind="rec")
    assert all(np.array_equal(tensor.numpy(), before[name]) for name, tensor in model.state_dict().items())


def test_where_weights_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    cached = tmp_path / "models" / "mobile" / "rec"
    cached.mkdir(parents=True)
    (cached / "best_accuracy.pdparams").write_bytes(b"")
    assert find_weights("mobile", "rec") == find_weights("mobile/rec", "det") == cached / "best_accuracy.pdparams"
    assert find_weights(str(tmp_path / "models" / "mobile"), "rec") == cached / "best_accuracy.pdparams"
    with pytest.raises(ModelError, match=r"server: no such weights: neither .* \(ppocr models fetch server\)"):
        find_weights("server", "rec")


def test_freezing():
    model = Net(5)
    names = freeze(model, ["backbone.*", "*.bias"])
    assert "backbone.conv.weight" in names and "head.bias" in names and "head.weight" not in names
    trained = {name for name, tensor in model.named_parameters() if not tensor.stop_gradient}
    assert "head.weight" in trained and not trained & set(names)
    with pytest.raises(ConfigError, match=r"Global\.freeze: 'nek\.\*' fits no parameter, e\.g\. backbone"):
        freeze(model, ["nek.*", "head.*"])


@pytest.mark.parametrize("known", ["checkpoint", "fetched"])
def test_damaged_weights_are_refused_where_their_hash_is_known(known, tmp_path):
    arrays = {key: tensor.numpy() for key, tensor in Net(5).state_dict().items()}
    save_checkpoint(tmp_path / "family/rec/best_accuracy", Checkpoint(arrays, {"m": np.ones(2)}, {"step": 1}))
    path = tmp_path / "family/rec/best_accuracy.pdparams"
    if known == "fetched":
        path.with_suffix(".states").unlink()
        listed = {"files": {"rec/best_accuracy.pdparams": file_sha256(path)}}
        (tmp_path / "family/manifest.json").write_text(json.dumps(listed))
    load_pretrained(Net(5), str(path), kind="rec")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    advice = {"checkpoint": "best_accuracy.states", "fetched": "ppocr models fetch family"}[known]
    with pytest.raises(ModelError, match=rf"best_accuracy\.pdparams: damaged.*{advice}"):
        load_pretrained(Net(5), str(path), kind="rec")
