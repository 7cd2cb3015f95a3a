"""Losses against values worked out by hand, and their gradients against the direction in which they should point."""

from __future__ import annotations

import itertools
import math

import numpy as np
import paddle
import pytest

from ppocr.errors import ConfigError, ModelError
from ppocr.losses.maps import balanced_cross_entropy, dice_loss, focal_loss, masked_l1
from ppocr.registry import LOSSES


def tensor(values, dtype="float32"):
    return paddle.to_tensor(np.array(values, dtype))


def loss_of(name, **settings):
    return LOSSES.build({"name": name, **settings}, "Loss")


MAP, LABEL = tensor([[[0.8, 0.6, 0.1, 0.5]]]), tensor([[[1, 0, 0, 1]]])
MASK = tensor([[[1, 1, 1, 0]]])


def test_dice():
    # 1 − 2 · 0.8 / (0.8 + 0.6 + 0.1 + 1); the last pixel is masked
    assert dice_loss(MAP, LABEL, MASK).item() == pytest.approx(1 - 1.6 / 2.5, abs=1e-6)
    assert dice_loss(LABEL, LABEL, MASK).item() == pytest.approx(0, abs=1e-5)
    assert dice_loss(MAP * 0, LABEL * 0, MASK).item() == 1  # no text and none found: nothing to divide by


def test_l1():
    assert masked_l1(MAP, LABEL, MASK).item() == pytest.approx((0.2 + 0.6 + 0.1) / 3, abs=1e-6)
    assert masked_l1(MAP, LABEL, MASK * 0).item() == 0


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (1, (-math.log(0.8) - math.log(0.4)) / 2),  # the harder of the two negatives
        (3, (-math.log(0.8) - math.log(0.4) - math.log(0.9)) / 3),  # there are only two
        (0, -math.log(0.8)),
    ],
)
def test_hard_negatives(ratio, expected):
    assert balanced_cross_entropy(MAP, LABEL, MASK, negative_ratio=ratio).item() == pytest.approx(expected, rel=1e-5)


def test_no_positive_pixel_means_no_loss():
    assert balanced_cross_entropy(MAP, LABEL * 0, MASK, negative_ratio=3).item() == 0


def test_gradient_reaches_hard_negatives_alone():
    maps = MAP.clone()
    maps.stop_gradient = False
    balanced_cross_entropy(maps, LABEL, MASK, negative_ratio=1).backward()
    assert (maps.grad.numpy() != 0).tolist() == [[[True, True, False, False]]]


def test_focal():
    expected = (-0.25 * 0.2**2 * math.log(0.8) - 0.75 * 0.6**2 * math.log(0.4) - 0.75 * 0.1**2 * math.log(0.9)) / 3
    assert focal_loss(MAP, LABEL, MASK, alpha=0.25, gamma=2).item() == pytest.approx(expected, rel=1e-5)


def det_batch():
    return {"shrink_map": LABEL, "shrink_mask": MASK, "threshold_map": LABEL * 0.4 + 0.3, "threshold_mask": MASK}


def det_maps():
    return paddle.stack([MAP, LABEL * 0.4 + 0.2, MAP * 0.5], axis=1)  # float32[1, 3, 1, 4]


@pytest.mark.parametrize(
    ("kind", "probability", "binary"),
    [
        ("DiceLoss", 0.36, 1 - 0.8 / 1.75),
        ("BCELoss", (-math.log(0.8) - math.log(0.4) - math.log(0.9)) / 3, 1 - 0.8 / 1.75),
    ],
)
def test_db_loss(kind, probability, binary):
    parts = loss_of("DBLoss", main_loss_type=kind, alpha=5, beta=10)(det_maps(), det_batch())
    assert parts["loss_shrink_maps"].item() == pytest.approx(5 * probability, rel=1e-5)
    assert parts["loss_threshold_maps"].item() == pytest.approx(10 * 0.1, rel=1e-5)
    assert parts["loss_binary_maps"].item() == pytest.approx(binary, rel=1e-5)
    assert parts["loss"].item() == pytest.approx(5 * probability + 1 + binary, rel=1e-5)


def test_db_loss_weighs_auxiliary_maps():
    plain = loss_of("DBLoss")(det_maps(), det_batch())["loss"].item()
    named = {"maps": det_maps(), "aux_maps_p4": det_maps(), "aux_maps_p3": det_maps(), "aux_maps_p2": det_maps()}
    weighed = loss_of("DBLoss", aux_weight_p4=0.2, aux_weight_p2=0.4)(named, det_batch())["loss"].item()
    assert weighed == pytest.approx(1.6 * plain, rel=1e-5)
    focal = loss_of("DBLoss", main_loss_type="DiceFocalLoss")(named, det_batch())
    assert focal["loss_binary_maps"].item() > 1 - 0.8 / 1.75


def ctc_by_enumeration(logits, label):
    """−log of the summed probability of all paths that collapse to the label."""
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        merged = [c for i, c in enumerate(path) if c != 0 and (i == 0 or c != path[i - 1])]
        if merged == label:
            total += np.prod([probabilities[t, c] for t, c in enumerate(path)])
    return -math.log(total)


