"""What `ppocr prune-sensitivity` and `ppocr quantize` do: slimming that is not training."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, List, Mapping, Optional, Sequence

import numpy as np

from ppocr.config import Config
from ppocr.engine.build import input_shape
from ppocr.engine.evaluate import evaluate
from ppocr.engine.experiment import Experiment
from ppocr.errors import ConfigError, ModelError
from ppocr.export.quantized import QuantizedReport, export_quantized

if TYPE_CHECKING:
    import paddle

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """What `measure_layers` found.

    Attributes:
        losses: layer → ratio → share of the score that is lost.
        ratios: layer → ratio that reaches the target; None without a target.
        size, flops: shares that then remain.
        lost: share of the score that is lost by all of them together, before any training.
    """

    losses: Mapping[str, Mapping[float, float]]
    ratios: Optional[Mapping[str, float]] = None
    size: float = 1.0
    flops: float = 1.0
    lost: float = 0.0


def measure_layers(
    config: Config,
    path: Path,
    *,
    ratios: Sequence[float],
    skip: Sequence[str] = (),
    max_batches: Optional[int] = None,
    target: Optional[Mapping[str, Optional[float]]] = None,
    log: Callable[[str], None],
) -> Measured:
    """Prune each layer alone, evaluate on `Eval`, and choose ratios for a target.

    Args:
        config: names the weights and the pictures.
        path: JSON that grows; what is in it is not measured again.
        ratios: shares of filters to try.
        skip: patterns of layers to leave alone.
        max_batches: of `Eval`; all by default.
        target: `size` or `flops` → share that shall remain.
        log: called with a line for each measurement.

    Raises:
        ConfigError: no weights or pictures are named, or a ratio is none.
        SlimError: the file belongs to another network or other pictures, or the target is out of reach.
    """
    from ppocr.slim.choice import choose_ratios, describe
    from ppocr.slim.cost import measure
    from ppocr.slim.fpgm import FPGM
    from ppocr.slim.prune import cut_of, matching, plan_pruning
    from ppocr.slim.sensitivity import Sensitivity, fingerprint, measure_sensitivity, measure_together
    from ppocr.utils.networks import example_shape

    wrong = [ratio for ratio in ratios if not 0 < ratio < 1]
    if wrong:
        raise ConfigError([f"--ratios: expected shares between 0 and 1, came {wrong[0]}"])
    experiment = Experiment.with_weights(config)
    model, shape = experiment.model, example_shape(input_shape(config))
    loader, metric = experiment.loader("Eval"), experiment.metric()
    batches = min(len(loader), max_batches or len(loader))
    known = f"{batches} batches of {config.at('Eval.dataset.label_file_list') or config.at('Eval.dataset.data_dir')}"
    measured = Sensitivity.resume(path, network=fingerprint(model), evaluation=known)
    fpgm, cost = FPGM(model, shape), measure(model, shape)
    used = {layer.weight for layer in cost.layers}  # what only training runs saves nothing
    skipped = set(matching(list(fpgm.groups), skip))
    layers = [name for name in fpgm.groups if name in used and name not in skipped]

    def score(network: paddle.nn.Layer) -> float:
        return evaluate(experiment, loader, metric, network=network, batches=batches)[metric.main_indicator]

    def report(number: int, count: int, text: str) -> None:
        log(f"{number}/{count} {text}")

    measure_sensitivity(fpgm, model, measured, score, layers=layers, ratios=sorted(ratios), log=report)
    if target is None:
        return Measured(measured.losses)
    judge = measure_together(fpgm, model, measured, score, log=log)
    chosen = choose_ratios(fpgm, cost, measured, target=target, skip=sorted(skipped), judge=judge)
    lost = judge({name: cut_of(fpgm.groups[name].size, ratio) for name, ratio in chosen.items()})
    pruned = measure(plan_pruning(fpgm, model, chosen).apply(model), shape)
    return Measured(measured.losses, describe(chosen), pruned.size / cost.size, pruned.flops / cost.flops, lost)


def quantize_trained(
    config: Config,
    directory: Path,
    pages: Sequence[np.ndarray],
    *,
    detector: Optional[str] = None,
    execution: str = "auto",
    float_layers: Sequence[str] = (),
) -> QuantizedReport:
    """Quantize a float network without training: ranges are taken from pictures.

    Args:
        config: names the weights.
        directory: model directory to write.
        pages: uint8[H, W, 3], BGR. For recogniser and classifier they are crops, or with `detector` pages whose crops
            it finds.
        detector: a model directory or family.
        execution, float_layers: of `export_quantized`.

    Raises:
        ConfigError, ModelError: no weights, no text on the pages, or the export is not what it should be.
    """
    from ppocr.engine.inputs import crop_batches, page_batches

    experiment = Experiment.with_weights(config)
    if experiment.task == "det":
        batches: List[np.ndarray] = list(page_batches(pages, config))
    else:
        crops = _crops(pages, detector) if detector is not None else list(pages)
        if experiment.task == "cls":  # pictures are upright as a rule, and both directions have to be decided rightly
            crops = [turned for crop in crops for turned in (crop, crop[::-1, ::-1])]
        batches = list(crop_batches(crops, config))
    if not batches:
        raise ModelError("no text was found on the pictures: nothing to calibrate on")
    return export_quantized(
        experiment.model, experiment.config, directory, batches=batches, execution=execution, float_layers=float_layers
    )


def _crops(pages: Sequence[np.ndarray], detector: str) -> List[np.ndarray]:
    from ppocr.infer.detector import TextDetector
    from ppocr.infer.options import OCROptions
    from ppocr.ops.boxes import crop_quad

    detect = TextDetector(OCROptions(det=detector))
    return [crop_quad(page, box) for page in pages for box in detect(page).boxes]
