"""Networks rewritten for prediction compute what they computed before."""

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.config import load_config
from ppocr.engine.build import build_model, input_shape
from ppocr.modeling.deploy.prediction import for_prediction
from ppocr.modeling.deploy.sub_pixel import SubPixelBranch
from ppocr.modeling.heads.db_head import DBHead
from ppocr.utils.networks import example_shape


def lively(model):
    """Statistics and weights far from their initial values, so that every term of the formula counts."""
    random = np.random.default_rng(1)
    for name, tensor in model.state_dict().items():
        values = random.normal(0, 0.4, tensor.shape)
        tensor.set_value((np.abs(values) + 0.2 if "variance" in name else values).astype(np.float32))
    model.eval()
    return model


def norms(model):
    return sum(isinstance(layer, nn.BatchNorm2D) for layer in model.sublayers())


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("bias", [None, False])
@pytest.mark.parametrize("kind", [nn.Conv2D, nn.Conv2DTranspose])
def test_folding_keeps_the_values(kind, bias, groups):
    model = lively(nn.Sequential(kind(4, 8, 3, groups=groups, bias_attr=bias), nn.BatchNorm2D(8), nn.ReLU()))
    x = paddle.randn([2, 4, 7, 9])
    folded = for_prediction(model, x).network
    grouped = kind is nn.Conv2DTranspose and groups > 1  # its weights don't list all outputs: left as it is
    assert norms(folded) == grouped and norms(model) == 1  # a copy
    np.testing.assert_allclose(folded(x).numpy(), model(x).numpy(), atol=1e-5)
    assert np.abs(model(x).numpy()).max() > 0.5


class Shared(nn.Layer):
    """The convolution's output is read twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2D(3, 3, 1), nn.BatchNorm2D(3), nn.Sigmoid()

    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) + self.act(y)


class Twice(nn.Layer):
    """The normalisation runs twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2D(3, 3, 1), nn.BatchNorm2D(3)

    def forward(self, x):
        return self.norm(self.norm(self.conv(x)))


@pytest.mark.parametrize("network", [Shared, Twice])
def test_what_cannot_be_folded_stays(network):
    model, x = lively(network()), paddle.randn([1, 3, 5, 5])
    folded = for_prediction(model, x).network
    assert norms(folded) == 1
    np.testing.assert_allclose(folded(x).numpy(), model(x).numpy(), atol=1e-6)


def test_batch_statistics_are_not_touched_by_the_trial_run():
    model = lively(nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4)))
    model.train()
    before = model[1]._mean.numpy().copy()
    for_prediction(model, paddle.randn([2, 3, 8, 8]))
    np.testing.assert_array_equal(model[1]._mean.numpy(), before)
    assert model.training


def test_sub_pixel_branch_is_the_branch():
    head, x = lively(DBHead(16)), paddle.randn([2, 16, 5, 7])
    fast = for_prediction(head, x).network
    assert isinstance(fast.binarize, SubPixelBranch)
    expected = head(x).numpy()
    assert expected.shape == (2, 1, 20, 28) and np.ptp(expected) > 0.2
    np.testing.assert_allclose(fast(x).numpy(), expected, atol=1e-6)
    assert not any(isinstance(layer, nn.Conv2DTranspose) for layer in fast.binarize.sublayers())


def inputs_of(network, x):
    """Name of each convolution that runs → what it reads."""
    seen, hooks = {}, []
    for name, layer in network.named_sublayers():
        if isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose)):
            note = lambda layer, inputs, name=name: seen.update({name: inputs[0].numpy()})  # noqa: E731
            hooks.append(layer.register_forward_pre_hook(note))
    network(x)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(
    "config",
    [
        "det/ch_ppocr_mobile_v2.0_det.yml", "det/PP-OCRv6_tiny_det.yml", "rec/ch_ppocr_mobile_v2.0_rec.yml",
        "rec/PP-OCRv6_tiny_rec.yml", "cls/ch_ppocr_mobile_v2.0_cls.yml", "det/ch_ppocr_server_v2.0_det.yml",
    ],
)  # fmt: skip
def test_each_convolution_for_prediction_says_whose_input_it_reads(config):
    """Ranges learned for the training network's inputs hold for the other network: by name, for both families."""
    settings = load_config(config)
    model = build_model(settings)
    model.eval()
    shape = example_shape(input_shape(settings))
    x = paddle.to_tensor(np.random.default_rng(0).normal(0, 1, shape).astype(np.float32))
    network, reads = for_prediction(model, x)
    learned, read = inputs_of(model, x), inputs_of(network, x)
    # The head is made of linear layers; the finest level of the pyramid is convolved without the coarser ones.
    new = [name for name in read if name not in reads]
    assert len(new) <= 3 and all(name.startswith(("head.ctc_head.", "neck.neck.inp_conv_")) for name in new)
    for name in read:
        if name in reads:
            mine, theirs = read[name], learned[reads[name]]
            if mine.size == theirs.size:
                np.testing.assert_allclose(np.sort(mine, axis=None), np.sort(theirs, axis=None), atol=1e-3)
            else:  # a part of it: some channels, or the map before it was up-sampled
                assert mine.size < theirs.size and mine.max() <= theirs.max() + 1e-3, name


def test_what_was_fused_can_be_fused_again() -> None:
    """Storing in 8 bits rewrites a network for prediction that is exported, and so rewritten, afterwards."""
    paddle.seed(0)
    model = build_model(load_config("det/PP-OCRv6_tiny_det.yml"))
    model.eval()
    example = paddle.zeros([1, 3, 64, 64])
    once = for_prediction(model, example).network
    twice = for_prediction(once, example).network
    pictures = paddle.randn([1, 3, 64, 96])
    np.testing.assert_allclose(twice(pictures).numpy(), once(pictures).numpy(), atol=1e-6)
