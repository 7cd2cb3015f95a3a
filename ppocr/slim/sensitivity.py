"""Which layers can spare filters: measured, one layer at a time and some together.

Each group of channels is pruned alone, at several ratios, and the network evaluated without training it again. What a
layer costs in quality at a ratio tells how much it is needed.
"""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Sequence

from paddle import nn

from ppocr.errors import SlimError
from ppocr.parse import parse_json, read_bytes
from ppocr.slim.fpgm import FPGM
from ppocr.slim.prune import cut_of, plan_pruning
from ppocr.utils.atomic import replacing_file

FILE_FORMAT = 1
RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

Cuts = Mapping[str, int]  # layer → filters taken


class Sensitivity:
    """Measured losses, in a JSON file that grows with each measurement.

    Args:
        path: the file.
        network: fingerprint of the network and its weights.
        evaluation: what the scores were measured on, in words.

    Attributes:
        baseline: score of the whole network; None before it is measured.
        losses: layer → ratio → share of the baseline that is lost (negative where the score rose).
        together: cuts in several layers, as `key_of` writes them → share of the baseline that is lost.
    """

    def __init__(self, path: Path, *, network: str, evaluation: str):
        self.path, self.network, self.evaluation = path, network, evaluation
        self.baseline: Optional[float] = None
        self.losses: Dict[str, Dict[float, float]] = {}
        self.together: Dict[str, float] = {}

    def known(self, cuts: Cuts) -> Optional[float]:
        """What cuts in several layers lose together, if that was measured."""
        return self.together.get(key_of(cuts)) if cuts else 0.0

    @classmethod
    def load(cls, path: Path) -> Sensitivity:
        """Raises:
        SlimError: no such file, or another one.
        """
        try:
            content = parse_json(read_bytes(path))
            if content["format"] != FILE_FORMAT:
                raise SlimError(f"{path}: format {content['format']!r}, this version reads {FILE_FORMAT}")
            self = cls(path, network=content["network"], evaluation=content["evaluation"])
            self.baseline = content["baseline"]
            self.losses = {
                name: {float(ratio): float(loss) for ratio, loss in losses.items()}
                for name, losses in content["losses"].items()
            }
            self.together = {str(key): float(loss) for key, loss in content.get("together", {}).items()}
        except OSError as error:
            raise SlimError(f"{path}: cannot be read: {error.strerror}") from error
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
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
            "format": FILE_FORMAT, "network": self.network, "evaluation": self.evaluation, "baseline": self.baseline,
            "losses": {name: {str(ratio): loss for ratio, loss in rows.items()} for name, rows in self.losses.items()},
            "together": self.together,
        }  # fmt: skip
        with replacing_file(self.path) as temporary:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def key_of(cuts: Cuts) -> str:
    """Cuts in several layers in one line."""
    return " ".join(f"{name}-{count}" for name, count in sorted(cuts.items()))


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
    log: Callable[[int, int, str], None],
) -> None:
    """Fill in what `sensitivity` lacks, saving after each measurement.

    Args:
        fpgm: made for `model`.
        model: not changed.
        evaluate: network → score, the higher the better.
        layers: masters of the groups to measure.
        ratios: shares of filters.
        log: called with (number, of how many, what was found) after each.

    Raises:
        SlimError: the whole network's score is 0: no loss can be measured.
    """
    if sensitivity.baseline is None:
        sensitivity.baseline = evaluate(model)
        sensitivity.save()  # after every measurement: each takes minutes, and a run may be stopped at any time
    if sensitivity.baseline <= 0:
        raise SlimError("the network scores 0 on the evaluation pictures: are its weights loaded?")
    jobs = [(layer, ratio) for layer in layers for ratio in ratios]
    for number, (layer, ratio) in enumerate(jobs, start=1):
        known = sensitivity.losses.setdefault(layer, {})
        size = fpgm.groups[layer].size
        if ratio in known or not 0 < cut_of(size, ratio) < size:
            continue
        score = _score_of(fpgm, model, {layer: ratio}, evaluate)
        known[ratio] = 1 - score / sensitivity.baseline
        sensitivity.save()
        log(number, len(jobs), f"{layer[:-7]} -{ratio:.0%}: {score:.4f} ({-known[ratio]:+.1%})")


def measure_together(
    fpgm: FPGM,
    model: nn.Layer,
    sensitivity: Sensitivity,
    evaluate: Callable[[nn.Layer], float],
    *,
    log: Callable[[str], None],
) -> Callable[[Cuts], float]:
    """A judge for `choose_ratios` that measures what it is asked, once, and saves it.

    Args:
        sensitivity: with a baseline.
        log: called with what was found; the others are as for `measure_sensitivity`.
    """

    def judge(cuts: Cuts) -> float:
        loss = sensitivity.known(cuts)
        if loss is None:
            assert sensitivity.baseline
            ratios = {name: count / fpgm.groups[name].size for name, count in cuts.items()}
            score = _score_of(fpgm, model, ratios, evaluate)
            loss = sensitivity.together[key_of(cuts)] = 1 - score / sensitivity.baseline
            sensitivity.save()
            log(f"{len(cuts)} layers together: {score:.4f} ({-loss:+.1%})")
        return loss

    return judge


def _score_of(fpgm: FPGM, model: nn.Layer, ratios: Mapping[str, float], evaluate: Callable[[nn.Layer], float]) -> float:
    """Of a pruned copy of `model`: a plan is for one network, and cutting a network twice is refused."""
    return evaluate(plan_pruning(fpgm, model, ratios).apply(copy.deepcopy(model)))
