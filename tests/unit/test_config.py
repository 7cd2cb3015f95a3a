"""Configurations: read, overridden, checked, and read-only."""

from __future__ import annotations

import pytest
import yaml

from ppocr.config import Config, GlobalOptions, find_config, load_config, thaw
from ppocr.errors import ConfigError

TEXT = """
Global: {model_name: tiny, use_space_char: true}
Architecture:
  model_type: rec
  Backbone: {name: MobileNetV3, scale: 0.5, small_stride: [1, 2, 2, 2]}
Eval:
  dataset:
    transforms:
      - DecodeImage: {img_mode: BGR}
      - RecResizeImg: {image_shape: [3, 32, 320]}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def problems_of(call):
    with pytest.raises(ConfigError) as caught:
        call()
    return caught.value.problems


def test_reading_and_dotted_access(file):
    config = load_config(file)
    assert list(config) == ["Global", "Architecture", "Eval"] and len(config) == 3
    assert config["Architecture"]["Backbone"]["scale"] == 0.5
    assert config.at("Architecture.Backbone.small_stride") == (1, 2, 2, 2)
    assert config.at("Architecture.Neck.name") is None
    assert config.at("Architecture.model_type.further", "default") == "default"
    assert config.to_dict() == yaml.safe_load(TEXT)


def test_options_have_defaults(file):
    options = load_config(file).options
    assert (options.model_name, options.use_space_char, options.max_text_length) == ("tiny", True, 25)
    assert Config({}).options == GlobalOptions()


def test_read_only_at_every_level(file):
    config = load_config(file)
    with pytest.raises(TypeError):
        config["Global"] = {}
    with pytest.raises(TypeError):
        config["Architecture"]["Backbone"]["scale"] = 1.0
    with pytest.raises(TypeError):
        config.at("Eval.dataset.transforms")[1]["RecResizeImg"]["image_shape"][2] = 640
    with pytest.raises(AttributeError):
        config.options.model_name = "other"


def test_sections_that_share_an_anchor_are_set_one_by_one(file):
    file.write_text("Train: &data {dataset: {data_dir: a}}\nEval: *data\n", encoding="utf-8")
    config = load_config(file, ["Eval.dataset.data_dir=b"])
    assert (config.at("Train.dataset.data_dir"), config.at("Eval.dataset.data_dir")) == ("a", "b")


def test_it_is_a_copy_and_gives_copies():
    tree = {"Global": {"model_name": "a"}, "Train": {"list": [1]}}
    config = Config(tree)
    tree["Train"]["list"].append(2)
    config.to_dict()["Train"]["list"].append(3)
    thaw(config["Train"])["list"].append(4)
    assert config.at("Train.list") == (1,)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("Architecture.Backbone.scale=1.25", "Architecture.Backbone.scale", 1.25),
        ("Architecture.Backbone.small_stride=[2, 2, 2, 2]", "Architecture.Backbone.small_stride", (2, 2, 2, 2)),
        ("Architecture.Backbone.disable_se=true", "Architecture.Backbone.disable_se", True),
        ("Architecture.Backbone={name: ResNet, layers: 34}", "Architecture.Backbone.layers", 34),
        ("Global.model_name=a=b", "Global.model_name", "a=b"),
        ("Global.model_name=", "Global.model_name", None),
        ("Train={loader: {}}", "Train.loader", {}),
    ],
)
def test_overrides(file, override, path, value):
    assert load_config(file, [override]).at(path) == value


def test_an_override_inside_a_list(file):
    config = load_config(file, ["Eval.dataset.transforms.1.RecResizeImg.image_shape.2=640"])
    assert config.at("Eval.dataset.transforms")[1]["RecResizeImg"]["image_shape"] == (3, 32, 640)


def test_later_overrides_win(file):
    assert load_config(file, ["Global.seed=1", "Global.seed=2"]).options.seed == 2


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("Global.seed", "-o Global.seed: expected KEY.KEY=VALUE"),
        ("=1", "-o =1: expected KEY.KEY=VALUE"),
        (
            "Architecture.Bakbone.scale=1",
            "-o Architecture.Bakbone.scale=1: there is no 'Architecture.Bakbone.scale' to set; "
            "choose one of model_type, Backbone",
        ),
        (
            "Eval.dataset.transforms.7.x=1",
            "-o Eval.dataset.transforms.7.x=1: there is no 'Eval.dataset.transforms.7.x' to set",
        ),
        (
            "Eval.dataset.transforms.first.x=1",
            "-o Eval.dataset.transforms.first.x=1: there is no 'Eval.dataset.transforms.first.x' to set",
        ),
        (
            "Global.sed.low=1",
            "-o Global.sed.low=1: there is no 'Global.sed.low' to set; choose one of model_name, use_space_char",
        ),
        ("Global.seed=[1", "-o Global.seed=[1: '[1' is not a YAML value"),
    ],
)
def test_overrides_that_set_nothing(file, override, problem):
    assert problems_of(lambda: load_config(file, [override])) == [f"{file}: {problem}"]


def test_all_problems_at_once(file):
    file.write_text("Globl: {}\nOptimizer: Adam\nGlobal: {epoch_nums: 3, seed: x, use_gpu: 1}\n", encoding="utf-8")
    found = problems_of(lambda: load_config(file, ["nonsense"]))
    assert [problem.removeprefix(f"{file}: ") for problem in found] == [
        "-o nonsense: expected KEY.KEY=VALUE",
        "Globl: unknown section; did you mean 'Global'?",
        "Optimizer: expected a mapping, came 'Adam'",
        "Global.epoch_nums: Global has no parameter 'epoch_nums'; did you mean 'epoch_num'?",
        "Global.use_gpu: expected bool, came 1",
        "Global.seed: expected int, came 'x'",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Global: {a: 1\nTrain: 2\n", r"config\.yml:2: not YAML: "),
        (b"- a\n- b\n", r"config\.yml: expected a mapping at the top level, came list"),
        (b"", r"config\.yml: expected a mapping at the top level, came NoneType"),
        (b"\xff\xfeG", r"config\.yml:1: not UTF-8 "),
        (
            b"Global: !!python/object/apply:os.getcwd []\n",
            r"config\.yml:1: not YAML: could not determine a constructor",
        ),
    ],
)
def test_files_that_are_no_configuration(file, data, message):
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=message):
        load_config(file)


def test_shipped_configurations_go_by_their_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config("cls/ch_ppocr_mobile_v2.0_cls.yml").options.model_name == "mobile_cls"
    with pytest.raises(ConfigError, match=r"^cls/none\.yml: no such configuration file$"):
        find_config("cls/none.yml")