def test_ctc_is_the_sum_over_all_paths():
    logits = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    batch = {"label": tensor([[1, 2, 0], [1, 1, 0]], "int64"), "length": tensor([2, 2], "int64")}
    expected = np.mean([ctc_by_enumeration(logits[0], [1, 2]), ctc_by_enumeration(logits[1], [1, 1])])
    assert loss_of("CTCLoss")(tensor(logits), batch)["loss"].item() == pytest.approx(expected, rel=1e-5)
    assert loss_of("CTCLoss")({"ctc": tensor(logits)}, batch)["loss"].item() == pytest.approx(expected, rel=1e-5)
    focal = loss_of("CTCLoss", use_focal_loss=True)(tensor(logits), batch)["loss"].item()
    assert 0 < focal < expected


def test_a_text_longer_than_the_columns_adds_nothing():
    logits = tensor(np.zeros((1, 3, 4)))
    logits.stop_gradient = False
    batch = {"label": tensor([[1, 2, 3, 1]], "int64"), "length": tensor([4], "int64")}
    loss = loss_of("CTCLoss")(logits, batch)["loss"]
    loss.backward()
    assert loss.item() == 0 and not logits.grad.numpy().any()


def test_direction():
    logits = tensor([[2.0, 0.0], [0.0, 1.0]])
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))) / 2
    assert loss_of("ClsLoss")(logits, {"label": tensor([0, 0], "int64")})["loss"].item() == pytest.approx(expected)
    mixed = {"label": tensor([[0.75, 0.25], [1.0, 0.0]])}
    assert loss_of("ClsLoss")(logits, mixed)["loss"].item() == pytest.approx(expected + 0.25 * 2 / 2)
    smooth = loss_of("ClsLoss", label_smoothing=0.2)(logits, {"label": tensor([0, 0], "int64")})["loss"].item()
    assert smooth == pytest.approx(expected + 0.1 * (2 - 1) / 2)


def test_characters_that_follow():
    logits = paddle.zeros([1, 3, 4])  # every class is as likely: log 4 for each character, and one for the end
    batch = {"label_gtc": tensor([[2, 3, 1, 0, 0]], "int64")}
    assert loss_of("NRTRLoss", smoothing=False)({"gtc": logits}, batch)["loss"].item() == pytest.approx(math.log(4))
    logits[0, 2] += 5.0 * paddle.nn.functional.one_hot(paddle.to_tensor(3), 4)  # padding: doesn't count
    assert loss_of("NRTRLoss")({"gtc": logits}, batch)["loss"].item() == pytest.approx(math.log(4))


def test_sums():
    logits = tensor([[2.0, 0.0]])
    batch = {"label": tensor([0], "int64"), "teacher": tensor([[0.5, 0.5]])}
    terms = [{"ClsLoss": {"weight": 0.5}}, {"SoftLogitsLoss": None}]
    parts = loss_of("CombinedLoss", loss_config_list=terms)(logits, batch)
    plain = [loss_of("ClsLoss"), loss_of("SoftLogitsLoss")]
    expected = [0.5 * plain[0](logits, batch)["loss"].item(), plain[1](logits, batch)["loss"].item()]
    assert parts["loss"].item() == pytest.approx(sum(expected))
    assert [parts["ClsLoss"].item(), parts["SoftLogitsLoss"].item()] == pytest.approx(expected)


def test_mistakes_in_a_sum_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        loss_of("CombinedLoss", loss_config_list=["CTCLoss", {"CTCLos": None}, {"DBLoss": {"alpa": 1}}])
    assert caught.value.problems == [
        "Loss.loss_config_list.0: expected `name: settings`, came 'CTCLoss'",
        "Loss.loss_config_list.1.name: no loss is called 'CTCLos'; did you mean 'CTCLoss'?",
        "Loss.loss_config_list.2.alpa: DBLoss has no parameter 'alpa'; did you mean 'alpha'?",
    ]


def test_soft_logits():
    teacher, logits = np.array([[0.9, 0.1]]), np.log([[0.6, 0.4]])
    divergence = 0.9 * math.log(0.9 / 0.6) + 0.1 * math.log(0.1 / 0.4)
    batch = {"teacher": tensor(teacher)}
    assert loss_of("SoftLogitsLoss")(tensor(logits), batch)["loss"].item() == pytest.approx(divergence, rel=1e-5)
    soft = [0.75, 0.25], np.sqrt([0.6, 0.4]) / np.sqrt([0.6, 0.4]).sum()  # of √0.9 : √0.1
    warmer = 4 * sum(q * math.log(q / p) for q, p in zip(*soft))
    found = loss_of("SoftLogitsLoss", temperature=2.0)(tensor(logits), batch)["loss"].item()
    assert found == pytest.approx(warmer, rel=1e-4)
    assert loss_of("SoftLogitsLoss")(tensor(np.log(teacher)), batch)["loss"].item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(ModelError, match=r"the teacher predicts \[1, 2\], the student \[1, 3\]"):
        loss_of("SoftLogitsLoss")(paddle.zeros([1, 3]), batch)


def test_soft_maps():
    teacher = tensor([[[[0.9, 0.2]]]])
    maps = paddle.stack([tensor([[[0.6, 0.5]]])] * 3, axis=1)
    divergence = sum(q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p)) for q, p in ((0.9, 0.6), (0.2, 0.5)))
    loss = loss_of("SoftMapLoss")
    assert loss(maps, {"teacher": teacher})["loss"].item() == pytest.approx(divergence / 1.1, rel=1e-5)
    assert loss({"maps": teacher.tile([1, 3, 1, 1])}, {"teacher": teacher})["loss"].item() == pytest.approx(0, abs=1e-6)
