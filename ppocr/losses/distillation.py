"""Learning from a larger network as well as from labels (Hinton et al. 2015, arXiv 1503.02531).

The trainer runs the teacher (`Loss.Teacher` in YAML) in `eval()` mode on the same pictures and puts what it predicts
into the batch as `teacher`.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

from ppocr.errors import ModelError

MIN_PROBABILITY = 1e-7  # probability; its logarithm is still a number


class SoftMapLoss:
    """Detection: how far the probability map is from the teacher's, per pixel of the teacher's text.

    Divergence of one coin from another, q log(q / p) + (1 − q) log((1 − q) / (1 − p)), q being the teacher: 0 exactly
    where they agree. Divided by the teacher's text and not by all pixels, it is of the size of a Dice loss.
    """

    def __call__(
        self, outputs: Union[paddle.Tensor, Mapping[str, paddle.Tensor]], batch: Mapping[str, Any]
    ) -> Dict[str, paddle.Tensor]:
        """The loss of a batch.

        Args:
            outputs: `DBHead`'s, float32[N, 3, H, W] or a dict with them as `maps`.
            batch: with the teacher's prediction `teacher`, float32[N, 1, H, W].
        """
        maps = outputs["maps"] if isinstance(outputs, Mapping) else outputs
        student = maps[:, 0].clip(MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        teacher = batch["teacher"][:, 0].clip(MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        text = teacher * paddle.log(teacher / student)
        rest = (1 - teacher) * paddle.log((1 - teacher) / (1 - student))
        return {"loss": (text + rest).sum() / teacher.sum()}


class SoftLogitsLoss:
    """Recognition and direction: divergence of the teacher's class probabilities from the student's, both softened.

    Args:
        temperature: logits are divided by it before the softmax, so that the small probabilities tell more; the loss
            is multiplied by its square, which keeps gradients as large as without.
    """

    def __init__(self, temperature: float = 1.0):
        if temperature <= 0:
            raise ValueError(f"temperature must be positive, came {temperature}")
        self.temperature = temperature

    def __call__(
        self, outputs: Union[paddle.Tensor, Mapping[str, paddle.Tensor]], batch: Mapping[str, Any]
    ) -> Dict[str, paddle.Tensor]:
        """The loss of a batch.

        Args:
            outputs: logits, float32[N, …, C], or a dict with them as `ctc`.
            batch: with the teacher's probabilities `teacher`, of the same shape.

        Raises:
            ModelError: the teacher has other classes, or columns of another width.
        """
        logits = outputs["ctc"] if isinstance(outputs, Mapping) else outputs
        teacher = batch["teacher"]
        if logits.shape != teacher.shape:
            raise ModelError(f"the teacher predicts {list(teacher.shape)}, the student {list(logits.shape)}")
        teacher = teacher.clip(min=MIN_PROBABILITY)
        if self.temperature != 1:
            # softmax(log p / T) is the softmax of the logits / T: what a logit lacks to log p is equal for all classes
            teacher = F.softmax(paddle.log(teacher) / self.temperature, axis=-1)
        divergence = _Divergence.apply(logits.astype("float32") / self.temperature, teacher)
        return {"loss": divergence * self.temperature**2}


class _Divergence(PyLayer):
    """Mean of Σ q log(q / softmax(logits)) over all but the last axis, q being the teacher's probabilities.

    As a layer of its own because Paddle's `log_softmax` takes a hundred times as long as its `softmax` on a CPU: 13 s
    for 16 × 60 × 6,906.
    """

    @staticmethod
    def forward(ctx: Any, logits: paddle.Tensor, teacher: paddle.Tensor) -> paddle.Tensor:
        student = F.softmax(logits, axis=-1)
        ctx.save_for_backward(student, teacher)
        normalizer = logits.max(axis=-1) - paddle.log(student.max(axis=-1))  # log Σ exp(logits), by any class
        return (_dot(teacher, paddle.log(teacher)) - _dot(teacher, logits) + normalizer).mean()

    @staticmethod
    def backward(ctx: Any, gradient: paddle.Tensor) -> paddle.Tensor:
        student, teacher = ctx.saved_tensor()
        columns = student.size // student.shape[-1]
        return (student - teacher) * (gradient / columns)


def _dot(one: paddle.Tensor, other: paddle.Tensor) -> paddle.Tensor:
    """Scalar products along the last axis."""
    return paddle.matmul(one.unsqueeze(-2), other.unsqueeze(-1))[..., 0, 0]
