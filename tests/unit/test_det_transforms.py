"""Changes of pages: outlines follow the picture. Targets: the maps DB learns from."""

from __future__ import annotations

import math
import pickle
import sys

import cv2
import numpy as np
import pytest

from ppocr.data.transforms import imgaug_bridge
from ppocr.data.transforms.det_augment import ColorJitter, CopyPaste, IaaAugment, RandomPerspective
from ppocr.data.transforms.det_crop import Crop, EastRandomCropData, free_runs, touches
from ppocr.data.transforms.det_targets import MakeBorderMap, MakeShrinkMap, ratio_at
from ppocr.data.transforms.view import apply_view
from ppocr.errors import MissingExtraError

COLOURS = [(60, 60, 255), (60, 255, 60), (255, 60, 60)]
QUADS = np.array(
    [
        [[30, 30], [110, 40], [108, 70], [28, 60]],
        [[150, 20], [190, 20], [190, 120], [150, 120]],
        [[40, 130], [120, 110], [130, 140], [50, 160]],
    ],
    np.float32,
)


def page(ignore=(False, False, False)):
    """Three quads on grey, each of its own colour."""
    image = np.full((180, 240, 3), 40, np.uint8)
    for quad, colour in zip(QUADS, COLOURS):
        cv2.fillPoly(image, [quad.astype(np.int32)], colour)
    return {
        "image": image, "polys": QUADS.copy(), "texts": ["red", "green", "blue"], "ignore_tags": np.array(ignore),
        "place": "page",
    }  # fmt: skip


def moved(step, seed=0, sample=None):
    """The sample after a step, its pixels moved."""
    return apply_view(step(page() if sample is None else sample, np.random.default_rng(seed)))


def overlap(image, quad, colour):
    """IoU of a quad with the pixels of its colour, both within the picture."""
    drawn = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(drawn, [quad.round().astype(np.int32)], 1)
    seen = (np.abs(image.astype(int) - colour).max(axis=2) < 90).astype(np.uint8)
    return (drawn & seen).sum() / max(1, (drawn | seen).sum())


def assert_outlines_follow(sample, least=0.85):
    colours = dict(zip(("red", "green", "blue"), COLOURS))
    for text, quad in zip(sample["texts"], sample["polys"]):
        inside = np.clip(quad, 0, sample["image"].shape[1::-1]).astype(np.float32)
        if cv2.contourArea(inside) > 200:
            assert overlap(sample["image"], quad, colours[text]) > least, text


@pytest.mark.parametrize(
    "step",
    [
        IaaAugment(),
        IaaAugment([{"type": "Fliplr", "args": {"p": 1.0}}]),
        IaaAugment([{"type": "Affine", "args": {"rotate": [-45, 45]}}]),
        IaaAugment([{"type": "Resize", "args": {"size": [0.3, 3]}}]),
        RandomPerspective(prob=1, degrees=20, scale=0.3, shear=20, perspective=0.001),
        RandomPerspective(prob=1, shear=20, fit_output=False),
        EastRandomCropData([160, 120]),
        EastRandomCropData([160, 120], keep_ratio=False),
    ],
)
def test_outlines_follow_the_picture(step):
    for seed in range(30):
        assert_outlines_follow(moved(step, seed))


def test_steps_of_iaa_augment_are_applied_in_order():
    step = IaaAugment(
        [
            {"type": "Fliplr", "args": {"p": 1}},
            {"type": "Affine", "args": {"rotate": 90}},
            {"type": "Resize", "args": {"size": 2}},
        ]
    )
    sample = moved(step)
    assert sample["image"].shape == (360, 480, 3)
    # (30, 30) → mirrored (210, 30) → a quarter clockwise about (120, 90): (180, 180) → doubled
    assert sample["polys"][0, 0] == pytest.approx((360, 360), abs=1e-3)


def test_flip_moves_whole_pixels():
    image = np.random.default_rng(0).integers(0, 256, (5, 8, 3)).astype(np.uint8)
    flip = IaaAugment([{"type": "Fliplr", "args": {"p": 1}}])
    flipped = moved(flip, sample={"image": image, "polys": np.zeros((0, 4, 2), np.float32)})
    assert np.array_equal(flipped["image"], image[:, ::-1])


