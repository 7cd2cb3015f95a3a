"""What happens beside the training loop: the log, scalars for a viewer, evaluation, checkpoints."""

from __future__ import annotations

import collections
import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Deque, Dict

import numpy as np
import paddle

from ppocr.data.loader import Loader
from ppocr.engine.checkpoint import save_checkpoint
from ppocr.engine.evaluate import evaluate
from ppocr.engine.trainer import Hook, Trainer
from ppocr.errors import TrainingError
from ppocr.metrics.tasks import Metric

logger = logging.getLogger(__name__)


class Log(Hook):
    """A line every `Global.print_batch_step` steps: losses, rate, time of a step, of that spent waiting, time left.

    Times and losses are means over the last `Global.log_smooth_window` steps.
    """

    def begin(self, trainer: Trainer) -> None:
        window = trainer.options.log_smooth_window
        self._losses: Deque[Dict[str, float]] = collections.deque(maxlen=window)
        self._steps: Deque[tuple] = collections.deque(maxlen=window)  # seconds, seconds waited, pictures
        self._last = time.perf_counter()
        total = len(trainer.loader) * trainer.options.epoch_num
        logger.info(
            "training from step %d of %d (epochs of %d batches), %d process(es) on %s",
            trainer.step, total, len(trainer.loader), trainer.environment.world_size, trainer.environment.device,
        )  # fmt: skip

    def after_step(self, trainer: Trainer) -> None:
        now = time.perf_counter()
        self._losses.append(trainer.losses)
        self._steps.append((now - self._last, trainer.wait, len(trainer.batch["places"])))
        self._last = now
        if trainer.step % trainer.options.print_batch_step and trainer.next_batch != len(trainer.loader):
            return
        seconds, waited, pictures = np.sum(self._steps, axis=0) / len(self._steps)
        left = len(trainer.loader) * (trainer.options.epoch_num - trainer.epoch) - trainer.next_batch
        losses = {name: float(np.mean([entry[name] for entry in self._losses])) for name in trainer.losses}
        logger.info(
            "epoch: [%d/%d], global_step: %d, lr: %.6f, %s, avg_reader_cost: %.3f s, avg_batch_cost: %.3f s, "
            "ips: %.2f samples/s, eta: %s",
            trainer.epoch + 1, trainer.options.epoch_num, trainer.step, trainer.optimizer.rate(trainer.step - 1),
            ", ".join(f"{name}: {value:.4f}" for name, value in losses.items()), waited, seconds,
            pictures * trainer.environment.world_size / seconds, timedelta(seconds=round(seconds * left)),
        )  # fmt: skip

    def after_epoch(self, trainer: Trainer) -> None:
        if trainer.loader.skipped:
            logger.warning("epoch %d: %d bad samples were left out", trainer.epoch, len(trainer.loader.skipped))


class BatchMetric(Hook):
    """`Global.cal_metric_during_train`: the metric of a batch as it was predicted while training (rec, cls)."""

    def __init__(self, metric: Metric):
        self._metric = metric

    def after_step(self, trainer: Trainer) -> None:
        if trainer.step % trainer.options.print_batch_step:
            return
        outputs, main = trainer.outputs, getattr(trainer.experiment.model, "main", None)
        outputs = outputs if main is None else outputs[main]["head_out"]
        outputs = outputs["ctc"] if isinstance(outputs, dict) else outputs
        labels = {name: v.numpy() if paddle.is_tensor(v) else v for name, v in trainer.batch.items()}
        if labels.get("label", np.zeros(1)).dtype.kind == "f":  # mixed pictures have no single label
            return
        self._metric.reset()
        predictions = trainer.experiment.predictions(outputs.astype("float32").numpy(), labels, logits=True)
        self._metric.add(predictions, labels)
        results = ", ".join(f"{name}: {value:.4f}" for name, value in self._metric.results().items())
        logger.info("this batch: %s", results)


