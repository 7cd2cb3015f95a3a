"""What every data set and sampler of the registries promises."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.data.lmdb_dataset import write_lmdb
from ppocr.data.samplers import Plan, parts_of
from ppocr.registry import DATASETS, SAMPLERS

LANGUAGE = "en"
SYNTH = {"length": 4, "lang": LANGUAGE, "difficulty": 0.3}
SAMPLER = {"MultiScaleSampler": {"scales": [[96, 32], [96, 48]], "first_bs": 2}, "WidthSampler": {"width": 300}}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Name → what a YAML file would say."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((20, 30, 3), 50 * number, np.uint8))
    (folder / "labels.txt").write_text("".join(f"{number}.png\tword {number}\n" for number in range(4)))
    (folder / "lmdb").mkdir()
    pytest.importorskip("lmdb")
    write_lmdb(folder / "lmdb", [((folder / f"{number}.png").read_bytes(), f"word {number}") for number in range(4)])
    files = {"label_file_list": [str(folder / "labels.txt")]}
    synth = {**SYNTH, "fonts": [str(_font(folder))]}
    return {
        "SimpleDataSet": files,
        "MultiScaleDataSet": files,
        "LMDBDataSet": {"data_dir": str(folder / "lmdb")},
        "SynthLines": synth,
        "SynthDirections": synth,
        "SynthPages": {**synth, "size": [160, 200]},
    }


def _font(folder: Path) -> Path:
    pytest.importorskip("fontTools")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "unit")
        from synth_fonts import make_font
    return make_font(folder / "font.ttf")


def build(name, settings):
    assert name in settings, "a new data set: add it to this test's settings"
    return DATASETS.build({"name": name, **settings[name]}, "Train.dataset", max_text_length=25)


@pytest.mark.parametrize("name", DATASETS.names())
def test_data_sets(name, settings):
    dataset = build(name, settings)
    copy = pickle.loads(pickle.dumps(dataset))
    assert len(dataset) == len(copy) == 4 and sum(part.count for part in parts_of(dataset)) == 4
    places = set()
    for index in (3, 0, 2, 1):
        sample, again = (source.read(index, np.random.default_rng([0, index])) for source in (dataset, copy))
        assert set(sample) == {"image", "label", "place"}
        assert np.array_equal(sample["image"], again["image"]) and sample["label"] == again["label"]
        image = sample["image"]
        assert image.dtype == np.uint8 and (image.ndim == 1 or (image.ndim == 3 and image.shape[2] == 3))
        places.add(sample["place"])
    assert len(places) == 4, "a place names one sample"


@pytest.mark.parametrize("name", SAMPLERS.names())
@pytest.mark.parametrize("training", [True, False])
def test_samplers(name, training):
    def sampler(rank, seed=5):
        plan = Plan(
            parts_of(range(23)), 4, seed=seed, rank=rank, world_size=2, training=training,
            widths=lambda height: 10 * height - 20 * np.arange(23),
        )  # fmt: skip
        return SAMPLERS.build({"name": name, **SAMPLER[name]}, "Train.sampler", plan=plan)

    def order(rank, epoch, **more):
        return [(batch.indices.tolist(), batch.size) for batch in sampler(rank, **more).epoch(epoch)]

    assert order(0, 1) == order(0, 1) and order(0, 1) != order(0, 2) and order(0, 1) != order(0, 1, seed=6)
    for epoch in (0, 1):
        assert len(order(0, epoch)) == len(sampler(0))
        seen = [index for rank in (0, 1) for indices, _ in order(rank, epoch) for index in indices]
        assert len(set(seen)) == len(seen) >= (22 if training else 23)
