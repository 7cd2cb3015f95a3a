"""Attention (Vaswani et al. 2017, arXiv 1706.03762): every place of a sequence looks at all places of another."""

from __future__ import annotations

from typing import Optional

import paddle
import paddle.nn.functional as F
from paddle import nn


def attend(
    queries: paddle.Tensor,
    keys: paddle.Tensor,
    values: paddle.Tensor,
    heads: int,  # not keyword-only: tracing in Paddle 3.1 loses the defaults of such
    mask: Optional[paddle.Tensor] = None,
    dropout: Optional[nn.Layer] = None,
) -> paddle.Tensor:
    """Multi-head attention without its linear layers (equation 1 and section 3.2.2).

    Args:
        queries: float32[N, L, C], C a multiple of `heads`.
        keys, values: float32[N, M, C].
        heads: parts of the channels, each of which attends by itself.
        mask: float32[L, M], added to the scores: −∞ where a query must not look.
        dropout: applied to the weights.

    Returns:
        float32[N, L, C].
    """
    q, k, v = (_split(x, heads) for x in (queries, keys, values))
    scores = paddle.matmul(q * q.shape[-1] ** -0.5, k, transpose_y=True)
    weights = F.softmax(scores if mask is None else scores + mask, axis=-1)
    mixed = paddle.matmul(weights if dropout is None else dropout(weights), v)
    return mixed.transpose([0, 2, 1, 3]).flatten(2)


def _split(x: paddle.Tensor, heads: int) -> paddle.Tensor:
    """float32[N, L, C] → float32[N, heads, L, C / heads]."""
    return x.reshape([0, 0, heads, x.shape[-1] // heads]).transpose([0, 2, 1, 3])
