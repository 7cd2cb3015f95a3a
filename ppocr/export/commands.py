"""Exporting a configuration, as the command runs it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Callable, List, Optional, Union

import numpy as np

from ppocr.config import Config
from ppocr.data.loader import Loader
from ppocr.engine.experiment import Experiment
from ppocr.errors import ConfigError, LabelError
from ppocr.export.check import check_results
from ppocr.export.export import ExportReport, export_model
from ppocr.export.quantized import QuantizedReport, export_quantized

logger = logging.getLogger(__name__)

OBSERVED = 8  # batches of `Eval` that show how far inputs reach which training did not learn
JUDGED = {"det": 50, "cls": 1000, "rec": 1000}  # pictures of `Eval` on which int8 execution must be as good as float


def export_config(config: Config) -> Union[ExportReport, QuantizedReport]:
    """Write the network with its weights as a model directory, `Global.save_inference_dir`.

    Raises:
        ConfigError: problems of the configuration, or it does not say which weights or where to.
        ModelError: the exported model does not compute the same.
    """
    directory = config.options.save_inference_dir
    if not directory:
        raise ConfigError(["Global.save_inference_dir: missing; name the model directory to write"])
    experiment = Experiment.with_weights(config)
    if experiment.slim is not None and experiment.slim.quantize is not None:
        settings = experiment.slim.quantize
        return export_quantized(
            experiment.model, config, Path(directory), execution=settings.execution,
            float_layers=settings.deployed_in_float, batches=_some_pictures(experiment), score=_score(experiment),
        )  # fmt: skip

    def check(written: Path) -> None:
        logger.info("%d pictures are read as the network reads them", check_results(experiment, written))

    return export_model(experiment.model, config, Path(directory), check=check)


def _some_pictures(experiment: Experiment) -> List[np.ndarray]:
    """A few batches of `Eval`, float32[N, 3, H, W]; none where its pictures are not at hand."""
    loader = _evaluation_loader(experiment)
    if loader is None:
        return []
    return [np.asarray(batch["image"]) for batch, _ in zip(loader.epoch(0), range(OBSERVED))]


def _score(experiment: Experiment) -> Optional[Callable[[Any], float]]:
    """The metric's main indicator on the first pictures of `Eval`, of what has `run(batch)`."""
    loader = _evaluation_loader(experiment)
    if loader is None:
        return None
    metric = experiment.metric()

    def score(runtime: Any) -> float:
        metric.reset()
        pictures = 0
        for batch in loader.epoch(0):
            metric.add(experiment.predictions(runtime.run(np.asarray(batch["image"])), batch), batch)
            pictures += len(batch["places"])
            if pictures >= JUDGED[experiment.task]:
                break
        return metric.results()[metric.main_indicator]

    return score


def _evaluation_loader(experiment: Experiment) -> Optional[Loader]:
    """That of `Eval`; None where its pictures are not at hand."""
    if not experiment.config.at("Eval.dataset.name"):
        return None
    try:
        return experiment.loader("Eval")
    except (ConfigError, LabelError) as error:
        logger.info("the pictures of Eval are not at hand: %s", str(error).splitlines()[0])
        return None
