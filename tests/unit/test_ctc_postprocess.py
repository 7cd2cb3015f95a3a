"""Texts from class probabilities, by whatever list of characters a model directory holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from ppocr.errors import ModelError
from ppocr.infer.model_dir import ModelDir
from ppocr.ops.charset import Charset
from ppocr.postprocess.ctc import CTCLabelDecode

# As PaddleOCR 3 writes it: the lines of the dictionary file, and nothing about the space.
OFFICIAL = """
Global:
  model_name: en_PP-OCRv5_mobile_rec
Hpi:
  backend_configs:
    paddle_infer:
      trt_dynamic_shapes: &id001
        x:
        - - 1
          - 3
          - 48
          - 160
PreProcess:
  transform_ops:
  - DecodeImage:
      channel_first: false
      img_mode: BGR
  - MultiLabelEncode:
      gtc_encode: NRTRLabelEncode
  - RecResizeImg:
      image_shape:
      - 3
      - 48
      - 320
  - KeepKeys:
      keep_keys:
      - image
      - label_ctc
      - label_gtc
      - length
      - valid_ratio
PostProcess:
  name: CTCLabelDecode
  character_dict:
  - '0'
  - '1'
  - a
  - 'y'
  - '~'
"""
SPACE = "  - ' '\n"


def scores(indices, classes):
    """float32[1, T, classes] of one crop, a blank after each character."""
    steps = [step for index in indices for step in (index, 0)]
    out = np.zeros((1, len(steps), classes), np.float32)
    out[0, np.arange(len(steps)), steps] = 1
    return out


def directory(tmp_path: Path, text: str) -> ModelDir:
    (tmp_path / "inference.json").write_text('{"program": {"regions": [{"blocks": [{"ops": []}]}]}}')
    (tmp_path / "inference.pdiparams").write_bytes(b"")
    (tmp_path / "inference.yml").write_text(text, encoding="utf-8")
    return ModelDir.open(tmp_path)


@pytest.mark.parametrize(
    ("own_space", "appended", "indices", "text"),
    [
        (False, True, [3, 6, 4], "a y"),
        (False, False, [3, 5, 4], "a~y"),
        (True, True, [3, 7, 4, 6, 5], "a y ~"),  # as en, japan, korean, latin: a class for each of the two spaces
        (True, False, [3, 6, 4], "a y"),
    ],
)
def test_official_directories(tmp_path, own_space, appended, indices, text):
    model = directory(tmp_path, OFFICIAL + SPACE * own_space)
    assert model.transform("RecResizeImg", None).image_shape == (3, 48, 320)
    classes = 1 + 5 + own_space + appended
    assert model.postprocess("CTCLabelDecode")(scores(indices, classes)) == [(text, 1.0)]


@pytest.mark.parametrize("own_space", [False, True])
@pytest.mark.parametrize("use_space_char", [False, True])
def test_directories_that_this_project_wrote_before(tmp_path, own_space, use_space_char):
    """The list was the dictionary, and the space was appended if it was switched on and the dictionary had none."""
    characters = list("ab ") if own_space else list("ab")
    post = {"name": "CTCLabelDecode", "character_dict": characters, "use_space_char": use_space_char}
    model = directory(tmp_path, yaml.safe_dump({"PostProcess": post}))
    has_space = own_space or use_space_char
    indices, text = ([1, 3, 2], "a b") if has_space else ([1, 2], "ab")
    assert model.postprocess("CTCLabelDecode")(scores(indices, 3 + has_space)) == [(text, 1.0)]


@pytest.mark.parametrize("characters", ["ab", "a b", " ab"])
@pytest.mark.parametrize("use_space_char", [False, True])
def test_a_final_list_is_not_extended(tmp_path, characters, use_space_char):
    charset = Charset(list(characters), use_space_char)
    post = {"name": "CTCLabelDecode", "character_dict": charset.characters, "use_space_char": False}
    decode = directory(tmp_path, yaml.safe_dump({"PostProcess": post})).postprocess("CTCLabelDecode")
    text = "b a" if " " in charset.characters else "ba"
    assert decode(scores(charset.encode(text), charset.num_classes)) == [(text, 1.0)]
    with pytest.raises(ModelError, match=f"gives {charset.num_classes + 1} classes.* makes {charset.num_classes} "):
        decode(scores([1], charset.num_classes + 1))


@pytest.mark.parametrize(
    ("use_space_char", "told"), [(None, "makes 4 or 3 "), (True, "makes 4 "), (False, "makes 3 ")]
)
def test_another_number_of_classes_is_told(use_space_char, told):
    with pytest.raises(ModelError, match=f"gives 7 classes, but its character set {told}.*2 characters"):
        CTCLabelDecode(["a", "b"], use_space_char)(scores([1], 7))


def test_a_list_that_is_no_dictionary_is_told(tmp_path):
    model = directory(tmp_path, OFFICIAL + "  - a\n")
    with pytest.raises(Exception, match=r"inference\.yml: PostProcess: .*entry 6 is 'a' again, as number 3"):
        model.postprocess("CTCLabelDecode")