def test_chances_of_iaa_augment():
    flip = IaaAugment([{"type": "Fliplr", "args": {"p": 0.25}}])
    flipped = sum(flip(page(), np.random.default_rng(seed))["polys"][0, 0, 0] > 120 for seed in range(400))
    assert 70 <= flipped <= 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([{"type": "Fliplrr"}], "imgaug has no augmenter 'Fliplrr'; did you mean 'Fliplr'"),
        ([{"type": "Affine", "args": {"sheer": [1, 2]}}], "Affine does not take .'sheer'"),
        ([{"type": "Multiply", "args": [0.5, 1.5]}], "Multiply: expected a mapping as args"),
        ([{"type": "Affine", "args": {"rotate": "10"}}], "Affine takes `rotate: .from, to.`"),
        ([{"type": "Resize", "args": {"size": [1]}}], "Resize takes `size"),
        (["Fliplr"], "came 'Fliplr'"),
    ],
)
def test_wrong_augmenter_args_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        IaaAugment(arguments)


def through_imgaug(*steps, seed=0, sample=None):
    return IaaAugment([*steps, {"type": "Identity"}])(sample or page(), np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("step", "tolerance"),
    [
        ({"type": "Fliplr", "args": {"p": 1.0}}, 0),
        ({"type": "Affine", "args": {"rotate": [7, 7]}}, 1),
        ({"type": "Resize", "args": {"size": [2.0, 2.0]}}, 1),
    ],
)
def test_the_three_common_steps_are_those_of_imgaug(step, tolerance):
    """The same picture but for rounding, and outlines within half a pixel: imgaug counts from pixels' middles."""
    smooth = cv2.GaussianBlur(page()["image"], (0, 0), 4)
    ours = moved(IaaAugment([step]), sample={**page(), "image": smooth.copy()})
    theirs = through_imgaug(step, sample={**page(), "image": smooth.copy()})
    assert ours["image"].shape == theirs["image"].shape
    difference = np.abs(ours["image"].astype(int) - theirs["image"].astype(int))
    assert difference.mean() <= tolerance
    assert np.abs(ours["polys"] - theirs["polys"]).max() <= 1.0


@pytest.mark.parametrize(
    "step",
    [
        {"type": "GaussianBlur", "args": {"sigma": [0.5, 2.0]}}, {"type": "Multiply", "args": {"mul": [0.5, 1.5]}},
        {"type": "Affine", "args": {"shear": [-16, 16], "scale": {"x": [0.8, 1.2], "y": [0.8, 1.2]}}},
        {"type": "PerspectiveTransform", "args": {"scale": [0.01, 0.1]}}, {"type": "Flipud", "args": {"p": 1.0}},
        {"type": "AdditiveGaussianNoise", "args": {"scale": [0, 25]}}, {"type": "Crop", "args": {"percent": [0, 0.1]}},
        {"type": "LinearContrast", "args": {"alpha": [0.5, 2.0]}}, {"type": "MotionBlur", "args": {"k": 5}},
        {"type": "ElasticTransformation", "args": {"alpha": [0, 20], "sigma": 5}}, {"type": "Rot90", "args": {"k": 1}},
        {"type": "Dropout", "args": {"p": [0, 0.2]}}, {"type": "Add", "args": {"value": [-40, 40]}},
        {"type": "Grayscale", "args": {"alpha": [0.0, 1.0]}}, {"type": "Invert", "args": {"p": 1}},
        {"type": "Sharpen", "args": {"alpha": [0, 1.0]}}, {"type": "PiecewiseAffine", "args": {"scale": [0.01, 0.03]}},
        {"type": "Clouds"}, {"type": "Superpixels"}, {"type": "Rain"}, {"type": "JpegCompression"},
    ],
    ids=lambda step: step["type"],
)  # fmt: skip
def test_any_augmenter_of_imgaug(step):
    before = page()
    sample = through_imgaug(step, seed=3)
    again, other = through_imgaug(step, seed=3), through_imgaug(step, seed=4)
    assert sample["image"].dtype == np.uint8 and sample["polys"].dtype == np.float32
    assert sample["polys"].shape == before["polys"].shape
    assert sample["image"].shape != before["image"].shape or not np.array_equal(sample["image"], before["image"])
    np.testing.assert_array_equal(sample["image"], again["image"])  # the seed decides
    np.testing.assert_array_equal(sample["polys"], again["polys"])
    if step["type"] not in ("Flipud", "Rot90", "Invert", "MotionBlur"):  # these have nothing random, or little
        assert sample["image"].shape != other["image"].shape or not np.array_equal(sample["image"], other["image"])


