"""Losses of several networks that learn together (`DistillationModel`), under the names that PaddleOCR's files use.

`outputs` is name of a network → its stages: `backbone_out`, `neck_out`, `head_out`. `key` says which stage is compared
(`maps` is another word for a detector's `head_out`). Where a head has several branches, `dis_head` names one.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Literal, Mapping, Optional, Sequence, Tuple, Union

import paddle
import paddle.nn.functional as F

from ppocr.errors import ModelError
from ppocr.losses.classes import NRTRLoss, SARLoss
from ppocr.losses.ctc import CTCLoss
from ppocr.losses.db import DBLoss

Key = Literal["maps", "head_out", "neck_out", "backbone_out"]
Pairs = Union[List[str], List[List[str]]]
MapName = Literal["thrink_maps", "threshold_maps", "binary_maps"]
MAPS = ("thrink_maps", "threshold_maps", "binary_maps")  # DBHead's, in order; the first is spelled as PaddleOCR does
TEXT_THRESHOLD = 0.3  # of the teacher's probability
MIN_PROBABILITY = 1e-10


class DistillationDMLLoss:
    """Mutual learning: mean of both Kullback–Leibler divergences between two networks' predictions.

    Args:
        model_name_pairs: two names, or several pairs of names.
        act: what makes logits probabilities; None for those that are.
        use_log: sum over columns and classes, divided by the size of the batch, for recognisers; else the mean over
            pixels, for maps.
        key: stage that is compared.
        maps_name: which of a detector's maps.
        multi_head, dis_head: which branch of a head with several.

    Raises:
        ValueError: for pairs that are none.
    """

    def __init__(
        self,
        model_name_pairs: Pairs,
        act: Optional[Literal["softmax", "sigmoid"]] = None,
        use_log: bool = False,
        key: Optional[Key] = None,
        maps_name: Optional[MapName] = None,
        multi_head: bool = False,
        dis_head: str = "ctc",
    ):
        self.pairs, self.key, self.use_log = _pairs(model_name_pairs), key, use_log
        self.map = None if maps_name is None else MAPS.index(maps_name)
        self.branch = dis_head
        activations: Dict[Optional[str], Callable[[paddle.Tensor], paddle.Tensor]] = {
            "softmax": lambda x: F.softmax(x, axis=-1),
            "sigmoid": F.sigmoid,
            None: lambda x: x,
        }
        self.act = activations[act]

    def __call__(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> Dict[str, paddle.Tensor]:
        """The loss of a batch, summed over the pairs."""
        return {"loss": _sum([self._between(*(self._probabilities(outputs, name) for name in p)) for p in self.pairs])}

    def _probabilities(self, outputs: Mapping[str, Any], model: str) -> paddle.Tensor:
        output = _output(outputs, model, self.key, self.branch)
        return self.act(output if self.map is None else output[:, self.map])

    def _between(self, first: paddle.Tensor, second: paddle.Tensor) -> paddle.Tensor:
        if first.shape != second.shape:
            raise ModelError(f"DistillationDMLLoss compares {list(first.shape)} with {list(second.shape)}")
        logs = [paddle.log(x.clip(min=MIN_PROBABILITY)) for x in (first, second)]
        divergence = (first - second) * (logs[0] - logs[1]) / 2  # the two divergences added up, term by term
        return divergence.sum() / len(first) if self.use_log else divergence.mean()


class DistillationDistanceLoss:
    """How far two networks' features are apart.

    Args:
        mode: mean of the differences' absolute values, of their squares, or of Huber's function of them.
        model_name_pairs, key: as `DistillationDMLLoss`'s.
    """

    def __init__(
        self,
        model_name_pairs: Pairs,
        mode: Literal["l1", "l2", "smooth_l1"] = "l2",
        key: Optional[Key] = None,
    ):
        self.pairs, self.key = _pairs(model_name_pairs), key
        distances: Dict[str, Callable[..., Any]] = {"l1": F.l1_loss, "l2": F.mse_loss, "smooth_l1": F.smooth_l1_loss}
        self.distance = distances[mode]

    def __call__(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> Dict[str, paddle.Tensor]:
        """The loss of a batch, summed over the pairs, and over the maps of a pyramid."""
        distances = []
        for pair in self.pairs:
            first, second = (_as_list(_output(outputs, model, self.key, "ctc")) for model in pair)
            distances += [self.distance(x, y) for x, y in zip(first, second)]
        return {"loss": _sum(distances)}


class _OfEachModel:
    """A loss that each of some networks has by itself, summed.

    Args:
        models: names.
        loss: called with (a head's output, batch).
        branch: of a head with several.
    """

    def __init__(self, models: Sequence[str], loss: Any, branch: str = ""):
        self.models, self.loss, self.branch = list(models), loss, branch

    def __call__(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> Dict[str, paddle.Tensor]:
        """The loss of a batch."""
        each = [self.loss(_output(outputs, model, None, self.branch), batch)["loss"] for model in self.models]
        return {"loss": _sum(each)}


class DistillationCTCLoss(_OfEachModel):
    """`CTCLoss` of each network.

    Args:
        model_name_list: their names.
        key, multi_head: without effect: it always is the head's CTC branch.
    """

    def __init__(self, model_name_list: List[str], key: Optional[Key] = None, multi_head: bool = False):
        super().__init__(model_name_list, CTCLoss(), "ctc")


class DistillationSARLoss(_OfEachModel):
    """`SARLoss` of each network; arguments as `DistillationCTCLoss`'s."""

    def __init__(self, model_name_list: List[str], key: Optional[Key] = None, multi_head: bool = False):
        super().__init__(model_name_list, SARLoss(), "sar")


class DistillationNRTRLoss(_OfEachModel):
    """`NRTRLoss` of each network; further arguments as `DistillationCTCLoss`'s.

    Args:
        smoothing: `NRTRLoss`'s.
    """

    def __init__(
        self,
        model_name_list: List[str],
        key: Optional[Key] = None,
        multi_head: bool = False,
        smoothing: bool = True,
    ):
        super().__init__(model_name_list, NRTRLoss(smoothing), "gtc")


class DistillationDBLoss(_OfEachModel):
    """`DBLoss` of each network; further arguments are that one's.

    Args:
        model_name_list: their names.
    """

    def __init__(
        self,
        model_name_list: List[str],
        balance_loss: bool = True,
        main_loss_type: Literal["DiceLoss", "BCELoss"] = "DiceLoss",
        alpha: float = 5.0,
        beta: float = 10.0,
        ohem_ratio: float = 3.0,
    ):
        loss = DBLoss(main_loss_type, alpha=alpha, beta=beta, balance_loss=balance_loss, ohem_ratio=ohem_ratio)
        super().__init__(model_name_list, loss, "maps")


class DistillationDilaDBLoss:
    """A detector learns the teacher's text in place of the labels', made one pixel thicker (PP-OCRv2, 2.1.1).

    Args:
        model_name_pairs: student and teacher.
        key: without effect: it is the head's maps.
        balance_loss, main_loss_type, alpha, beta, ohem_ratio: as `DBLoss`'s; `beta` has no effect, as in PaddleOCR: the
            teacher says nothing of the threshold.
    """

    def __init__(
        self,
        model_name_pairs: Pairs,
        key: Optional[Key] = None,
        balance_loss: bool = True,
        main_loss_type: Literal["DiceLoss", "BCELoss"] = "DiceLoss",
        alpha: float = 5.0,
        beta: float = 10.0,
        ohem_ratio: float = 3.0,
    ):
        self.pairs = _pairs(model_name_pairs)
        self.loss = DBLoss(main_loss_type, alpha=alpha, balance_loss=balance_loss, ohem_ratio=ohem_ratio)

    def __call__(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> Dict[str, paddle.Tensor]:
        """The loss of a batch, summed over the pairs.

        Args:
            outputs: float32[N, 3, H, W] of each network.
            batch: with `shrink_mask`, float32[N, H, W].
        """
        terms = []
        for student, teacher in self.pairs:
            maps = _output(outputs, student, None, "maps")
            text = thicker_text(_output(outputs, teacher, None, "maps")[:, 0])
            mask = batch["shrink_mask"]
            terms.append(self.loss.alpha * self.loss.probability_loss(maps[:, 0], text, mask))
            terms.append(self.loss.binary_loss(maps[:, 2], text, mask))
        return {"loss": _sum(terms)}


def thicker_text(probability: paddle.Tensor) -> paddle.Tensor:
    """float32[N, H, W] → 1 where this pixel, or the one above, to the left, or above that is text; no gradient."""
    text = (probability.detach() > TEXT_THRESHOLD).astype("float32").unsqueeze(1)
    return F.max_pool2d(F.pad(text, [1, 0, 1, 0]), 2, stride=1).squeeze(1)


def _pairs(pairs: Pairs) -> List[Tuple[str, str]]:
    listed: List[Any] = [pairs] if pairs and all(isinstance(name, str) for name in pairs) else list(pairs)
    if not listed or not all(isinstance(p, (list, tuple)) and len(p) == 2 for p in listed):
        raise ValueError(f"model_name_pairs must be two names or a list of such pairs, came {pairs!r}")
    return [(str(first), str(second)) for first, second in listed]


def _output(outputs: Mapping[str, Any], model: str, key: Optional[str], branch: str) -> Any:
    """A stage of a network, of several branches the one that is asked for."""
    if model not in outputs:
        raise ModelError(f"the loss asks for a network {model!r}; Architecture.Models has {', '.join(outputs)}")
    output = outputs[model]["head_out" if key in (None, "maps") else key]
    if not isinstance(output, Mapping):
        return output
    if branch not in output:
        raise ModelError(f"the loss asks for the branch {branch!r} of {model}, whose head has {', '.join(output)}")
    return output[branch]


def _as_list(output: Any) -> List[paddle.Tensor]:
    return list(output) if isinstance(output, (list, tuple)) else [output]


def _sum(terms: Sequence[paddle.Tensor]) -> paddle.Tensor:
    return paddle.add_n(list(terms))
