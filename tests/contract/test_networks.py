"""What every backbone, neck and head promises, at every size the registry allows."""

from __future__ import annotations

import numpy as np
import paddle
import pytest

from ppocr.modeling.model import OCRModel
from ppocr.registry import BACKBONES, HEADS, NECKS

SCALES = (0.35, 0.5, 0.75, 1.0, 1.25)

DET = [
    *(
        {"name": "MobileNetV3", "model_name": variant, "scale": scale, "disable_se": disable_se}
        for variant in ("large", "small")
        for scale in SCALES
        for disable_se in (False, True)
    ),
    *({"name": "ResNet_vd", "layers": layers} for layers in (18, 34, 50)),
    {"name": "ResNet", "layers": 18},
    *({"name": "ShuffleNetV2", "scale": scale} for scale in (0.5, 1.0)),
    *({"name": "PPLCNetV3", "det": True, "scale": scale} for scale in (0.5, 0.75)),
    *({"name": "PPLCNetV4", "det": True, "model_size": size} for size in ("tiny", "small", "medium")),
]
REC = [
    *(
        {"name": "MobileNetV3", "model_name": variant, "scale": scale, f"{variant}_stride": [1, 2, 2, 2]}
        for variant in ("large", "small")
        for scale in SCALES
    ),
    {"name": "MobileNetV3", "model_name": "small", "scale": 0.5, "small_stride": [1, 2, 2, 2], "disable_se": True},
    *({"name": "ResNet", "layers": layers} for layers in (18, 34, 50)),
    *({"name": "ShuffleNetV2", "scale": scale} for scale in (0.5, 1.0)),
    *({"name": "MobileNetV1Enhance", "scale": scale} for scale in (0.25, 0.5)),
]


def name_of(spec):
    return "-".join(str(value) for value in spec.values())


def image(*shape):
    return paddle.to_tensor(np.random.RandomState(0).standard_normal(shape).astype("float32"))


def assert_every_parameter_learns(model, x):
    """One backward pass reaches every trainable parameter with a finite gradient."""
    model.train()
    y = model(x)
    weights = image(*y.shape)  # a plain sum would cancel in softmax and batch normalisation
    (y * weights).sum().backward()
    # the moving averages of batch normalisation are parameters too, but not trainable
    learning = {name: parameter for name, parameter in model.named_parameters() if not parameter.stop_gradient}
    assert not [name for name, parameter in learning.items() if parameter.grad is None]
    assert not [name for name, parameter in learning.items() if not np.isfinite(parameter.grad.numpy()).all()]


ELSEWHERE = {  # see test_pp_ocrv6.py and test_pp_ocr_mobile_networks.py
    "backbone": {"PPLCNetV3", "PPLCNetV4"},
    "neck": {"RepLKPAN", "UniRepLKPAN", "LightSVTR", "RSEFPN", "LKPAN", "SVTR"},
}


def test_every_backbone_of_the_registry_is_tested_here():
    assert {spec["name"] for spec in DET} == set(BACKBONES["det"].table)
    assert {spec["name"] for spec in REC} | ELSEWHERE["backbone"] == set(BACKBONES["rec"].table)
    assert set(BACKBONES) == {"det", "rec", "cls"}
    assert set(NECKS.table) == {"DBFPN", "RepLKFPN", "UniRepLKFPN", "SequenceEncoder", *ELSEWHERE["neck"]}
    assert set(HEADS.table) == {"DBHead", "MultiHead", "CTCHead", "ClsHead"}


@pytest.mark.parametrize("spec", DET, ids=name_of)
def test_detection_backbone(spec):
    backbone = BACKBONES["det"].build(spec, "Backbone", in_channels=3)
    neck = NECKS.build({"name": "DBFPN", "out_channels": 16}, "Neck", in_channels=backbone.out_channels)
    head = HEADS.build({"name": "DBHead"}, "Head", in_channels=neck.out_channels)
    x = image(2, 3, 64, 96)
    maps = backbone(x)
    sizes = [(64 // stride, 96 // stride) for stride in (4, 8, 16, 32)]
    assert [tuple(m.shape) for m in maps] == [(2, c, *size) for c, size in zip(backbone.out_channels, sizes)]
    assert_every_parameter_learns(OCRModel(backbone=backbone, neck=neck, head=head), x)


@pytest.mark.parametrize("spec", REC, ids=name_of)
def test_recognition_backbone(spec):
    backbone = BACKBONES["rec"].build(spec, "Backbone", in_channels=3)
    neck = NECKS.build(
        {"name": "SequenceEncoder", "encoder_type": "reshape"}, "Neck", in_channels=backbone.out_channels
    )
    head = HEADS.build({"name": "CTCHead"}, "Head", in_channels=neck.out_channels, out_channels=5)
    x = image(2, 3, 32, 100)
    assert tuple(backbone(x).shape) == (2, backbone.out_channels, 1, 25)
    assert_every_parameter_learns(OCRModel(backbone=backbone, neck=neck, head=head), x)


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
