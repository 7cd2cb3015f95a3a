"""Cross-entropy: one class a picture (direction), or one a place of a text (decoders)."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

import paddle
import paddle.nn.functional as F

PADDING_CLASS = 0


class ClsLoss:
    """Cross-entropy of the classifier's logits.

    Args:
        label_smoothing: share of the probability that is spread over all classes (Szegedy et al. 2016).
    """

    def __init__(self, label_smoothing: float = 0.0):
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be at least 0 and below 1, came {label_smoothing}")
        self.label_smoothing = label_smoothing

    def __call__(self, outputs: paddle.Tensor, batch: Mapping[str, Any]) -> Dict[str, paddle.Tensor]:
        """The loss of a batch.

        Args:
            outputs: logits, float32[N, classes].
            batch: with `label`: int64[N], or float32[N, classes] where pictures were mixed.
        """
        return {"loss": smooth_cross_entropy(outputs, _shares(batch["label"], outputs.shape[1]), self.label_smoothing)}


class NRTRLoss:
    """Cross-entropy of each character that follows (Sheng et al. 2019, NRTR, arXiv 1806.00926).

    Args:
        smoothing: spread a tenth of the probability over all classes.
    """

    def __init__(self, smoothing: bool = True):
        self.smoothing = 0.1 if smoothing else 0.0

    def __call__(
        self, outputs: Union[paddle.Tensor, Mapping[str, paddle.Tensor]], batch: Mapping[str, Any]
    ) -> Dict[str, paddle.Tensor]:
        """The loss of a batch.

        Args:
            outputs: logits, float32[N, L, C], of the characters after the first L of the label; or a dict with them
                as `gtc` (`MultiHead`).
            batch: with `label_gtc`, int64[N, more than L]: start, characters, end, then 0 as padding, which adds
                nothing.
        """
        logits = outputs["gtc"] if isinstance(outputs, Mapping) else outputs
        steps, classes = logits.shape[1:]
        following = batch["label_gtc"][:, 1 : 1 + steps].flatten()
        used = paddle.nonzero(following != PADDING_CLASS).flatten()
        logits = logits.reshape([-1, classes]).gather(used)
        return {"loss": smooth_cross_entropy(logits, _shares(following.gather(used), classes), self.smoothing)}


class SARLoss:
    """Cross-entropy of each character that follows (Li et al. 2019, SAR, arXiv 1811.00751)."""

    def __call__(
        self, outputs: Union[paddle.Tensor, Mapping[str, paddle.Tensor]], batch: Mapping[str, Any]
    ) -> Dict[str, paddle.Tensor]:
        """The loss of a batch.

        Args:
            outputs: logits, float32[N, L, C], of the characters after the first L of the label; or a dict with them
                as `sar` (`MultiHead`).
            batch: with `label_sar`, int64[N, more than L]: start, characters, end, then C as padding, which adds
                nothing.
        """
        logits = outputs["sar"] if isinstance(outputs, Mapping) else outputs
        steps, classes = logits.shape[1:]
        following = batch["label_sar"][:, 1 : 1 + steps].astype("int64")
        return {"loss": F.cross_entropy(logits.astype("float32"), following, ignore_index=classes)}


def smooth_cross_entropy(logits: paddle.Tensor, shares: paddle.Tensor, smoothing: float) -> paddle.Tensor:
    """Mean cross-entropy between float32[N, C] logits and shares (each row adds up to 1), float32[]."""
    if smoothing:
        shares = F.label_smooth(shares, epsilon=smoothing)
    return F.cross_entropy(logits.astype("float32"), shares, soft_label=True)


def _shares(labels: paddle.Tensor, classes: int) -> paddle.Tensor:
    """Class indices int[N] as float32[N, classes]; shares as they are."""
    return labels if labels.ndim == 2 else F.one_hot(labels, classes)
