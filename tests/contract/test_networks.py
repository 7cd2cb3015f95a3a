"""What every backbone, neck and head of the tables promises, as it is by default and with each other choice it offers.

A new line in `ppocr/registry.py` is tested here without a word in this file: a constructor's signature says what can be
chosen. Numbers that it cannot list are tried as well (`SCALES`), and what has no default gets a value (`REQUIRED`).
"""

from __future__ import annotations

import inspect
import typing

import numpy as np
import paddle
import pytest

from ppocr.modeling.model import OCRModel
from ppocr.registry import BACKBONES, HEADS, NECKS

SCALES = {
    "MobileNetV3": (0.35, 0.75, 1.0, 1.25),
    "ShuffleNetV2": (1.0,),
    "PPLCNetV3": (0.5,),
    "MobileNetV1Enhance": (0.25,),
}
CTC = {"CTCHead": {"Neck": {"name": "reshape"}, "Head": {"mid_channels": 6}}}
REQUIRED = {"out_channels": 32, "head_list": [CTC]}
GIVEN = {"in_channels", "class_dim"}  # by the builder; a head's `out_channels` too
CROP_HEIGHTS = (48, 32)  # pixels: of the recognisers' recipes


def variants(registry, given=()):
    """Specs of each class in a table: its defaults, each other choice of one parameter alone, and its scales."""
    seen = set()
    for name in registry.names():
        factory = registry.resolve(name)
        if factory in seen:  # another name of it
            continue
        seen.add(factory)
        hints = typing.get_type_hints(factory.__init__)
        free = {
            key: parameter.default
            for key, parameter in inspect.signature(factory).parameters.items()
            if key not in GIVEN.union(given)
        }
        lacking = [key for key, default in free.items() if default is inspect.Parameter.empty and key not in REQUIRED]
        assert not lacking, f"{name}: {lacking} have no default: give them one, or a value in REQUIRED"
        needed = {key: REQUIRED[key] for key, default in free.items() if default is inspect.Parameter.empty}
        yield {"name": name, **needed}
        for key, default in free.items():
            yield from ({"name": name, **needed, key: other} for other in choices(hints[key]) if other != default)
        yield from ({"name": name, **needed, "scale": scale} for scale in SCALES.get(name, ()))


def choices(hint):
    """The values that a parameter can have, if its annotation lists them."""
    return (False, True) if hint is bool else typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()


def name_of(spec):
    return "-".join(str(value) for key, value in spec.items() if key not in REQUIRED)


def image(*shape):
    return paddle.to_tensor(np.random.RandomState(0).standard_normal(shape).astype("float32"))


def assert_every_parameter_learns(model, x):
    """One backward pass reaches every trainable parameter with a finite gradient."""
    model.train()
    y = model(x)
    maps = list(y.values()) if isinstance(y, dict) else [y]
    # a plain sum would cancel in softmax and batch normalisation
    sum((part * image(*part.shape)).sum() for part in maps).backward()
    # the moving averages of batch normalisation are parameters too, but not trainable
    learning = {name: parameter for name, parameter in model.named_parameters() if not parameter.stop_gradient}
    assert not [name for name, parameter in learning.items() if parameter.grad is None]
    assert not [name for name, parameter in learning.items() if not np.isfinite(parameter.grad.numpy()).all()]


def predict(model, *shape):
    model.eval()
    with paddle.no_grad():
        return model(image(*shape))


