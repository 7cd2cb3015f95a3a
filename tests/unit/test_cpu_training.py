"""Layers for training on a CPU: what they compute and their gradients are those of Paddle's layers."""

from __future__ import annotations

import copy

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.modeling.cpu import accelerate
from ppocr.modeling.cpu.kernels import kernels
from ppocr.modeling.layers import conv_bn

needs_kernels = pytest.mark.skipif(kernels() is None, reason="there is no C compiler")


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def passes(layer: nn.Layer, array: np.ndarray, precision: str = "float32") -> list[np.ndarray]:
    """Output, gradient of the input, of each parameter, and the state after it, in float64."""
    layer.to(dtype=precision)
    x = paddle.to_tensor(array.astype(precision), stop_gradient=False)
    output = layer(x)
    output.backward(paddle.to_tensor(random(*output.shape, seed=1).astype(precision)))
    gradients = [parameter.grad for parameter in layer.parameters() if not parameter.stop_gradient]
    tensors = [output, x.grad, *gradients, *layer.state_dict().values()]
    return [tensor.numpy().astype(np.float64) for tensor in tensors]


def assert_equal_passes(layer: nn.Layer, array: np.ndarray, *, faster: str) -> None:
    """The accelerated layer is another one, and as near to float64 as 1e-5 of the largest number."""
    exact = passes(copy.deepcopy(layer), array, "float64")
    quick = accelerate(copy.deepcopy(layer))
    assert faster in {type(part).__name__ for part in quick.sublayers(include_self=True)}
    for truth, value in zip(exact, passes(quick, array)):
        np.testing.assert_allclose(value, truth, rtol=0, atol=1e-5 * max(np.abs(truth).max(), 1e-3))


@needs_kernels
@pytest.mark.parametrize(
    "kernel, stride, padding, dilation, size",
    [
        (3, 1, 1, 1, (16, 40)),
        (5, (2, 1), 2, 1, (8, 33)),
        (5, 2, 2, 1, (19, 70)),  # two sheets along both axes
        (3, (1, 3), [1, 0], 1, (7, 10)),
        (5, 1, [0, 1, 2, 3], 1, (6, 5)),  # uneven borders
        (3, 1, 4, 4, (9, 9)),
        ((1, 7), 1, (0, 3), 1, (1, 50)),
        (1, 1, 0, 1, (5, 5)),
        (5, 1, 2, 1, (60, 70)),  # more than one chunk
    ],
)
def test_depthwise(kernel, stride, padding, dilation, size):
    conv = nn.Conv2D(6, 6, kernel, stride, padding, dilation, groups=6, bias_attr=False)
    assert_equal_passes(conv, random(3, 6, *size), faster="DepthwiseConv2D")


@needs_kernels
@pytest.mark.parametrize("act", [None, "relu", "hardswish"])
def test_batch_norm_with_activation(act):
    block = conv_bn(3, 4, act=act)
    block.bn.weight.set_value(np.array([1, -2, 0.5, 3], np.float32))
    block.bn.bias.set_value(np.array([0, 1, -3, 0.1], np.float32))
    faster = "BatchNorm2D" if act is None else "NormSequential"
    assert type(accelerate(copy.deepcopy(block)).bn) is not nn.BatchNorm2D
    assert_equal_passes(block, random(5, 3, 30, 70), faster=faster)


@needs_kernels
def test_activation_after_a_sequence_that_ends_with_a_norm():
    """As in PP-LCNetV4's blocks: expand (convolution, norm), activation, compress (convolution, norm)."""
    mixer = nn.Sequential(("expand", conv_bn(3, 6)), ("act", nn.Hardswish()), ("compress", conv_bn(6, 3)))
    names = list(mixer.state_dict())
    assert_equal_passes(mixer, random(5, 3, 30, 70), faster="NormSequential")
    assert list(accelerate(mixer).state_dict()) == names
    plain_gelu = nn.Sequential(conv_bn(3, 6), nn.GELU())
    assert_equal_passes(plain_gelu, random(5, 3, 30, 70), faster="BatchNorm2D")


