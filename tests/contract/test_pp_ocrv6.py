"""PP-OCRv6's networks beyond what every network promises: sizes, training forms, and what prediction makes of them."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.config import Config, load_config
from ppocr.engine.build import build_model
from ppocr.engine.weights import TRAINING_ONLY
from ppocr.errors import ConfigError
from ppocr.modeling.attention import attend
from ppocr.modeling.backbones.pp_lcnet_v4 import BranchedStem
from ppocr.modeling.deploy.batch_norm import fold_batch_norm
from ppocr.modeling.deploy.pp_ocrv6 import FoldedRepLKFPN, SplitStem
from ppocr.modeling.deploy.prediction import for_prediction, fuse_branches
from ppocr.modeling.deploy.pyramid import doubling_conv_of
from ppocr.modeling.heads.ctc_head import ColumnMixer, CTCHead
from ppocr.modeling.layers import PreciseMean, SqueezeExcitation, upsample_nearest
from ppocr.modeling.model import OCRModel
from ppocr.modeling.reparam import DilatedReparamBlock, RepDWConv
from ppocr.registry import BACKBONES, HEADS, NECKS

CONFIGS = {"det": "det/PP-OCRv6_tiny_det.yml", "rec": "rec/PP-OCRv6_tiny_rec.yml"}
SIZES = ("tiny", "small", "medium")
CTC = {"CTCHead": {"Neck": {"name": "reshape"}, "Head": {"mid_channels": 6, "use_guide": True}}}


def image(*shape):
    return paddle.to_tensor(np.random.RandomState(0).standard_normal(shape).astype("float32"))


def predicting(path):
    """A shipped configuration without the branch that only teaches, which takes seconds to make."""
    config = load_config(path).to_dict()
    if "head_list" in config["Architecture"]["Head"]:
        del config["Architecture"]["Head"]["head_list"][1:]
    return Config(config)


def lively(model):
    """Statistics and scales far from their initial values, so that every branch and normalisation counts."""
    random = np.random.RandomState(1)
    for name, tensor in model.state_dict().items():
        if len(tensor.shape) == 1:
            noise = random.uniform(0.8, 1.2, tensor.shape)
            tensor.set_value((noise if name.endswith(("weight", "_variance")) else noise - 1).astype("float32"))
    model.eval()
    return model


def deployed_parameters(model):
    """Numbers that prediction needs: those of the fused network, without what only training runs."""
    model.eval()
    fuse_branches(model)
    fold_batch_norm(model, paddle.zeros([1, 3, 64, 64]))
    return sum(int(np.prod(p.shape)) for name, p in model.named_parameters() if not name.startswith(TRAINING_ONLY))


@pytest.mark.parametrize(
    ("config", "published"),
    [
        ("det/PP-OCRv6_tiny_det.yml", 0.43e6),
        ("rec/PP-OCRv6_tiny_rec.yml", 1.1e6),
        ("det/PP-OCRv6_small_det.yml", 2.48e6),
        ("rec/PP-OCRv6_small_rec.yml", 5.3e6),
    ],
)
def test_networks_are_as_small_as_the_paper_says(config, published):
    assert deployed_parameters(build_model(predicting(config))) == pytest.approx(published, rel=0.03)


@pytest.mark.parametrize("size", SIZES)
def test_recognition_backbone(size):
    backbone = BACKBONES["rec"].build({"name": "PPLCNetV4", "model_size": size}, "Backbone", in_channels=3)
    assert tuple(backbone(image(2, 3, 64, 200)).shape) == (2, backbone.out_channels, 1, 40)  # whatever the size
    backbone.eval()
    assert tuple(backbone(image(1, 3, 48, 160)).shape) == (1, backbone.out_channels, 1, 20)


def test_every_parameter_of_the_recogniser_learns():
    backbone = BACKBONES["rec"].build({"name": "PPLCNetV4", "model_size": "tiny"}, "Backbone", in_channels=3)
    head = HEADS.build({"name": "MultiHead", "head_list": [CTC]}, "Head", in_channels=160, out_channels=11)
    model = OCRModel(backbone=backbone, head=head)
    y = model(image(2, 3, 48, 96))
    assert tuple(y.shape) == (2, 40, 11)
    (y * image(*y.shape)).sum().backward()
    assert_learned(model)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "RepLKFPN", "dilated_kernel_size": 7},
        {"name": "UniRepLKFPN"},
        {"name": "RepLKPAN", "intracl": True},
        {"name": "UniRepLKPAN"},
    ],
    ids=lambda spec: spec["name"],
)
def test_pyramid_and_head_with_auxiliary_branches(spec):
    neck = NECKS.build({**spec, "out_channels": 32}, "Neck", in_channels=[8, 8, 16, 8])
    spec = {"name": "DBHead", "aux_in_channels": 32, "fix_nan": True}
    head = HEADS.build(spec, "Head", in_channels=neck.out_channels)
    maps = [image(2, c, 64 // s, 96 // s) for c, s in zip((8, 8, 16, 8), (4, 8, 16, 32))]
    result = head(neck(maps))
    assert {key: tuple(value.shape) for key, value in result.items()} == dict.fromkeys(
        ("maps", "aux_maps_p4", "aux_maps_p3", "aux_maps_p2"), (2, 3, 64, 96)
    )
    sum((value * image(*value.shape)).sum() for value in result.values()).backward()
    assert_learned(neck)
    assert_learned(head)
    neck.eval(), head.eval()
    assert tuple(head(neck(maps)).shape) == (2, 1, 64, 96)


def assert_learned(model):
    learning = {name: parameter for name, parameter in model.named_parameters() if not parameter.stop_gradient}
    assert learning
    assert not [name for name, p in learning.items() if p.grad is None or not np.isfinite(p.grad.numpy()).all()]


@pytest.mark.parametrize(
    ("fix_nan", "training", "expected"), [(True, True, 0), (True, False, np.nan), (False, True, np.nan)]
)
def test_activations_that_are_no_numbers_are_dropped_while_training_only(fix_nan, training, expected):
    branch = HEADS.build({"name": "DBHead", "fix_nan": fix_nan}, "Head", in_channels=8).binarize
    branch.training = training
    values = branch.numbers(paddle.to_tensor([1.0, float("nan"), -2.0])).numpy()
    np.testing.assert_array_equal(values, [1, expected, -2])


def test_attention_is_the_weighted_mean_that_the_paper_defines():
    q, k, v = (np.random.RandomState(seed).standard_normal((2, n, 6)) for seed, n in enumerate((4, 5, 5)))
    heads = []
    for part in (slice(0, 3), slice(3, 6)):
        scores = np.exp(q[:, :, part] @ k[:, :, part].transpose(0, 2, 1) / np.sqrt(3))
        heads.append(scores / scores.sum(axis=2, keepdims=True) @ v[:, :, part])
    ours = attend(*(paddle.to_tensor(x) for x in (q, k, v)), heads=2)
    np.testing.assert_allclose(ours.numpy(), np.concatenate(heads, axis=2), atol=1e-12)


def light_svtr(**settings):
    spec = {"name": "LightSVTR", "dims": 16, "num_heads": 4, "depth": 2, **settings}
    return NECKS.build(spec, "Neck", in_channels=8)


def test_every_column_of_the_crop_sees_every_other():
    neck = lively(light_svtr(local_kernel=3))
    x = image(1, 8, 1, 20)
    changed = x.clone()
    changed[:, :, :, 19] += 1
    moved = np.abs(neck(changed).numpy() - neck(x).numpy()).max(axis=2)
    assert neck(x).shape == [1, 20, 16] and moved.min() > 1e-5


@pytest.mark.parametrize("use_guide", [True, False])
def test_guided_necks_keep_their_gradients_from_the_backbone(use_guide):
    neck, x = light_svtr(use_guide=use_guide), image(2, 8, 1, 5)
    x.stop_gradient = False
    (neck(x) * image(2, 5, 16)).sum().backward()
    assert_learned(neck)
    assert (x.grad is None) == use_guide


def test_mistakes_in_the_neck_are_told():
    with pytest.raises(ConfigError, match="Neck: dims must be a multiple of num_heads, came 15 and 4"):
        light_svtr(dims=15)
    with pytest.raises(ConfigError, match="Neck: local_kernel must be odd, came 4"):
        light_svtr(local_kernel=4)
    with pytest.raises(ValueError, match="one row high after the backbone, came 2"):
        light_svtr()(image(1, 8, 2, 5))


def taught_head():
    """A head with both branches over the characters a, b, c."""
    spec = {"name": "MultiHead", "head_list": [CTC, {"NRTRHead": {"nrtr_dim": 64, "num_decoder_layers": 2}}]}
    return HEADS.build(spec, "Head", in_channels=8, out_channels=4)


TEXTS = {"label_gtc": paddle.to_tensor([[2, 4, 5, 3, 0, 0], [2, 6, 3, 0, 0, 0]])}  # "ab", "c"


def test_the_second_branch_learns_from_the_text():
    head = taught_head()
    result = head(image(2, 8, 1, 9), TEXTS)
    assert {name: tuple(y.shape) for name, y in result.items()} == {"ctc": (2, 9, 4), "gtc": (2, 3, 7)}
    sum((y * image(*y.shape)).sum() for y in result.values()).backward()
    assert_learned(head)


def test_what_comes_next_depends_on_the_text_so_far_alone():
    paddle.seed(0)
    head, x = taught_head(), image(2, 8, 1, 9)
    for layer in head.sublayers():
        layer.training = not isinstance(layer, nn.Dropout)
    y = head(x, TEXTS)["gtc"].numpy()
    other = {"label_gtc": paddle.to_tensor([[2, 4, 6, 3, 0, 0], [2, 6, 3, 0, 0, 0]])}
    z = head(x, other)["gtc"].numpy()
    np.testing.assert_allclose(z[:, :2], y[:, :2], atol=1e-5)
    np.testing.assert_allclose(z[1], y[1], atol=1e-5)
    assert np.abs(z[0, 2] - y[0, 2]).max() > 1e-3
    assert np.abs(head(x.flip(0), TEXTS)["gtc"].numpy() - y).max() > 1e-3  # it looks at the crop


def test_prediction_does_without_the_second_branch():
    head = taught_head()
    with pytest.raises(ValueError, match="NRTRHead learns from label_gtc"):
        head(image(2, 8, 1, 9))
    head.eval()
    assert head(image(2, 8, 1, 9)).shape == [2, 9, 4]
    model = OCRModel(backbone=nn.Identity(), head=head)
    np.testing.assert_array_equal(model(image(2, 8, 1, 9)).numpy(), model(image(2, 8, 1, 9), TEXTS).numpy())
    model.train()
    assert set(model(image(2, 8, 1, 9), TEXTS)) == {"ctc", "gtc"}


@pytest.mark.parametrize("config", ["det/PP-OCRv6_medium_det.yml", "rec/PP-OCRv6_medium_rec.yml"])
def test_medium_networks_fuse_too(config):
    model = lively(build_model(predicting(config)))
    x = image(1, 3, 64, 64)
    expected = model(x).numpy()
    np.testing.assert_allclose(for_prediction(model, x).network(x).numpy(), expected, atol=5e-5)


@pytest.mark.parametrize("task", CONFIGS)
def test_fused_networks_compute_the_same(task):
    model = lively(build_model(load_config(CONFIGS[task])))
    x = image(2, 3, 64, 96)
    fused = for_prediction(model, x).network
    expected = model(x).numpy()
    np.testing.assert_allclose(fused(x).numpy(), expected, atol=2e-5)
    assert np.ptp(expected) > (0.2 if task == "det" else 1e-4)  # of 6906 classes none stands out
    if task == "rec":
        model.head.logits = fused.head.logits = True
        np.testing.assert_allclose(fused(x).numpy(), model(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("task", CONFIGS)
def test_fused_networks_hold_neither_branches_nor_normalisations(task):
    fused = for_prediction(build_model(load_config(CONFIGS[task])), image(1, 3, 64, 64)).network
    executed = [layer for name, layer in fused.named_sublayers() if not name.startswith(TRAINING_ONLY)]
    assert not [layer for layer in executed if isinstance(layer, (nn.BatchNorm2D, nn.BatchNorm1D))]
    assert not [layer for layer in executed if isinstance(layer, (RepDWConv, DilatedReparamBlock, ColumnMixer))]


@pytest.mark.parametrize(
    ("head_list", "told"),
    [
        ([], "expected one CTCHead, came 0"),
        ([CTC, CTC], "expected one CTCHead, came 2"),
        ([CTC, {"NRTRHead": None}, {"NRTRHead": None}], "expected at most one of NRTRHead, SARHead, came"),
        ([CTC, {"NRTRHead": {"nrtr_dims": 64}}], "NRTRHead.nrtr_dims: .* did you mean 'nrtr_dim'"),
        ([CTC, {"NRTRHead": {"nrtr_dim": 60}}], "NRTRHead: nrtr_dim must be a positive multiple of 32, came 60"),
        ([{"CTCHead": {"Neck": {"name": "lightsvtr", "dim": 8}}}], "CTCHead.Neck.dim: .* did you mean 'dims'"),
        ([{"CTCHaed": {}}], "no head is called 'CTCHaed'; did you mean 'CTCHead'"),
        (["CTCHead"], "expected entries `name: settings`, came 'CTCHead'"),
        ([{"CTCHead": {"Nek": {}}}], "CTCHead.Nek: unknown key; did you mean 'Neck'"),
        ([{"CTCHead": {"Head": {"mid_chanels": 5}}}], "CTCHead.Head.mid_chanels: .* did you mean 'mid_channels'"),
        ([{"CTCHead": {"Neck": {"name": "rmn"}}}], "CTCHead.Neck.encoder_type: expected one of"),
    ],
)
def test_mistakes_in_the_list_of_heads_are_told(head_list, told):
    with pytest.raises(ConfigError, match=told):
        HEADS.build({"name": "MultiHead", "head_list": head_list}, "Head", in_channels=8, out_channels=5)


@pytest.mark.parametrize("side", [3, 5])
def test_convolution_after_doubling_is_a_transposed_one(side):
    weight, x = image(5, 4, side, side), image(2, 4, 7, 6)
    expected = nn.functional.conv2d(upsample_nearest(x, 2), weight, padding=side // 2)
    np.testing.assert_allclose(doubling_conv_of(weight.numpy())(x).numpy(), expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("shortcut", [True, False])
def test_folded_pyramid_is_the_pyramid_and_the_convolution_after_it(shortcut):
    spec = {"name": "RepLKFPN", "out_channels": 32, "dilated_kernel_size": 7, "shortcut": shortcut}
    neck = lively(NECKS.build(spec, "Neck", in_channels=[8, 8, 16, 8]))
    fuse_branches(neck)
    conv = nn.Conv2D(32, 5, 3, padding=1)
    maps = [image(2, c, 64 // s, 96 // s) for c, s in zip((8, 8, 16, 8), (4, 8, 16, 32))]
    expected = conv(neck(maps)).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(FoldedRepLKFPN(neck, conv)(maps).numpy(), expected, atol=1e-4)


def test_split_stem_is_the_stem():
    model = lively(BranchedStem(3, 32))
    x = image(2, 3, 33, 40)
    fused = for_prediction(nn.Sequential(model), x).network
    assert isinstance(fused[0], SplitStem)
    np.testing.assert_allclose(fused(x).numpy(), model(x).numpy(), atol=1e-5)


@pytest.mark.parametrize(("window", "shortcut"), [(None, False), (4, False), (1, True), (8, True)])
def test_squeeze_and_excitation_by_windows_and_with_shortcut(window, shortcut):
    gate = lively(SqueezeExcitation(8, slope=1 / 6, window=window, shortcut=shortcut))
    x = image(2, 8, 16, 24) + 0.5
    means = x.numpy().mean(axis=(2, 3), keepdims=True)
    expected = nn.functional.hardsigmoid(gate.conv2(nn.functional.relu(gate.conv1(paddle.to_tensor(means))))).numpy()
    np.testing.assert_allclose(gate(x).numpy(), x.numpy() * (expected + shortcut), atol=1e-5)


def test_means_of_large_maps_keep_their_digits():
    values = (np.random.RandomState(0).standard_normal((1, 2, 256, 256)) + 100).astype("float32")
    mean = PreciseMean(8)(paddle.to_tensor(values)).numpy()
    np.testing.assert_allclose(mean, values.astype("float64").mean(axis=(2, 3), keepdims=True), atol=2e-5)


@pytest.mark.parametrize("mid_channels", [None, 6])
def test_ctc_head_for_prediction(mid_channels):
    head = lively(CTCHead(8, 11, mid_channels=mid_channels, use_guide=True))
    fused, x = head.fuse(), image(2, 9, 8)
    np.testing.assert_allclose(fused(x).numpy(), head(x).numpy(), atol=1e-6)
    plain = CTCHead(8, 11, mid_channels=mid_channels)
    assert plain.fuse() is plain
