"""The mobile networks of PP-OCRv2 to PP-OCRv5 beyond what every network promises: forms, sizes, branches that teach."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.engine.weights import load_weights
from ppocr.errors import ConfigError
from ppocr.modeling.deploy.prediction import for_prediction
from ppocr.modeling.mobile_one import Affine, BranchedConv, FusedConv
from ppocr.modeling.model import OCRModel
from ppocr.registry import BACKBONES, HEADS, LOSSES, NECKS

SVTR = {"name": "svtr", "dims": 12, "depth": 2, "hidden_dims": 16, "num_heads": 4, "kernel_size": [1, 3]}
CTC = {"CTCHead": {"Neck": SVTR, "Head": {"fc_decay": 1e-5}}}


def image(*shape):
    return paddle.to_tensor(np.random.RandomState(0).standard_normal(shape).astype("float32"))


def lively(model):
    """Statistics and scales far from their initial values, so that every branch and normalisation counts."""
    random = np.random.RandomState(1)
    for name, tensor in model.state_dict().items():
        if len(tensor.shape) == 1:
            noise = random.uniform(0.8, 1.2, tensor.shape)
            around_one = name.endswith(("weight", "_variance", "scale"))
            tensor.set_value((noise if around_one else noise - 1).astype("float32"))
        else:
            inputs = np.prod(tensor.shape[1:]) if len(tensor.shape) == 4 else tensor.shape[0]
            tensor.set_value((random.standard_normal(tensor.shape) / np.sqrt(inputs)).astype("float32"))
    model.eval()
    return model


def assert_learned(model):
    learning = {name: parameter for name, parameter in model.named_parameters() if not parameter.stop_gradient}
    assert learning
    assert not [name for name, p in learning.items() if p.grad is None or not np.isfinite(p.grad.numpy()).all()]


BLOCKS = {
    "depthwise": lambda: BranchedConv(6, 6, kernel=5, groups=6),
    "pointwise": lambda: BranchedConv(6, 6, kernel=1),
    "widening": lambda: BranchedConv(6, 9, kernel=1, branches=2),
    "halving": lambda: BranchedConv(6, 6, kernel=3, stride=2, groups=6),
    "lowering": lambda: BranchedConv(6, 6, kernel=3, stride=(2, 1), groups=6),
    "grouped": lambda: BranchedConv(6, 6, kernel=3, groups=2),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_fused_block_computes_the_same(name):
    block, x = lively(BLOCKS[name]()), image(2, 6, 15, 16)
    fused = block.fuse()
    assert isinstance(fused, FusedConv)
    assert [type(layer) for layer in fused.sublayers()] == [nn.Conv2D]
    np.testing.assert_allclose(fused(x).numpy(), block(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", BLOCKS)
def test_split_undoes_the_fusing_and_leaves_branches_that_differ(name):
    block = BLOCKS[name]()
    weight, bias = (np.random.RandomState(len(name)).standard_normal(a.shape).astype("float32") for a in block.kernel())
    affine = {f"{key}.{leaf}": np.ones(1, np.float32) for key in ("lab", "act.lab") for leaf in ("scale", "bias")}
    load_weights(block, {**affine, **block.split(weight, bias)}, source="test")  # every tensor is given, with its shape
    for ours, given in zip(block.kernel(), (weight, bias)):
        np.testing.assert_allclose(ours, given, atol=1e-5)
    kernels = [branch.conv.weight.numpy() for branch in block.conv_kxk]
    assert all(np.abs(kernels[0] - other).max() > 0.01 for other in kernels[1:])


def test_halving_blocks_have_no_activation_and_do_not_train_what_stands_after_it():
    halving, lowering = BLOCKS["halving"](), BLOCKS["lowering"]()
    for block in (halving, lowering):
        block.lab.bias.set_value(np.full(1, -100, np.float32))
    assert halving(image(1, 6, 4, 4)).max() < -50 and lowering(image(1, 6, 4, 4)).min() == 0
    assert halving.act.lab.scale.stop_gradient and not lowering.act.lab.scale.stop_gradient


def test_learning_rates_of_stages_reach_their_weights():
    spec = {"name": "PPLCNetV3", "scale": 0.5, "lr_mult_list": [0, 1, 2, 3, 4, 0.5], "lab_lr": 0.1}
    network = BACKBONES["rec"].build(spec, "Backbone", in_channels=3)
    rates = {name: parameter.optimize_attr["learning_rate"] for name, parameter in network.named_parameters()}
    assert rates["conv1.conv.weight"] == 0 and rates["blocks3.0.dw_conv.conv_kxk.1.bn.bias"] == 2
    assert rates["blocks6.0.se.conv2.bias"] == 0.5 and rates["blocks4.1.pw_conv.act.lab.scale"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"lr_mult_list": [1.0]}, "lr_mult_list must have 6 numbers"),
        ({"conv_kxk_num": 0}, "conv_kxk_num must be at least 1, came 0"),
        ({"scale": 0.0}, "scale must be positive"),
        ({"det": False}, "expected one of True, came False"),
    ],
)
def test_mistakes_in_the_backbone_are_told(setting, told):
    with pytest.raises(ConfigError, match=told):
        BACKBONES["det"].build({"name": "PPLCNetV3", **setting}, "Backbone", in_channels=3)


@pytest.mark.parametrize("height", [32, 48, 64])
def test_while_training_all_heights_give_forty_columns(height):
    network = BACKBONES["rec"].build({"name": "PPLCNetV3", "scale": 0.5}, "Backbone", in_channels=3)
    assert network(image(2, 3, height, 320)).shape == [2, network.out_channels, 1, 40]
    network.eval()
    if height == 48:
        assert network(image(2, 3, height, 320)).shape == [2, network.out_channels, 1, 40]
        assert network(image(2, 3, height, 648)).shape == [2, network.out_channels, 1, 81]


@pytest.mark.parametrize(
    ("settings", "height", "size"),
    [
        ({}, 32, (1, 40)),
        ({"last_conv_stride": [1, 2], "last_pool_type": "avg", "last_pool_kernel_size": [2, 2]}, 48, (1, 20)),
        ({"last_conv_stride": [1, 2], "last_pool_type": "avg"}, 48, (1, 20)),
        ({"last_pool_type": "avg", "last_pool_kernel_size": [1, 2]}, 48, (3, 40)),
    ],
)
def test_sizes_that_the_two_recipes_get(settings, height, size):
    spec = {"name": "MobileNetV1Enhance", "scale": 0.5, **settings}
    network = BACKBONES["rec"].build(spec, "Backbone", in_channels=3)
    assert network(image(1, 3, height, 160)).shape[2:] == list(size)


def test_mistakes_in_the_strides_are_told():
    for key, value in (("last_conv_stride", [1, 2, 3]), ("last_pool_kernel_size", [0, 2])):
        with pytest.raises(ConfigError, match=f"{key} must be one or two positive whole numbers"):
            BACKBONES["rec"].build({"name": "MobileNetV1Enhance", key: value}, "Backbone", in_channels=3)


PYRAMIDS = [
    {"name": "RSEFPN", "shortcut": True},
    {"name": "RSEFPN", "shortcut": False},
    {"name": "LKPAN", "mode": "large"},
    {"name": "LKPAN", "mode": "lite", "intracl": True},
]
CHANNELS = (8, 8, 16, 8)


@pytest.mark.parametrize("spec", PYRAMIDS, ids=lambda spec: "-".join(str(value) for value in spec.values()))
def test_pyramids(spec):
    neck = NECKS.build({**spec, "out_channels": 32}, "Neck", in_channels=list(CHANNELS))
    head = HEADS.build({"name": "DBHead", "kernel_list": [7, 2, 2]}, "Head", in_channels=neck.out_channels)
    model = OCRModel(backbone=Maps(), neck=neck, head=head)
    x = image(2, 3, 64, 96)
    y = model(x)
    assert y.shape == [2, 3, 64, 96]
    (y * image(*y.shape)).sum().backward()
    assert_learned(model)
    lively(model)
    fused = for_prediction(model, image(1, 3, 64, 64)).network
    assert np.ptp(model(x).numpy()) > 0.05
    np.testing.assert_allclose(fused(x).numpy(), model(x).numpy(), atol=2e-5)


class Maps(nn.Layer):
    """The smallest detection backbone."""

    def __init__(self):
        super().__init__()
        self.convs = nn.LayerList([nn.Conv2D(3, c, s, stride=s) for c, s in zip(CHANNELS, (4, 8, 16, 32))])

    def forward(self, x):
        return [conv(x) for conv in self.convs]


@pytest.mark.parametrize(("name", "out_channels"), [("RSEFPN", 40), ("LKPAN", 12), ("RSEFPN", 0)])
def test_odd_channels_of_pyramids_are_told(name, out_channels):
    with pytest.raises(ConfigError, match="out_channels must be a positive multiple of"):
        NECKS.build({"name": name, "out_channels": out_channels}, "Neck", in_channels=list(CHANNELS))


def test_other_kernels_of_the_head_are_told():
    for kernels in ([4, 2, 2], [3, 3, 2], [3]):
        with pytest.raises(ConfigError, match="kernel_list must be an odd number and twice 2"):
            HEADS.build({"name": "DBHead", "kernel_list": kernels}, "Head", in_channels=8)


def svtr(**settings):
    spec = {**SVTR, "name": "SVTR", "kernel_size": [1, 1], **settings}
    return NECKS.build(spec, "Neck", in_channels=16)


def test_every_column_of_the_crop_sees_every_other():
    neck, x = lively(svtr()), image(1, 16, 1, 20)
    changed = x.clone()
    changed[:, :, :, 19] += 1
    moved = np.abs(neck(changed).numpy() - neck(x).numpy()).max(axis=2)
    assert neck(x).shape == [1, 20, 12] and moved.min() > 0  # attention weighs distant columns little


@pytest.mark.parametrize("use_guide", [True, False])
def test_guided_necks_keep_their_gradients_from_the_backbone(use_guide):
    neck, x = svtr(use_guide=use_guide), image(2, 16, 1, 5)
    x.stop_gradient = False
    (neck(x) * image(2, 5, 12)).sum().backward()
    assert_learned(neck)
    assert (x.grad is None) == use_guide


def test_mistakes_in_the_neck_are_told():
    with pytest.raises(ConfigError, match="hidden_dims must be a multiple of num_heads, came 15 and 4"):
        svtr(hidden_dims=15)
    with pytest.raises(ConfigError, match="kernel_size must be two odd numbers, came"):
        svtr(kernel_size=[2, 3])
    with pytest.raises(ValueError, match="one row high after the backbone, came 2"):
        svtr()(image(1, 16, 2, 5))


# --- SARHead, over the characters a, b, c: 3 is unknown, 4 start and end, 5 padding ---------------------------------
TEXTS = {"label_sar": paddle.to_tensor([[4, 0, 1, 4, 5, 5], [4, 2, 4, 5, 5, 5]])}  # "ab", "c"


def taught_head():
    spec = {"name": "MultiHead", "head_list": [CTC, {"SARHead": {"enc_dim": 24, "d_k": 10}}]}
    return HEADS.build(spec, "Head", in_channels=16, out_channels=4)


def steady(head):
    """In `train()` mode, but without what is random."""
    for layer in head.sublayers():
        layer.training = not isinstance(layer, nn.Dropout)
    head.sar_head.encoder.rnn_encoder.dropout = 0.0
    return head


def test_the_branch_that_teaches_learns_from_the_text():
    head = taught_head()
    result = head(image(2, 16, 1, 9), {**TEXTS, "valid_ratio": paddle.to_tensor([1.0, 0.4])})
    assert {name: tuple(y.shape) for name, y in result.items()} == {"ctc": (2, 9, 4), "sar": (2, 3, 5)}
    sum((y * image(*y.shape)).sum() for y in result.values()).backward()
    assert_learned(head)


def test_what_comes_next_depends_on_the_text_so_far_alone():
    paddle.seed(0)
    head, x = steady(taught_head()), image(2, 16, 1, 9)
    y = head(x, TEXTS)["sar"].numpy()
    z = head(x, {"label_sar": paddle.to_tensor([[4, 0, 2, 4, 5, 5], [4, 2, 4, 5, 5, 5]])})["sar"].numpy()
    np.testing.assert_allclose(z[:, :2], y[:, :2], atol=1e-6)
    np.testing.assert_allclose(z[1], y[1], atol=1e-6)
    assert np.abs(z[0, 2] - y[0, 2]).max() > 1e-4
    assert np.abs(head(x.flip(0), TEXTS)["sar"].numpy() - y).max() > 1e-4  # it looks at the crop


def test_columns_that_only_pad_the_crop_are_not_looked_at():
    head, x = steady(taught_head()), image(2, 16, 1, 10)
    labels = {**TEXTS, "valid_ratio": paddle.to_tensor([1.0, 0.5])}
    other = x.clone()
    other[:, :, :, 6:] = 7.0  # the attention's convolution reaches one column beyond
    y, z = head(x, labels)["sar"].numpy(), head(other, labels)["sar"].numpy()
    np.testing.assert_allclose(z[1], y[1], atol=1e-6)
    assert np.abs(z[0] - y[0]).max() > 1e-3


def test_the_loss_leaves_padding_out():
    logits = image(2, 3, 5)
    loss = LOSSES.build({"name": "SARLoss"}, "Loss")({"sar": logits, "ctc": None}, TEXTS)["loss"].item()
    rows, classes = ([0, 0, 0, 1, 1], [0, 1, 2, 0, 1]), [0, 1, 4, 2, 4]
    scores = logits.numpy()[rows]
    expected = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(5), classes]
    assert loss == pytest.approx(expected.mean(), abs=1e-5)


def test_prediction_does_without_the_branch_that_teaches():
    head = taught_head()
    with pytest.raises(ValueError, match="SARHead learns from label_sar"):
        head(image(2, 16, 1, 9))
    head.eval()
    assert head(image(2, 16, 1, 9)).shape == [2, 9, 4]


def test_what_fused_blocks_read_is_known():
    block = lively(BLOCKS["depthwise"]())
    prediction = for_prediction(nn.Sequential(block), image(1, 6, 8, 8))
    assert isinstance(prediction.network[0], FusedConv)
    assert prediction.reads["0.conv"] == "0.conv_kxk.0.conv"


def test_affine_starts_as_the_identity():
    x = image(2, 3, 4, 5)
    np.testing.assert_array_equal(Affine()(x).numpy(), x.numpy())
