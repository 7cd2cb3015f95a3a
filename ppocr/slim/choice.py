"""Which ratios together: how many filters each layer loses for a target of size or of multiplications."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ppocr.errors import SlimError
from ppocr.slim.cost import Cost
from ppocr.slim.fpgm import FPGM
from ppocr.slim.groups import Group
from ppocr.slim.sensitivity import Cuts, Sensitivity

DOUBT_LOSS = 0.05  # loss added for all filters of a layer: a score on a few pictures scatters, no cut is free
CANDIDATES_PER_STEP = 3  # cuts that are judged together with those before them, at each step


def choose_ratios(
    fpgm: FPGM,
    cost: Cost,
    sensitivity: Sensitivity,
    *,
    target: Mapping[str, Optional[float]],
    skip: Sequence[str] = (),
    align: int = 4,
    judge: Optional[Callable[[Cuts], Optional[float]]] = None,
) -> Dict[str, float]:
    """Ratios that reach a target at the least loss.

    Step by step one layer is cut further: the one that loses least for what it saves. What layers lose together is not
    the sum of what each loses alone, so the sum only says which three cuts promise most, and `judge` what they lose
    together with those before. The last cut is made no deeper than needed.

    Args:
        cost: of the whole network.
        target: one of `size` and `flops`: the share that shall remain.
        skip: layers that keep all filters.
        align: numbers of filters that stay are multiples of it.
        judge: cuts → share of the score that they lose together, None if it cannot tell, and then the sum counts; by
            default what is in `sensitivity`.

    Raises:
        SlimError: the file names no layer of this network, or the target is out of reach.
    """
    kind, wanted = next((kind, share) for kind, share in target.items() if share is not None)
    sizes = {name: fpgm.groups[name].size for name in sensitivity.losses if name in fpgm.groups and name not in skip}
    if not sizes:
        raise SlimError(f"{sensitivity.path}: names no layer that could be pruned in this network")
    budget = Budget(cost, list(fpgm.groups.values()), kind)
    alone = {name: _rising(sensitivity.losses[name]) for name in sizes}
    judge = judge or sensitivity.known

    def summed(cuts: Cuts) -> float:
        return sum(float(np.interp(count / sizes[name], *alone[name])) for name, count in cuts.items())

    def worth(lost: Callable[[Cuts], Any], further: Cuts) -> float:
        doubt = DOUBT_LOSS * sum((count - cuts.get(name, 0)) / sizes[name] for name, count in further.items())
        return (lost(further) - lost(cuts) + doubt) / (budget.share(cuts) - budget.share(further))

    def deeper() -> Iterator[Cuts]:
        """In each layer the further cut that promises most."""
        for name, size in sizes.items():
            further = [
                {**cuts, name: count} for count in _counts(size, alone[name][0], align) if count > cuts.get(name, 0)
            ]
            further = [each for each in further if budget.share(each) < budget.share(cuts)]
            if further:
                yield min(further, key=partial(worth, summed))

    cuts: Cuts = {}
    before = cuts
    while budget.share(cuts) > wanted:
        candidates = sorted(deeper(), key=partial(worth, summed))[:CANDIDATES_PER_STEP]
        if not candidates:
            raise SlimError(
                f"the measured ratios leave {budget.share(cuts):.0%} of the {kind} at least, {wanted:.0%} is out of "
                "reach: measure higher ratios or skip fewer layers"
            )
        # Measured and summed losses cannot be compared with each other: where one is not known, all are summed.
        judged = all(judge(each) is not None for each in [cuts, *candidates])
        before, cuts = cuts, min(candidates, key=partial(worth, judge if judged else summed))
    # The last step may have gone further than needed; filters are given back as long as the target holds.
    for name in cuts:
        while (less := {**cuts, name: cuts[name] - align})[name] > before.get(name, 0) and budget.share(less) <= wanted:
            cuts = less
    return {name: count / sizes[name] for name, count in cuts.items()}


def _rising(losses: Mapping[float, float]) -> Tuple[List[float], List[float]]:
    """Ratios and losses, from 0 on; losses never fall, so that a lucky score does not recommend a deep cut."""
    ratios = [0.0, *sorted(losses)]
    return ratios, np.maximum.accumulate([0.0, *(losses[ratio] for ratio in ratios[1:])]).tolist()


def _counts(size: int, ratios: Sequence[float], align: int) -> List[int]:
    """Filters to take, near each ratio: what stays is a multiple of `align`."""
    counts = {size - max(align, round(size * (1 - ratio) / align) * align) for ratio in ratios}
    return sorted(count for count in counts if count > 0)


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
        # What remains of a tensor is the product of what remains along each axis.
        for name, shape, weight in self._layers:
            for axis, length in enumerate(shape):
                weight *= 1 - gone.get((name, axis), 0) / length
            left += weight
        return left / self._whole


def describe(ratios: Mapping[str, float]) -> Dict[str, Any]:
    """Ratios as they stand in YAML under `Slim.Prune.ratios`."""
    return {name[: -len(".weight")]: round(ratio, 4) for name, ratio in ratios.items()}
