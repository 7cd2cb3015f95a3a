"""From a trained network to a model directory whose weights are stored in 8 bits.

Two forms exist (`ppocr.slim.stored`). In both the file holds int8 weights:

- `float`: `inference.json`. The weights become float when the model is loaded; every engine and precision can run it.
- `int8`: `inference.pdmodel`, for Paddle Inference alone. Convolutions multiply whole numbers: all of them, or all but
  depthwise ones, which is slower but keeps decisions where networks were trained so.

`inference.yml` says which (`Quantization.execution`), and the predictors follow it.
"""

from __future__ import annotations

import copy
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence

import numpy as np

from ppocr.config import Config
from ppocr.engine.build import ANY, input_shape
from ppocr.errors import ModelError
from ppocr.export.execution import Verdict, choose, judge_by, milliseconds
from ppocr.export.export import (
    PROGRAM,
    TOLERANCE,
    inference_spec,
    largest_difference,
    refuse_other_files,
    save_program,
    write_spec,
)
from ppocr.infer.model_dir import PARAMS
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.utils.atomic import replacing_directory

if TYPE_CHECKING:
    import paddle

logger = logging.getLogger(__name__)

OLD_PROGRAM = "inference.pdmodel"
FORMS = {"int8": True, "int8 but depthwise": False}  # of int8 execution: whether depthwise convolutions are in it


@dataclass(frozen=True)
class QuantizedReport:
    """What `export_quantized` wrote.

    Attributes:
        directory: the model directory.
        size: bytes of graph and weights.
        execution: `int8` or `float`.
        reason: why, in a sentence.
        milliseconds: processor time of a batch on one thread: `float`, and the forms of int8 execution where they
            were tried.
    """

    directory: Path
    size: int
    execution: str
    reason: str
    milliseconds: Mapping[str, float]

    @property
    def quality(self) -> str:
        """For a message."""
        return f"int8 weights, {self.execution} execution: {self.reason}"


