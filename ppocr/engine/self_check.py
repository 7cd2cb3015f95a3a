"""Do three engines compute the same? The network in memory, its exported model, and the ONNX file it came from.

They are compared on what they will see: pages, and strips of text that the detector found on these pages.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Optional

import cv2
import numpy as np

from ppocr.config import Config, thaw
from ppocr.engine.export import TOLERANCE, exported_model, predict
from ppocr.errors import MissingExtraError, ModelError
from ppocr.ops.boxes import crop_quad
from ppocr.registry import POSTPROCESSES, TRANSFORMS

if TYPE_CHECKING:
    import paddle

STRIPS_AT_ONCE = 8
ROUNDING_FACTOR = 4.0  # engines sum in other orders; measured: within twice the network's own error
Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Agreement:
    """How far apart the engines are.

    Attributes:
        inputs: number of pages or strips.
        exported: largest difference of a probability between the network and its exported model.
        onnx: the same between the ONNX file and either of them; None where onnxruntime is not installed.
    """

    inputs: int
    exported: float
    onnx: Optional[float]


def check_agreement(
    model: paddle.nn.Layer, directory: Path, batches: Iterable[np.ndarray], *, onnx: Optional[Run] = None
) -> Agreement:
    """Compare the engines on each batch.

    Args:
        directory: the exported model.
        batches: float32[N, C, H, W] each.
        onnx: runs the ONNX file, or None to leave that out.

    Raises:
        ModelError: a probability differs by more than `TOLERANCE`, and rounding does not explain it.
    """
    runtime = exported_model(directory)
    inputs, exported, original = 0, 0.0, 0.0
    for batch in batches:
        outputs = {"the network": predict(model, batch), "the exported model": runtime.run(batch)}
        if onnx is not None:
            outputs["the ONNX file"] = onnx(batch)
        ours, theirs, *reference = outputs.values()
        inputs += len(batch)
        here = _distance(ours, theirs)
        there = max((_distance(output, reference[0]) for output in (ours, theirs) if reference), default=0.0)
        if max(here, there) > TOLERANCE:
            _require_rounding(model, batch, outputs, label=directory.name)
        exported, original = max(exported, here), max(original, there)
    return Agreement(inputs, exported, original if onnx is not None else None)


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    """Largest absolute difference; infinite for unequal shapes and where a value is not a number."""
    if first.shape != second.shape:
        return float("inf")
    return float(np.nan_to_num(np.abs(first - second), nan=np.inf).max(initial=0.0))


def _require_rounding(
    model: paddle.nn.Layer, batch: np.ndarray, outputs: Mapping[str, np.ndarray], *, label: str
) -> None:
    """Judge a large difference by the network in float64: is every engine about as near to that as the network itself?

    The detector's logits reach hundreds, so on some pages float32 alone moves a probability by more than `TOLERANCE`,
    and by how much depends on the processor.

    Raises:
        ModelError: an engine is too far away.
    """
    exact = predict(copy.deepcopy(model).to(dtype="float64"), batch.astype(np.float64))
    errors = {name: _distance(output, exact) for name, output in outputs.items()}
    allowed = min(max(TOLERANCE, ROUNDING_FACTOR * errors["the network"]), 10 * TOLERANCE)
    if max(errors.values()) > allowed:
        told = ", ".join(f"{name} {error:.1e}" for name, error in errors.items())
        raise ModelError(f"{label}: engines disagree; distance to float64: {told} (at most {allowed:.0e} is allowed)")


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


def page_batches(pages: Iterable[np.ndarray], config: Config) -> Iterator[np.ndarray]:
    """Pages (uint8[H, W, 3], BGR) → what the detector of `config` reads, float32[1, 3, h, w] each."""
    prepare = preprocessing(config)
    for page in pages:
        yield prepare(page)[np.newaxis]


def strip_batches(strips: Iterable[np.ndarray], config: Config) -> Iterator[np.ndarray]:
    """Strips (uint8[H, W, 3], BGR) → what the recogniser or classifier of `config` reads, float32[N, 3, h, w] each."""
    prepare = preprocessing(config)
    batch = []
    for strip in strips:
        batch.append(prepare(strip))
        if len(batch) == STRIPS_AT_ONCE:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)


def preprocessing(config: Config) -> Callable[[np.ndarray], np.ndarray]:
    """`Eval.dataset.transforms` as a function from a picture (uint8[H, W, 3], BGR) to float32[3, h, w]."""
    steps = []
    for step in thaw(config["Eval"]["dataset"]["transforms"]):
        ((name, settings),) = step.items()
        if not name.endswith("LabelEncode"):
            steps.append(TRANSFORMS.build({"name": name, **(settings or {})}, f"Eval.dataset.transforms.{name}"))

    def prepare(image: np.ndarray) -> np.ndarray:
        sample: Any = {"image": image}
        for step in steps:
            sample = step(sample)
        return np.ascontiguousarray(sample["image"])

    return prepare


def find_strips(pages: Iterable[np.ndarray], detector: Path, config: Config) -> list[np.ndarray]:
    """Lines of text that an exported detector finds on pages, cut out: uint8[h, w, 3] each."""
    exported, prepare = exported_model(detector), preprocessing(config)
    boxes_of = POSTPROCESSES.build(thaw(config["PostProcess"]), "PostProcess")
    strips = []
    for page in pages:
        height, width = page.shape[:2]
        regions = boxes_of(exported.run(prepare(page)[np.newaxis])[0, 0], height, width)
        strips += [crop_quad(page, box) for box in regions.boxes]
    return strips


def drawn_pages() -> list[np.ndarray]:
    """A few pages with text, drawn on the spot: dark on light, light on dark, small and large, straight and turned."""
    words = ("Invoice 2020-09-21", "Total: 1,234.56 EUR", "PP-OCR ultra light", "No. 0042/b", "thank you!", "A")
    pages: list[np.ndarray] = []
    for number, (paper, ink) in enumerate(((250, 20), (40, 230))):
        page = np.full((400 + 160 * number, 640, 3), paper, np.uint8)
        for row in range(6 + 2 * number):
            text = words[(row + number) % len(words)]
            place = (20 + 30 * (row % 3), 60 + 62 * row)
            font = cv2.FONT_HERSHEY_COMPLEX if row % 2 else cv2.FONT_HERSHEY_SIMPLEX
            scale, thickness = 0.6 + 0.25 * ((row + number) % 4), 1 + row % 2
            cv2.putText(page, text, place, font, scale, (ink, ink, ink), thickness, cv2.LINE_AA)
        pages.append(page)
    height, width = pages[0].shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 0.9)
    pages.append(cv2.warpAffine(pages[0], turn, (width, height), borderValue=(250, 250, 250)))
    return pages
