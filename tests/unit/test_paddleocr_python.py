"""PaddleOCR's Python interface."""

import argparse
import importlib.metadata
import importlib.util
import json
import sys

import cv2
import numpy as np
import pytest
from ink import black_on_white as page

from ppocr import paddleocr
from ppocr.errors import ModelError
from ppocr.infer.languages import family_of, family_of_all
from ppocr.paddleocr import PaddleOCR, TextSystem, options_of


def test_release_2_gives_nested_lists(ink):
    reader = PaddleOCR(**ink)
    (((box, (text, score)),),) = reader.ocr(page())
    assert np.shape(box) == (4, 2) and text == "2" and 0 < score <= 1
    assert reader.ocr([page(), np.full((50, 50, 3), 255, np.uint8)])[1] == []
    ((only_box,),) = reader.ocr(page(), rec=False)
    assert only_box == box
    (((text, score),),) = reader.ocr(page()[30:60, 30:230], det=False)
    assert isinstance(text, str) and 0 <= score <= 1


def test_release_2_tells_directions(ink):
    (((label, score),),) = PaddleOCR(use_angle_cls=True, **ink).ocr(page(), det=False, rec=False)
    assert label in ("0", "180") and 0 <= score <= 1
    with pytest.raises(ValueError, match="use_angle_cls=True"):
        PaddleOCR(**ink).ocr(page(), det=False, rec=False)
    with pytest.raises(ValueError, match="nothing to do"):
        PaddleOCR(**ink).ocr(page(), det=False, rec=False, cls=False)


def test_release_3_gives_mappings_that_save_themselves(ink, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "shop.png"), page())
    (result,) = PaddleOCR(text_det_thresh=0.3, use_doc_unwarping=False, **ink).predict(str(tmp_path / "shop.png"))
    assert result["rec_texts"] == ["2"] and result["input_path"].endswith("shop.png")
    assert result["dt_polys"][0].shape == (4, 2) and result["rec_boxes"].shape == (1, 4)
    result.save_to_json(tmp_path / "out")
    result.save_to_img(tmp_path / "out")
    saved = json.loads((tmp_path / "out" / "shop_res.json").read_text(encoding="utf-8"))
    assert saved == result.json["res"] and saved["rec_texts"] == ["2"]
    assert cv2.imread(str(tmp_path / "out" / "shop_ocr_res_img.jpg")).shape == (100, 600, 3)
    result.print()
    assert json.loads(capsys.readouterr().out)["res"] == saved


def test_text_system(ink):
    boxes, texts, seconds = TextSystem(argparse.Namespace(show_log=False, use_gpu=False), **ink)(page())
    assert boxes[0].shape == (4, 2) and texts[0][0] == "2" and seconds["all"] > 0


def test_settings_of_both_releases():
    old = options_of({"det_db_thresh": 0.2, "rec_batch_num": 4, "rec_image_shape": "3, 32, 320", "use_gpu": True})
    new = options_of({"text_det_thresh": 0.2, "text_recognition_batch_size": 4, "device": "cpu"})
    assert (old.thresh, old.rec_batch_size, old.rec_image_shape, old.cls) == (0.2, 4, (3, 32, 320), None)
    assert (new.thresh, new.rec_batch_size) == (0.2, 4)
    assert options_of({"use_textline_orientation": True}).cls == "default"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"det_db_tresh": 0.2}, TypeError, "no setting 'det_db_tresh' here; did you mean 'det_db_thresh'"),
        ({"use_doc_unwarping": True}, ValueError, "not available"),
        ({"det_algorithm": "EAST"}, ValueError, "only 'DB'"),
        ({"lang": "korean"}, ModelError, "korean_PP-OCRv5_mobile_rec reads it, but no package carries it"),
        ({"lang": "japanese"}, ModelError, "no such language; did you mean 'japan'"),
    ],
)
def test_what_cannot_be_done_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        options_of(settings)


def test_languages(tmp_path, monkeypatch):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path))
    assert family_of("ch") == family_of("en") == "default"
    with pytest.raises(ModelError, match=r"ppocr models fetch small \(or v5, v3_japan\)"):
        family_of("japan")
    (tmp_path / "models" / "v3_japan" / "rec").mkdir(parents=True)
    assert family_of("japan") == family_of_all(["en", "japan"]) == "v3_japan"
    assert (family_of_all(["en", "ch"]), family_of_all(["en", "de"])) == ("default", "slim")
    with pytest.raises(ModelError, match="reads de, japan together"):
        family_of_all(["de", "japan"])
    assert options_of({"lang": "korean", "text_recognition_model_dir": "mine"}).det == "default"
    assert family_of("french") == family_of("german") == "slim"  # in the package
    (tmp_path / "models" / "small" / "rec").mkdir(parents=True)
    assert family_of("japan") == family_of_all(["de", "japan"]) == "small"
    assert options_of({"lang": "japan", "det_model_dir": "mine"}).rec == "small"


def test_the_clash_of_package_names_is_told(tmp_path, monkeypatch):
    assert paddleocr.clash() is None
    package = tmp_path / "paddleocr"
    (package / "ppocr").mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "paddleocr-2.10.0.dist-info").mkdir()
    (tmp_path / "paddleocr-2.10.0.dist-info" / "METADATA").write_text("Name: paddleocr\nVersion: 2.10.0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()
    assert importlib.metadata.version("paddleocr") == "2.10.0"
    assert importlib.util.find_spec("paddleocr") is not None
    assert paddleocr.clash().startswith("paddleocr 2.10.0 is installed here too")


def test_another_dictionary_than_the_directory_s_own_is_refused(ink, tmp_path):
    path = tmp_path / "dict.txt"
    path.write_text("\n".join("0123456789") + "\n", encoding="utf-8")
    assert PaddleOCR(rec_char_dict_path=str(path), **ink).ocr(page())[0][0][1][0] == "2"
    path.write_text("\n".join("012345678x") + "\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"10 characters, but .* was made with 10, and they differ from entry 10 on"):
        PaddleOCR(rec_char_dict_path=str(path), **ink)
    path.write_text("\n".join("01234") + "\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"5 characters, but .* was made with 10"):
        PaddleOCR(rec_char_dict_path=str(path), **ink)


def test_pages_are_set_upright_when_that_is_asked_for():
    """A page on its side with the packaged models: lines in order, boxes of the upright picture."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    upright = np.full((420, 700, 3), 255, np.uint8)
    texts = ["first line here", "second line of text", "third and the last", "fourth line 2024"]
    for number, text in enumerate(texts):
        cv2.putText(upright, text, (40, 80 + 90 * number), font, 1.4, (0, 0, 0), 2, cv2.LINE_AA)
    stored = np.ascontiguousarray(np.rot90(upright, -1))  # a quarter clockwise
    reader = PaddleOCR(engine="onnxruntime", use_doc_orientation_classify=True, return_word_box=True)
    (page,) = reader.predict(stored)
    assert page["doc_preprocessor_res"]["angle"] == 90
    assert [text.split()[0] for text in page["rec_texts"]] == [text.split()[0] for text in texts]
    tops = page["rec_boxes"][:, 1].tolist()
    assert tops == sorted(tops) and (page["rec_boxes"][:, 0] < 60).all()  # as they stand on the upright page
    assert page["text_word"][0][0] == "first" and page["text_word_boxes"][0].shape[1] == 4
    assert page.img["ocr_res_img"].shape == (420, 1400, 3)
    assert page.json["res"]["doc_preprocessor_res"]["angle"] == 90
    (plain,) = reader.predict(stored, use_doc_orientation_classify=False)
    assert "doc_preprocessor_res" not in plain.json["res"]
