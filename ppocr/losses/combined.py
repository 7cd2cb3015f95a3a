"""Sums of losses."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

import paddle

from ppocr.errors import ConfigError
from ppocr.registry import LOSSES


class CombinedLoss:
    """A weighted sum.

    Args:
        loss_config_list: as PaddleOCR's files write it: `- CTCLoss: {weight: 0.5, use_focal_loss: true}`; `weight` is
            1 where it is not given.

    Raises:
        ConfigError: with every problem of the list.
    """

    def __init__(self, loss_config_list: List[Any]):
        path = "Loss.loss_config_list"
        specs, weights, problems = [], [], []
        for number, entry in enumerate(loss_config_list):
            if not isinstance(entry, Mapping) or len(entry) != 1:
                problems.append(f"{path}.{number}: expected `name: settings`, came {entry!r}")
                continue
            ((name, settings),) = entry.items()
            spec = {**(settings or {}), "name": name}  # some files give a name for the log besides
            weights.append(spec.pop("weight", 1.0))
            specs.append(spec)
            problems += LOSSES.problems(spec, f"{path}.{number}")
        if not loss_config_list:
            problems.append(f"{path}: is empty; name at least one of {', '.join(LOSSES.names())}")
        if problems:
            raise ConfigError(problems)
        names = [spec["name"] for spec in specs]
        self.terms = [
            (
                f"{name}_{number}" if names.count(name) > 1 else name,
                weights[number],
                LOSSES.build(specs[number], f"{path}.{number}"),
            )
            for number, name in enumerate(names)
        ]

    def __call__(self, outputs: Any, batch: Mapping[str, Any]) -> Dict[str, paddle.Tensor]:
        """`loss`, and each weighed term under its name."""
        parts = {name: weight * term(outputs, batch)["loss"] for name, weight, term in self.terms}
        return {"loss": paddle.add_n(list(parts.values())), **parts}


class MultiLoss(CombinedLoss):
    """The losses of `MultiHead`'s branches, `CTCLoss` on `ctc` and `NRTRLoss` on `gtc`, added.

    Args:
        loss_config_list: see `CombinedLoss`.
        weight_1, weight_2: weights of the CTC and of the other branch; PaddleOCR's names.
    """

    def __init__(self, loss_config_list: List[Any], weight_1: float = 1.0, weight_2: float = 1.0):
        super().__init__(loss_config_list)
        self.terms = [
            (name, weight * (weight_1 if name == "CTCLoss" else weight_2), term) for name, weight, term in self.terms
        ]
