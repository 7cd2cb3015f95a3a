"""Every overlay of `configs/slim` fits the configurations that it is for, and builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppocr.config import lay_over, load_config, thaw
from ppocr.slim import build_slim

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FILES = sorted(path.relative_to(CONFIGS).as_posix() for path in (CONFIGS / "slim").glob("*.yml"))
BASES = {"det": "det/finetune_mobile_det.yml", "rec": "rec/finetune_mobile_rec.yml"}


@pytest.mark.parametrize("file", FILES)
def test_overlay_builds(file):
    tasks = [task for task in BASES if f"_{task}" in file] or list(BASES)
    for task in tasks:
        config = load_config(BASES[task], overlays=[file])
        assert config["Architecture"] == load_config(BASES[task])["Architecture"]
        build_slim(thaw(config.get("Slim", {})))


def test_the_overlays_are_found():
    assert {"slim/pact.yml", "slim/fpgm_det.yml", "slim/fpgm_pact_det.yml"} <= set(FILES)


def test_laying_over_merges_mappings_and_replaces_the_rest():
    tree = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "loss": {"name": "X", "x": 1}}
    lay_over(tree, {"a": {"c": [3], "e": {"f": 2}}, "d": {"g": 3}, "loss": {"name": "Y", "y": 2}})
    assert tree == {"a": {"b": 1, "c": [3], "e": {"f": 2}}, "d": {"g": 3}, "loss": {"name": "Y", "y": 2}}
