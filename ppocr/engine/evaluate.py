"""How good the network is on the pictures of `Eval`, over all processes."""

from __future__ import annotations

import time
from typing import Dict

import paddle

from ppocr.config import Config
from ppocr.data.loader import Loader
from ppocr.engine.experiment import Experiment
from ppocr.metrics.tasks import Metric


def evaluate(experiment: Experiment, loader: Loader, metric: Metric) -> Dict[str, float]:
    """Run the network in `eval()` mode over an epoch of `loader`; its mode is restored afterwards.

    Each process takes its own share of the pictures, and the counts are added up.

    Returns:
        The metric's results, and `fps`: pictures a second of this process, everything included.
    """
    model, begin, pictures = experiment.model, time.perf_counter(), 0
    metric.reset()
    experiment.environment.share_statistics(model)
    model.eval()
    try:
        with paddle.no_grad():
            for batch in loader.epoch(0):
                outputs = model(paddle.to_tensor(batch["image"])).numpy()
                metric.add(experiment.predictions(outputs, batch), batch)
                pictures += len(batch["places"])
    finally:
        experiment.train_mode()
    metric.set_counts(experiment.environment.sum(metric.counts()))
    return {**metric.results(), "fps": pictures / (time.perf_counter() - begin)}


def evaluate_config(config: Config) -> Dict[str, float]:
    """The results of the weights that `Global.checkpoints` or `Global.pretrained_model` names, on `Eval`.

    Raises:
        ConfigError: problems of the configuration, or no weights are named.
    """
    experiment = Experiment.with_weights(config)
    return evaluate(experiment, experiment.loader("Eval"), experiment.metric())
