"""Networks as model directories: complete, checked, and whole or not at all."""

import shutil
from collections import namedtuple

import numpy as np
import paddle
import pytest
import yaml

from ppocr.config import Config, load_config
from ppocr.engine.build import build_charset, build_model, input_shape
from ppocr.errors import ConfigError, ModelError
from ppocr.export import export
from ppocr.export.export import export_model, exported_model, exported_models, inference_spec
from ppocr.infer.model_dir import ModelDir
from ppocr.infer.runtimes.onnxruntime import OnnxRuntime
from ppocr.utils.networks import predict

CONFIGS = {
    "det": "det/ch_ppocr_mobile_v2.0_det.yml",
    "cls": "cls/ch_ppocr_mobile_v2.0_cls.yml",
    "rec": "rec/en63_mobile_rec.yml",
}


def lively(config):
    """A network whose normalisations and biases are not the identity."""
    paddle.seed(0)
    model = build_model(config)
    random = np.random.default_rng(0)
    for name, tensor in model.state_dict().items():
        if tensor.ndim == 1:
            values = (
                random.uniform(0.5, 1.5, tensor.shape) if "variance" in name else random.normal(0, 0.2, tensor.shape)
            )
            tensor.set_value((tensor.numpy() + values).astype(np.float32))
    return model


@pytest.fixture(scope="module", params=list(CONFIGS))
def exported(request, tmp_path_factory):
    config = load_config(CONFIGS[request.param])
    model = lively(config)
    directory = tmp_path_factory.mktemp("models") / request.param
    return request.param, config, model, directory, export_model(model, config, directory)


def test_predictions_are_the_networks(exported):
    kind, _, model, directory, report = exported
    size = {"det": (2, 3, 64, 128), "cls": (5, 3, 48, 192), "rec": (2, 3, 32, 200)}[kind]
    batch = np.random.default_rng(2).uniform(-1, 1, size).astype(np.float32)
    expected = predict(model, batch)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(exported_model(directory).run(batch), expected, atol=1e-5)
    assert 0 <= report.difference < 1e-5 and report.directory == directory


def test_the_network_is_left_as_it_was(exported):
    _, _, model, _, _ = exported
    assert all(layer.training for layer in model.sublayers(include_self=True))
    assert any(isinstance(layer, paddle.nn.BatchNorm2D) for layer in model.sublayers())


def test_directory_is_complete(exported):
    _, config, _, directory, report = exported
    names = {path.name for path in directory.iterdir()}
    assert {"inference.json", "inference.pdiparams", "inference.yml"} <= names
    assert not [path for path in directory.parent.iterdir() if path.name.startswith(".")]
    spec = yaml.safe_load((directory / "inference.yml").read_text(encoding="utf-8"))
    assert set(spec.pop("Files")) == names
    assert spec == inference_spec(config)
    assert spec["Global"] == {"model_name": config.options.model_name}
    assert next(iter(spec["PreProcess"]["transform_ops"][0])) == "DecodeImage"
    assert report.size > 100_000


def test_character_set_travels_with_the_recogniser():
    post = inference_spec(load_config(CONFIGS["rec"]))["PostProcess"]
    assert post["name"] == "CTCLabelDecode" and post["use_space_char"] is False
    assert len(post["character_dict"]) == 63 + 1 and post["character_dict"].index(" ") == 63  # the list is final
    chinese = inference_spec(load_config("rec/ch_ppocr_mobile_v2.0_rec.yml"))["PostProcess"]["character_dict"]
    assert len(chinese) == 6623 + 1
    assert yaml.safe_load(yaml.safe_dump(chinese, allow_unicode=True)) == chinese  # quotes, digits, "no", U+3000 …


@pytest.mark.parametrize(("lines", "use_space_char"), [("ab", True), ("a b", True), ("ab ", True), ("ab ", False)])
def test_what_was_exported_reads_as_the_network_was_trained(tmp_path, lines, use_space_char):
    dictionary = tmp_path / "dict.txt"
    dictionary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tree = load_config(CONFIGS["rec"]).to_dict()
    tree["Global"].update(character_dict_path=str(dictionary), use_space_char=use_space_char)
    config = Config(tree)
    model, directory = build_model(config), tmp_path / "model"
    export_model(model, config, directory)
    charset = build_charset(config)
    assert model.head.out_channels == len(lines) + 1 + use_space_char == charset.num_classes
    decode = ModelDir.open(directory).postprocess("CTCLabelDecode")
    steps = np.zeros((1, 5, charset.num_classes), np.float32)
    steps[0, np.arange(5), [*charset.encode("b"), 0, *charset.encode(" "), 0, *charset.encode("a")]] = 1
    assert decode(steps) == [("b a", 1.0)]


