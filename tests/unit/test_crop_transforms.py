"""Changes of text crops, and what labels become."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ppocr.data.transforms import cls_augment, rec_augment, tia
from ppocr.data.transforms.basic import DecodeImage, RecResizeImg
from ppocr.data.transforms.batch_augment import CutMix, Mixup
from ppocr.data.transforms.label_encode import (
    ClsLabelEncode,
    CTCLabelEncode,
    DetLabelEncode,
    MultiLabelEncode,
    NRTRLabelEncode,
    SARLabelEncode,
)
from ppocr.errors import InputError
from ppocr.ops.charset import Charset

CHARSET = Charset("abc", use_space_char=True)  # a 1, b 2, c 3, space 4


def crop(height=48, width=200):
    """Dark bars on white, with a margin: what is lost can be counted."""
    image = np.full((height, width, 3), 255, np.uint8)
    for left in range(10, width - 20, 30):
        cv2.rectangle(image, (left, height // 4), (left + 12, 3 * height // 4), (0, 0, 0), -1)
    return image


def ink(image):
    return (image[..., 0] < 128).sum() / (image.shape[0] * image.shape[1])


def sample(**more):
    return {"image": crop(), "label": "ab", "place": "x:1", **more}


@pytest.mark.parametrize("change", [tia.distort, tia.stretch, tia.perspective])
def test_tia_keeps_the_text_in_the_picture(change):
    image = crop()
    for seed in range(20):
        arguments = () if change is tia.perspective else (4,)
        bent = change(image, *arguments, np.random.default_rng(seed))
        assert bent.shape == image.shape and not np.array_equal(bent, image)
        assert 0.5 < ink(bent) / ink(image) < 1.6
        assert cv2.connectedComponents((bent[..., 0] < 128).astype(np.uint8))[0] == 7  # six bars and the background


def test_stretch_moves_nothing_vertically():
    image = crop()
    bent = tia.stretch(image, 5, np.random.default_rng(3))
    rows = np.nonzero((bent[..., 0] < 128).any(axis=1))[0]
    assert abs(rows.min() - 12) <= 3 and abs(rows.max() - 36) <= 3


def test_control_points():
    points, inwards = tia.control_points(90, 30, 3)
    assert points.tolist() == [[0, 0], [30, 0], [60, 0], [90, 0], [0, 30], [30, 30], [60, 30], [90, 30]]
    assert inwards.tolist() == [1, 1, 1, 1, -1, -1, -1, -1]


def test_tia_leaves_tiny_crops():
    tiny = {"image": crop(12, 60)}
    assert np.array_equal(tia.TIA(1.0)(tiny, np.random.default_rng(0))["image"], crop(12, 60))


@pytest.mark.parametrize("name", ["crop", "rotate", "tilt", "blur", "recolour", "jitter", "add_noise", "reverse"])
def test_each_base_change_does_something_and_spares_the_text(name):
    image, changed = crop() // 4 * 3 + 30, 0
    for seed in range(20):
        result = getattr(rec_augment, name)(image, np.random.default_rng(seed))
        assert result.dtype == np.uint8 and result.shape[1:] == image.shape[1:]
        assert 44 <= len(result) <= 48
        changed += not np.array_equal(result, image)
        if name != "reverse":
            assert 0.7 < ink(result) / ink(image) < 1.4
    assert changed >= 15


def test_rotation_of_long_crops_is_small():
    long = np.full((32, 640, 3), 255, np.uint8)
    long[14:18] = 0
    for seed in range(20):
        turned = rec_augment.rotate(long, np.random.default_rng(seed))
        assert (turned[:, 2, 0] < 128).any() and (turned[:, -3, 0] < 128).any()


def test_chances():
    always = rec_augment.BaseDataAugmentation(0, 1.0, 0, 0, 0, 0, 0, 0)
    assert np.array_equal(always(sample(), np.random.default_rng(0))["image"], 255 - crop())
    never = rec_augment.RecAug(0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert np.array_equal(never(sample(), np.random.default_rng(0))["image"], crop())
    tia_alone = rec_augment.RecAug(1.0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert not np.array_equal(tia_alone(sample(), np.random.default_rng(0))["image"], crop())
    switched_off = rec_augment.RecAug(1.0, 0, 0, 0, 0, 0, 0, 0, 0, use_tia=False)
    assert np.array_equal(switched_off(sample(), np.random.default_rng(0))["image"], crop())


def test_joined_crops():
    step = rec_augment.RecConAug(prob=1.0, image_shape=(32, 320, 3), max_text_length=5, ext_data_num=3)
    other = {"image": np.zeros((64, 100, 3), np.uint8), "label": "cd"}
    joined = step(sample(), np.random.default_rng(0), lambda: dict(other))
    assert joined["label"] == "abcd"  # a third would be longer than 5 characters
    assert joined["image"].shape == (32, 134 + 50, 3) and joined["image"][:, 140:].max() == 0
    wide = step(sample(image=crop(32, 300)), np.random.default_rng(0), lambda: dict(other))
    assert wide["label"] == "ab" and wide["image"].shape == (32, 300, 3)
    assert step(sample(), np.random.default_rng(0), lambda: None)["label"] == "ab"


@pytest.mark.parametrize("name", cls_augment.CHANGES)
def test_each_change_of_rand_augment(name):
    image = crop()
    change = cls_augment.CHANGES[name]
    weak, strong = (change(image, magnitude, np.random.default_rng(1)) for magnitude in (0.0, 1.0))
    assert weak.shape == strong.shape == image.shape and weak.dtype == strong.dtype == np.uint8
    if name not in ("AutoContrast", "Equalize", "Invert", "Solarize"):  # which have no magnitude, or spare black there
        assert np.array_equal(weak, image)
    dull = image // 2 + 40
    assert not np.array_equal(change(dull, 1.0, np.random.default_rng(1)), dull) or name == "Color"


def test_policies_use_known_changes():
    assert len(cls_augment.POLICY) == 25
    for pair in cls_augment.POLICY:
        for name, chance, magnitude in pair:
            assert name in cls_augment.CHANGES and 0 <= chance <= 1 and 0 <= magnitude <= 10


def test_magnitude_out_of_range():
    with pytest.raises(ValueError, match="magnitude: expected 0 to 10, came 11"):
        cls_augment.RandAugment(magnitude=11)


@pytest.mark.parametrize(
    ("step", "least", "most"),
    [
        (cls_augment.Cutout(1, 0.5), 0.01, 24 * 24 / (48 * 200) + 0.01),
        (cls_augment.RandomErasing(1.0), 0.01, 0.41),
        (cls_augment.HideAndSeek(0.3), 0.15, 0.45),
        (cls_augment.GridMask(1.0), 0.15, 0.35),
    ],
)
def test_hiding_parts(step, least, most):
    hidden = []
    for seed in range(20):
        image = np.full((48, 200, 3), 200, np.uint8)
        result = step({"image": image}, np.random.default_rng(seed))["image"]
        assert result.dtype == np.uint8 and image.min() == 200
        hidden.append((result != 200).any(axis=2).mean())
    assert least < np.median(hidden) and max(hidden) <= most


def test_mixup_and_cutmix_share_labels_as_they_share_pixels():
    image = np.zeros((4, 3, 20, 40), np.float32)
    image[2:] = 1
    label = np.array([0, 0, 1, 1])
    for step in (Mixup(["0", "180"], alpha=1.0), CutMix(["0", "180"], alpha=1.0)):
        partial = 0
        for seed in range(20):
            mixed = step({"image": image, "label": label}, np.random.default_rng(seed))
            assert mixed["image"].mean(axis=(1, 2, 3)) == pytest.approx(mixed["label"][:, 1], abs=1e-5)
            partial += bool(((mixed["label"] > 0.01) & (mixed["label"] < 0.99)).any())
        assert partial > 10


def test_mixing_what_is_mixed_already():
    step, rng = Mixup(["0", "180"]), np.random.default_rng(0)
    once = step({"image": np.ones((2, 3, 4, 4), np.float32), "label": np.array([0, 1])}, rng)
    assert step(once, rng)["label"].sum(axis=1) == pytest.approx(1)


def test_ctc_labels():
    encoded = CTCLabelEncode(CHARSET, 5)(sample(label="cab"))
    assert encoded["label"].tolist() == [3, 1, 2, 0, 0] and encoded["label"].dtype == np.int64
    assert encoded["length"] == 3 and encoded["text"] == "cab"


def test_nrtr_labels():
    encoded = NRTRLabelEncode(CHARSET, 5)(sample(label="a c"))
    assert encoded["label"].tolist() == [2, 4, 7, 6, 3, 0, 0] and encoded["length"] == 5


def test_sar_labels():
    encoded = SARLabelEncode(CHARSET, 5)(sample(label="a c"))  # 0–3 are a, b, c and the space
    assert encoded["label"].tolist() == [5, 0, 3, 2, 5, 6, 6] and encoded["length"] == 5


def test_labels_of_several_branches():
    encoded = MultiLabelEncode(CHARSET, 5)(sample(label="ab"))
    assert encoded["label_ctc"].tolist() == [1, 2, 0, 0, 0] and encoded["length"] == 2
    assert encoded["label_gtc"].tolist() == [2, 4, 5, 3, 0, 0, 0]
    assert encoded["label_sar"].tolist() == [5, 0, 1, 5, 6, 6, 6]
    other = MultiLabelEncode(CHARSET, 5, gtc_encode="SARLabelEncode")(sample(label="ab"))
    assert other["label_gtc"].tolist() == encoded["label_sar"].tolist()


def test_cls_labels():
    assert ClsLabelEncode(["0", "180"])(sample(label=" 180\n"))["label"] == 1
    assert ClsLabelEncode([0, 90])(sample(label="90"))["label"] == 1  # YAML may write numbers


def test_det_labels():
    text = (
        '[{"transcription": "a", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]},'
        ' {"transcription": "###", "points": [[0, 0], [9, 0], [9, 4], [9, 9], [0, 9]]}]'
    )
    encoded = DetLabelEncode()(sample(label=text))
    assert encoded["polys"].shape == (2, 5, 2) and encoded["polys"].dtype == np.float32
    assert encoded["polys"][0, 3:].tolist() == [[0, 9], [0, 9]]
    assert encoded["texts"] == ["a", "###"] and encoded["ignore_tags"].tolist() == [False, True]
    assert DetLabelEncode()(sample(label="[]"))["polys"].shape == (0, 4, 2)


def test_decoding():
    data = cv2.imencode(".png", crop())[1].ravel()
    assert np.array_equal(DecodeImage()({"image": data, "place": "x"})["image"], crop())
    pixels = crop()
    assert DecodeImage()({"image": pixels})["image"] is pixels
    with pytest.raises(InputError, match="x: not a picture"):
        DecodeImage()({"image": np.zeros(9, np.uint8), "place": "x"})


def test_the_batch_decides_the_size():
    step = RecResizeImg([3, 32, 100])
    assert step(sample())["image"].shape == (3, 32, 100)
    resized = step(sample(size=(48, 320)))
    assert resized["image"].shape == (3, 48, 320) and resized["valid_ratio"] == pytest.approx(200 / 320)