def maps_of(channels):
    """What a backbone gives for two pictures of 64 × 96 pixels."""
    return [image(2, c, 64 // stride, 96 // stride) for c, stride in zip(channels, (4, 8, 16, 32))]


def reads_pyramids(neck):
    """Whether a neck reads four maps, as those for detection; the others read one row of columns."""
    return typing.get_type_hints(NECKS.resolve(neck).__init__)["in_channels"] is not int


PYRAMIDS = [spec for spec in variants(NECKS) if reads_pyramids(spec["name"])]
ROWS = [spec for spec in variants(NECKS) if not reads_pyramids(spec["name"])]
MAP_HEADS, COLUMN_HEADS, LABEL_HEADS = [], [], []
for _spec in variants(HEADS, given={"out_channels"}):
    _kind = (COLUMN_HEADS, LABEL_HEADS, MAP_HEADS)
    _wants = [HEADS.wants(_spec, "out_channels"), HEADS.wants(_spec, "class_dim"), True]
    _kind[_wants.index(True)].append(_spec)


@pytest.mark.parametrize("spec", variants(BACKBONES["det"]), ids=name_of)
def test_detection_backbone(spec):
    """Four maps at strides 4 to 32."""
    backbone = BACKBONES["det"].build(spec, "Backbone", in_channels=3)
    neck = NECKS.build({"name": "DBFPN", "out_channels": 16}, "Neck", in_channels=backbone.out_channels)
    head = HEADS.build({"name": "DBHead"}, "Head", in_channels=neck.out_channels)
    sizes = [(64 // stride, 96 // stride) for stride in (4, 8, 16, 32)]
    maps = predict(backbone, 2, 3, 64, 96)
    assert [tuple(m.shape) for m in maps] == [(2, c, *size) for c, size in zip(backbone.out_channels, sizes)]
    assert_every_parameter_learns(OCRModel(backbone=backbone, neck=neck, head=head), image(2, 3, 64, 96))


@pytest.mark.parametrize("spec", variants(BACKBONES["rec"]), ids=name_of)
def test_recognition_backbone(spec):
    """One row of columns, at one of the usual heights; twice as many for twice the width."""
    backbone = BACKBONES["rec"].build(spec, "Backbone", in_channels=3)
    shapes = {height: tuple(predict(backbone, 1, 3, height, 32).shape) for height in CROP_HEIGHTS}
    height = next((height for height, shape in shapes.items() if shape[2] == 1), None)
    assert height is not None, f"no height gives one row: {shapes}"
    columns = shapes[height][3]
    assert shapes[height] == (1, backbone.out_channels, 1, columns) and 32 % columns == 0
    assert predict(backbone, 1, 3, height, 64).shape[3] == 2 * columns
    neck = NECKS.build(
        {"name": "SequenceEncoder", "encoder_type": "reshape"}, "Neck", in_channels=backbone.out_channels
    )
    head = HEADS.build({"name": "CTCHead"}, "Head", in_channels=neck.out_channels, out_channels=5)
    assert_every_parameter_learns(OCRModel(backbone=backbone, neck=neck, head=head), image(2, 3, height, 64))


@pytest.mark.parametrize("spec", PYRAMIDS, ids=name_of)
def test_neck_for_detection(spec):
    """Four maps to one at a quarter of the size."""
    channels = [8, 8, 16, 8]
    neck = NECKS.build(spec, "Neck", in_channels=channels)
    neck.eval()
    assert tuple(neck(maps_of(channels)).shape) == (2, neck.out_channels, 16, 24)
    assert_every_parameter_learns(neck, maps_of(channels))


@pytest.mark.parametrize("spec", ROWS, ids=name_of)
def test_neck_for_recognition(spec):
    """A row of columns to a sequence."""
    neck = NECKS.build(spec, "Neck", in_channels=24)
    assert tuple(predict(neck, 2, 24, 1, 9).shape) == (2, 9, neck.out_channels)
    assert_every_parameter_learns(neck, image(2, 24, 1, 9))


@pytest.mark.parametrize("spec", MAP_HEADS, ids=name_of)
def test_head_for_detection(spec):
    """A map of probabilities at the picture's size."""
    head = HEADS.build(spec, "Head", in_channels=8)
    y = predict(head, 2, 8, 16, 24).numpy()
    assert y.shape == (2, 1, 64, 96) and 0 <= y.min() < y.max() <= 1
    assert_every_parameter_learns(head, image(2, 8, 16, 24))


@pytest.mark.parametrize("spec", COLUMN_HEADS, ids=name_of)
def test_head_for_recognition(spec):
    """Probabilities of the classes for each column; a head with necks of its own reads the backbone's row."""
    head = HEADS.build(spec, "Head", in_channels=24, out_channels=5)
    shape = (2, 24, 1, 9) if "head_list" in spec else (2, 9, 24)
    y = predict(head, *shape).numpy()
    assert y.shape == (2, 9, 5)
    np.testing.assert_allclose(y.sum(axis=2), 1, atol=1e-5)
    assert_every_parameter_learns(head, image(*shape))


@pytest.mark.parametrize("spec", LABEL_HEADS, ids=name_of)
def test_head_for_directions(spec):
    """Probabilities of the labels."""
    head = HEADS.build({**spec, "class_dim": 4}, "Head", in_channels=24)
    y = predict(head, 2, 24, 3, 9).numpy()
    assert y.shape == (2, 4)
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)
    assert_every_parameter_learns(head, image(2, 24, 3, 9))


@pytest.mark.parametrize(
    "spec", [{"name": "MobileNetV3", "scale": 0.35}, {"name": "ShuffleNetV2", "scale": 0.5}], ids=name_of
)
def test_direction_backbone_with_its_head(spec):
    backbone = BACKBONES["cls"].build(spec, "Backbone", in_channels=3)
    head = HEADS.build({"name": "ClsHead", "class_dim": 4}, "Head", in_channels=backbone.out_channels)
    model = OCRModel(backbone=backbone, head=head)
    assert_every_parameter_learns(model, image(2, 3, 48, 192))
    model.eval()
    probabilities = model(image(2, 3, 48, 192)).numpy()
    assert probabilities.shape == (2, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("encoder_type", "expected"), [("reshape", 24), ("fc", 7), ("rnn", 14)])
def test_sequence_encoder_and_ctc_head(encoder_type, expected):
    spec = {"name": "SequenceEncoder", "encoder_type": encoder_type, "hidden_size": 7}
    neck = NECKS.build(spec, "Neck", in_channels=24)
    head = HEADS.build({"name": "CTCHead"}, "Head", in_channels=neck.out_channels, out_channels=11)
    assert neck.out_channels == expected
    assert tuple(neck(image(2, 24, 1, 9)).shape) == (2, 9, expected)
    model = paddle.nn.Sequential(neck, head)
    assert_every_parameter_learns(model, image(2, 24, 1, 9))
    model.eval()
    probabilities = model(image(2, 24, 1, 9)).numpy()
    assert probabilities.shape == (2, 9, 11)
    np.testing.assert_allclose(probabilities.sum(axis=2), 1, atol=1e-5)


def test_reshaping_keeps_columns_in_reading_order():
    neck = NECKS.build({"name": "SequenceEncoder", "encoder_type": "reshape"}, "Neck", in_channels=2)
    features = paddle.to_tensor([[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]])
    assert neck(features).tolist() == [[[1, 4], [2, 5], [3, 6]]]


def test_sequence_encoder_refuses_a_map_of_several_rows():
    neck = NECKS.build({"name": "SequenceEncoder", "encoder_type": "reshape"}, "Neck", in_channels=2)
    with pytest.raises(ValueError, match="one row high after the backbone, came 2"):
        neck(image(1, 2, 2, 5))


def test_db_head_has_the_threshold_branch_while_training_only():
    head = HEADS.build({"name": "DBHead", "k": 50}, "Head", in_channels=8)
    x = image(2, 8, 5, 6)
    maps = head(x).numpy()
    assert maps.shape == (2, 3, 20, 24)
    probability, threshold, binary = maps[:, 0], maps[:, 1], maps[:, 2]
    np.testing.assert_allclose(binary, 1 / (1 + np.exp(-50.0 * (probability - threshold))), atol=1e-4)
    head.eval()
    probability = head(x).numpy()
    assert probability.shape == (2, 1, 20, 24)
    assert 0 <= probability.min() <= probability.max() <= 1


def test_two_networks_of_a_kind_live_side_by_side():
    """Hard-coded parameter names would collide when static programs are made from both."""
    spec = {"name": "MobileNetV3", "scale": 0.35}
    first, second = (BACKBONES["cls"].build(spec, "Backbone", in_channels=3) for _ in range(2))
    static_names = [parameter.name for backbone in (first, second) for parameter in backbone.parameters()]
    assert len(static_names) == len(set(static_names))
