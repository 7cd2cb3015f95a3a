"""A damaged model never reads: cut files and flipped bits are refused in one line, by every engine, at start-up."""

import importlib.util
import itertools
import json
import os
import random
import re
import shutil

import cv2
import numpy as np
import paddle
import pytest
import yaml
from paddle import nn

from ppocr.cli.main import main
from ppocr.errors import ModelError
from ppocr.export.export import save_program, write_spec
from ppocr.infer.integrity import MANIFEST
from ppocr.infer.model_dir import ModelDir, open_model
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.create import create_runtime
from ppocr.utils.hashes import file_sha256

FLIPS = 200
SPECS = {
    "det": {"PostProcess": {"name": "DBPostProcess"}},
    "cls": {"PostProcess": {"name": "ClsPostProcess", "label_list": ["0", "180"]}},
    "rec": {
        "PreProcess": {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 32, 320]}}]},
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": ["a", "b", "c"]},
    },
}


class Small(nn.Layer):
    """A map of probabilities in the size of the picture, as a detector gives it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 8, 3, padding=1)
        self.last = nn.Conv2D(8, 1, 1)

    def forward(self, x):
        return nn.functional.sigmoid(self.last(nn.functional.relu(self.conv(x))))


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A family whose networks are `Small`."""
    family = tmp_path_factory.mktemp("models") / "family"
    paddle.seed(0)
    model = Small()
    model.eval()
    for kind, spec in SPECS.items():
        (family / kind).mkdir(parents=True)
        save_program(model, [-1, 3, -1, -1], family / kind)
        write_spec(spec, family / kind)
    return family


@pytest.fixture
def family(sealed, tmp_path, monkeypatch):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "home"))
    return shutil.copytree(sealed, tmp_path / "home" / "models" / "family")


def unseal(directory):
    """What an official directory is like: no hashes."""
    spec = yaml.safe_load((directory / "inference.yml").read_text())
    del spec["Files"]
    (directory / "inference.yml").write_text(yaml.safe_dump(spec))


def need(engine):
    modules = {"paddle": ("paddle",)}.get(engine, (engine, "paddle2onnx", "onnx"))
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def test_whole_models_open(family):
    for kind in SPECS:
        assert ModelDir.open(family / kind).spec["PostProcess"] == SPECS[kind]["PostProcess"]
        unseal(family / kind)
        ModelDir.open(family / kind)


