"""`ppocr ablate`: declarations, resuming, verdicts, and the documents that are made from results."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from ppocr.ablation.report import Results, conclusions_text, table_text, verdict
from ppocr.ablation.tables import Conclusion, Row, Table, load_table
from ppocr.cli.main import main
from ppocr.errors import ConfigError, PPOCRError

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "results"


def table_of(**rows):
    return Table("t", "T", "cls/ch_ppocr_mobile_v2.0_cls.yml", rows, "acc", [1, 3, 48, 192])


def record_of(table, **scores):
    runs = {name: {str(seed): {"acc": score} for seed, score in enumerate(each)} for name, each in scores.items()}
    return {"rows": {name: {"runs": runs.get(name, {})} for name in table.rows}}


def judge(better, worse, paper=(0.9, 0.8)):
    table = table_of(a=Row("A", paper={"acc": paper[0]}), b=Row("B", paper={"acc": paper[1]}))
    results = Results(table, record_of(table, a=better, b=worse), lambda name: {})
    return verdict(results, Conclusion("A is better", "a", "b", "acc"))


def test_a_difference_must_exceed_the_noise_between_seeds():
    assert judge([0.95, 0.951, 0.949], [0.90, 0.901, 0.899]) == "holds"
    assert judge([0.90, 0.901, 0.899], [0.95, 0.951, 0.949]) == "does not hold"
    assert judge([0.95, 0.91, 0.93], [0.94, 0.90, 0.92]).startswith("noise does not allow to say (± 3.3 points)")
    assert judge([0.95], [0.90]) == "one seed: cannot be judged"
    assert judge([], [0.90, 0.91]) == "not trained"


def test_costs_are_judged_without_training():
    table = table_of(a=Row("A", paper={"MB": 1.0}), b=Row("B", paper={"MB": 2.0}))
    cost = {"stored_bytes": 10**6, "parameters": 1, "multiplications": 10**6}
    record = {"rows": {
        "a": {"cost": {**cost, "cpu_ms": {"min": 10.0}}},
        "b": {"cost": {**cost, "stored_bytes": 2 * 10**6, "cpu_ms": {"min": 10.2}}},
    }}  # fmt: skip
    results = Results(table, record, lambda name: {})
    assert verdict(results, Conclusion("", "a", "b", "MB")) == "holds"
    assert verdict(results, Conclusion("", "b", "a", "MB")) == "does not hold"
    assert verdict(results, Conclusion("", "a", "b", "ms")).startswith("noise does not allow")
    text = table_text(results)
    assert "| B | 1e-06 M | 2.00 | 1 M | 10.2 (× 1.02) | not trained | – | 2.0 | – |" in text


def test_a_row_takes_the_scores_of_the_training_that_it_shares():
    table = table_of(a=Row("A", like="other.x"), b=Row("B"))
    other = {"rows": {"x": {"runs": {"0": {"acc": 0.5}, "1": {"acc": 0.7}}}}}
    results = Results(table, record_of(table), {"other": other}.__getitem__)
    assert results.scores("a") == [0.5, 0.7] and results.scores("b") == []
    assert "| A | – | – | – | – | .6000 (.5000–.7000, 2 seeds) |" in table_text(results)
    assert conclusions_text(results).count("\n") == 1


def test_mistakes_of_a_declaration_are_told_at_once(tmp_path):
    file = tmp_path / "mine.yml"
    file.write_text(yaml.safe_dump({
        "title": "x", "base": "b.yml", "score": "acc", "shape": [1], "rwos": 1,
        "rows": {"a": {"titel": "A"}, "b": 3},
    }))  # fmt: skip
    with pytest.raises(ConfigError) as error:
        load_table(str(file))
    told = str(error.value)
    assert "rows.a.titel" in told and "did you mean 'title'" in told and "rows.b: expected a mapping" in told
    assert f"{file}: rwos: " in told
    with pytest.raises(ConfigError, match="did you mean 'direction_backbones'"):
        load_table("direction_backbone")


@pytest.fixture
def small_table(tmp_path):
    """A row that learns the direction of 16 strips for one epoch, and one that may."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "strips"
    folder.mkdir(parents=True)
    for number in range(16):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(256, size=(12, 40, 3), dtype=np.uint8))
    for listing in ("train.txt", "val.txt"):
        (folder / listing).write_text("".join(f"{n}.png\t{180 * (n % 2)}\n" for n in range(16)))
    plain = [
        {"DecodeImage": {"img_mode": "BGR", "channel_first": False}}, {"ClsLabelEncode": None},
        {"ClsResizeImg": {"image_shape": [3, 16, 32]}}, {"KeepKeys": {"keep_keys": ["image", "label"]}},
    ]  # fmt: skip
    loader = {"batch_size_per_card": 8, "num_workers": 0}
    sections = {name: {"dataset": {"transforms": plain}, "loader": loader} for name in ("Train", "Eval")}
    file = tmp_path / "mine.yml"
    file.write_text(yaml.safe_dump({
        "title": "Mine", "base": "cls/ch_ppocr_mobile_v2.0_cls.yml", "score": "acc", "shape": [1, 3, 16, 32],
        "data": "strips", "seeds": [0, 1], "recipe": {"Global": {"epoch_num": 1}},
        "rows": {"a": {"title": "A", "settings": sections},
                 "b": {"title": "B", "settings": {**sections, "Architecture": {"Backbone": {"scale": 0.5}}}}},
    }))  # fmt: skip
    return file


