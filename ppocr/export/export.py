"""From a trained network to a model directory: `inference.json`, `inference.pdiparams`, `inference.yml`.

The directory is all that a predictor needs, in PaddleOCR 3.x's layout. It is written only if Paddle Inference, the
engine that will run it, computes the same probabilities from it as the network in memory.
"""

from __future__ import annotations

import errno
import functools
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional, Sequence

import numpy as np
import yaml

from ppocr.config import Config
from ppocr.engine.build import FREE_AXIS, input_shape
from ppocr.errors import ConfigError, ModelError
from ppocr.export.onnx_file import DICTIONARY, PROGRAM, remove_paddle_files, write_onnx
from ppocr.infer.integrity import write_sealed
from ppocr.infer.model_dir import LOGITS, ONNX, PARAMS, SPEC
from ppocr.infer.runtimes.base import Runtime
from ppocr.infer.runtimes.onnxruntime import OnnxRuntime
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.postprocess.distillation import plain_postprocess
from ppocr.utils.atomic import replacing_directory
from ppocr.utils.dictionary import build_charset
from ppocr.utils.networks import example_shape, main_network, predict

if TYPE_CHECKING:
    import paddle

logger = logging.getLogger(__name__)

MAX_DIFFERENCE = 1e-4  # of every probability; float32 in another order of summation differs by about 1e-6
# Where a recogniser doubts between two characters, as it does on noise, rounding grows (see `official.agreement`).
MAX_DIFFERENCE_ON_NOISE = 1e-3
OLD_PROGRAM = "inference.pdmodel"  # what int8 execution needs
_OWN_FILES = frozenset({PROGRAM, OLD_PROGRAM, PARAMS, SPEC, LOGITS, ONNX, DICTIONARY, "inference.pdiparams.info"})
MIN_FREE_BYTES = 4096  # bytes: with less the disk is full


@dataclass(frozen=True)
class ExportReport:
    """What `export_model` wrote.

    Attributes:
        directory: the model directory.
        size: bytes of graph and weights.
        difference: largest difference of a probability between the network and the exported model.
    """

    directory: Path
    size: int
    difference: float

    @property
    def quality(self) -> str:
        """For a message."""
        return f"differs from the network by {self.difference:.1e} at most"


def export_model(
    model: paddle.nn.Layer, config: Config, directory: Path, *, check: Optional[Callable[[Path], None]] = None,
    form: str = "paddle",
) -> ExportReport:  # fmt: skip
    """Write `model` as a model directory and check that it computes the same.

    `directory` appears whole or not at all; an older model in it is replaced.

    Args:
        model: as `build_model(config)` made it; not changed.
        config: says the task, the pre- and the post-processing.
        check: called with the directory before it is put in place; what it raises keeps it from being written. With
            one that compares results, probabilities may differ by `MAX_DIFFERENCE_ON_NOISE` on noise.
        form: "paddle", "onnx" or "both": which files to write.

    Raises:
        MissingExtraError: `form` needs onnxruntime or paddle2onnx, and it is not installed.
        ModelError: the exported model differs from the network by more than `MAX_DIFFERENCE`, Paddle cannot export or
            load it, or `directory` holds other files.
        ConfigError: `config` lacks what `inference.yml` must say.
        OSError: the disk is full or not writable.
    """
    model = main_network(model)
    spec = inference_spec(config)
    shape = input_shape(config)
    refuse_other_files(directory)
    with replacing_directory(directory) as temporary:
        save_program(model, shape, temporary)
        if form != "paddle":
            write_onnx(temporary, spec["PostProcess"].get("character_dict"))
        difference = largest_difference(model, temporary, example_batches(shape))
        allowed = MAX_DIFFERENCE if check is None else MAX_DIFFERENCE_ON_NOISE
        if not difference <= allowed:  # NaN is a difference too
            raise ModelError(
                f"{directory}: not written: the exported model differs from the network by {difference:.1e} "
                f"(at most {allowed:.0e} is allowed)"
            )
        if form == "onnx":
            remove_paddle_files(temporary)
        write_spec(spec, temporary)
        if check is not None:
            check(temporary)
        size = network_bytes(temporary)
    return ExportReport(directory, size, difference)


def inference_spec(config: Config) -> dict[str, Any]:
    """The content of `inference.yml`.

    Raises:
        ConfigError: sections are missing, or the dictionary is not readable.
    """
    problems = [
        f"{key}: missing; a model directory needs it"
        for key in ("Architecture.model_type", "Eval.dataset.transforms", "PostProcess.name")
        if config.at(key) is None
    ]
    if problems:
        raise ConfigError(problems)
    steps = [_for_prediction(step) for step in config.plain("Eval.dataset.transforms")]
    post = plain_postprocess(config.plain("PostProcess"))
    options = config.options
    charset = build_charset(config)
    if charset is not None:  # the final list: whoever reads it need not know how the space is counted
        post.update(character_dict=charset.characters, use_space_char=False)
    return {
        "Global": {"model_name": options.model_name or config.at("Architecture.algorithm")},
        "PreProcess": {"transform_ops": [step for step in steps if step]},
        "PostProcess": post,
    }


