"""Whether an exported network may multiply whole numbers: is it as good as in float, and faster on this processor?"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence

import numpy as np

from ppocr.engine.build import FREE_AXIS
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.registry import POSTPROCESSES
from ppocr.utils.networks import predict
from ppocr.utils.timing import times_by_turns

if TYPE_CHECKING:
    import paddle

MAX_INT8_TIME_SHARE = 0.9  # int8 execution must take at most this share of the float model's time to be chosen
MIN_AGREEMENT = {"det": 0.90, "cls": 0.99, "rec": 0.98}  # share of decisions that are the network's; see `agreement`
MAX_SCORE_LOSS = 0.01  # of a score on labelled pictures that int8 execution may lose
TIMED_SHAPE = (1, 3, 960, 960)  # where free: what is timed
TIMED_RUNS = 8


@dataclass(frozen=True)
class Verdict:
    """How good int8 execution is: a number, the higher the better, whether it suffices, and both in words."""

    value: float
    good: bool
    text: str


def judge_by(
    reference: Any, in_float: PaddleRuntime, spec: Mapping[str, Any], task: str, batches: Sequence[np.ndarray],
    score: Optional[Callable[[PaddleRuntime], float]],
) -> Callable[[PaddleRuntime], Optional[Verdict]]:  # fmt: skip
    """A judge of int8 execution: by labels if there are some, else by what the network decides on pictures.

    Args:
        reference: the network whose decisions count.
        in_float: the exported model in float execution; its score may be missed by `MAX_SCORE_LOSS`.
        spec: content of `inference.yml`.
        batches: float32[N, 3, H, W] each.
        score: how well a form of the exported model reads labelled pictures, the higher the better.
    """
    float_score = score(in_float) if score is not None else 0.0
    decode = POSTPROCESSES.build(spec["PostProcess"], "PostProcess")

    def judge(runtime: PaddleRuntime) -> Optional[Verdict]:
        if score is not None and float_score > 0:  # what reads nothing in float cannot be judged so
            found = score(runtime)
            text = f"scores {found:.3f}, float execution {float_score:.3f}"
            return Verdict(found, found >= float_score - MAX_SCORE_LOSS, text)
        if not batches:
            return None
        agreed, least = agreement(reference, runtime, batches, task, decode), MIN_AGREEMENT[task]
        return Verdict(agreed, agreed >= least, f"decides as the network does in {agreed:.1%} ({least:.0%} are needed)")

    return judge


def choose(
    wanted: str, times: Mapping[str, float], verdicts: Mapping[str, Optional[Verdict]], *, as_trained: str
) -> tuple[str, str]:
    """Name of the form to keep, and why.

    Args:
        wanted: `int8`, `float` or `auto`.
        times: milliseconds, by form.
        verdicts: of the forms of int8 execution that were tried; None where there was nothing to judge by.
        as_trained: the form that rounds what was rounded while training.
    """
    if wanted == "float":
        return "float", "float execution was asked for"
    if not verdicts:
        return "float", "nothing to take the inputs' ranges from"
    judged = {name: verdict for name, verdict in verdicts.items() if verdict is not None}
    good = [name for name, verdict in judged.items() if verdict.good]
    # The fastest form that is good enough; if none is, the best one, for the message or because it was asked for; if
    # none could be judged, the form that computes what was trained.
    if good:
        name = min(good, key=lambda name: times[name])
    elif judged:
        name = max(judged, key=lambda name: judged[name].value)
    else:
        name = as_trained
    speed = f"{times[name]:.1f} ms, float {times['float']:.1f} ms"
    why = f"{name} {judged[name].text}; {speed}" if judged else f"{name} could not be judged without pictures; {speed}"
    if wanted == "int8":
        return name, f"asked for; {why}"
    if not good:
        return "float", why
    if times[name] > MAX_INT8_TIME_SHARE * times["float"]:
        return "float", f"{name} is not faster here ({speed})"
    return name, why


def agreement(
    model: paddle.nn.Layer, runtime: Any, batches: Sequence[np.ndarray], task: str, decode: Callable[..., Any]
) -> float:
    """Share of decisions that are those of the network in memory.

    Detection: intersection over union of the pixels above 0.3; since text is a small part of a page, the share of all
    pixels would always be near 1. Direction: share of crops with the same class. Recognition: with the same text.

    Args:
        decode: post-processing of a recogniser or classifier: (text or label, score) of each crop.
    """
    same = total = 0
    for batch in batches:
        expected, found = predict(model, batch), runtime.run(batch)
        if task == "det":  # 0.3 is DB's threshold
            theirs, ours = expected > 0.3, found > 0.3
            same, total = same + int((theirs & ours).sum()), total + int((theirs | ours).sum())
        else:
            pairs = zip(decode(expected), decode(found))
            same, total = same + sum(mine == other for (mine, _), (other, _) in pairs), total + len(batch)
    return same / total if total else 1.0


def milliseconds(runtimes: Mapping[str, PaddleRuntime], shape: Sequence[int]) -> Dict[str, float]:
    """Median processor time of a batch of the usual size, by turns, so that a busy moment hits all alike."""
    size = [given if axis == FREE_AXIS else axis for axis, given in zip(shape, TIMED_SHAPE)]
    if shape[2] != FREE_AXIS:
        size = [8, 3, shape[2], 320 if shape[3] == FREE_AXIS else shape[3]]
    batch = np.random.default_rng(0).uniform(-1, 1, size).astype(np.float32)
    work = {name: functools.partial(runtime.run, batch) for name, runtime in runtimes.items()}
    times_by_turns(work, 1)  # the first run prepares
    return {name: float(np.median(each)) for name, each in times_by_turns(work, TIMED_RUNS).items()}
