"""CTC on a CPU: against all paths counted one by one, against its own differences, and against Paddle's."""

from __future__ import annotations

import itertools

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from ppocr.losses.ctc_cpu import ctc_loss


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def exact(logits: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The losses, float64[N], by adding up every path of T symbols that collapses to the text."""
    probabilities = np.exp(logits.astype(np.float64))
    probabilities /= probabilities.sum(axis=2, keepdims=True)
    losses = []
    for one, label, length in zip(probabilities, labels, lengths):
        paths = itertools.product(range(one.shape[1]), repeat=len(one))
        hits = (path for path in paths if collapsed(path) == tuple(label[:length]))
        total = sum(np.prod(one[np.arange(len(one)), path]) for path in hits)
        losses.append(-np.log(total) if total else 0.0)
    return np.array(losses)


def loss_and_gradient(logits, labels, lengths, weights):
    x = paddle.to_tensor(logits, stop_gradient=False)
    losses = ctc_loss(x, paddle.to_tensor(labels), paddle.to_tensor(lengths))
    (losses * paddle.to_tensor(weights)).sum().backward()
    return losses.numpy(), x.grad.numpy()


# a usual text, one with a double character, an empty one, one that needs all columns, one that needs more
LABELS = np.array([[1, 2, 0], [3, 3, 0], [0, 0, 0], [2, 1, 3], [1, 1, 1]])
LENGTHS = np.array([2, 2, 0, 3, 3])


def test_equals_the_sum_over_all_paths_and_its_differences():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (5, 4, 4)).astype(np.float32)
    weights = generator.uniform(0.5, 2, 5).astype(np.float32)
    losses, gradient = loss_and_gradient(logits, LABELS, LENGTHS, weights)
    np.testing.assert_allclose(losses, exact(logits, LABELS, LENGTHS), rtol=1e-6)
    assert losses[4] == 0 and not gradient[4].any()

    numeric, step = np.zeros_like(logits, dtype=np.float64), 1e-5
    for place in itertools.product(range(4), range(4)):
        moved = np.zeros((1, 4, 4))
        moved[(0, *place)] = step
        high, low = (exact(logits.astype(np.float64) + sign * moved, LABELS, LENGTHS) for sign in (1, -1))
        numeric[(slice(None), *place)] = (high - low) / (2 * step) * weights
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("classes", [65, 6625])
def test_equals_paddle_on_crops(classes):
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 1, (4, 80, classes)).astype(np.float32)
    labels, lengths = generator.integers(1, classes, (4, 25)), np.array([25, 1, 7, 0])
    weights = np.array([1, 2, 0.5, 3], np.float32)
    losses, gradient = loss_and_gradient(logits, labels, lengths, weights)
    x = paddle.to_tensor(logits, stop_gradient=False)
    columns = paddle.full([4], 80, "int64")
    theirs = F.ctc_loss(
        x.transpose([1, 0, 2]), paddle.to_tensor(labels.astype(np.int32)), columns, paddle.to_tensor(lengths),
        reduction="none",
    ).flatten()  # fmt: skip
    (theirs * paddle.to_tensor(weights)).sum().backward()
    np.testing.assert_allclose(losses, theirs.numpy(), rtol=1e-6)
    # Paddle's recursion is in float32, whose rounding over 80 columns is what differs here
    assert np.linalg.norm(gradient - x.grad.numpy()) < 3e-4 * np.linalg.norm(gradient)


def test_logits_far_apart_give_numbers():
    logits = np.zeros((1, 3, 4), np.float32)
    logits[:, :, 3] = 200  # every class of the text is impossible in float32
    losses, gradient = loss_and_gradient(logits, np.array([[1]]), np.array([1]), np.ones(1, np.float32))
    np.testing.assert_allclose(losses, 3 * 200 - np.log(6), rtol=1e-6)  # aaa aa_ _aa a__ _a_ __a
    np.testing.assert_allclose(gradient.sum(axis=2), 0, atol=1e-6)
    np.testing.assert_allclose(gradient[0, :, 3], 1, atol=1e-6)
