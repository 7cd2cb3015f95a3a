"""Exporting a configuration, as the command runs it."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import Any, Callable, List, Optional, Union

import numpy as np

from ppocr.config import Config
from ppocr.data.loader import Loader
from ppocr.engine.evaluate import read_pictures
from ppocr.engine.experiment import Experiment
from ppocr.errors import ConfigError
from ppocr.export.check import check_results, evaluation_loader
from ppocr.export.export import ExportReport, export_model
from ppocr.export.quantized import QuantizedReport, export_quantized
from ppocr.utils.networks import main_network

logger = logging.getLogger(__name__)

CALIBRATION_BATCHES = 8  # of `Eval` that give the ranges of inputs which training did not learn
JUDGED_PICTURES = {
    "det": 50,
    "cls": 1000,
    "rec": 1000,
}  # of `Eval`, for int8 execution


def export_config(config: Config, *, form: str = "paddle") -> Union[ExportReport, QuantizedReport]:
    """Write the network with its weights as a model directory, `Global.save_inference_dir`.

    Args:
        config: also says which weights.
        form: "paddle", "onnx" or "both": which files to write.

    Raises:
        MissingExtraError: `form` needs onnxruntime or paddle2onnx, and it is not installed.
        ConfigError: problems of the configuration, or it does not say which weights or where to.
        ModelError: the exported model does not compute the same.
    """
    directory = config.options.save_inference_dir
    if not directory:
        raise ConfigError(["Global.save_inference_dir: missing; name the model directory to write"])
    experiment = Experiment.with_weights(config)
    if experiment.slim is not None and experiment.slim.quantize is not None:
        settings = experiment.slim.quantize
        loader = evaluation_loader(experiment) if settings.execution != "float" else None
        return export_quantized(
            main_network(experiment.model), experiment.config, Path(directory), execution=settings.execution,
            float_layers=settings.deployed_in_float, batches=_calibration_batches(loader),
            score=_score(experiment, loader) if loader is not None else None, form=form,
        )  # fmt: skip

    def check(written: Path) -> None:
        logger.info("%d pictures are read as the network reads them", check_results(experiment, written))

    return export_model(experiment.model, experiment.config, Path(directory), check=check, form=form)


def _calibration_batches(loader: Optional[Loader]) -> List[np.ndarray]:
    """A few batches of pictures, float32[N, 3, H, W] each."""
    if loader is None:
        return []
    return [np.asarray(batch["image"]) for batch in itertools.islice(loader.epoch(0), CALIBRATION_BATCHES)]


def _score(experiment: Experiment, loader: Loader) -> Callable[[Any], float]:
    """The metric's main indicator on the first pictures of `Eval`, of what has `run(batch)`."""
    metric = experiment.metric()
    per_batch = max(1, experiment.config.at("Eval.loader.batch_size_per_card", 1))
    batches = -(-JUDGED_PICTURES[experiment.task] // per_batch)

    def score(runtime: Any) -> float:
        read_pictures(experiment, runtime.run, loader, metric, batches=batches)
        return metric.results()[metric.main_indicator]

    return score
