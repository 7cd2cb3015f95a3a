"""Keys and label files of PaddleOCR that change what is trained on."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppocr.cli.quantize import training_pictures
from ppocr.config import GlobalOptions, load_config
from ppocr.data.datasets import MultiScaleDataSet, SimpleDataSet
from ppocr.data.labels import read_detection_labels
from ppocr.data.samplers import MultiScaleSampler, Part, Plan
from ppocr.data.transforms.basic import DecodeImage, DetResizeForTest
from ppocr.data.transforms.det_augment import IaaAugment
from ppocr.data.transforms.rec_augment import RecAug
from ppocr.data.transforms.view import apply_view
from ppocr.engine.train import evaluation_steps
from ppocr.errors import ConfigError, SampleError

RNG = np.random.default_rng
SLIM = Path(__file__).resolve().parents[2] / "deploy" / "slim"


def picture(path, width=8, height=4, colour=(10, 20, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), colour, np.uint8)).save(path)
    return path


def labels(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_one_label_file_and_one_ratio_need_no_list(tmp_path):
    picture(tmp_path / "a.png")
    dataset = SimpleDataSet(labels(tmp_path / "l.txt", *["a.png\tx"] * 4), ratio_list=0.5)
    assert dataset.parts == [Part(4, 0.5)]


def test_delimiter(tmp_path):
    picture(tmp_path / "a.png")
    dataset = SimpleDataSet([labels(tmp_path / "l.txt", "a.png x y", "a.png\tx")], delimiter=" ")
    assert dataset.read(0, RNG(0))["label"] == "x"  # the first line has a third field, so none has its second one whole
    with pytest.raises(SampleError, match="expected `picture label`"):
        dataset.read(1, RNG(0))


def test_further_columns_of_a_label_file(tmp_path):
    picture(tmp_path / "a.png")
    sized = SimpleDataSet([labels(tmp_path / "l.txt", "a.png\tx\t8\t4", "a.png\ty\t8\t4")])
    assert [sized.label(index)[1] for index in range(2)] == ["x", "y"]
    plain = SimpleDataSet([labels(tmp_path / "p.txt", "a.png\tx", "a.png\ty\tz")])
    assert plain.label(1)[1] == "y\tz"  # a mistake, which check-data tells


def test_lists_of_pictures(tmp_path):
    for name in "ab":
        picture(tmp_path / f"{name}.png", colour=(ord(name), 0, 0))
    dataset = SimpleDataSet([labels(tmp_path / "l.txt", json.dumps(["a.png", "b.png"]) + "\tx")])
    seen = {dataset.read(0, RNG(seed))["image"].tobytes() for seed in range(20)}
    assert seen == {(tmp_path / f"{name}.png").read_bytes() for name in "ab"}
    again = [dataset.read(0, RNG(3))["image"].tobytes() for _ in range(2)]
    assert again[0] == again[1]


def test_a_label_file_of_ppocrlabel(tmp_path):
    picture(tmp_path / "shop" / "a.png")
    regions = json.dumps([{"transcription": "x", "points": [[0, 0], [7, 0], [7, 3], [0, 3]], "difficult": False}])
    path = labels(tmp_path / "shop" / "Label.txt", f"shop/a.png\t{regions}")
    assert SimpleDataSet([path]).read(0, RNG(0))["image"].tobytes() == (tmp_path / "shop/a.png").read_bytes()
    assert read_detection_labels(path)[0].path.resolve() == (tmp_path / "shop" / "a.png").resolve()


def test_its_own_folder_comes_first(tmp_path):
    inner, outer = picture(tmp_path / "shop" / "shop" / "a.png"), picture(tmp_path / "shop" / "a.png", width=9)
    dataset = SimpleDataSet([labels(tmp_path / "shop" / "Label.txt", "shop/a.png\tx")])
    assert dataset.read(0, RNG(0))["image"].tobytes() == inner.read_bytes() != outer.read_bytes()


def test_rgb():
    bgr = np.zeros((2, 3, 3), np.uint8) + np.array([1, 2, 3], np.uint8)
    sample = DecodeImage("RGB")({"image": bgr, "place": "x"})
    assert sample["image"][0, 0].tolist() == [3, 2, 1]
    assert DecodeImage()({"image": bgr, "place": "x"})["image"][0, 0].tolist() == [1, 2, 3]


def test_keep_ratio_of_an_image_shape():
    assert DetResizeForTest(image_shape=[736, 1280]).size(100, 300) == (736, 1280)
    assert DetResizeForTest(image_shape=[736, 1280], keep_ratio=True).size(100, 300) == (736, 2208)
    assert DetResizeForTest(image_shape=[736, 1280], keep_ratio=True).size(100, 301) == (736, 2240)


def page(height=60, width=100):
    image = np.full((height, width, 3), 200, np.uint8)
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    return {"image": image, "polys": corners, "ignore_tags": np.array([False]), "texts": ["x"]}


def augmented(kind, **arguments):
    return apply_view(IaaAugment([{"type": kind, "args": arguments}])(page(), RNG(0)))


def test_fit_output_loses_nothing_of_a_turned_page():
    fitted, cut = augmented("Affine", rotate=90, fit_output=True), augmented("Affine", rotate=90)
    assert fitted["image"].shape[:2] == (100, 60) and cut["image"].shape[:2] == (60, 100)
    assert fitted["image"].min() == 200 and cut["image"].min() == 0
    assert np.ptp(fitted["polys"][0], axis=0).round().tolist() == [60, 100]
    tilted = augmented("Affine", rotate=[45, 45], fit_output=True)
    assert tilted["image"].shape[:2] == (114, 114)  # 160 / sqrt(2): as large as it was
    assert (tilted["polys"] > -1).all() and (tilted["polys"] < 115).all()


def test_shear_leans_upright_strokes():
    sheared = augmented("Affine", shear=[45, 45])
    top_left, _, _, bottom_left = sheared["polys"][0]
    assert bottom_left[0] - top_left[0] == pytest.approx(60, abs=0.01)
    assert bottom_left[1] - top_left[1] == pytest.approx(60, abs=0.01)


def test_names_of_albumentations():
    assert augmented("RandomScale", scale_limit=[1, 1])["image"].shape[:2] == (120, 200)
    flipped, ours = augmented("HorizontalFlip", p=1), augmented("Fliplr", p=1)
    assert (flipped["polys"] == ours["polys"]).all()


def test_one_chance_for_all_changes_of_a_crop():
    crop = RNG(1).integers(0, 255, (48, 200, 3), dtype=np.uint8)
    assert (RecAug(aug_prob=0.0)({"image": crop.copy()}, RNG(0))["image"] == crop).all()


def test_ds_width_makes_batches_of_similar_proportions(tmp_path):
    sizes = [(32, 32), (100, 32), (320, 32), (34, 32), (95, 32), (900, 32)]
    for number, size in enumerate(sizes):
        picture(tmp_path / f"{number}.png", *size)
    path = labels(tmp_path / "l.txt", *(f"{number}.png\tx" for number in range(6)))
    dataset = MultiScaleDataSet([path], ds_width=True)
    plan = Plan(dataset.parts, 2, widths=dataset.widths)
    sampler = MultiScaleSampler(plan, [[320, 48]], first_bs=2, ds_width=True, max_w=480)
    batches = {batch.size: set(batch.indices.tolist()) for batch in sampler.epoch(0)}
    assert batches == {(48, 48): {0, 3}, (48, 144): {1, 4}, (48, 480): {2, 5}}
    with pytest.raises(ValueError, match="needs a data set that knows"):
        MultiScaleSampler(Plan(dataset.parts, 2), [[320, 48]], ds_width=True)


def test_evaluating_every_few_epochs():
    assert evaluation_steps(GlobalOptions(eval_batch_step=[3000, 2000], eval_batch_epoch=2), 50) == (0, 100)
    assert evaluation_steps(GlobalOptions(eval_batch_step=[3000, 2000]), 50) == (3000, 2000)
    assert evaluation_steps(GlobalOptions(), 50) == (0, 50)
    with pytest.raises(ConfigError, match="eval_batch_epoch: expected a number of epochs from 1 on, came 0"):
        evaluation_steps(GlobalOptions(eval_batch_epoch=0), 50)


def test_quantizing_takes_the_pictures_of_train(tmp_path):
    for number in range(5):
        picture(tmp_path / f"{number}.png", colour=(number, 0, 0))
    path = labels(tmp_path / "l.txt", *(f"{number}.png\t0" for number in range(5)))
    places = [f"Train.dataset.label_file_list=[{path}]", f"Train.dataset.data_dir={tmp_path}"]
    config = load_config("cls/ch_ppocr_mobile_v2.0_cls.yml", places)
    assert [image[0, 0, 2] for image in training_pictures(config, 2)] == [0, 2]
    assert len(list(training_pictures(config, 99))) == 5


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("prune/sensitivity_anal.py", ["-c", "x"], ["train", "--slim", "slim/fpgm_tenth.yml", "-c", "x"]),
        ("prune/sensitivity_anal.py", ["-c", "x", "--output=j"], ["prune-sensitivity", "-c", "x", "--output=j"]),
        ("quantization/quant.py", ["-c", "x"], ["train", "--slim", "slim/pact.yml", "-c", "x"]),
        ("quantization/quant.py", ["-c", "x", "--slim=y"], ["train", "-c", "x", "--slim=y"]),
        ("quantization/quant_kl.py", ["-c", "x"], ["quantize", "-c", "x"]),
        ("quantization/export_model.py", ["-c", "x"], ["export", "-c", "x"]),
        ("prune/export_prune_model.py", ["-c", "x"], ["export", "-c", "x"]),
    ],
)
def test_scripts_of_deploy_slim(script, arguments, expected, monkeypatch):
    called = []
    monkeypatch.setattr("ppocr.cli.main.main", lambda argv: called.append(argv) or 0)
    monkeypatch.setattr("sys.argv", [script, *arguments])
    with pytest.raises(SystemExit):
        runpy.run_path(str(SLIM / script), run_name="__main__")
    assert called == [expected]
