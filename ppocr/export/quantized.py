"""From a trained network to a model directory whose weights are stored in 8 bits.

Two forms exist (`ppocr.slim.stored`). In both the file holds int8 weights:

- `float`: `inference.json`. The weights become float when the model is loaded; every engine and precision can run it.
- `int8`: `inference.pdmodel`, for Paddle Inference alone. Convolutions multiply whole numbers: all of them, or all but
  depthwise ones, which is slower but keeps decisions where networks were trained so.

`inference.yml` says which (`Quantization.execution`), and the predictors follow it.
"""

from __future__ import annotations

import copy
import dataclasses
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Mapping, Optional, Sequence

import numpy as np

from ppocr.config import Config
from ppocr.engine.build import input_shape
from ppocr.errors import ModelError
from ppocr.export.execution import choose, judge_by, milliseconds
from ppocr.export.export import (
    MAX_DIFFERENCE,
    OLD_PROGRAM,
    example_batches,
    inference_spec,
    largest_difference,
    network_bytes,
    refuse_other_files,
    save_program,
    write_spec,
)
from ppocr.export.onnx_file import PROGRAM, remove_paddle_files, write_onnx
from ppocr.infer.model_dir import PARAMS
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.utils.atomic import replacing_directory
from ppocr.utils.networks import example_shape

if TYPE_CHECKING:
    import paddle

logger = logging.getLogger(__name__)

