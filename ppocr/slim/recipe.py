"""The `Slim` section of a configuration: how a network is changed, and changed again from a checkpoint."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Literal, Mapping, Optional, Sequence

import numpy as np
from paddle import nn

from ppocr.errors import ConfigError, SlimError, suggest
from ppocr.registry import signature_problems
from ppocr.slim import pact
from ppocr.slim.choice import choose_ratios
from ppocr.slim.cost import measure
from ppocr.slim.fpgm import FPGM
from ppocr.slim.prune import PruningPlan, matching, plan_pruning
from ppocr.slim.sensitivity import Sensitivity
from ppocr.utils.networks import example_shape

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prune:
    """`Slim.Prune`: which filters go.

    Attributes:
        ratios: layer → share of its filters; patterns (`neck.p*_conv`) may stand for several.
        sensitivity: file of `ppocr prune-sensitivity`, from which ratios are chosen instead.
        target_size, target_flops: with it, what shall remain: a share of the bytes or of the multiplications.
        skip: patterns of layers that keep all filters.
        align: numbers of filters that stay are multiples of this; processors work on several at a time.
    """

    ratios: Optional[Mapping[str, float]] = None
    sensitivity: Optional[str] = None
    target_size: Optional[float] = None
    target_flops: Optional[float] = None
    skip: Sequence[str] = ()
    align: int = 4


@dataclass(frozen=True)
class Quantize:
    """`Slim.Quantize`: training with rounding.

    Attributes:
        alpha: where PACT's learned clips start without calibration; with it, at each layer's best range.
        alpha_decay: their own L2 decay.
        moving_rate: of the moving average of each input's largest value.
        float_layers: patterns of layers that stay in float while training.
        depthwise: whether depthwise convolutions are rounded too. They hold a fiftieth of the weights, and most of what
            rounding costs.
        calibration_batches: of training pictures, from which the moving averages start.
        execution: how the exported model computes: `int8`, `float` (int8 weights alone), or `auto`: the faster of those
            that hold the accuracy.
        deployed_in_float: patterns of layers of the prediction network that multiply in float, whatever the execution.
    """

    alpha: float = 20.0
    alpha_decay: float = 1e-4
    moving_rate: float = 0.9
    float_layers: Sequence[str] = ()
    depthwise: bool = False
    calibration_batches: int = 8
    execution: Literal["auto", "int8", "float"] = "auto"
    deployed_in_float: Sequence[str] = ()


PARTS = {"Prune": Prune, "Quantize": Quantize}


def build_slim(section: Mapping[str, Any]) -> Slim:
    """What the `Slim` section says.

    Raises:
        ConfigError: every mistake in it, with its dotted key.
    """
    problems = [f"Slim.{key}: unknown key{suggest(key, PARTS)}" for key in section if key not in PARTS]
    for key, kind in PARTS.items():
        part = section.get(key)
        if part is not None and not isinstance(part, Mapping):
            problems.append(f"Slim.{key}: expected a mapping, came {part!r}")
        elif part is not None:
            problems += signature_problems(kind, part, f"Slim.{key}", label=key)
    if not problems:
        problems += _prune_problems(section.get("Prune"))
    if problems:
        raise ConfigError(problems)
    parts = {key: kind(**section[key]) for key, kind in PARTS.items() if section.get(key) is not None}
    return Slim(parts.get("Prune"), parts.get("Quantize"))


def _prune_problems(part: Optional[Mapping[str, Any]]) -> List[str]:
    if part is None:
        return []
    problems = []
    targets = [key for key in ("target_size", "target_flops") if part.get(key) is not None]
    if (part.get("ratios") is None) == (part.get("sensitivity") is None):
        problems.append("Slim.Prune: give either ratios or sensitivity")
    if part.get("sensitivity") is not None and len(targets) != 1:
        problems.append("Slim.Prune: sensitivity needs either target_size or target_flops")
    problems += [
        f"Slim.Prune.{key}: expected a share between 0 and 1, came {part[key]!r}"
        for key in targets
        if not 0 < part[key] < 1
    ]
    if part.get("align", 4) < 1:
        problems.append(f"Slim.Prune.align: expected at least 1, came {part['align']!r}")
    return problems


class Slim:
    """Changes of a network, in this order: pruning, quantizers.

    Args:
        prune, quantize: what to do; None leaves it out.

    Attributes:
        is_new: whether quantizers were put in that have seen no picture.
    """

    def __init__(self, prune: Optional[Prune], quantize: Optional[Quantize]):
        self.prune, self.quantize = prune, quantize
        self.is_new = False
        self._plan: Optional[PruningPlan] = None
        self._quantized = False

    def begin(self, model: nn.Layer, state: Mapping[str, Any]) -> nn.Layer:
        """Before weights are loaded: give `model`, in place, the structure that they were trained in; the same model.

        Args:
            state: what `state` gave when they were saved; empty for ordinary weights.

        Raises:
            SlimError: they are of another network.
        """
        if state.get("prune"):
            self._plan = PruningPlan.from_state(state["prune"])
            self._plan.apply(model)
        if state.get("quantize"):
            trained = Quantize(**{"depthwise": True, **state["quantize"]})  # what older checkpoints do not say
            # which layers have quantizers is what the weights say; the rest is the section's, if there is one
            self.quantize = dataclasses.replace(
                self.quantize or trained, float_layers=trained.float_layers, depthwise=trained.depthwise
            )
            self._insert(model, self.quantize)
        return model

    def apply(self, model: nn.Layer, *, input_shape: Sequence[int]) -> nn.Layer:
        """After weights are loaded: what the section asks for and the weights do not have yet; the same model.

        Args:
            model: changed in place.
            input_shape: [N, C, H, W], -1 where free.

        Raises:
            SlimError: it cannot be changed so.
        """
        if self.prune is not None and self._plan is not None:
            logger.info("Slim.Prune: the weights are pruned already, and stay as they are")
        elif self.prune is not None:
            shape = example_shape(input_shape)
            before = measure(model, shape)
            self._plan = self._make_plan(model, shape)
            self._plan.apply(model)
            after = measure(model, shape)
            logger.info(
                "pruned: %.2f -> %.2f million multiplications (%+.0f %%), %.2f -> %.2f MB (%+.0f %%)",
                before.flops / 1e6, after.flops / 1e6, 100 * (after.flops / before.flops - 1),
                before.size / 1e6, after.size / 1e6, 100 * (after.size / before.size - 1),
            )  # fmt: skip
        if self.quantize is not None and not self._quantized:
            self._insert(model, self.quantize)
            self.is_new = True
        return model

    def restore(self, model: nn.Layer, state: Mapping[str, Any], *, input_shape: Sequence[int]) -> nn.Layer:
        """To go on from a checkpoint: `begin`, and nothing may be left for `apply` to do.

        Raises:
            SlimError: the checkpoint lacks what the section asks for, or is of another network.
        """
        for key, wanted in (("prune", self.prune), ("quantize", self.quantize)):
            if wanted is not None and not state.get(key):
                raise SlimError(
                    f"Slim.{key.capitalize()}: the checkpoint was trained without it: start from its weights with "
                    "Global.pretrained_model, not Global.checkpoints"
                )
        return self.begin(model, state)

    def state(self) -> Dict[str, Any]:
        """For `json`, to be kept with the weights."""
        return {
            "prune": self._plan.state() if self._plan else None,
            "quantize": dataclasses.asdict(self.quantize) if self.quantize else None,
        }

    def calibrate(self, model: nn.Layer, batches: Iterable[np.ndarray]) -> None:
        """Before the first step: start new quantizers from what the float weights make of these pictures.

        Args:
            batches: float32[N, 3, H, W] each; `calibration_batches` of them are taken.
        """
        if self.is_new and self.quantize is not None and self.quantize.calibration_batches > 0:
            taken = (batch for batch, _ in zip(batches, range(self.quantize.calibration_batches)))
            pact.calibrate(model, taken)

    def _insert(self, model: nn.Layer, settings: Quantize) -> None:
        pact.quantize(
            model, alpha=settings.alpha, alpha_decay=settings.alpha_decay, moving_rate=settings.moving_rate,
            float_layers=settings.float_layers, depthwise=settings.depthwise,
        )  # fmt: skip
        self._quantized = True

    def _make_plan(self, model: nn.Layer, shape: Sequence[int]) -> PruningPlan:
        assert self.prune is not None
        fpgm = FPGM(model, shape)
        names = list(fpgm.groups)
        skipped = matching(names, self.prune.skip)
        if self.prune.sensitivity is not None:
            measured = Sensitivity.load(Path(self.prune.sensitivity))
            target = {"size": self.prune.target_size, "flops": self.prune.target_flops}
            cost = measure(model, shape)
            ratios = choose_ratios(fpgm, cost, measured, target=target, skip=skipped, align=self.prune.align)
        else:
            ratios = {name: ratio for key, ratio in (self.prune.ratios or {}).items() for name in _named(names, key)}
            ratios = {name: ratio for name, ratio in ratios.items() if name not in skipped}
        return plan_pruning(fpgm, model, ratios)


def _named(names: Sequence[str], key: str) -> List[str]:
    """What a key of `ratios` stands for; a name that is none is judged later, where the reason is known."""
    return matching(names, [key]) if any(letter in key for letter in "*?[") else [key]