@needs_kernels
@pytest.mark.parametrize("act", [None, "relu", "hardswish"])
def test_frozen_norm_with_activation(act):
    """Its statistics stay, and the shift learns; Paddle's own would give it no gradient without one for the scale."""
    block = conv_bn(3, 4, act=act)
    block.bn.weight.set_value(np.array([1, -2, 0.5, 3], np.float32))
    block.bn._mean.set_value(np.array([0.2, -0.1, 3, 0.1], np.float32))
    block.bn._variance.set_value(np.array([1, 2, 0.3, 4], np.float32))
    block.bn.eval()
    array = random(5, 3, 30, 70)
    output, x_gradient, weight_gradient, _, shift_gradient, *state = passes(copy.deepcopy(block), array, "float64")
    quick = accelerate(copy.deepcopy(block))
    quick.bn.weight.stop_gradient = True
    expected = (output, x_gradient, weight_gradient, shift_gradient, *state)
    for truth, value in zip(expected, passes(quick, array)):
        np.testing.assert_allclose(value, truth, rtol=0, atol=1e-5 * max(np.abs(truth).max(), 1e-3))


@needs_kernels
def test_batch_norm_far_from_zero():
    """A variance as the difference of two large sums would be lost."""
    assert_equal_passes(nn.BatchNorm2D(2), random(2, 2, 60, 60) + 30, faster="BatchNorm2D")


@pytest.mark.parametrize("kernel, padding", [(3, 1), (5, (2, 1)), ((1, 3), (0, 1)), (3, 0)])
def test_narrow_convolution(kernel, padding):
    conv = nn.Conv2D(12, 5, kernel, padding=padding, bias_attr=False)
    assert_equal_passes(conv, random(2, 12, 9, 11), faster="NarrowConv2D")


@pytest.mark.parametrize("bias", [None, False])
def test_transposed_convolution_that_makes_blocks(bias):
    conv = nn.Conv2DTranspose(5, 3, 2, stride=2, bias_attr=bias)
    assert_equal_passes(conv, random(2, 5, 7, 9), faster="SubPixelConv2DTranspose")


def test_wide_linear():
    assert_equal_passes(nn.Linear(7, 30), random(2, 5, 7), faster="WideLinear")


@needs_kernels
def test_input_that_is_not_contiguous():
    conv = accelerate(nn.Conv2D(4, 4, 3, padding=1, groups=4, bias_attr=False))
    array = random(2, 6, 5, 4)
    output = conv(paddle.to_tensor(array).transpose([0, 3, 2, 1]))
    plain = paddle.nn.functional.conv2d(paddle.to_tensor(array.transpose(0, 3, 2, 1)), conv.weight, padding=1, groups=4)
    np.testing.assert_allclose(output.numpy(), plain.numpy(), atol=1e-5)


@needs_kernels
def test_frozen_weights_get_no_gradient():
    block = accelerate(conv_bn(4, 4, kernel=3, groups=4, act="relu"))
    block.conv.weight.stop_gradient = block.bn.weight.stop_gradient = True
    x = paddle.to_tensor(random(2, 4, 6, 5), stop_gradient=False)
    block(x).sum().backward()
    assert block.conv.weight.grad is None and block.bn.weight.grad is None
    assert x.grad is not None and block.bn.bias.grad is not None


def test_names_and_predictions_stay():
    block = nn.Sequential(conv_bn(4, 4, kernel=3, groups=4, act="relu"), conv_bn(4, 2, kernel=3, act="hardswish"))
    quick = accelerate(copy.deepcopy(block))
    assert list(quick.state_dict()) == list(block.state_dict())
    x = paddle.to_tensor(random(1, 4, 8, 8))
    block.eval()
    quick.eval()
    assert np.array_equal(quick(x).numpy(), block(x).numpy())


@needs_kernels
def test_statistics_move_as_paddle_moves_them():
    block = conv_bn(3, 4, act="relu")
    quick = accelerate(copy.deepcopy(block))
    for seed in range(3):
        x = paddle.to_tensor(random(2, 3, 6, 6, seed=seed))
        block(x), quick(x)
    np.testing.assert_allclose(quick.bn._mean.numpy(), block.bn._mean.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(quick.bn._variance.numpy(), block.bn._variance.numpy(), rtol=1e-5)
