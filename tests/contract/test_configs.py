"""Every shipped configuration is complete, correct and builds."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppocr.config import load_config
from ppocr.engine.build import build_charset, build_model
from ppocr.registry import POSTPROCESSES, TRANSFORMS

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
EVERY = sorted(path.relative_to(CONFIGS).as_posix() for path in CONFIGS.glob("*/*.yml"))
PARTS = ("slim/", "ablations/")  # laid over others: test_slim_configs.py, test_ablation_tables.py
FILES = [file for file in EVERY if not file.startswith(PARTS)]
EXPECTED = {  # output of a [2, 3, H, W] batch in eval mode
    "det": lambda config: (2, 1, 64, 96),
    "rec": lambda config: (2, 96 // column_of(config), build_charset(config).num_classes),
    "cls": lambda config: (2, len(config.at("PostProcess.label_list"))),
}
GIVEN_TO_TRANSFORMS = ("charset", "max_text_length", "label_list", "task")
OPERATIONS = {"rec": "RecResizeImg", "cls": "ClsResizeImg"}


def column_of(config):
    """Width of a recogniser's column in pixels."""
    outline = "Architecture.Models.Student" if config.at("Architecture.Models") else "Architecture"
    halved_last = config.at(f"{outline}.Backbone.last_conv_stride") is not None
    return 8 if halved_last or config.at(f"{outline}.Backbone.name") in ("PPLCNetV3", "PPLCNetV4") else 4


def height_of(config):
    operation = OPERATIONS.get(config.at("Architecture.model_type"))
    return next((step[operation]["image_shape"][1] for step in transforms(config) if operation in step), 64)


def transforms(config):
    return config.at("Eval.dataset.transforms")


def test_the_configurations_are_found():
    assert {file.split("/")[0] for file in FILES} >= {"det", "rec", "cls"}
    names = [load_config(file).options.model_name for file in FILES]
    assert len(set(names)) == len(names)
    assert {
        "mobile_det",
        "server_det",
        "mobile_rec",
        "server_rec",
        "en63_rec",
        "mobile_cls",
        "tiny_det",
        "tiny_rec",
        *(f"PP-OCRv{version}_mobile_{task}" for version in (2, 3, 4, 5) for task in ("det", "rec")),
    } <= set(names)


@pytest.mark.parametrize("file", FILES)
def test_configuration_builds(file):
    config = load_config(file)
    task = config.at("Architecture.model_type")
    assert file.split("/")[0] == task
    model = build_model(config)
    model.eval()
    x = np.random.RandomState(0).standard_normal((2, 3, height_of(config), 96)).astype("float32")
    assert tuple(model(paddle.to_tensor(x)).shape) == EXPECTED[task](config)


@pytest.mark.parametrize("file", FILES)
def test_configuration_describes_prediction(file):
    config = load_config(file)
    problems = POSTPROCESSES.problems(config["PostProcess"], "PostProcess", given=("character_dict", "use_space_char"))
    for step in transforms(config):
        (name, settings), *more = step.items()
        assert not more
        spec = {"name": name, **(settings or {})}
        problems += TRANSFORMS.problems(spec, f"Eval.dataset.transforms.{name}", GIVEN_TO_TRANSFORMS)
    assert problems == []


@pytest.mark.parametrize(
    ("file", "classes"),
    [
        ("rec/ch_ppocr_mobile_v2.0_rec.yml", 6625),
        ("rec/ch_ppocr_server_v2.0_rec.yml", 6625),
        ("rec/en63_mobile_rec.yml", 65),
        ("rec/PP-OCRv4_mobile_rec.yml", 6625),
        ("rec/PP-OCRv5_mobile_rec.yml", 18385),
        ("rec/PP-OCRv6_tiny_rec.yml", 6906),
        ("rec/PP-OCRv6_small_rec.yml", 18710),
    ],
)
def test_dictionaries(file, classes):
    config = load_config(file)
    charset = build_charset(config)
    assert charset.num_classes == classes  # and the network's, as EXPECTED says
    assert len(set(charset.characters)) == len(charset.characters)


def test_the_dictionary_of_63_symbols_reads_anything():
    charset = build_charset(load_config("rec/en63_mobile_rec.yml"))
    assert charset.characters[:63] == list("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\ufffd")
    assert charset.encode("a€ Z") == [11, 63, 64, 62]


def test_the_chinese_dictionary_is_the_official_one():
    data = (CONFIGS.parent / "ppocr/utils/dict/ppocr_keys_v1.txt").read_bytes()
    assert zlib.crc32(data) == 603143576  # the official file's characters, in order, a line feed after each
    characters = build_charset(load_config("rec/ch_ppocr_mobile_v2.0_rec.yml")).characters
    assert len(characters) == 6623 + 1 and characters[-1] == " "
    assert characters[5709] == "\u3000"  # which stripping lines, or splitting at any Unicode line end, would lose


def test_the_dictionary_of_pp_ocrv6_tiny_is_the_official_one():
    data = (CONFIGS.parent / "ppocr/utils/dict/ppocrv6_tiny_dict.txt").read_bytes()
    assert zlib.crc32(data) == 1391191975
    characters = build_charset(load_config("rec/PP-OCRv6_tiny_rec.yml")).characters
    assert len(characters) == 6904 + 1 and characters[0] == "!" and characters[-2:] == ["\uffe5", " "]


def test_the_dictionary_of_pp_ocrv6_is_the_official_one():
    data = (CONFIGS.parent / "ppocr/utils/dict/ppocrv6_dict.txt").read_bytes()
    assert zlib.crc32(data) == 1931186250  # the characters that the official ONNX form lists, a line feed after each
    characters = build_charset(load_config("rec/PP-OCRv6_small_rec.yml")).characters
    assert len(characters) == 18708 + 1 and characters[0] == "!" and characters[-1] == " "


def test_the_dictionary_of_pp_ocrv5_is_the_official_one():
    data = (CONFIGS.parent / "ppocr/utils/dict/ppocrv5_dict.txt").read_bytes()
    assert zlib.crc32(data) == 835360908  # the characters that a published copy lists, a line feed after each
    characters = build_charset(load_config("rec/PP-OCRv5_mobile_rec.yml")).characters
    assert len(characters) == 18383 + 1 and characters[0] == "\u3000" and characters[-1] == " "
