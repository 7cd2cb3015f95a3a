"""What every transform of the registries promises, whatever the sample: these run on each name in the tables."""

from __future__ import annotations

import pickle
import zlib

import numpy as np
import pytest

from ppocr.data.labels import TextRegion
from ppocr.data.pipeline import Pipeline
from ppocr.errors import SampleError
from ppocr.ops.charset import Charset
from ppocr.registry import BATCH_TRANSFORMS, TRANSFORMS

GIVEN = {
    "charset": Charset("abc", use_space_char=True),
    "max_text_length": 8,
    "label_list": ["0", "180"],
    "task": "det",
}
SETTINGS = {  # of those that cannot do without
    "EastRandomCropData": {"size": [64, 48]},
    "RandomCrop": {"size": [64, 48]},
    "KeepKeys": {"keep_keys": ["image"]},
    "RecResizeImg": {"image_shape": [3, 32, 100]},
    "ClsResizeImg": {"image_shape": [3, 48, 192]},
    "ColorJitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.7, "hue": 0.1},
    "RandomPerspective": {"prob": 1.0, "degrees": 20.0, "scale": 0.3, "shear": 20.0, "perspective": 0.001},
}
SIZES = [(1, 1), (1, 40), (40, 1), (19, 21), (48, 160), (90, 70)]  # height, width
# Those that need the outlines of a page's texts: all in the modules for detection
PAGES = {name for name in TRANSFORMS.names() if ".det_" in TRANSFORMS.resolve(name).__module__}


class Samples:
    """Noise of every size, labelled for the task of a transform."""

    def __init__(self, kind: str):
        self.kind = kind

    def __len__(self):
        return len(SIZES)

    def read(self, index, rng):
        height, width = SIZES[index]
        image = np.random.default_rng(index).integers(0, 256, (height, width, 3)).astype(np.uint8)
        label = {"det": regions(height, width), "rec": "ab c", "cls": "180"}[self.kind]
        return {"image": image, "label": label, "place": f"noise:{index}"}


def regions(height, width):
    quads = [
        [(0.1, 0.1), (0.6, 0.15), (0.6, 0.5), (0.1, 0.45)],
        [(0.3, 0.6), (0.9, 0.6), (0.95, 0.9), (0.6, 0.95), (0.3, 0.9)],
        [(0.7, 0.1), (1.2, 0.1), (1.2, 0.3), (0.7, 0.3)],
    ]
    return [
        TextRegion(text, tuple((x * width, y * height) for x, y in quad), ignore=text == "###")
        for text, quad in zip(("a", "b", "###"), quads)
    ]


def kind_of(name):
    if name.startswith("Det") or name in PAGES:
        return "det"
    return "cls" if name.startswith("Cls") else "rec"


def build(name):
    return TRANSFORMS.build({"name": name, **SETTINGS.get(name, {})}, name, **GIVEN)


def pipeline(name):
    steps = [("DetLabelEncode", build("DetLabelEncode"))] if name in PAGES else []
    return Pipeline(Samples(kind_of(name)), [*steps, (name, build(name))], seed=3)


def fingerprint(sample):
    return {
        key: (value.shape, zlib.crc32(np.ascontiguousarray(value))) if isinstance(value, np.ndarray) else value
        for key, value in sample.items()
    }


@pytest.mark.parametrize("name", TRANSFORMS.names())
def test_every_size_of_picture(name):
    made = pipeline(name)
    for epoch in range(8):
        for index in range(len(SIZES)):
            _, sample = made.sample(index, epoch)
            if "polys" in sample:
                assert sample["polys"].dtype == np.float32
                assert len(sample["polys"]) == len(sample["texts"]) == len(sample["ignore_tags"])
                assert sample["polys"].shape[1] >= 4 and np.isfinite(sample["polys"]).all()
            image = sample["image"]
            assert image.size and image.dtype in (np.uint8, np.float32)
            assert image.shape[2] == 3 or image.shape[0] == 3


