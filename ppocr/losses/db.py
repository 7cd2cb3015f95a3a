"""The loss of differentiable binarization (Liao et al. 2020, arXiv 1911.08947, section 3.5)."""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, Literal, Mapping, Union

import paddle

from ppocr.losses.maps import balanced_cross_entropy, dice_loss, focal_loss, masked_l1

MapLoss = Callable[[paddle.Tensor, paddle.Tensor, paddle.Tensor], paddle.Tensor]


class DBLoss:
    """α · L(probability) + β · L1(threshold) + Dice(binary): equation 6, weighed as the authors' code weighs it.

    Args:
        main_loss_type: how the probability map is judged. "DiceLoss" is what PP-OCR's recipes say; "BCELoss" is the
            paper's cross-entropy, balanced by hard example mining; "DiceFocalLoss" is PP-OCRv6's sum of Dice and focal
            loss, which then judges the binary map too.
        alpha: weight of the probability map's loss.
        beta: weight of the threshold map's.
        balance_loss: whether "BCELoss" takes the hardest negative pixels only; the others ignore it.
        ohem_ratio: that many for each positive pixel.
        focal_alpha, focal_gamma: of the focal loss.
        aux_weight_p4, aux_weight_p3, aux_weight_p2: weights of the whole loss on the maps of a head's auxiliary
            branches (PP-OCRv6); 0 leaves them out.
    """

    def __init__(
        self,
        main_loss_type: Literal["DiceLoss", "BCELoss", "DiceFocalLoss"] = "DiceLoss",
        alpha: float = 5.0,
        beta: float = 10.0,
        balance_loss: bool = True,
        ohem_ratio: float = 3.0,
        focal_alpha: float = 0.25,
        focal_gamma: float = 2.0,
        aux_weight_p4: float = 0.0,
        aux_weight_p3: float = 0.0,
        aux_weight_p2: float = 0.0,
    ):
        self.alpha, self.beta = alpha, beta
        ratio = ohem_ratio if balance_loss else float("inf")
        focal = functools.partial(focal_loss, alpha=focal_alpha, gamma=focal_gamma)
        main: Dict[str, MapLoss] = {
            "DiceLoss": dice_loss,
            "BCELoss": functools.partial(balanced_cross_entropy, negative_ratio=ratio),
            "DiceFocalLoss": lambda *maps: dice_loss(*maps) + focal(*maps),
        }
        self.probability_loss = main[main_loss_type]
        self.binary_loss = main["DiceFocalLoss"] if main_loss_type == "DiceFocalLoss" else dice_loss
        weights = {"aux_maps_p4": aux_weight_p4, "aux_maps_p3": aux_weight_p3, "aux_maps_p2": aux_weight_p2}
        self.aux_weights = {name: weight for name, weight in weights.items() if weight}

    def __call__(
        self, outputs: Union[paddle.Tensor, Mapping[str, paddle.Tensor]], batch: Mapping[str, Any]
    ) -> Dict[str, paddle.Tensor]:
        """The loss of a batch.

        Args:
            outputs: `DBHead`'s, float32[N, 3, H, W]: probability, threshold, binary map; or a dict with them as `maps`
                and those of the auxiliary branches.
            batch: with float32[N, H, W] `shrink_map`, `shrink_mask`, `threshold_map`, `threshold_mask`.

        Returns:
            float32[] each: `loss`, and of the main maps the weighed parts `loss_shrink_maps`, `loss_threshold_maps`,
            `loss_binary_maps`.
        """
        named = outputs if isinstance(outputs, Mapping) else {"maps": outputs}
        parts = self._parts(named["maps"], batch)
        total = _sum(parts)
        for name, weight in self.aux_weights.items():
            total = total + weight * _sum(self._parts(named[name], batch))
        return {"loss": total, **parts}

    def _parts(self, maps: paddle.Tensor, batch: Mapping[str, Any]) -> Dict[str, paddle.Tensor]:
        core, core_mask = batch["shrink_map"], batch["shrink_mask"]
        probability, threshold, binary = paddle.unbind(maps, axis=1)  # gradients of slices would cost far more
        difference = masked_l1(threshold, batch["threshold_map"], batch["threshold_mask"])
        return {
            "loss_shrink_maps": self.alpha * self.probability_loss(probability, core, core_mask),
            "loss_threshold_maps": self.beta * difference,
            "loss_binary_maps": self.binary_loss(binary, core, core_mask),
        }


def _sum(parts: Mapping[str, paddle.Tensor]) -> paddle.Tensor:
    return paddle.add_n(list(parts.values()))