def export_quantized(
    model: paddle.nn.Layer,
    config: Config,
    directory: Path,
    *,
    ranges: Optional[Mapping[str, float]] = None,
    batches: Sequence[np.ndarray] = (),
    score: Optional[Callable[[PaddleRuntime], float]] = None,
    execution: str = "auto",
    float_layers: Sequence[str] = (),
) -> QuantizedReport:
    """Write `model` as a model directory with int8 weights, and check that it computes what it should.

    Args:
        model: a float network, or one that was trained with quantizers; not changed.
        config: says the task, the pre- and the post-processing.
        ranges: learned ranges of inputs, by layer of the training network; by default a quantized model's own.
        batches: float32[N, 3, H, W] each, of real pictures: from them come ranges that were not learned, and on them
            int8 execution must decide as the network does: as its float form, or as trained if that was to round.
        score: how well a form of the exported model reads labelled pictures, the higher the better; then that decides,
            and not agreement.
        execution: `int8`, `float`, or `auto`: int8 where it is as good and faster on this processor, else float. Both
            forms of int8 are tried, the faster one of those that are good is taken.
        float_layers: patterns of layers of the prediction network that multiply in float, whatever the execution.

    Raises:
        ModelError: the exported model does not compute what the network does, `directory` holds other files, or int8
            execution was asked for and there is nothing to take ranges from.
    """
    import paddle

    from ppocr.modeling.deploy.batch_norm import for_prediction
    from ppocr.slim import pact
    from ppocr.slim import ranges as reaches
    from ppocr.slim.prune import matching
    from ppocr.slim.stored import execute_in_8_bits, is_depthwise, store_in_8_bits

    refuse_other_files(directory)
    spec, shape = inference_spec(config), input_shape(config)
    plain = copy.deepcopy(model)
    learned = pact.remove_quantizers(plain)
    plain.eval()
    example = paddle.zeros(
        [max(axis, 1) if place < 2 else (64 if axis == ANY else axis) for place, axis in enumerate(shape)]
    )
    fused = for_prediction(plain, example)
    trained_so = any(is_depthwise(layer) for name, layer in plain.named_sublayers() if name in learned)
    task = config.at("Architecture.model_type")
    stored = store_in_8_bits(copy.deepcopy(fused), depthwise=trained_so)

    reach: Dict[str, float] = {}
    if execution != "float":
        reach = _ranges_of(fused, {**learned, **(ranges or {})}, batches, reaches)
        names = list(reach)
        for name in matching(names, float_layers):
            reach.pop(name, None)
        reach = reaches.for_deployment(fused, reach, example)
    if execution == "int8" and not reach:
        raise ModelError("int8 execution needs ranges of the layers' inputs: give pictures to calibrate on")

    with replacing_directory(directory) as temporary:
        forms = {"float": temporary / ".float"}
        forms["float"].mkdir()
        save_program(stored, shape, forms["float"])
        _check(stored, forms["float"], shape)
        runtimes = {"float": PaddleRuntime(forms["float"] / PROGRAM, forms["float"] / PARAMS, threads=1)}
        verdicts: Dict[str, Optional[Verdict]] = {}
        if reach:
            reference = fused
            if learned:
                rounded = _ranges_of(fused, learned, (), reaches)
                reference = execute_in_8_bits(copy.deepcopy(fused), rounded, depthwise=trained_so)
            judge = judge_by(reference, runtimes["float"], spec, task, batches, score)
            for name, depthwise in FORMS.items():
                forms[name] = temporary / f".{name}"
                forms[name].mkdir()
                network = execute_in_8_bits(copy.deepcopy(fused), reach, depthwise=depthwise)
                runtimes[name] = _save_int8(network, shape, forms[name])
                verdicts[name] = judge(runtimes[name])
        times = milliseconds(runtimes, shape)
        as_trained = next(name for name, depthwise in FORMS.items() if depthwise == trained_so)
        chosen, reason = choose(execution, times, verdicts, as_trained=as_trained)
        for path in forms[chosen].iterdir():
            path.rename(temporary / path.name)
        for folder in forms.values():
            shutil.rmtree(folder)
        kind = "float" if chosen == "float" else "int8"
        spec["Quantization"] = {"weights": "int8", "execution": kind}
        write_spec(spec, temporary)
        program = PROGRAM if kind == "float" else OLD_PROGRAM
        size = sum((temporary / name).stat().st_size for name in (program, PARAMS))
    logger.info("%s: %s execution: %s", directory, kind, reason)
    return QuantizedReport(directory, size, kind, reason, times)


def _ranges_of(
    fused: Any, learned: Mapping[str, float], batches: Sequence[np.ndarray], reaches: Any
) -> Dict[str, float]:
    """Range of each convolution's input in the prediction network.

    Learned ones go by name. Layers that were put together from several (`FoldedPyramid`) say in `reads` whose input
    they read. The rest is measured, if there are pictures.
    """
    known = {name: reach for name, reach in learned.items() if reach > 0}
    for path, layer in fused.named_sublayers():
        for leaf, original in getattr(layer, "reads", {}).items():
            if original in known:
                known[f"{path}.{leaf}"] = known[original]
    names = {name for name, layer in fused.named_sublayers() if type(layer).__name__ == "Conv2D"}
    known = {name: reach for name, reach in known.items() if name in names}
    if batches and names - set(known):
        known = {**reaches.observe(fused, batches), **known}
    return known


def _save_int8(model: paddle.nn.Layer, shape: Sequence[int], folder: Path) -> PaddleRuntime:
    from ppocr.slim._compat import save_old_program

    model.eval()
    save_old_program(model, shape, folder / "inference")
    return PaddleRuntime(folder / OLD_PROGRAM, folder / PARAMS, threads=1, precision="int8")


def _check(model: paddle.nn.Layer, folder: Path, shape: Sequence[int]) -> None:
    from ppocr.export.export import example_batches

    difference = largest_difference(model, folder, example_batches(shape))
    if not difference <= TOLERANCE:
        raise ModelError(f"not written: the exported model differs from the network by {difference:.1e}")
