"""Training, evaluation and export of a configuration, as the commands run them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy as np
import yaml

from ppocr.config import Config
from ppocr.data.loader import Loader
from ppocr.engine.atomic import replacing_file
from ppocr.engine.evaluate import evaluate
from ppocr.engine.experiment import Experiment
from ppocr.engine.export import ExportReport, export_model
from ppocr.engine.hooks import BatchMetric, Checkpoints, Evaluate, Log, Scalars, scalar_writer
from ppocr.engine.quantized import QuantizedReport, export_quantized
from ppocr.engine.results_check import check_results
from ppocr.engine.trainer import Hook, Trainer
from ppocr.errors import ConfigError, LabelError

logger = logging.getLogger(__name__)

OBSERVED = 8  # batches of `Eval` that show how far inputs reach which training did not learn
JUDGED = {"det": 50, "cls": 1000, "rec": 1000}  # pictures of `Eval` on which int8 execution must be as good as float


def train(config: Config) -> Dict[str, float]:
    """Train as `config` says, writing checkpoints, log and a copy of the configuration to `Global.save_model_dir`.

    Returns:
        The best results of an evaluation, with `epoch` and `step`; empty if there was none.

    Raises:
        ConfigError: problems of the configuration.
        TrainingError: the loss is no number any more.
        DataError: the pictures cannot be used.
        ModelError: weights that do not fit.
    """
    experiment = Experiment(config)
    trainer = Trainer(experiment)
    trainer.hooks = training_hooks(trainer)
    if experiment.environment.is_main:
        with replacing_file(experiment.output / "config.yml") as path:
            path.write_text(yaml.safe_dump(config.to_dict(), allow_unicode=True, sort_keys=False), encoding="utf-8")
    if experiment.slim is not None and experiment.slim.is_new:
        experiment.slim.calibrate(experiment.model, (np.asarray(batch["image"]) for batch in trainer.loader.epoch(0)))
    trainer.run()
    return trainer.best


def training_hooks(trainer: Trainer) -> List[Hook]:
    """What `Global` asks for beside the loop; checkpoints last, so that they hold what the others found."""
    experiment, options = trainer.experiment, trainer.options
    hooks: List[Hook] = []
    if trainer.environment.is_main:
        hooks.append(Log())
        if options.cal_metric_during_train and experiment.task != "det":
            hooks.append(BatchMetric(experiment.metric()))
    if experiment.config.at("Eval.dataset.name"):
        start, interval = _evaluation_steps(options.eval_batch_step, len(trainer.loader))
        hooks.append(Evaluate(experiment.loader("Eval"), experiment.metric(), start=start, interval=interval))
    if options.use_visualdl and trainer.environment.is_main:
        writer = scalar_writer(experiment.output / "vdl")
        if writer is None:
            logger.warning(
                "Global.use_visualdl: neither visualdl nor tensorboardX is installed; no scalars are written"
            )
        else:
            hooks.append(Scalars(writer))
    return [*hooks, Checkpoints()]


def evaluate_config(config: Config) -> Dict[str, float]:
    """The results of the weights that `Global.checkpoints` or `Global.pretrained_model` names, on `Eval`.

    Raises:
        ConfigError: problems of the configuration, or no weights are named.
    """
    experiment = Experiment.with_weights(config)
    return evaluate(experiment, experiment.loader("Eval"), experiment.metric())


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


def _evaluation_steps(setting: object, batches: int) -> Tuple[int, int]:
    """`Global.eval_batch_step` as (start, interval): [start, interval], an interval, or once an epoch."""
    if setting is None:
        return 0, batches
    if isinstance(setting, int):
        setting = [0, setting]
    if len(setting) != 2 or setting[1] < 1:  # type: ignore[arg-type, index]
        raise ConfigError([f"Global.eval_batch_step: expected [start, interval] or an interval, came {setting!r}"])
    return setting[0], setting[1]  # type: ignore[index]