@pytest.mark.parametrize("name", ["inference.pdiparams", "inference.json", "inference.yml"])
def test_cut_at_every_percent(family, name):
    path = family / "rec" / name
    whole = path.read_bytes()
    for percent in range(100):
        path.write_bytes(whole[: len(whole) * percent // 100])
        with pytest.raises(ModelError, match=f"{name}.*(damaged|YAML|mapping)") as refused:
            open_model(str(family / "rec"), "rec")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["inference.pdiparams", "inference.json"])
def test_cut_at_every_percent_where_no_hashes_are_known(family, name):
    unseal(family / "det")
    path = family / "det" / name
    whole = path.read_bytes()
    for percent in range(100):
        path.write_bytes(whole[: len(whole) * percent // 100])
        with pytest.raises(ModelError, match=f"{name}: damaged"):
            ModelDir.open(family / "det")
    path.write_bytes(whole + b"\0")
    if name.endswith("pdiparams"):
        with pytest.raises(ModelError, match="damaged"):
            ModelDir.open(family / "det")


def test_flipped_bits(family):
    """In the section `Files` itself as well: there every change of a value is one of a size or a hash."""
    chosen = random.Random(0)
    files = sorted((family / "rec").iterdir())
    for _ in range(FLIPS):
        path = chosen.choice(files)
        whole = path.read_bytes()
        data = bytearray(whole)
        begin = len(b"Files:\n") if path.suffix == ".yml" else 0
        data[chosen.randrange(begin, len(data))] ^= 1 << chosen.randrange(8)
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"damaged|missing"):
            ModelDir.open(family / "rec")
        path.write_bytes(whole)
    ModelDir.open(family / "rec")


def test_a_missing_file_is_named(family):
    (family / "det" / "inference.pdiparams").unlink()
    with pytest.raises(ModelError, match=r"needs .* and inference\.pdiparams"):
        ModelDir.open(family / "det")


def test_weights_of_another_network_are_refused(family):
    unseal(family / "det")
    other = nn.Conv2D(3, 1, 3, padding=1)
    paddle.save(other.state_dict(), str(family / "x"))
    (family / "other").mkdir()
    save_program(other, [-1, 3, -1, -1], family / "other")
    shutil.copy(family / "other" / "inference.pdiparams", family / "det")
    with pytest.raises(ModelError, match=r"of another model: inference\.json asks for 4 parameters"):
        ModelDir.open(family / "det")


def test_the_manifest_of_a_family_counts_where_the_directory_has_no_hashes(family):
    for kind in SPECS:
        unseal(family / kind)
    listed = {path.relative_to(family).as_posix(): file_sha256(path) for path in family.glob("*/*")}
    (family / MANIFEST).write_text(json.dumps({"files": listed}))
    path = family / "cls" / "inference.pdiparams"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    open_model("family", "cls")
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"damaged.*: ppocr models fetch family$"):
        open_model("family", "cls")


def test_what_was_changed_on_purpose_can_be_accepted(family):
    spec = family / "cls" / "inference.yml"
    spec.write_text(spec.read_text().replace("'180'", "'upside down'"))
    with pytest.raises(ModelError, match=r"inference\.yml: damaged.*changed on purpose: docs/model_directory\.md"):
        ModelDir.open(family / "cls")
    spec.write_text(re.sub(r"  inference\.yml: .*", "  inference.yml: changed", spec.read_text()))
    assert ModelDir.open(family / "cls").spec["PostProcess"]["label_list"] == ["0", "upside down"]


def test_a_hash_is_computed_once_for_each_state_of_a_file(family, monkeypatch):
    monkeypatch.setattr("ppocr.utils.hashes.SETTLED_SECONDS", 0.0)
    ModelDir.open(family / "det")
    monkeypatch.setattr("ppocr.utils.hashes.file_sha256", lambda path: pytest.fail(f"{path} again"))
    ModelDir.open(family / "det")


def test_what_was_just_written_is_not_remembered(family, tmp_path):
    """The clock of the file system may not tell the next change from this one."""
    (family / "det" / "inference.json").touch()
    ModelDir.open(family / "det")
    records = [json.loads(path.read_text()) for path in (tmp_path / "home" / "hashes").glob("*")]
    assert not [record for record in records if record[1].endswith("inference.json")]


def test_a_memory_that_is_damaged_or_cannot_be_written_does_no_harm(family, tmp_path, monkeypatch):
    monkeypatch.setattr("ppocr.utils.hashes.SETTLED_SECONDS", 0.0)
    ModelDir.open(family / "det")
    for record in (tmp_path / "home" / "hashes").iterdir():
        record.write_text("[1, 2")
    ModelDir.open(family / "det")
    shutil.rmtree(tmp_path / "home" / "hashes")
    (tmp_path / "home" / "hashes").write_text("in the way")
    ModelDir.open(family / "det")


def test_a_model_that_is_replaced_while_it_is_loaded_is_loaded_again(family, monkeypatch):
    model = ModelDir.open(family / "det")
    shutil.copytree(family / "det", family / "same")
    shutil.rmtree(family / "det")
    (family / "same").rename(family / "det")
    assert not model.is_current()
    create_runtime(model, OCROptions(threads=1))
    write_spec({"PostProcess": {"name": "DBPostProcess", "thresh": 0.7}}, family / "det")
    with pytest.raises(ModelError, match="was replaced by another model"):
        create_runtime(model, OCROptions(threads=1))


ALL = itertools.product(("paddle", "openvino", "onnxruntime"), SPECS)
QUICK = [("paddle", kind) for kind in SPECS] + [("openvino", "det"), ("onnxruntime", "det")]


@pytest.mark.parametrize(("engine", "kind"), ALL if "PPOCR_FUZZ" in os.environ else QUICK)
def test_every_engine_refuses_at_start_up(engine, kind, family, tmp_path, capfd):
    need(engine)
    cv2.imwrite(str(tmp_path / "page.png"), np.full((64, 64, 3), 255, np.uint8))
    path = family / kind / "inference.pdiparams"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 4
    for damaged in (whole[: len(whole) // 2], whole[:-1], bytes(flipped)):
        path.write_bytes(damaged)
        assert main(["ocr", str(tmp_path / "page.png"), "--models", "family", "--engine", engine]) == 1
        out, err = capfd.readouterr()
        assert out == "" and err.count("\n") == 1 and f"{path}: damaged" in err
