"""Do three engines compute the same? The network in memory, its exported model, and the file it came from.

They are compared on what they will see: pages, and crops of text that the detector found on these pages.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, Optional, Sequence

import numpy as np

from ppocr.config import Config
from ppocr.engine.inputs import preprocessing
from ppocr.errors import MissingExtraError, ModelError
from ppocr.export.export import MAX_DIFFERENCE, exported_model
from ppocr.ops.boxes import crop_quad
from ppocr.registry import POSTPROCESSES
from ppocr.utils.networks import predict

if TYPE_CHECKING:
    import paddle

# The detector's logits reach hundreds, and some crops are read with equal doubt between two characters: there float32
# alone moves a probability by more than MAX_DIFFERENCE, in every engine. Measured against the network in float64 on 480
# crops of real pages: Paddle's dygraph, its inference engine and onnxruntime are off by 6e-4, 2e-4 and 2e-4 at most,
# and by more than 1e-4 on 3, 2 and 4 crops; on a small sample that may be more than 1 %. Of 240 blurred crops one
# reached 1.5e-3. Wrong weights differ by almost 1 somewhere.
MAX_RARE_SHARE, MAX_RARE_DIFFERENCE = 0.1, 1e-2
Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Agreement:
    """How far apart the engines are.

    Attributes:
        inputs: number of pages or crops.
        beyond: on how many of them some probability differs by more than `MAX_DIFFERENCE`.
        exported: largest difference of a probability between the network and its exported model.
        original: the same between the published model and either of them; None where what runs it is not installed.

    On inputs on which they differ by more than `MAX_DIFFERENCE` the differences are those from the network in float64.
    """

    inputs: int
    beyond: int
    exported: float
    original: Optional[float]


def check_agreement(
    model: paddle.nn.Layer, directory: Path, batches: Iterable[np.ndarray], *, original: Optional[Run] = None
) -> Agreement:
    """Compare the engines on each batch; where two of them differ by more than rounding may, with float64 instead.

    Args:
        directory: the exported model.
        batches: float32[N, C, H, W] each.
        original: runs the published model, or None to leave that out.

    Raises:
        ModelError: probabilities differ by more than rounding (see `MAX_RARE_DIFFERENCE`).
    """
    runtime = exported_model(directory)
    exported, differences = [], []  # per input
    exact: Optional[paddle.nn.Layer] = None
    for batch in batches:
        answers = [predict(model, batch), runtime.run(batch), *([] if original is None else [original(batch)])]
        distances = [_distances(answers[0], answers[1]), *(_farthest(answers[:2], answer) for answer in answers[2:])]
        if np.max(distances) > MAX_DIFFERENCE:  # two engines may be off to opposite sides
            exact = exact or copy.deepcopy(model).to(dtype="float64")
            truth = predict(exact, batch.astype(np.float64))
            distances = [_farthest(answers[:2], truth), *(_distances(answer, truth) for answer in answers[2:])]
        exported.append(distances[0])
        differences += distances[1:]
    from_exported = np.concatenate(exported or [np.zeros(0)])
    from_original = np.concatenate(differences) if differences else np.zeros_like(from_exported)
    largest = np.maximum(from_exported, from_original)
    inputs, beyond = len(largest), int((largest > MAX_DIFFERENCE).sum())
    if beyond > max(2, inputs * MAX_RARE_SHARE) or largest.max(initial=0.0) > MAX_RARE_DIFFERENCE:
        raise ModelError(
            f"{directory.name}: the engines disagree on {beyond} of {inputs} inputs: network and exported model by up "
            f"to {from_exported.max():.1e}, and the published one by up to {from_original.max():.1e} "
            f"(more than {MAX_DIFFERENCE:.0e} is allowed rarely, more than {MAX_RARE_DIFFERENCE:.0e} never)"
        )
    highest = float(from_exported.max(initial=0.0)), float(from_original.max(initial=0.0))
    return Agreement(inputs, beyond, highest[0], highest[1] if differences else None)


def _farthest(answers: Sequence[np.ndarray], other: np.ndarray) -> np.ndarray:
    """The larger of the answers' `_distances` from another one, for each input."""
    return np.max([_distances(answer, other) for answer in answers], axis=0)


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Largest absolute difference of each input, [N]; infinite for unequal shapes and where a value isn't a number."""
    if first.shape != second.shape:
        return np.full(len(first), np.inf)
    return np.nan_to_num(np.abs(first - second), nan=np.inf).reshape(len(first), -1).max(axis=1)


def onnx_runner(data: bytes) -> Run:
    """A function that runs an ONNX file under onnxruntime.

    Raises:
        MissingExtraError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("Comparing with the ONNX file", "onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # the files promise a fixed output size, of which it would warn
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


def find_crops(pages: Iterable[np.ndarray], detector: Path, config: Config) -> list[np.ndarray]:
    """Lines of text that an exported detector finds on pages, cut out: uint8[h, w, 3] each."""
    exported, prepare = exported_model(detector), preprocessing(config)
    boxes_of = POSTPROCESSES.build(config.plain("PostProcess"), "PostProcess")
    crops = []
    for page in pages:
        height, width = page.shape[:2]
        regions = boxes_of(exported.run(prepare(page)[np.newaxis])[0, 0], height, width)
        crops += [crop_quad(page, box) for box in regions.boxes]
    return crops
