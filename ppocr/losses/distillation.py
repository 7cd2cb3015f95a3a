"""Learning from a larger network as well as from labels (Hinton et al. 2015, arXiv 1503.02531).

The trainer runs the teacher (`Loss.Teacher` in YAML) in `eval()` mode on the same pictures and puts what it predicts
into the batch as `teacher`.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Union

import paddle
import paddle.nn.functional as F

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
        student_log = F.log_softmax(logits.astype("float32") / self.temperature, axis=-1)
        # softmax(log p / T) is the softmax of the logits / T: what a logit lacks to log p is equal for all classes
        teacher_log = F.log_softmax(paddle.log(teacher.clip(min=MIN_PROBABILITY)) / self.temperature, axis=-1)
        divergence = (teacher_log.exp() * (teacher_log - student_log)).sum(axis=-1)
        return {"loss": divergence.mean() * self.temperature**2}
