"""Training a configuration, as the command runs it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import yaml

from ppocr.config import Config, GlobalOptions
from ppocr.engine.experiment import Experiment
from ppocr.engine.hooks import BatchMetric, Checkpoints, Evaluate, Log, Scalars, scalar_writer
from ppocr.engine.trainer import Hook, Trainer
from ppocr.errors import ConfigError, TrainingError
from ppocr.utils.atomic import replacing_file

logger = logging.getLogger(__name__)


def train(config: Config) -> Dict[str, float]:
    """Train as `config` says, writing checkpoints, log and a copy of the configuration to `Global.save_model_dir`.

    Returns:
        The best results of an evaluation, with `epoch` and `step`; empty if there was none.

    Raises:
        ConfigError: problems of the configuration.
        TrainingError: the loss is no number any more, or a checkpoint cannot be written.
        DataError: the pictures cannot be used.
        ModelError: weights that do not fit.
    """
    experiment = Experiment(config)
    trainer = Trainer(experiment)
    trainer.hooks = training_hooks(trainer)
    if experiment.environment.is_main:
        with replacing_file(experiment.output / "config.yml") as path:
            text = yaml.safe_dump(experiment.config.to_dict(), allow_unicode=True, sort_keys=False)
            path.write_text(text, encoding="utf-8")
    if experiment.slim is not None and experiment.slim.is_new:
        experiment.slim.calibrate(experiment.model, (np.asarray(batch["image"]) for batch in trainer.loader.epoch(0)))
    trainer.run()
    return trainer.best


def _keep_config(config: Config, path: Path) -> None:
    try:
        with replacing_file(path) as temporary:
            text = yaml.safe_dump(config.to_dict(), allow_unicode=True, sort_keys=False)
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror or error}") from error


def training_hooks(trainer: Trainer) -> List[Hook]:
    """What `Global` asks for beside the loop; checkpoints last, so that they hold what the others found."""
    experiment, options = trainer.experiment, trainer.options
    hooks: List[Hook] = []
    if trainer.environment.is_main:
        hooks.append(Log())
        if options.cal_metric_during_train and experiment.task != "det":
            hooks.append(BatchMetric(experiment.metric()))
    if experiment.config.at("Eval.dataset.name"):
        start, interval = evaluation_steps(options, len(trainer.loader))
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


def evaluation_steps(options: GlobalOptions, batches: int) -> Tuple[int, int]:
    """(start, interval) in steps: evaluate each `interval` steps after step `start`.

    Args:
        options: `eval_batch_epoch`, epochs, first as in PaddleOCR; else `eval_batch_step`, [start, interval]
            or an interval; else once an epoch.
        batches: steps of an epoch.

    Raises:
        ConfigError: one of them is none of these.
    """
    epochs, setting = options.eval_batch_epoch, options.eval_batch_step
    if epochs is not None:
        if epochs < 1:
            raise ConfigError([f"Global.eval_batch_epoch: expected a number of epochs from 1 on, came {epochs!r}"])
        return 0, epochs * batches
    if setting is None:
        return 0, batches
    if isinstance(setting, int):
        setting = [0, setting]
    if len(setting) != 2 or setting[1] < 1:
        raise ConfigError([f"Global.eval_batch_step: expected [start, interval] or an interval, came {setting!r}"])
    return setting[0], setting[1]
