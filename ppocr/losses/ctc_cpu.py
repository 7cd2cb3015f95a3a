"""CTC on a CPU for many classes: all but the normaliser looks only at the classes that the text has.

Equation numbers are those of Graves et al. 2006 (Connectionist temporal classification). `S = 2 L + 1` are the places
of a path: a blank before, between and after the L characters. Everything is in logarithms.
"""

from __future__ import annotations

from typing import Any, Tuple

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

LOG_ZERO = -1e30  # the logarithm of 0; finite, so that differences of two of them are numbers
# Paddle's softmax gives nothing below e^-64, so the logarithm of a smaller probability is computed from the logits.
MIN_SOFTMAX_PROBABILITY = 1e-25


def ctc_loss(logits: paddle.Tensor, labels: paddle.Tensor, lengths: paddle.Tensor, *, blank: int = 0) -> paddle.Tensor:
    """Minus the logarithm of each text's probability, float32[N]; 0 for a text that needs more than T columns.

    Args:
        logits: float32[N, T, C], in main memory.
        labels: int[N, L], classes; what follows the text is ignored.
        lengths: int[N], of the texts.
        blank: its class.
    """
    used = max(1, int(lengths.max()))  # what no text of the batch reaches would be computed for nothing
    return _CTC.apply(logits, labels[:, :used].numpy(), lengths.numpy(), blank)


class _CTC(PyLayer):
    """The gradient of a logit is its class's probability minus how much of the text's paths goes through it (16)."""

    @staticmethod
    def forward(ctx: Any, logits: paddle.Tensor, labels: np.ndarray, lengths: np.ndarray, blank: int) -> paddle.Tensor:
        inside = np.arange(labels.shape[1]) < lengths[:, None]
        # Any class will do after the text: these places are never part of a path.
        labels = np.where(inside, labels, blank)
        classes = np.concatenate([np.full((len(labels), 1), blank), labels], axis=1)
        places = paddle.to_tensor(np.repeat(classes[:, None], logits.shape[1], axis=1))  # [N, T, 1 + L]
        probabilities = F.softmax(logits, axis=2)
        scores = _log_probabilities(logits, probabilities, places)
        log_likelihood, shares = forward_backward(scores, labels, lengths)

        # A text that needs more columns than there are has no path. Its loss is infinite and its shares are 0 / 0; both
        # become 0, so that one such sample does not break the batch.
        possible = log_likelihood > LOG_ZERO / 2
        shares[~possible] = 0
        # Blanks stand at L + 1 places but are one class; each character keeps a place of its own, equal ones are added
        # up in `backward`.
        shares = np.concatenate([shares[..., ::2].sum(axis=2, keepdims=True), shares[..., 1::2]], axis=2)
        ctx.save_for_backward(probabilities, places, _float32(shares), _float32(possible))
        return _float32(np.where(possible, -log_likelihood, 0))

    @staticmethod
    def backward(ctx: Any, gradient: paddle.Tensor) -> paddle.Tensor:
        probabilities, places, shares, possible = ctx.saved_tensor()
        # d loss / d logit = probability − share, for all classes; only those of the text have a share.
        result = probabilities * (gradient * possible).reshape([-1, 1, 1])
        shares = shares * gradient.reshape([-1, 1, 1])
        return result.put_along_axis_(places, -shares, axis=2, reduce="add")  # in place: a copy costs as much again


def forward_backward(scores: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Log-likelihood of each text, float64[N], and of its paths the share at each place and time, float64[N, T, S].

    Args:
        scores: log-probabilities, float64[N, T, 1 + L]: of the blank, then of each character of the text.
        labels: int[N, L].
        lengths: int[N].
    """
    # Two recursions over the columns, each step for the whole batch and all places at once. The arrays carry two more
    # places, before the first (α) or after the last (β), so that shifting by one or two needs no special case.
    count, columns, _ = scores.shape
    size = 2 * labels.shape[1] + 1
    path = np.empty((columns, count, size))
    path[..., ::2] = scores[..., :1].swapaxes(0, 1)
    path[..., 1::2] = scores[..., 1:].swapaxes(0, 1)
    jump = np.full((count, size), LOG_ZERO)  # over a blank, from a character to another one; equal ones need the blank
    jump[:, 3::2] = np.where(labels[:, 1:] != labels[:, :-1], 0, LOG_ZERO)

    before = np.full((columns + 1, count, size + 2), LOG_ZERO)  # α of equation 6, and two unreachable places
    before[0, :, 2] = 0  # as if a blank came before the first column: a path begins with it or with a character
    for t in range(columns):
        last = before[t]
        # A path stays at its place, comes from the place before, or jumps over a blank between two different
        # characters.
        before[t + 1, :, 2:] = path[t] + _log_sum(last[:, 2:], last[:, 1:-1], last[:, :-2] + jump)

    after = np.full((columns, count, size + 2), LOG_ZERO)  # β of equation 10, without the column's own probability
    rows = np.arange(count)
    after[-1, rows, 2 * lengths] = 0
    after[-1, rows, np.maximum(2 * lengths - 1, 0)] = 0
    jump = np.concatenate([jump[:, 2:], np.full((count, 2), LOG_ZERO)], axis=1)
    for t in range(columns - 2, -1, -1):
        # β of a step includes the next column's probability, but is stored without it: it is added for this step and
        # taken off again, which needs no second array.
        after[t + 1, :, :-2] += path[t + 1]
        following = after[t + 1]
        after[t, :, :-2] = _log_sum(following[:, :-2], following[:, 1:-1], following[:, 2:] + jump)
        after[t + 1, :, :-2] -= path[t + 1]

    through = before[1:, :, 2:] + after[:, :, :-2]
    ends = through[-1]
    log_likelihood = _log_sum(ends[rows, 2 * lengths], np.where(lengths > 0, ends[rows, 2 * lengths - 1], LOG_ZERO))
    return log_likelihood, np.exp(through - log_likelihood[:, None]).swapaxes(0, 1)


def _log_probabilities(logits: paddle.Tensor, probabilities: paddle.Tensor, places: paddle.Tensor) -> np.ndarray:
    """log softmax at some classes of each column, float64[N, T, K].

    The normaliser follows from the most probable of these classes: Paddle takes ten times as long for a log-sum-exp as
    for a softmax, which the gradient needs anyway.
    """
    chosen = paddle.take_along_axis(logits, places, axis=2, broadcast=False).numpy().astype(np.float64)
    known = paddle.take_along_axis(probabilities, places, axis=2, broadcast=False).numpy().astype(np.float64)
    # log Σ exp(logits) = logit − log(probability) for any class; the most probable one gives it with the least
    # rounding.
    best = known.argmax(axis=2)[..., None]
    largest = np.take_along_axis(known, best, axis=2)
    if largest.min() < MIN_SOFTMAX_PROBABILITY:
        return chosen - paddle.logsumexp(logits, axis=2, keepdim=True).numpy()
    return chosen - np.take_along_axis(chosen, best, axis=2) + np.log(largest)


def _log_sum(*terms: np.ndarray) -> np.ndarray:
    """log Σ exp(terms), with the largest term taken out first so that nothing overflows."""
    largest = np.maximum.reduce(terms)
    return largest + np.log(sum(np.exp(term - largest) for term in terms))


def _float32(values: np.ndarray) -> paddle.Tensor:
    return paddle.to_tensor(np.ascontiguousarray(values, np.float32))
