"""Paddle's optimisers under PaddleOCR's names and keys. The learning rate is set before each step (`Optimizer`).

A parameter whose layer was built with a decay of its own (`CTCHead.fc_decay`) keeps that one in place of `regularizer`.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

import paddle

DECAYS = {"L1": paddle.regularizer.L1Decay, "L2": paddle.regularizer.L2Decay}


def adam(
    parameters: List[Any],
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    regularizer: Optional[Mapping[str, Any]] = None,
    clip_norm: Optional[float] = None,
    clip_norm_global: Optional[float] = None,
) -> paddle.optimizer.Optimizer:
    """Kingma and Ba 2015, arXiv 1412.6980, with decay as a part of the gradient.

    Args:
        parameters: what to train; from the builder.
        beta1, beta2, epsilon: of the paper.
        regularizer: `{name: L2, factor: 0.00001}`.
        clip_norm: no parameter's gradient becomes longer than this.
        clip_norm_global: nor all gradients together, instead.
    """
    return paddle.optimizer.Adam(
        parameters=parameters, beta1=beta1, beta2=beta2, epsilon=epsilon,
        **_shared(regularizer, clip_norm, clip_norm_global),
    )  # fmt: skip


def adamw(
    parameters: List[Any],
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
    clip_norm: Optional[float] = None,
    clip_norm_global: Optional[float] = None,
) -> paddle.optimizer.Optimizer:
    """Adam with decay beside the gradient (Loshchilov and Hutter 2019, arXiv 1711.05101).

    Args:
        parameters: what to train; from the builder. One-dimensional ones (biases, normalisations) don't decay.
        beta1, beta2, epsilon: of Adam.
        weight_decay: times the learning rate is taken off each step.
        clip_norm, clip_norm_global: see `adam`.
    """
    matrices = {parameter.name for parameter in parameters if parameter.ndim > 1}
    return paddle.optimizer.AdamW(
        parameters=parameters, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay,
        apply_decay_param_fun=matrices.__contains__, **_shared(None, clip_norm, clip_norm_global),
    )  # fmt: skip


def momentum(
    parameters: List[Any],
    momentum: float = 0.9,
    use_nesterov: bool = False,
    regularizer: Optional[Mapping[str, Any]] = None,
    clip_norm: Optional[float] = None,
    clip_norm_global: Optional[float] = None,
) -> paddle.optimizer.Optimizer:
    """Gradient descent with momentum (Polyak 1964).

    Args:
        parameters: what to train; from the builder.
        momentum: share of the last step that goes on.
        use_nesterov: look ahead before the gradient is taken.
        regularizer, clip_norm, clip_norm_global: see `adam`.
    """
    return paddle.optimizer.Momentum(
        parameters=parameters, momentum=momentum, use_nesterov=use_nesterov,
        **_shared(regularizer, clip_norm, clip_norm_global),
    )  # fmt: skip


def _shared(
    regularizer: Optional[Mapping[str, Any]], clip_norm: Optional[float], clip_norm_global: Optional[float]
) -> Dict[str, Any]:
    """The arguments that Paddle's optimisers have in common."""
    if clip_norm is not None and clip_norm_global is not None:
        raise ValueError("clip_norm and clip_norm_global exclude each other")
    shared: Dict[str, Any] = {"learning_rate": 0.0}
    if clip_norm is not None:
        shared["grad_clip"] = paddle.nn.ClipGradByNorm(clip_norm)
    elif clip_norm_global is not None:
        shared["grad_clip"] = paddle.nn.ClipGradByGlobalNorm(clip_norm_global)
    if regularizer:
        if set(regularizer) != {"name", "factor"} or regularizer["name"] not in DECAYS:
            raise ValueError(f"regularizer: expected {{name: L2, factor: 0.00001}} (or L1), came {dict(regularizer)}")
        shared["weight_decay"] = DECAYS[regularizer["name"]](float(regularizer["factor"]))
    return shared
