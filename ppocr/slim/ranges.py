"""How far the inputs of convolutions range: what 8 bits must cover, and where they do not suffice."""

from __future__ import annotations

import contextlib
import functools
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Tuple, Type

import numpy as np
import paddle
from paddle import nn

from ppocr.slim.stored import INT8_LEVELS

SAMPLES_PER_BATCH = 20_000  # values of an input that are looked at in each batch
CLIP_SHARES = np.linspace(0.2, 1.0, 41)  # of the largest value: ranges to choose from


def observe(
    model: nn.Layer, batches: Iterable[np.ndarray], *, kinds: Tuple[Type[nn.Layer], ...] = (nn.Conv2D,)
) -> Dict[str, float]:
    """For each layer of some kinds the range of its input that 8 bits represent with the least mean squared error.

    A range up to the largest value would spend most of the 127 steps on a few outliers. Layers that read the same
    tensor get one range, the widest, since the engine rounds a tensor once.

    Args:
        model: in `eval()` mode.
        batches: float32[N, 3, H, W] each, as few as show what will be read.
        kinds: of layers.
    """
    random = np.random.default_rng(0)
    values: Dict[str, List[np.ndarray]] = {}
    peaks: Dict[str, float] = {}
    partners: Dict[str, str] = {}

    for batch in batches:
        read: Dict[int, str] = {}  # id of a tensor → the first layer that read it; ids hold for one run only
        note = functools.partial(_note, read=read, partners=partners, values=values, peaks=peaks, random=random)
        with _watched(model, kinds, note):
            model(paddle.to_tensor(batch))
    own = {name: _best(np.concatenate(parts), peaks[name]) for name, parts in values.items()}
    return {name: own[first] for name, first in partners.items()}


def _note(
    name: str, x: Any, read: Dict[int, str], partners: Dict[str, str], values: Dict[str, List[np.ndarray]],
    peaks: Dict[str, float], random: np.random.Generator,
) -> None:  # fmt: skip
    # Only the first reader of a tensor looks at its values; the others take over its range.
    first = partners.setdefault(name, read.setdefault(id(x), name))
    if first == name:
        magnitudes = np.abs(x.numpy()).ravel()
        peaks[name] = max(peaks.get(name, 0.0), float(magnitudes.max()))
        values.setdefault(name, []).append(random.choice(magnitudes, min(SAMPLES_PER_BATCH, magnitudes.size)))


def _best(magnitudes: np.ndarray, peak: float) -> float:
    if peak == 0:
        return 1.0  # nothing but zeros: any range represents them

    def error(clip: float) -> float:
        step = clip / INT8_LEVELS
        return float(np.square(np.minimum(np.round(magnitudes / step), INT8_LEVELS) * step - magnitudes).mean())

    # Tried one by one: the error has several minima, since each range moves all steps.
    return float(min(peak * CLIP_SHARES, key=error))


def for_deployment(model: nn.Layer, ranges: Mapping[str, float], example: paddle.Tensor) -> Dict[str, float]:
    """Ranges of the convolutions that are to multiply whole numbers, and no others.

    - Layers that read the same tensor get one range, the widest: the engine rounds a tensor once.
    - Layers that read a single pixel (the gates of squeeze-and-excitation) stay in float. They cost nothing, and oneDNN
      gets them wrong: with them the mobile classifier's probabilities are off by 0.34 on average, without by 0.002.

    Args:
        model: in `eval()` mode.
        ranges: name of a layer → range of its input.
        example: an input.
    """
    read: Dict[int, List[str]] = {}

    def note(name: str, x: Any) -> None:
        if name in ranges and max(x.shape[2:]) > 1:
            read.setdefault(id(x), []).append(name)

    with _watched(model, (nn.Conv2D,), note):
        model(example)
    return {name: max(ranges[other] for other in names) for names in read.values() for name in names}


@contextlib.contextmanager
def _watched(model: nn.Layer, kinds: Tuple[Type[nn.Layer], ...], see: Callable[[str, Any], None]) -> Iterator[None]:
    """Without gradients; `see(name, input)` for each layer that runs."""
    kept = []  # inputs live until the end, or another tensor could get the id of one that is gone

    def hook_of(name: str) -> Callable[[nn.Layer, Any], Any]:
        def hook(layer: nn.Layer, inputs: Any) -> None:
            kept.append(inputs)
            see(name, inputs[0])

        return hook

    hooks = [
        layer.register_forward_pre_hook(hook_of(name))
        for name, layer in model.named_sublayers()
        if type(layer) in kinds
    ]
    try:
        with paddle.no_grad():
            yield
    finally:
        for hook in hooks:
            hook.remove()
