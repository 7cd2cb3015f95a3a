"""Which layers can spare filters: measured one at a time, then chosen together.

Each group of channels is pruned alone, at several ratios, and the network evaluated without training it again. What a
layer costs in quality at a ratio tells how much it is needed.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from paddle import nn

from ppocr.errors import SlimError
from ppocr.slim._compat import FPGM, Group
from ppocr.slim.cost import Cost
from ppocr.slim.prune import cut_of, plan_pruning

FORMAT = 1
RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


class Sensitivity:
    """Measured losses, in a JSON file that grows with each measurement.

    Args:
        path: the file.
        network: fingerprint of the network and its weights.
        evaluation: what the scores were measured on, in words.

    Attributes:
        baseline: score of the whole network; None before it is measured.
        losses: layer → ratio → share of the baseline that is lost (negative where the score rose).
    """

    def __init__(self, path: Path, *, network: str, evaluation: str):
        self.path, self.network, self.evaluation = path, network, evaluation
        self.baseline: Optional[float] = None
        self.losses: Dict[str, Dict[float, float]] = {}

    @classmethod
    def load(cls, path: Path) -> Sensitivity:
        """Raises:
        SlimError: no such file, or another one.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise SlimError(f"{path}: format {content['format']!r}, this version reads {FORMAT}")
            self = cls(path, network=content["network"], evaluation=content["evaluation"])
            self.baseline = content["baseline"]
            self.losses = {
                name: {float(ratio): float(loss) for ratio, loss in losses.items()}
                for name, losses in content["losses"].items()
            }
        except OSError as error:
            raise SlimError(f"{path}: cannot be read: {error.strerror}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SlimError(f"{path}: not a file of ppocr prune-sensitivity") from error
        return self

    @classmethod
    def resume(cls, path: Path, *, network: str, evaluation: str) -> Sensitivity:
        """What is in the file, if it is there and of the same network and pictures, else a new one.

        Raises:
            SlimError: it is of others.
        """
        if not path.exists():
            return cls(path, network=network, evaluation=evaluation)
        self = cls.load(path)
        if (self.network, self.evaluation) != (network, evaluation):
            what = "network or weights" if self.network != network else f"evaluation ({self.evaluation})"
            raise SlimError(f"{path}: was measured with another {what}; give another file, or remove it")
        return self

    def save(self) -> None:
        """Whole or not at all."""
        content = {
            "format": FORMAT, "network": self.network, "evaluation": self.evaluation, "baseline": self.baseline,
            "losses": {name: {str(ratio): loss for ratio, loss in rows.items()} for name, rows in self.losses.items()},
        }  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.part")
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        os.replace(temporary, self.path)


def fingerprint(model: nn.Layer) -> str:
    """Tells networks and weights apart."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:16]


def measure_sensitivity(
    fpgm: FPGM,
    model: nn.Layer,
    sensitivity: Sensitivity,
    evaluate: Callable[[nn.Layer], float],
    *,
    layers: Sequence[str],
    ratios: Sequence[float] = RATIOS,
    tell: Callable[[int, int, str], None],
) -> None:
    """Fill in what `sensitivity` lacks, saving after each measurement.

    Args:
        fpgm: made for `model`.
        model: not changed.
        evaluate: network → score, the higher the better.
        layers: masters of the groups to measure.
        ratios: shares of filters.
        tell: called with (number, of how many, what was found) after each.

    Raises:
        SlimError: the whole network's score is 0: no loss can be measured.
    """
    if sensitivity.baseline is None:
        sensitivity.baseline = evaluate(model)
        sensitivity.save()
    if sensitivity.baseline <= 0:
        raise SlimError("the network scores 0 on the evaluation pictures: are its weights loaded?")
    jobs = [(layer, ratio) for layer in layers for ratio in ratios]
    for number, (layer, ratio) in enumerate(jobs, start=1):
        known = sensitivity.losses.setdefault(layer, {})
        size = fpgm.groups[layer].size
        if ratio in known or not 0 < cut_of(size, ratio) < size:
            continue
        pruned = plan_pruning(fpgm, model, {layer: ratio}).apply(copy.deepcopy(model))
        score = evaluate(pruned)
        known[ratio] = 1 - score / sensitivity.baseline
        sensitivity.save()
        tell(number, len(jobs), f"{layer[:-7]} -{ratio:.0%}: {score:.4f} ({-known[ratio]:+.1%})")


def choose_ratios(
    fpgm: FPGM,
    cost: Cost,
    sensitivity: Sensitivity,
    *,
    target: Mapping[str, Optional[float]],
    skip: Sequence[str] = (),
    align: int = 4,
) -> Dict[str, float]:
    """Ratios that reach a target at the least loss, as if the losses of layers added up.

    Step by step the layer is cut further that loses least for what it saves, until the target is reached.

    Args:
        cost: of the whole network.
        target: one of `size` and `flops`: the share that shall remain.
        skip: layers that keep all filters.
        align: numbers of filters that stay are multiples of it.

    Raises:
        SlimError: the file names no layer of this network, or the target is out of reach.
    """
    kind, wanted = next((kind, share) for kind, share in target.items() if share is not None)
    usable = {name: losses for name, losses in sensitivity.losses.items() if name in fpgm.groups and name not in skip}
    if not usable:
        raise SlimError(f"{sensitivity.path}: names no layer that could be pruned in this network")
    budget = Budget(cost, list(fpgm.groups.values()), kind)
    steps = {name: _steps(fpgm.groups[name].size, losses, align) for name, losses in usable.items()}
    cuts: Dict[str, int] = {}
    now = budget.share(cuts)
    while now > wanted:
        best: Optional[Tuple[float, str, int]] = None
        for name, options in steps.items():
            done = cuts.get(name, 0)
            for cut, loss in options:
                if cut > done:
                    saved = now - budget.share({**cuts, name: cut})
                    rise = max(loss, 0.0) - max(dict(options).get(done, 0.0), 0.0)
                    worth = (max(rise, 0.0) + 1e-6) / max(saved, 1e-9)
                    if saved > 0 and (best is None or worth < best[0]):
                        best = (worth, name, cut)
        if best is None:
            raise SlimError(
                f"the measured ratios leave {now:.0%} of the {kind} at least, {wanted:.0%} is out of reach: measure "
                "higher ratios or skip fewer layers"
            )
        cuts[best[1]] = best[2]
        now = budget.share(cuts)
    return {name: cut / fpgm.groups[name].size for name, cut in cuts.items()}


def _steps(size: int, losses: Mapping[float, float], align: int) -> List[Tuple[int, float]]:
    """(filters taken, loss) at aligned numbers, ascending; losses between ratios are interpolated and never fall."""
    ratios = [0.0, *sorted(losses)]
    known = np.maximum.accumulate([0.0, *(losses[ratio] for ratio in ratios[1:])])
    options = []
    for left in range(size - size % align if size % align else size - align, 0, -align):
        ratio = (size - left) / size
        if ratio <= ratios[-1] + 1e-9:
            options.append((size - left, float(np.interp(ratio, ratios, known))))
    return options


class Budget:
    """What share of a cost remains when groups lose channels; computed, not run.

    Args:
        cost: of the whole network.
        groups: all of them.
        kind: `size` or `flops`.
    """

    def __init__(self, cost: Cost, groups: Sequence[Group], kind: str):
        self._groups = {group.master: group for group in groups}
        self._layers = [
            (layer.weight, layer.shape, float(layer.multiplications if kind == "flops" else np.prod(layer.shape)))
            for layer in cost.layers
        ]
        self._rest = 0.0 if kind == "flops" else cost.parameters - sum(weight for *_, weight in self._layers)
        self._whole = sum(weight for *_, weight in self._layers) + self._rest

    def share(self, cuts: Mapping[str, int]) -> float:
        """The remaining share in [0, 1], when each group loses so many channels."""
        gone: Dict[Tuple[str, int], int] = {}
        for master, count in cuts.items():
            for member in self._groups[master].members:
                key = (member.tensor, member.axis)
                gone[key] = gone.get(key, 0) + count * len(member.cut[0])
        left = self._rest
        for name, shape, weight in self._layers:
            for axis, length in enumerate(shape):
                weight *= 1 - gone.get((name, axis), 0) / length
            left += weight
        return left / self._whole


def describe(ratios: Mapping[str, float]) -> Dict[str, Any]:
    """Ratios as they stand in YAML under `Slim.Prune.ratios`."""
    return {name[: -len(".weight")]: round(ratio, 4) for name, ratio in ratios.items()}