@pytest.mark.parametrize("name", TRANSFORMS.names())
def test_the_seed_decides_alone(name):
    """The same sample whoever makes it, and after however many others: workers and resuming depend on it."""
    first = pipeline(name)
    again = pickle.loads(pickle.dumps(pipeline(name)))
    expected = [fingerprint(first.sample(index, epoch)[1]) for epoch in (0, 1) for index in (4, 5)]
    backwards = [fingerprint(again.sample(index, epoch)[1]) for epoch in (1, 0) for index in (5, 4)]
    assert backwards[::-1] == expected


@pytest.mark.parametrize("name", TRANSFORMS.names())
def test_the_source_stays_as_it_was(name):
    """A data set may hand out the same array twice: changing it in place would change the next epoch."""

    class Kept(Samples):
        def __init__(self, kind):
            super().__init__(kind)
            self.samples = [Samples.read(self, index, None) for index in range(len(SIZES))]

        def read(self, index, rng):
            return dict(self.samples[index])

    made = pipeline(name)
    made.dataset = Kept(kind_of(name))
    before = [sample["image"].copy() for sample in made.dataset.samples]
    for index in range(len(SIZES)):
        for epoch in range(4):
            made.sample(index, epoch)
    for image, sample in zip(before, made.dataset.samples):
        assert np.array_equal(image, sample["image"])


@pytest.mark.parametrize("name", sorted(PAGES))
def test_pages_without_texts(name):
    class Empty(Samples):
        def read(self, index, rng):
            return {**super().read(index, rng), "label": []}

    made = pipeline(name)
    made.dataset = Empty("det")
    for index in range(len(SIZES)):
        _, sample = made.sample(index)
        assert sample["polys"].shape == (0, 4, 2)


@pytest.mark.parametrize("name", BATCH_TRANSFORMS.names())
def test_batch_transforms(name):
    step = BATCH_TRANSFORMS.build({"name": name}, name, **GIVEN)
    pickle.loads(pickle.dumps(step))
    image = np.random.default_rng(0).random((5, 3, 12, 30), dtype=np.float32)
    label = np.array([0, 1, 1, 0, 1])
    seen = set()
    for seed in range(20):
        before = image.copy()
        made = step({"image": image, "label": label, "other": 1}, np.random.default_rng(seed))
        assert np.array_equal(image, before) and made["other"] == 1
        assert made["image"].shape == image.shape and made["image"].dtype == np.float32
        assert made["label"].shape == (5, 2) and made["label"].dtype == np.float32
        assert np.allclose(made["label"].sum(axis=1), 1)
        again = step({"image": image, "label": label}, np.random.default_rng(seed))
        assert np.array_equal(again["image"], made["image"])
        seen.add(zlib.crc32(made["image"]))
    assert len(seen) > 10  # not the identity


def test_labels_that_cannot_be_learnt():
    class Texts:
        def __init__(self, text):
            self.text = text

        def __len__(self):
            return 1

        def read(self, index, rng):
            return {"image": np.zeros((8, 8, 3), np.uint8), "label": self.text, "place": "labels.txt:7"}

    for name, text in [
        ("CTCLabelEncode", "abcabcabc"),
        ("CTCLabelEncode", "abd"),
        ("CTCLabelEncode", " "),
        ("NRTRLabelEncode", "abd"),
        ("SARLabelEncode", "abd"),
        ("MultiLabelEncode", ""),
        ("ClsLabelEncode", "90"),
        ("DetLabelEncode", "[{"),
        ("DetLabelEncode", '[{"transcription": "x", "points": [[0, 0], [9, 9], [9, 0], [0, 9]]}]'),
    ]:
        with pytest.raises(SampleError, match=r"^labels\.txt:7: "):
            Pipeline(Texts(text), [(name, build(name))], seed=0).sample(0)
