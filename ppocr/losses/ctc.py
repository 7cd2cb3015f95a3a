"""Connectionist temporal classification (Graves et al. 2006): a text's probability, however it spreads over columns."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

import paddle
import paddle.nn.functional as F

from ppocr.losses.ctc_cpu import ctc_loss

BLANK = 0


class CTCLoss:
    """Minus the logarithm of the text's probability, averaged over the batch.

    Args:
        use_focal_loss: weigh each crop by (1 − its probability)², so that hard ones count more (Feng et al. 2019,
            focal CTC).
    """

    def __init__(self, use_focal_loss: bool = False):
        self.use_focal_loss = use_focal_loss

    def __call__(
        self, outputs: Union[paddle.Tensor, Mapping[str, paddle.Tensor]], batch: Mapping[str, Any]
    ) -> Dict[str, paddle.Tensor]:
        """The loss of a batch.

        Args:
            outputs: logits, float32[N, T, C]; or a dict with them as `ctc` (`MultiHead`).
            batch: with `label` (or `label_ctc`), int64[N, L], classes padded by anything, and `length`, int64[N]. A
                text that needs more than T columns adds nothing.
        """
        logits = outputs["ctc"] if isinstance(outputs, Mapping) else outputs
        labels = batch["label_ctc"] if "label_ctc" in batch else batch["label"]
        loss_of = ctc_loss if logits.place.is_cpu_place() else _paddle_ctc_loss
        losses = loss_of(logits.astype("float32"), labels, batch["length"], blank=BLANK)
        if self.use_focal_loss:
            losses = losses * (1 - paddle.exp(-losses)) ** 2
        return {"loss": losses.mean()}


def _paddle_ctc_loss(
    logits: paddle.Tensor, labels: paddle.Tensor, lengths: paddle.Tensor, *, blank: int
) -> paddle.Tensor:
    count, columns = logits.shape[:2]
    return F.ctc_loss(
        logits.transpose([1, 0, 2]),
        labels.astype("int32"),
        paddle.full([count], columns, "int64"),
        lengths.astype("int64"),
        blank=blank,
        reduction="none",
    )
