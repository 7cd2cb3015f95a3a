"""Networks rewritten for prediction compute what they computed before."""

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.modeling.deploy.batch_norm import SubPixelBranch, fold_batch_norm, for_prediction
from ppocr.modeling.heads.db_head import DBHead


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
    folded = fold_batch_norm(model, x)
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
    folded = fold_batch_norm(model, x)
    assert norms(folded) == 1
    np.testing.assert_allclose(folded(x).numpy(), model(x).numpy(), atol=1e-6)


def test_batch_statistics_are_not_touched_by_the_trial_run():
    model = lively(nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4)))
    model.train()
    before = model[1]._mean.numpy().copy()
    fold_batch_norm(model, paddle.randn([2, 3, 8, 8]))
    np.testing.assert_array_equal(model[1]._mean.numpy(), before)
    assert model.training


def test_sub_pixel_branch_is_the_branch():
    head, x = lively(DBHead(16)), paddle.randn([2, 16, 5, 7])
    fast = for_prediction(head, x)
    assert isinstance(fast.binarize, SubPixelBranch)
    expected = head(x).numpy()
    assert expected.shape == (2, 1, 20, 28) and np.ptp(expected) > 0.2
    np.testing.assert_allclose(fast(x).numpy(), expected, atol=1e-6)
    assert not any(isinstance(layer, nn.Conv2DTranspose) for layer in fast.binarize.sublayers())