def test_steps_of_training_are_left_out():
    config = load_config(CONFIGS["det"]).to_dict()
    steps = config["Eval"]["dataset"]["transforms"]
    steps.insert(1, {"DetLabelEncode": None})
    steps[-1] = {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}}
    written = inference_spec(Config(config))["PreProcess"]["transform_ops"]
    assert "DetLabelEncode" not in [next(iter(step)) for step in written]
    assert written[-1] == {"KeepKeys": {"keep_keys": ["image", "shape"]}}


def test_input_shapes():
    shapes = {kind: input_shape(load_config(name)) for kind, name in CONFIGS.items()}
    assert shapes == {"det": [-1, 3, -1, -1], "cls": [-1, 3, 48, 192], "rec": [-1, 3, 32, -1]}


def test_a_config_without_what_a_predictor_needs_is_refused():
    with pytest.raises(ConfigError) as caught:
        inference_spec(Config({"Global": {}}))
    assert len(caught.value.problems) == 3
    tree = load_config(CONFIGS["cls"]).to_dict()
    tree["Eval"]["dataset"]["transforms"] = [{"KeepKeys": {"keep_keys": ["image"]}}]
    with pytest.raises(ConfigError, match=r"ClsResizeImg\.image_shape: missing"):
        input_shape(Config(tree))


@pytest.mark.parametrize("difference", [2e-4, float("nan")])
def test_a_model_that_differs_is_not_written(tmp_path, monkeypatch, difference):
    monkeypatch.setattr(export, "largest_difference", lambda *_: difference)
    config = load_config(CONFIGS["cls"])
    with pytest.raises(ModelError, match="differs from the network by"):
        export_model(build_model(config), config, tmp_path / "cls")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_older_model(tmp_path, monkeypatch):
    config = load_config(CONFIGS["cls"])
    model = build_model(config)
    export_model(model, config, tmp_path / "cls")
    before = {path.name: path.read_bytes() for path in (tmp_path / "cls").iterdir()}

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paddle.jit, "save", fail)
    with pytest.raises(OSError, match="No space"):
        export_model(model, config, tmp_path / "cls")
    assert {path.name: path.read_bytes() for path in (tmp_path / "cls").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["cls"]


def test_a_disk_that_paddle_fills_without_noticing(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 100, 0))
    config = load_config(CONFIGS["cls"])
    with pytest.raises(OSError, match="No space left"):
        export_model(build_model(config), config, tmp_path / "cls")
    assert list(tmp_path.iterdir()) == []


def test_other_peoples_files_are_not_replaced(tmp_path):
    config = load_config(CONFIGS["cls"])
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ModelError, match=r"holds other files \(thesis.tex\)"):
        export_model(build_model(config), config, tmp_path)
    with pytest.raises(ModelError, match="not a directory"):
        export_model(build_model(config), config, tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.fixture
def converter(tmp_path, monkeypatch):
    for package in ("paddle2onnx", "onnxruntime"):
        pytest.importorskip(package)
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("converter")
def test_a_recogniser_as_onnx(tmp_path):
    config, directory = load_config(CONFIGS["rec"]), tmp_path / "rec"
    model = lively(config)
    report = export_model(model, config, directory, form="onnx")
    names = {path.name for path in directory.iterdir()}
    assert names == {"inference.onnx", "inference.yml", "dictionary.txt"}
    spec = yaml.safe_load((directory / "inference.yml").read_text(encoding="utf-8"))
    assert set(spec["Files"]) == names and report.difference < 1e-5
    dictionary = (directory / "dictionary.txt").read_text(encoding="utf-8")
    assert [*dictionary.splitlines(), " "] == spec["PostProcess"]["character_dict"]
    batch = np.random.default_rng(2).uniform(-1, 1, (2, 3, 32, 200)).astype(np.float32)
    (runtime,) = exported_models(directory)
    np.testing.assert_allclose(runtime.run(batch), predict(model, batch), atol=1e-5)
    with open(directory / "inference.onnx", "ab") as file:
        file.write(b"!")
    with pytest.raises(ModelError, match=r"inference.onnx: damaged"):
        ModelDir.open(directory)


@pytest.mark.usefixtures("converter")
def test_both_forms_and_a_conversion_that_differs(tmp_path, monkeypatch):
    config, directory = load_config(CONFIGS["cls"]), tmp_path / "cls"
    model = build_model(config)
    export_model(model, config, directory, form="both")
    before = {path.name for path in directory.iterdir()}
    assert before == {"inference.onnx", "inference.yml", "inference.json", "inference.pdiparams"}
    assert len(exported_models(directory)) == 2
    monkeypatch.setattr(OnnxRuntime, "run", lambda self, batch: np.full((len(batch), 2), 0.4, np.float32))
    with pytest.raises(ModelError, match=r"differs from Paddle's by 1\.0e-01"):
        export_model(model, config, directory, form="both")
    assert {path.name for path in directory.iterdir()} == before