def _for_prediction(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step of the evaluation's transforms without what only labelled pictures have; empty if nothing is left."""
    (name, settings), *_ = step.items()
    if name.endswith("LabelEncode"):
        return {}
    if name == "KeepKeys":
        return {name: {"keep_keys": [key for key in settings["keep_keys"] if key in ("image", "shape")]}}
    return {name: settings}


def write_spec(spec: Mapping[str, Any], directory: Path) -> None:
    """Write `inference.yml`, the last file of a directory: it holds the sizes and hashes of the others."""
    text = yaml.safe_dump(dict(spec), allow_unicode=True, sort_keys=False, default_flow_style=None, width=118)
    write_sealed(directory / SPEC, text)


def refuse_other_files(directory: Path) -> None:
    """Raises:
    ModelError: `directory` holds what no export wrote.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise ModelError(f"{directory}: exists and is not a directory")
    others = sorted(path.name for path in directory.iterdir() if path.name not in _OWN_FILES)
    if others:
        raise ModelError(
            f"{directory}: holds other files ({', '.join(others[:3])}); export into a directory of the model's own"
        )


def save_program(model: paddle.nn.Layer, shape: Sequence[int], directory: Path) -> None:
    """Write the graph and the weights, and for a head that can leave out its softmax a second graph that does."""
    import paddle

    from ppocr.modeling.deploy.prediction import for_prediction

    fused = for_prediction(model, paddle.zeros(example_shape(shape))).network
    _trace(fused, shape, directory)
    head = getattr(fused, "head", None)
    if head is not None and hasattr(head, "logits"):
        # Predictors take the softmax of the few characters that they find; over thousands of classes and all columns it
        # takes longer than the last layer. Both graphs read one file of weights, which must therefore be the same.
        head.logits = True
        with tempfile.TemporaryDirectory(dir=directory) as folder:
            again = Path(folder)
            _trace(fused, shape, again)
            if (again / PARAMS).read_bytes() != (directory / PARAMS).read_bytes():
                raise ModelError("the network without its softmax was exported with other weights")
            shutil.copyfile(again / PROGRAM, directory / LOGITS)


def _trace(model: paddle.nn.Layer, shape: Sequence[int], directory: Path) -> None:
    import paddle

    spec = paddle.static.InputSpec(list(shape), "float32", name="x")
    try:
        paddle.jit.save(paddle.jit.to_static(model, input_spec=[spec], full_graph=True), str(directory / "inference"))
    except Exception as error:  # whatever tracing or Paddle's C++ raises
        if isinstance(error, OSError):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()  # the rest is a traceback
        raise ModelError(f"Paddle cannot export the network: {reason}") from error
    if shutil.disk_usage(directory).free < MIN_FREE_BYTES:  # Paddle's C++ does not notice, and writes half a file
        raise OSError(errno.ENOSPC, "No space left on device", str(directory))


def example_batches(shape: Sequence[int]) -> list[np.ndarray]:
    """Noise in two sizes of batch and picture, values about as a normalised picture's.

    Two sizes, since an exported graph may have taken a number of the first one for a constant.
    """
    random = np.random.default_rng(0)
    batches = []
    for count, height, width in ((1, 96, 320), (3, 64, 96)):
        free = (count, 3, height, width)
        size = [given if axis == FREE_AXIS else axis for axis, given in zip(shape, free)]
        batches.append(random.uniform(-1, 1, size).astype(np.float32))
    return batches


def largest_difference(model: paddle.nn.Layer, directory: Path, batches: Iterable[np.ndarray]) -> float:
    """Largest absolute difference between a network's predictions and its exported model's, by each of its graphs.

    Args:
        batches: float32[N, C, H, W] each.

    Raises:
        ModelError: an engine cannot load or run the model.
    """
    runs: list[Callable[[np.ndarray], np.ndarray]] = [runtime.run for runtime in exported_models(directory)]
    if (directory / LOGITS).exists():
        logits = PaddleRuntime(directory / LOGITS, directory / PARAMS)
        runs.append(functools.partial(_run_logits, logits))
    differences = []
    for batch in batches:
        expected = predict(model, batch)
        differences += [np.abs(expected - run(batch)).max() for run in runs]
    return float(np.max(differences))  # Python's max would lose a NaN


def exported_models(directory: Path) -> list[Runtime]:
    """The forms of a model directory as predictors run them: by Paddle Inference, by onnxruntime, or both.

    Raises:
        ModelError: an engine cannot load it.
    """
    runtimes: list[Runtime] = []
    if (directory / PROGRAM).exists():
        runtimes.append(exported_model(directory))
    if (directory / ONNX).exists():
        runtimes.append(OnnxRuntime(directory / ONNX, directory / ONNX))
    return runtimes


def network_bytes(directory: Path) -> int:
    """Bytes of graphs and weights, without the second graph of recognisers."""
    files = (directory / name for name in (PROGRAM, OLD_PROGRAM, PARAMS, ONNX))
    return sum(path.stat().st_size for path in files if path.exists())


def exported_model(directory: Path) -> PaddleRuntime:
    """A model directory as predictors run it: on the CPU, with oneDNN, float32.

    Raises:
        ModelError: Paddle cannot load it.
    """
    return PaddleRuntime(directory / PROGRAM, directory / PARAMS)


def _run_logits(runtime: PaddleRuntime, batch: np.ndarray) -> np.ndarray:
    return _softmax(runtime.run(batch))


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)