def test_rows_are_measured_once_and_again_when_they_change(small_table, tmp_path, capsys):
    arguments = [str(small_table), "--output", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "--turns", "2"]
    train = ["--data", str(tmp_path / "data"), "--rows", "a", "--seeds", "1"]
    assert main(["ablate", *arguments, *train]) == 0
    record = json.loads((tmp_path / "out" / "ablate-mine.json").read_text())
    assert record["rows"]["b"]["cost"]["parameters"] > record["rows"]["a"]["cost"]["parameters"]
    assert set(record["rows"]["a"]["runs"]) == {"0"} and "runs" not in record["rows"]["b"]
    shown = capsys.readouterr().out
    assert shown.startswith("Mine\n") and "(one seed)" in shown and "| B |" in shown and "not trained" in shown
    assert record["quality"]["train"] == 16 and 0 <= record["rows"]["a"]["runs"]["0"]["acc"] <= 1
    assert main(["ablate", *arguments, *train]) == 0  # all of it is known
    assert capsys.readouterr().err == ""
    small_table.write_text(small_table.read_text().replace("epoch_num: 1", "epoch_num: 2"))
    assert main(["ablate", *arguments, *train, "--budget", "0"]) == 1  # to be trained again, but there is no time
    assert "the budget is used up before a, seed 0" in capsys.readouterr().err


def test_what_does_not_fit_is_told_before_anything_is_measured(small_table, tmp_path, capsys):
    assert main(["ablate", str(small_table), "--rows", "c"]) == 1
    told = capsys.readouterr().err
    assert "--rows c: there is no such row" in told and "--data: missing" in told
    assert main(["ablate", str(small_table), "--data", str(tmp_path)]) == 1
    assert "there is no strips/train.txt" in capsys.readouterr().err


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))


def test_parts_of_a_document_are_made_anew(tools):
    from documents import filled

    text = "a\n<!-- table: x -->\nold\n<!-- end of table -->\nb\n<!-- table: x -->\n<!-- end of table -->\n"
    made = "<!-- table: x -->\nnew\n<!-- end of table -->\n"
    assert filled(text, {"x": lambda: "new\n"}, source="d.md") == f"a\n{made}b\n{made}"
    with pytest.raises(PPOCRError, match=r"d.md:2: no table is called 'x'; did you mean 'xx'"):
        filled(text, {"xx": str}, source="d.md")
    for broken in ("<!-- table: x -->\nold\n", f"<!-- table: x -->\nold\n{made}"):
        with pytest.raises(PPOCRError, match="has no end"):
            filled(broken, {"x": str}, source="d.md")


def test_the_documents_say_what_the_results_say(tools, capsys):
    from fill import main as fill

    assert fill(["--check"]) == 0, capsys.readouterr().out