class Scalars(Hook):
    """Losses, rate and evaluation results for VisualDL or TensorBoard.

    Args:
        writer: with `add_scalar(tag, value, step)`.
    """

    def __init__(self, writer: Any):
        self._writer = writer

    def after_step(self, trainer: Trainer) -> None:
        scalars = {}
        if trainer.step % trainer.options.print_batch_step == 0:
            scalars = {f"train/{name}": value for name, value in trainer.losses.items()}
            scalars["train/lr"] = trainer.optimizer.rate(trainer.step - 1)
        if trainer.evaluated_at == trainer.step:
            scalars.update({f"eval/{name}": value for name, value in trainer.results.items()})
        self._write(lambda writer: [writer.add_scalar(tag, value, trainer.step) for tag, value in scalars.items()])

    def end(self, trainer: Trainer) -> None:
        self._write(lambda writer: writer.close())

    def _write(self, write: Callable[[Any], Any]) -> None:
        """A curve is not worth a run: on a full disk it ends, and training goes on."""
        if self._writer is None:
            return
        try:
            write(self._writer)
        except OSError as error:
            logger.warning("scalars cannot be written: %s: they end here", error.strerror or error)
            self._writer = None


class Evaluate(Hook):
    """Evaluation every so many steps and at the end; the best weights are kept as `best_accuracy`.

    Args:
        loader: of `Eval`.
        metric: decides which weights are best.
        start, interval: `Global.eval_batch_step`: evaluate each `interval` steps after step `start`.
    """

    def __init__(self, loader: Loader, metric: Metric, *, start: int, interval: int):
        self._loader, self._metric, self._start, self._interval = loader, metric, start, interval

    def after_step(self, trainer: Trainer) -> None:
        since = trainer.step - self._start
        if since > 0 and since % self._interval == 0:
            self._evaluate(trainer)

    def end(self, trainer: Trainer) -> None:
        if trainer.evaluated_at != trainer.step:
            self._evaluate(trainer)

    def _evaluate(self, trainer: Trainer) -> None:
        with trainer.averaged():
            trainer.results = evaluate(trainer.experiment, self._loader, self._metric)
        trainer.evaluated_at = trainer.step
        value = trainer.results[self._metric.main_indicator]
        logger.info("step %d: %s", trainer.step, ", ".join(f"{k}: {v:.4f}" for k, v in trainer.results.items()))
        if trainer.best and value <= trainer.best[self._metric.main_indicator]:
            return
        trainer.best = {**trainer.results, "epoch": trainer.epoch + bool(trainer.next_batch), "step": trainer.step}
        if trainer.environment.is_main:
            _save(trainer, "best_accuracy")
        logger.info("step %d: best %s so far: %.4f", trainer.step, self._metric.main_indicator, value)


class Checkpoints(Hook):
    """`latest` after each epoch and every `Global.save_batch_step` steps, `iter_epoch_N` every few epochs.

    It comes last, so that what the other hooks noted is saved as well.
    """

    def after_step(self, trainer: Trainer) -> None:
        every = trainer.options.save_batch_step
        if every and trainer.step % every == 0:
            self._save(trainer, "latest")

    def after_epoch(self, trainer: Trainer) -> None:
        self._save(trainer, "latest")
        if trainer.epoch % trainer.options.save_epoch_step == 0:
            self._save(trainer, f"iter_epoch_{trainer.epoch}")

    def end(self, trainer: Trainer) -> None:
        self._save(trainer, "latest")

    def _save(self, trainer: Trainer, name: str) -> None:
        if trainer.environment.is_main:
            _save(trainer, name)


def _save(trainer: Trainer, name: str) -> None:
    """Write a checkpoint into the run's folder.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    prefix = trainer.experiment.output / name
    try:
        save_checkpoint(prefix, trainer.checkpoint())
    except OSError as error:
        raise TrainingError(
            f"{prefix}: cannot be written after step {trainer.step}: {error.strerror or error}. What was saved before "
            "is whole: make room, and go on with --resume"
        ) from error


def scalar_writer(folder: Path) -> Any:
    """A writer of the package that is installed: VisualDL, else TensorBoard's; None if there is neither."""
    try:
        from visualdl import LogWriter

        return LogWriter(str(folder))
    except ImportError:
        pass
    try:
        from tensorboardX import SummaryWriter

        return SummaryWriter(str(folder))
    except ImportError:
        return None