def test_imgaug_moves_outlines_with_the_picture():
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:40, 50:90] = 255
    polys = np.array([[[50, 20], [90, 20], [90, 40], [50, 40]]], np.float32)
    step = {"type": "Affine", "args": {"shear": [10, 10], "translate_px": {"x": 15, "y": 7}}}
    sample = through_imgaug(step, sample={"image": image, "polys": polys})
    ys, xs = np.nonzero(sample["image"][..., 0] > 127)
    found = np.array([[xs.min(), ys.min()], [xs.max() + 1, ys.max() + 1]])
    expected = np.array([sample["polys"][0].min(axis=0), sample["polys"][0].max(axis=0)])
    assert np.abs(found - expected).max() <= 1.5


def test_steps_of_imgaug_are_written_as_paddleocr_reads_them():
    by_name = through_imgaug({"type": "Affine", "args": {"rotate": [-40, 40], "scale": 0.5}}, seed=1)
    by_place = through_imgaug(["Affine", 0.5, None, None, [-40, 40]], seed=1)
    np.testing.assert_array_equal(by_name["image"], by_place["image"])
    np.testing.assert_array_equal(by_name["polys"], by_place["polys"])
    choice = {"type": "Affine", "args": {"translate_px": {"x": [10, 90]}, "order": 0}}
    moves = {float((through_imgaug(choice, seed=seed)["polys"] - QUADS)[0, 0, 0]) for seed in range(20)}
    assert moves == {10, 90}


def test_an_augmenter_that_takes_the_picture_away_leaves_no_texts():
    sample = through_imgaug({"type": "TotalDropout", "args": {"p": 1.0}})
    assert not sample["image"].any()
    assert sample["polys"].shape == (0, 4, 2) and sample["texts"] == [] and len(sample["ignore_tags"]) == 0


def test_pages_from_imgaug_depend_on_the_seed_alone():
    """Not on what was made before, nor on imgaug's and NumPy's own generators: workers and resuming need that."""
    steps = [
        {"type": "ElasticTransformation", "args": {"alpha": [0, 40], "sigma": 4}},
        {"type": "SomeOf", "args": {"n": 0}}, {"type": "Rain"}, ["CoarseDropout", [0.02, 0.2], None, 0.1],
        {"type": "PerspectiveTransform", "args": {"scale": [0.01, 0.1]}}, ["AddToHueAndSaturation", [-50, 50]],
    ]  # fmt: skip
    step = IaaAugment(steps)
    first = [step(page(), np.random.default_rng(seed)) for seed in range(3)]
    np.random.seed(1)
    imgaug_bridge._import().seed(1)
    elsewhere = pickle.loads(pickle.dumps(IaaAugment(steps)))
    for seed in (2, 0, 1):
        again = elsewhere(page(), np.random.default_rng(seed))
        np.testing.assert_array_equal(again["image"], first[seed]["image"])
        np.testing.assert_array_equal(again["polys"], first[seed]["polys"])


def test_without_imgaug_the_extra_is_named(monkeypatch):
    imgaug_bridge._import.cache_clear()
    monkeypatch.setitem(sys.modules, "imgaug", None)
    monkeypatch.setitem(sys.modules, "imgaug.augmenters", None)
    with pytest.raises(MissingExtraError, match=r'pip install "ppocr\[train\]"'):
        IaaAugment([{"type": "Invert"}])
    IaaAugment()  # the common ones need nothing
    imgaug_bridge._import.cache_clear()


def test_perspective_keeps_the_whole_page():
    step = RandomPerspective(prob=1, degrees=30, shear=20, perspective=0.001)
    for seed in range(20):
        sample = moved(step, seed)
        height, width = sample["image"].shape[:2]
        assert height <= 1.5 * 180 + 1 and width <= 1.5 * 240 + 1
        assert (sample["polys"] >= -0.01).all() and (sample["polys"] <= (width + 0.01, height + 0.01)).all()


def test_color_jitter_changes_colours_alone():
    sample = ColorJitter(0.4, 0.4, 0.7, 0.1)(page(), np.random.default_rng(1))
    assert np.array_equal(sample["polys"], QUADS) and not np.array_equal(sample["image"], page()["image"])
    same = ColorJitter()(page(), np.random.default_rng(1))
    assert np.array_equal(same["image"], page()["image"])


def test_crops_cut_no_text_that_counts():
    step = EastRandomCropData([160, 120])
    sizes = set()
    for seed in range(60):
        sample = step(page(), np.random.default_rng(seed))
        assert sample["image"].shape == (120, 160, 3)
        assert (sample["polys"] > -0.5).all() and (sample["polys"] < (160.5, 120.5)).all()
        assert len(sample["texts"]) >= 1
        sizes.add(len(sample["texts"]))
    assert sizes == {1, 2, 3}


