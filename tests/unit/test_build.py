"""From configuration to network: what is filled in, and every mistake told with its dotted key."""

from __future__ import annotations

import pytest

from ppocr.config import Config
from ppocr.engine.build import build_charset, build_model
from ppocr.errors import ConfigError
from ppocr.registry import BACKBONES
from ppocr.utils.dictionary import find_dictionary

REC = {
    "Global": {"character_dict_path": "ppocr/utils/dict/en63_dict.txt", "use_space_char": True},
    "Architecture": {
        "model_type": "rec",
        "algorithm": "CRNN",
        "Transform": None,
        "Backbone": {"name": "MobileNetV3", "scale": 0.35, "small_stride": [1, 2, 2, 2]},
        "Neck": {"name": "SequenceEncoder", "encoder_type": "rnn", "hidden_size": 8},
        "Head": {"name": "CTCHead"},
    },
    "PostProcess": {"name": "CTCLabelDecode"},
}
CLS = {
    "Architecture": {
        "model_type": "cls",
        "Backbone": {"name": "MobileNetV3", "scale": 0.35},
        "Head": {"name": "ClsHead", "class_dim": 2},
    },
    "PostProcess": {"name": "ClsPostProcess", "label_list": ["0", "180"]},
}
REMOVED = object()


def changed(tree, **changes):
    """A Config of `tree` with dotted keys (`__` for the dot) replaced or removed."""
    tree = Config(tree).to_dict()
    for path, value in changes.items():
        *branch, last = path.split("__")
        node = tree
        for key in branch:
            node = node[key]
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    return Config(tree)


def problems_of(config):
    with pytest.raises(ConfigError) as caught:
        build_model(config)
    return caught.value.problems


def test_channels_and_classes_are_filled_in():
    model = build_model(Config(REC))
    assert model.backbone.out_channels == 200
    assert model.neck.encoder.lstm.weight_ih_l0.shape == [32, 200]
    assert model.head.fc.weight.shape == [16, 65]  # 63 characters, space, blank
    assert model.training


@pytest.mark.parametrize(("use_space_char", "classes"), [(True, 65), (False, 64)])
def test_the_space_is_a_class_of_its_own(use_space_char, classes):
    config = changed(REC, Global__use_space_char=use_space_char)
    assert build_charset(config).num_classes == classes
    assert build_model(config).head.out_channels == classes


def test_labels_count_as_classes_where_class_dim_is_left_out():
    config = changed(CLS, Architecture__Head={"name": "ClsHead"}, PostProcess__label_list=["0", "90", "180", "270"])
    assert build_model(config).head.out_channels == 4


def test_class_dim_alone_will_do():
    assert build_model(changed(CLS, PostProcess=REMOVED)).head.out_channels == 2


def test_nothing_is_shared_between_two_builds():
    first, second = build_model(Config(CLS)), build_model(Config(CLS))
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"Architecture__Backbone": {"name": "MobileNetV3", "scal": 1.0}},
            "Architecture.Backbone.scal: MobileNetV3 has no parameter 'scal'; did you mean 'scale'?",
        ),
        (
            {"Architecture__Backbone": {"name": "MobilNetV3"}},
            "Architecture.Backbone.name: no recognition backbone is called 'MobilNetV3'; did you mean 'MobileNetV3'?",
        ),
        (
            {"Architecture__Backbone__scale": 0.4},
            "Architecture.Backbone: scale must be one of 0.35, 0.5, 0.75, 1.0, 1.25, came 0.4",
        ),
        (
            {"Architecture__Backbone__small_stride": [1, 2, 2]},
            "Architecture.Backbone: small_stride must be four positive whole numbers, came [1, 2, 2]",
        ),
        (
            {"Architecture__Backbone": {"name": "ResNet", "layers": 19}},
            "Architecture.Backbone.layers: expected one of 18, 34, 50, came 19",
        ),
        (
            {"Architecture__Backbone": {"name": "ShuffleNetV2", "scale": 2}},
            "Architecture.Backbone: scale must be one of 0.5, 1.0, came 2",
        ),
        (
            {"Architecture__Neck__encoder_type": "svtr"},
            "Architecture.Neck.encoder_type: expected one of 'reshape', 'fc', 'rnn', came 'svtr'",
        ),
        ({"Architecture__Neck__hidden_size": 0}, "Architecture.Neck: hidden_size must be positive, came 0"),
        (
            {"Architecture__Neck": {"name": "DBFPN", "out_channels": 96}},
            "Architecture.Neck: DBFPN reads four maps; this backbone gives 200",
        ),
        (
            {"Architecture__Head__out_channels": 65},
            "Architecture.Head.out_channels: CTCHead has no parameter 'out_channels'; did you mean 'mid_channels'?",
        ),
        ({"Architecture__Head": None}, "Architecture.Head: missing; name one of CTCHead, ClsHead, DBHead, MultiHead"),
        (
            {"Architecture__Backbone": REMOVED},
            f"Architecture.Backbone: missing; name one of {', '.join(BACKBONES['rec'].names())}",
        ),
        ({"Architecture__Nek": {}}, "Architecture.Nek: unknown key; did you mean 'Neck'?"),
        ({"Architecture__Transform": {"name": "TPS"}}, "Architecture.Transform: none is available; leave it empty"),
        ({"Architecture": REMOVED}, "Architecture: missing; it says which network to build"),
        (
            {"Global__character_dict_path": REMOVED},
            "Global.character_dict_path: missing; CTCHead predicts the characters it lists",
        ),
    ],
)  # fmt: skip
def test_one_mistake(changes, problem):
    assert problems_of(changed(REC, **changes)) == [problem]


