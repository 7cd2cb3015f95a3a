"""How far a predicted map is from its label, in numbers that a gradient can follow. All maps are `float32[N, H, W]`."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F

EPSILON = 1e-6  # keeps maps without any text from dividing by zero


def dice_loss(map_: paddle.Tensor, label: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
    """1 − 2 |A ∩ B| / (|A| + |B|), over the pixels of the mask (Milletari et al. 2016, V-Net, equation 1).

    Args:
        map_: probabilities in [0, 1].
        label: 0 or 1.
        mask: 1 where the label counts.

    Returns:
        float32[], in [0, 1].
    """
    common = (map_ * label * mask).sum()
    return 1 - 2 * common / ((map_ * mask).sum() + (label * mask).sum() + EPSILON)


def masked_l1(map_: paddle.Tensor, label: paddle.Tensor, mask: paddle.Tensor) -> paddle.Tensor:
    """Mean absolute difference over the pixels of the mask, float32[]; 0 for an empty mask."""
    return ((map_ - label).abs() * mask).sum() / (mask.sum() + EPSILON)


def balanced_cross_entropy(
    map_: paddle.Tensor, label: paddle.Tensor, mask: paddle.Tensor, *, negative_ratio: float
) -> paddle.Tensor:
    """Binary cross-entropy over all positive pixels and only the hardest negative ones.

    Text covers a small part of a page, so easy background would drown it. Online hard example mining (Shrivastava et
    al. 2016) takes at most `negative_ratio` negatives for each positive: those with the largest loss (Liao et al. 2020,
    equation 7).

    Args:
        map_: probabilities in [0, 1].
        label: 0 or 1.
        mask: 1 where the label counts.

    Returns:
        float32[], the mean over the pixels taken; 0 where there is no positive one.
    """
    loss = F.binary_cross_entropy(map_, label, reduction="none")
    positive, negative = label * mask, (1 - label) * mask
    positives = float(positive.sum())
    taken = int(min(float(negative.sum()), positives * negative_ratio))
    total = (loss * positive).sum()
    if taken:
        total = total + paddle.topk((loss * negative).flatten(), taken, sorted=False)[0].sum()
    return total / (positives + taken + EPSILON)


def focal_loss(
    map_: paddle.Tensor, label: paddle.Tensor, mask: paddle.Tensor, *, alpha: float, gamma: float
) -> paddle.Tensor:
    """−α (1 − p)^γ log p, with p the probability given to the truth (Lin et al. 2017, arXiv 1708.02002, equation 5).

    Args:
        map_: probabilities in [0, 1].
        label: 0 or 1.
        mask: 1 where the label counts.
        alpha: weight of positive pixels; negative ones weigh 1 − α.
        gamma: how much easy pixels lose of their weight.

    Returns:
        float32[], the mean over the pixels of the mask.
    """
    truth = map_ * label + (1 - map_) * (1 - label)
    weight = alpha * label + (1 - alpha) * (1 - label)
    loss = -weight * (1 - truth) ** gamma * paddle.log(truth.clip(min=EPSILON))
    return (loss * mask).sum() / (mask.sum() + EPSILON)