def test_crops_may_cut_ignored_texts():
    step = EastRandomCropData([160, 120], max_tries=50)
    cut = 0
    for seed in range(60):
        sample = step(page(ignore=(False, True, True)), np.random.default_rng(seed))
        assert "red" in sample["texts"]
        cut += bool((sample["polys"] < 0).any() or (sample["polys"] > (160, 120)).any())
    assert cut > 10


def test_a_page_that_cannot_be_cut_is_taken_whole():
    full = page()
    full["polys"] = np.array([[[0, 0], [240, 0], [240, 180], [0, 180]]], np.float32)
    full["texts"], full["ignore_tags"] = ["all"], np.array([False])
    sample = EastRandomCropData([120, 120])(full, np.random.default_rng(0))
    assert sample["polys"][0] == pytest.approx(np.array([[0, 0], [120, 0], [120, 90], [0, 90]]))
    assert sample["image"][90:].max() == 0 and sample["image"][:90].min() > 0


def test_free_runs():
    # Texts over 2…4 and 3.5…6 of 10 pixels: borders 0-2 and 6-10 are free
    assert free_runs(np.array([[2, 4], [3.5, 6]], np.float32), 10).tolist() == [[0, 2], [6, 10]]
    assert free_runs(np.array([[-3, 20]], np.float32), 10).tolist() == []
    assert free_runs(np.zeros((0, 4), np.float32), 10).tolist() == [[0, 10]]
    assert free_runs(np.array([[0, 4], [4, 10]], np.float32), 10).tolist() == [[0, 0], [4, 4], [10, 10]]


def test_touches():
    polys = np.array([[[0, 0], [10, 0], [10, 10], [0, 10]]], np.float32)
    assert touches(polys, Crop(5, 5, 3, 3)).tolist() == [True]
    assert touches(polys, Crop(10, 0, 5, 5)).tolist() == [False]


def test_copy_paste():
    donor = page(ignore=(True, False, True))
    copied = 0
    for seed in range(20):
        target = page()
        target["image"], target["polys"] = np.full((400, 400, 3), 40, np.uint8), QUADS[:1].copy()
        target["texts"], target["ignore_tags"] = ["none"], np.array([True])
        sample = CopyPaste()(target, np.random.default_rng(seed), lambda: donor)
        assert len(sample["polys"]) == len(sample["texts"]) == len(sample["ignore_tags"]) <= 2
        if len(sample["texts"]) == 2:
            copied += 1
            assert sample["texts"][1] == "green" and not sample["ignore_tags"][1]
            assert overlap(sample["image"], sample["polys"][1], COLOURS[1]) > 0.8
            box = cv2.boundingRect(sample["polys"][1])
            assert box[0] >= -1 and box[1] >= -1 and box[0] + box[2] <= 402 and box[1] + box[3] <= 402
            assert not touches(sample["polys"][:1], Crop(*box)).any()
    assert copied >= 18


def test_copy_paste_without_a_good_donor():
    assert np.array_equal(CopyPaste()(page(), np.random.default_rng(0), lambda: None)["polys"], QUADS)


def test_copy_paste_without_room():
    everywhere = page()
    everywhere["polys"] = np.array([[[0, 0], [240, 0], [240, 180], [0, 180]]], np.float32)
    everywhere["texts"], everywhere["ignore_tags"] = ["all"], np.array([False])
    sample = CopyPaste()(everywhere, np.random.default_rng(0), page)
    assert sample["texts"] == ["all"] and np.array_equal(sample["image"], page()["image"])
    free = CopyPaste(limit_paste=False)(dict(everywhere), np.random.default_rng(0), page)
    assert len(free["texts"]) == 2


RECTANGLE = np.array([[[40, 30], [120, 30], [120, 70], [40, 70]]], np.float32)  # 80 x 40
DISTANCE = 80 * 40 * (1 - 0.4**2) / 240  # 11.2 pixels


def rectangle(ignore=False):
    return {
        "image": np.zeros((100, 160, 3), np.uint8), "polys": RECTANGLE.copy(), "texts": ["x"],
        "ignore_tags": np.array([ignore]), "place": "page",
    }  # fmt: skip


def test_shrink_map_of_a_rectangle():
    sample = MakeShrinkMap()(rectangle())
    expected = np.zeros((100, 160), np.float32)
    expected[41:60, 51:110] = 1  # 11.2 pixels in from every side, corners on whole pixels
    assert np.array_equal(sample["shrink_map"], expected) and sample["shrink_mask"].min() == 1
    assert sample["shrink_map"].dtype == sample["shrink_mask"].dtype == np.float32


