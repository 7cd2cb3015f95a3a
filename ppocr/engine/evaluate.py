"""How good a network is on the pictures of `Eval`, over all processes."""

from __future__ import annotations

import time
from typing import Callable, Dict, Optional

import numpy as np
import paddle

from ppocr.config import Config
from ppocr.data.loader import Loader
from ppocr.engine.experiment import Experiment
from ppocr.metrics.tasks import Metric
from ppocr.utils.networks import eval_mode


def evaluate(
    experiment: Experiment,
    loader: Loader,
    metric: Metric,
    *,
    network: Optional[paddle.nn.Layer] = None,
    batches: Optional[int] = None,
) -> Dict[str, float]:
    """Run a network in `eval()` mode over an epoch of `loader`; its mode is restored afterwards.

    Each process takes its own share of the pictures, and the counts are added up.

    Args:
        experiment: says what the outputs mean.
        network: by default the experiment's own.
        batches: only so many of the epoch, from its beginning.

    Returns:
        The metric's results, and `fps`: pictures a second of this process, everything included.
    """
    model = experiment.model if network is None else network
    begin = time.perf_counter()
    experiment.environment.share_statistics(model)
    with eval_mode(model):
        run = lambda pictures: model(paddle.to_tensor(pictures)).numpy()  # noqa: E731
        pictures = read_pictures(experiment, run, loader, metric, batches=batches)
    metric.set_counts(experiment.environment.sum(metric.counts()))
    return {**metric.results(), "fps": pictures / (time.perf_counter() - begin)}


def read_pictures(
    experiment: Experiment,
    run: Callable[[np.ndarray], np.ndarray],
    loader: Loader,
    metric: Metric,
    *,
    batches: Optional[int] = None,
) -> int:
    """Count in `metric` what `run` predicts for the pictures of an epoch.

    Args:
        run: float32[N, 3, H, W] → the network's outputs.
        batches: only so many.

    Returns:
        The number of pictures.
    """
    metric.reset()
    pictures = 0
    for number, batch in enumerate(loader.epoch(0), start=1):
        metric.add(experiment.predictions(run(np.asarray(batch["image"])), batch), batch)
        pictures += len(batch["places"])
        if number == batches:
            break
    return pictures


def evaluate_config(config: Config) -> Dict[str, float]:
    """The results of the weights that `Global.checkpoints` or `Global.pretrained_model` names, on `Eval`.

    Raises:
        ConfigError: problems of the configuration, or no weights are named.
    """
    experiment = Experiment.with_weights(config)
    return evaluate(experiment, experiment.loader("Eval"), experiment.metric())