INT8_FORMS = {"int8": True, "int8 but depthwise": False}  # of int8 execution: whether depthwise convolutions are in it


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
    form: str = "paddle",
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
        form: "paddle", "onnx" or "both": which files to write. ONNX has no int8 execution: `auto` is `float` then.

    Raises:
        MissingExtraError: `form` needs onnxruntime or paddle2onnx, and it is not installed.
        ModelError: the exported model does not compute what the network does, `directory` holds other files, or int8
            execution was asked for and there is nothing to take ranges from.
    """
    refuse_other_files(directory)
    if form != "paddle":
        if execution == "int8":
            raise ModelError("inference.onnx has no int8 execution: set Slim.Quantize.execution to float or auto")
        execution = "float"
    spec, shape = inference_spec(config), input_shape(config)
    network = _calibrate(model, shape, learned=ranges or {}, batches=batches, float_layers=float_layers)
    if execution == "float":
        network = dataclasses.replace(network, ranges={})
    if execution == "int8" and not network.ranges:
        raise ModelError("int8 execution needs ranges of the layers' inputs: give pictures to calibrate on")
    with replacing_directory(directory) as temporary:
        forms = _convert(network, shape, temporary)
        runtimes = {name: form.runtime for name, form in forms.items()}
        judge = judge_by(
            network.as_trained(), runtimes["float"], spec, config.at("Architecture.model_type"), batches, score
        )
        verdicts = {name: judge(runtime) for name, runtime in runtimes.items() if name != "float"}
        times = milliseconds(runtimes, shape)
        as_trained = next(name for name, depthwise in INT8_FORMS.items() if depthwise == network.rounds_depthwise)
        chosen, reason = choose(execution, times, verdicts, as_trained=as_trained)
        _keep(forms, chosen, temporary)
        if form != "paddle":
            write_onnx(temporary, spec["PostProcess"].get("character_dict"))
        if form == "onnx":
            remove_paddle_files(temporary)
        kind = "float" if chosen == "float" else "int8"
        write_spec({**spec, "Quantization": {"weights": "int8", "execution": kind}}, temporary)
        size = network_bytes(temporary)
    logger.info("%s: %s execution: %s", directory, kind, reason)
    return QuantizedReport(directory, size, kind, reason, times)


@dataclass(frozen=True)
class _Calibrated:
    """A network for prediction, and what is known about the inputs of its convolutions.

    Attributes:
        network: in float, without quantizers.
        ranges: name of a convolution → range of its input, of those that may multiply whole numbers.
        trained_ranges: the same of those that rounded while training; empty if the network was trained in float.
        rounds_depthwise: whether depthwise convolutions rounded while training.
    """

    network: paddle.nn.Layer
    ranges: Mapping[str, float]
    trained_ranges: Mapping[str, float]
    rounds_depthwise: bool

    def as_trained(self) -> paddle.nn.Layer:
        """The network whose decisions count: it rounds what rounded while training."""
        from ppocr.slim.stored import execute_in_8_bits

        if not self.trained_ranges:
            return self.network
        return execute_in_8_bits(copy.deepcopy(self.network), self.trained_ranges, depthwise=self.rounds_depthwise)


def _calibrate(
    model: paddle.nn.Layer,
    shape: Sequence[int],
    *,
    learned: Mapping[str, float],
    batches: Sequence[np.ndarray],
    float_layers: Sequence[str],
) -> _Calibrated:
    """Take the quantizers out, rewrite the network for prediction, and find the range of each convolution's input.

    A range that was learned goes to whatever layer reads the same input now. The others are measured on `batches`.
    """
    import paddle

    from ppocr.modeling.deploy.prediction import for_prediction
    from ppocr.slim import pact
    from ppocr.slim.prune import matching
    from ppocr.slim.ranges import for_deployment, observe
    from ppocr.slim.stored import is_depthwise

    plain = copy.deepcopy(model)
    trained = pact.remove_quantizers(plain)
    plain.eval()
    # The network itself says whether depthwise convolutions were trained with rounding; the configuration may not.
    rounds_depthwise = any(is_depthwise(layer) for name, layer in plain.named_sublayers() if name in trained)
    example = paddle.zeros(example_shape(shape))
    network, reads = for_prediction(plain, example)
    convolutions = {name for name, layer in network.named_sublayers() if type(layer) is paddle.nn.Conv2D}

    def carried_over(by_training_layer: Mapping[str, float]) -> Dict[str, float]:
        sources = {name: source for name, source in reads.items() if name in convolutions}
        return {name: by_training_layer[source] for name, source in sources.items() if by_training_layer.get(source)}

    ranges = carried_over({**trained, **learned})
    # Learned ranges come last, so that they win over measured ones.
    if batches and convolutions - set(ranges):
        ranges = {**observe(network, batches), **ranges}
    in_float = set(matching(list(ranges), float_layers))
    ranges = {name: range_ for name, range_ in ranges.items() if name not in in_float}
    ranges = for_deployment(network, ranges, example) if ranges else {}
    return _Calibrated(network, ranges, carried_over(trained), rounds_depthwise)


@dataclass(frozen=True)
class _Form:
    """One way to execute the network, written to a folder of its own."""

    folder: Path
    program: str
    runtime: PaddleRuntime


def _convert(calibrated: _Calibrated, shape: Sequence[int], temporary: Path) -> Dict[str, _Form]:
    """Write every form: `float`, and those of `INT8_FORMS` where ranges are known.

    Raises:
        ModelError: the float form does not compute what the network with rounded weights does.
    """
    from ppocr.slim.old_ir import save_old_program
    from ppocr.slim.stored import execute_in_8_bits, store_in_8_bits

    def folder_of(name: str) -> Path:
        folder = temporary / f".{name}"
        folder.mkdir()
        return folder

    folder = folder_of("float")
    stored = store_in_8_bits(copy.deepcopy(calibrated.network), depthwise=calibrated.rounds_depthwise)
    save_program(stored, shape, folder)
    # Against the network with rounded weights: exporting must not change anything, rounding may.
    difference = largest_difference(stored, folder, example_batches(shape))
    if not difference <= MAX_DIFFERENCE:
        raise ModelError(f"not written: the exported model differs from the network by {difference:.1e}")
    forms = {"float": _Form(folder, PROGRAM, PaddleRuntime(folder / PROGRAM, folder / PARAMS, threads=1))}
    for name, depthwise in INT8_FORMS.items() if calibrated.ranges else ():
        folder = folder_of(name)
        network = execute_in_8_bits(copy.deepcopy(calibrated.network), calibrated.ranges, depthwise=depthwise)
        network.eval()
        save_old_program(network, shape, folder / "inference")
        runtime = PaddleRuntime(folder / OLD_PROGRAM, folder / PARAMS, threads=1, precision="int8")
        forms[name] = _Form(folder, OLD_PROGRAM, runtime)
    return forms


def _keep(forms: Mapping[str, _Form], chosen: str, directory: Path) -> None:
    """Leave in `directory` the files of the chosen form alone."""
    for path in forms[chosen].folder.iterdir():
        path.rename(directory / path.name)
    for form in forms.values():
        shutil.rmtree(form.folder)