def test_shrink_map_ignores():
    marked = MakeShrinkMap()(rectangle(ignore=True))
    assert marked["shrink_map"].max() == 0
    assert marked["shrink_mask"][31:70, 41:120].max() == 0 and marked["shrink_mask"].sum() == 100 * 160 - 41 * 81
    small = rectangle()
    small["polys"][0, 2:, 1] = 37
    small = MakeShrinkMap(min_text_size=8)(small)
    assert small["ignore_tags"].tolist() == [True] and small["shrink_map"].max() == 0
    assert small["shrink_mask"][33, 80] == 0


def test_a_text_beyond_the_picture_is_drawn_as_far_as_seen():
    outside = rectangle()
    outside["polys"] += np.float32([80, 0])
    sample = MakeBorderMap()(MakeShrinkMap()(outside))
    assert sample["shrink_map"][50, 131:].min() == 1 and sample["shrink_map"][50, 130] == 0
    assert sample["threshold_map"][30, 140] == pytest.approx(0.7)


def test_border_map_of_a_rectangle():
    sample = MakeBorderMap()(rectangle())
    border, mask = sample["threshold_map"], sample["threshold_mask"]
    assert border.dtype == mask.dtype == np.float32 and border.min() == pytest.approx(0.3)
    assert border[30, 80] == border[70, 80] == border[50, 40] == pytest.approx(0.7)
    for away in (3, 8):  # falls evenly on both sides
        expected = 0.3 + 0.4 * (1 - away / DISTANCE)
        assert border[30 + away, 80] == border[30 - away, 80] == pytest.approx(expected, abs=1e-4)
        assert border[50, 40 - away] == pytest.approx(expected, abs=1e-4)
    corner = math.hypot(6, 5)
    assert border[30 - 6, 40 - 5] == pytest.approx(0.3 + 0.4 * (1 - corner / DISTANCE), abs=1e-4)
    assert border[50, 80] == pytest.approx(0.3)  # 20 pixels inside
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (19, 81, 29, 131)
    assert mask[19, 29] == 0  # round corners


def test_border_map_takes_the_nearer_of_two_texts():
    two = rectangle()
    two["polys"] = np.concatenate([RECTANGLE, RECTANGLE + np.float32([0, 45])])
    two["texts"], two["ignore_tags"] = ["x", "y"], np.array([False, False])
    border = MakeBorderMap()(two)["threshold_map"]
    assert border[72, 80] == pytest.approx(0.3 + 0.4 * (1 - 2 / DISTANCE), abs=1e-4)
    assert border[74, 80] == pytest.approx(0.3 + 0.4 * (1 - 1 / DISTANCE), abs=1e-4)


def test_border_map_ignores():
    sample = MakeBorderMap()(rectangle(ignore=True))
    assert sample["threshold_mask"].max() == 0 and sample["threshold_map"].max() == pytest.approx(0.3)


def test_the_shrink_ratio_grows_with_the_epochs():
    assert ratio_at({"epoch": 50}, 0.4, 100) == pytest.approx(0.5)
    assert ratio_at({"epoch": 50}, 0.4, None) == 0.4
    late = MakeShrinkMap(total_epoch=100)({**rectangle(), "epoch": 100})
    assert late["shrink_map"].sum() > MakeShrinkMap()(rectangle())["shrink_map"].sum()


def test_repeated_last_points_change_nothing():
    padded = rectangle()
    padded["polys"] = np.concatenate([RECTANGLE, RECTANGLE[:, -1:], RECTANGLE[:, -1:]], axis=1)
    for step, key in ((MakeShrinkMap(), "shrink_map"), (MakeBorderMap(), "threshold_map")):
        assert np.array_equal(step(dict(padded))[key], step(rectangle())[key])


def test_a_page_is_resampled_once():
    """Moved there and back again, not a pixel changes; resampled at each step, noise would be blurred."""
    image = np.random.default_rng(0).integers(0, 256, (180, 240, 3)).astype(np.uint8)
    there_and_back = IaaAugment(
        [{"type": "Affine", "args": {"rotate": degrees}} for degrees in (33, -33)]
        + [{"type": "Resize", "args": {"size": size}} for size in (0.5, 2)]
    )
    back = moved(there_and_back, sample={"image": image, "polys": QUADS.copy()})
    assert np.array_equal(back["image"], image) and back["polys"] == pytest.approx(QUADS, abs=1e-3)
