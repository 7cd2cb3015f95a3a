"""Every table of `configs/ablations`: its rows build, say what the paper found, and differ from one another."""

from __future__ import annotations

import json

import pytest

from ppocr.ablation.report import MB, MS
from ppocr.ablation.tables import digest, find_row, load_table, names
from ppocr.data.loader import loader_problems
from ppocr.engine.build import build_model
from ppocr.utils.dictionary import build_charset

TABLES = names()
ROWS = [(name, row) for name in TABLES for row in load_table(name).rows]
SERVER = {"server_det", "server_rec"}  # large, and built by test_configs.py


@pytest.fixture(scope="module")
def built():
    """Architectures that were built: many rows differ in their training alone."""
    return set()


def test_the_tables_are_found():
    assert {"detection_head", "direction_augmentation", "recognition_head", "networks"} <= set(TABLES)


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{name}.{row}" for name, row in ROWS])
def test_a_row_is_a_configuration_that_builds_and_trains(name, row, built):
    table = load_table(name)
    config = table.config(row, training=True)
    task = config.at("Architecture.model_type")
    given = {"charset": build_charset(config), "max_text_length": 25, "label_list": ["0", "180"], "task": task}
    for section in ("Train", "Eval"):
        assert loader_problems(config.plain(section), section, given) == []
    architecture = json.dumps([config.to_dict()["Architecture"], config.at("Global.character_dict_path")])
    if row not in SERVER and architecture not in built:
        build_model(config)
        built.add(architecture)
    known = {table.score, MB, MS, "precision", "recall"}
    assert set(table.rows[row].paper) <= known
    for reference in (table.rows[row].like, table.rows[row].start):
        if reference:
            find_row(reference)


@pytest.mark.parametrize("name", TABLES)
def test_rows_differ_and_conclusions_are_about_figures_of_the_paper(name):
    table = load_table(name)
    digests = [digest(table.config(row, training=True), list(table.shape_of(row))) for row in table.rows]
    same = {"recognition_strategies": 1}  # pre-training is in the weights, not in the configuration
    assert len(digests) - len(set(digests)) == same.get(name, 0)
    for conclusion in table.conclusions:
        for row in (conclusion.better, conclusion.worse):
            assert conclusion.by in (MB, MS) or conclusion.by in table.rows[row].paper


@pytest.mark.parametrize("name", [name for name in TABLES if name.startswith("direction")])
def test_rows_with_one_training_share_its_configuration(name):
    table = load_table(name)
    for row, spec in table.rows.items():
        if spec.like:
            other, twin = find_row(spec.like)
            assert other.score == table.score and other.seeds == table.seeds and other.recipe == table.recipe
            architectures = [t.config(r)["Architecture"] for t, r in ((table, row), (other, twin))]
            assert architectures[0] == architectures[1]