@pytest.mark.parametrize("value", ["kie", None, ["rec"], {}])
def test_unknown_tasks(value):
    expected = [f"Architecture.model_type: expected one of det, rec, cls, came {value!r}"]
    assert problems_of(changed(REC, Architecture__model_type=value)) == expected


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"Architecture__Head__class_dim": 4},
            "Architecture.Head.class_dim: 4, but PostProcess.label_list has 2 labels",
        ),
        ({"PostProcess__label_list": "0,180"}, "PostProcess.label_list: expected a list, came '0,180'"),
        (
            {"PostProcess": REMOVED, "Architecture__Head": {"name": "ClsHead"}},
            "Architecture.Head.class_dim: missing; ClsHead needs it",
        ),
    ],
)
def test_one_mistake_of_a_classifier(changes, problem):
    assert problems_of(changed(CLS, **changes)) == [problem]


def test_all_mistakes_at_once():
    config = changed(
        REC,
        Global__character_dict_path=REMOVED,
        Architecture__algorithmus="CRNN",
        Architecture__Backbone={"name": "MobileNetV3", "scal": 1.0, "model_name": "tiny"},
        Architecture__Neck={"name": "DBFPN"},
        Architecture__Head={"name": "CTCHead", "fc_decay": "small"},
    )
    assert problems_of(config) == [
        "Architecture.algorithmus: unknown key; did you mean 'algorithm'?",
        "Global.character_dict_path: missing; CTCHead predicts the characters it lists",
        "Architecture.Backbone.scal: MobileNetV3 has no parameter 'scal'; did you mean 'scale'?",
        "Architecture.Backbone.model_name: expected one of 'large', 'small', came 'tiny'",
        "Architecture.Neck.out_channels: missing; DBFPN needs it",
        "Architecture.Head.fc_decay: expected float, came 'small'",
    ]


def test_a_dictionary_that_is_missing():
    (problem,) = problems_of(changed(REC, Global__character_dict_path="no/such.txt"))
    told, shipped, *_ = problem.split("; ")
    assert told == "Global.character_dict_path: no/such.txt: there is no such dictionary"
    assert {"en63_dict.txt", "ppocr_keys_v1.txt"} < set(shipped.replace("the package brings ", "").split(", "))


def test_a_dictionary_that_is_none(tmp_path):
    path = tmp_path / "dict.txt"
    path.write_text("a\nb\na\n", encoding="utf-8")
    (problem,) = problems_of(changed(REC, Global__character_dict_path=str(path)))
    assert problem.startswith(f"Global.character_dict_path: {path}:3: ") and "is 'a' again, as number 1" in problem


@pytest.mark.parametrize("name", ["en63_dict.txt", "ppocr/utils/dict/en63_dict.txt"])
def test_a_dictionary_that_the_package_brings(name):
    assert build_model(changed(REC, Global__character_dict_path=name)).head.out_channels == 65


def test_a_dictionary_in_the_working_directory_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "ppocr/utils/dict/en63_dict.txt"
    assert find_dictionary(name).is_absolute()
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("x\ny\n", encoding="utf-8")
    assert build_model(changed(REC, Global__character_dict_path=name)).head.out_channels == 4
