"""PaddleOCR's configurations run as they are, or say what is missing: see configs.yml."""

import logging

import pytest
import yaml

from compat import table
from ppocr.config import load_config
from ppocr.utils.dictionary import build_charset, find_dictionary

COUNTS = {"v2.0": 23, "v2": 3, "v3": 13, "v4": 4, "v5": 5, "v6": 4, "distillation": 7, "other algorithms": 9}
BUILT = set()


def test_all_families_are_counted():
    assert {family: len(files) for family, files in table.TABLE.items()} == COUNTS


@pytest.mark.parametrize(("family", "file"), table.entries())
def test_a_configuration_runs_or_is_refused(family, file, home, tmp_path):
    problems = table.problems_of(family, file, tmp_path, built=BUILT)
    refused = table.TABLE[family][file].get("refused")
    if refused:
        assert any(refused in problem for problem in problems)
    else:
        assert problems == []


def written(tmp_path, family, file, **changes):
    tree = table.tree(family, file)
    for path, value in changes.items():
        section, key = path.split("__")
        tree[section][key] = value
    (tmp_path / "c.yml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return tmp_path / "c.yml"


def test_keys_without_effect_are_noted_once(tmp_path, caplog):
    path = written(tmp_path, "v2.0", "det/det_mv3_db.yml", Global__use_npu=True, Global__amp_level="O2")
    with caplog.at_level(logging.WARNING):
        load_config(path)
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: without effect here: Global.use_npu, Global.amp_level, Global.load_static_weights"
    ]


def test_the_list_of_directions_may_stand_in_global(tmp_path):
    path = written(tmp_path, "v2.0", "cls/cls_mv3.yml", Global__label_list=["0", "90", "180", "270"])
    assert load_config(path).plain("PostProcess.label_list") == ["0", "90", "180", "270"]


def test_a_recogniser_without_dictionary_reads_digits_and_small_letters(tmp_path):
    charset = build_charset(load_config(written(tmp_path, "v2.0", "rec/rec_mv3_none_bilstm_ctc.yml")))
    assert "".join(charset.characters) == "0123456789abcdefghijklmnopqrstuvwxyz"
    assert charset.encode("a1Z") == charset.encode("A1z") == [11, 2, 36]
    assert charset.unknown("Ab-") == "-"


def test_the_two_english_dictionaries_are_told_apart_by_their_paths(home):
    def count(name):
        return len(find_dictionary(name).read_text(encoding="utf-8").split())

    assert count("ppocr/utils/en_dict.txt") == count("./ppocr/utils/en_dict.txt") == 95
    assert count("en_dict.txt") == count("/home/me/PaddleOCR/ppocr/utils/en_dict.txt") == 95
    assert count("ppocr/utils/dict/en_dict.txt") == 63
    assert count("latin_dict.txt") == count("../PaddleOCR/ppocr/utils/dict/latin_dict.txt") == 185
