"""The training loop. What happens beside it is in hooks (`ppocr.engine.hooks`)."""

from __future__ import annotations

import contextlib
import logging
import math
import sys
import time
from typing import Any, ContextManager, Dict, Iterator, Mapping, Optional, Sequence

import numpy as np
import paddle

from ppocr.engine.checkpoint import Checkpoint, flatten, group_of
from ppocr.engine.experiment import Experiment
from ppocr.engine.weights import load_weights
from ppocr.errors import TrainingError
from ppocr.modeling.cpu import accelerate
from ppocr.optimizer.ema import MovingAverage

logger = logging.getLogger(__name__)

MAX_LISTED_PLACES = 16
FIRST_STEPS = 50  # whose mean loss tells what is usual
DIVERGED = 1000.0  # times that mean: the network is lost, and more steps would only overwrite the last good checkpoint


class Hook:
    """Something that happens beside the loop; each method may be left out."""

    def begin(self, trainer: Trainer) -> None:
        """Before the first step of this process."""

    def after_step(self, trainer: Trainer) -> None:
        """After the weights followed a batch."""

    def after_epoch(self, trainer: Trainer) -> None:
        """After the last batch of an epoch."""

    def end(self, trainer: Trainer) -> None:
        """After the last epoch."""


class Trainer:
    """Trains the network of an experiment, from where its checkpoint stands or from the beginning.

    All that is random in a step comes from the seed and the number of the step, so a run that was killed and goes on
    from its latest checkpoint ends with the same weights, bit by bit, as one that was not.

    Args:
        experiment: network and weights.
        hooks: called in this order.

    Attributes:
        epoch: the one under way, from 0; in `after_epoch` the next one.
        next_batch: number of the next batch in it.
        step: how many steps are done since the beginning of the run.
        results: of the latest evaluation, after step `evaluated_at`.
        best: the best results so far, with `epoch` and `step`; empty before the first evaluation.
        batch: the latest one, as tensors.
        outputs: of the network for it.
        losses: name → value of the latest step.
        wait: seconds for which the latest step waited for its batch.
    """

    def __init__(self, experiment: Experiment, hooks: Sequence[Hook] = ()):
        self.experiment, self.hooks = experiment, list(hooks)
        self.options, self.environment = experiment.options, experiment.environment
        self.loader = experiment.loader("Train")
        self.loss, self.teacher = experiment.loss(), experiment.teacher()
        self.optimizer = experiment.optimizer(len(self.loader))
        self.average = self._moving_average()
        self.epoch = self.next_batch = self.step = 0
        self.results: Dict[str, float] = {}
        self.evaluated_at = -1
        self.best: Dict[str, float] = {}
        self.first_loss = 0.0
        self.batch: Mapping[str, Any] = {}
        self.outputs: Any = None
        self.losses: Dict[str, float] = {}
        self.wait = 0.0
        self._scaler = self._loss_scaler()
        if experiment.checkpoint is not None:
            self._restore(experiment.checkpoint)
        if self.environment.device == "cpu":
            accelerate(experiment.model)
        parallel = self.environment.world_size > 1
        self._network = paddle.DataParallel(experiment.model) if parallel else experiment.model

    def run(self) -> None:
        """Train until `Global.epoch_num` epochs are done.

        Raises:
            TrainingError: the loss is no number any more, or far above that of the first steps.
            DataError: too many bad samples.
        """
        self.experiment.train_mode()
        self._notify_hooks("begin")
        while self.epoch < self.options.epoch_num:
            for batch in self._batches():
                self._step(batch)
                self._notify_hooks("after_step")
            self.epoch, self.next_batch = self.epoch + 1, 0
            self._notify_hooks("after_epoch")
        self._notify_hooks("end")

    def checkpoint(self) -> Checkpoint:
        """All that is needed to go on from here."""
        weights = {name: tensor.numpy() for name, tensor in self.experiment.model.state_dict().items()}
        groups = {"optimizer": self.optimizer.state()}
        if self.average is not None:  # `.pdparams` is for predicting, so the averages go there
            groups["weights"] = weights
            weights = {**weights, **self.average.state()}
        states = {
            "epoch": self.epoch,
            "next_batch": self.next_batch,
            "step": self.step,
            "best": self.best,
            "first_loss": self.first_loss,
            "batches": len(self.loader),
            "slim": self.experiment.slim_state(),
            "scaler": self._scaler_state(),
        }
        return Checkpoint(weights, flatten(**groups), states)

    def averaged(self) -> ContextManager[None]:
        """Inside the block the network has the weights to predict with: the moving averages, where they are kept."""
        return self.average.applied() if self.average is not None else contextlib.nullcontext()

    def _batches(self) -> Iterator[Dict[str, Any]]:
        """The rest of the epoch, as tensors."""
        batches = self.loader.epoch(self.epoch, self.next_batch)
        while True:
            begin = time.perf_counter()
            batch = next(batches, None)
            self.wait = time.perf_counter() - begin
            if batch is None:
                return
            yield {name: paddle.to_tensor(v) if isinstance(v, np.ndarray) else v for name, v in batch.items()}

    def _step(self, batch: Dict[str, Any]) -> None:
        """Forward, backward, update."""
        # Dropout of a step is the same whether or not the run was resumed before it.
        self.environment.seed_step(self.step)
        if self.teacher is not None:
            with paddle.no_grad():
                batch["teacher"] = self.teacher(batch["image"])
        with paddle.amp.auto_cast(self.options.use_amp, dtype=self.options.amp_dtype):
            outputs = self._network(batch["image"], batch)
        losses = self.loss(_as_float32(outputs), batch)
        self.losses = {name: float(value) for name, value in losses.items()}
        self.batch, self.outputs = batch, outputs
        # Before the update, so that the weights of the last step are still there.
        if not self.losses["loss"] <= self._largest_loss():
            raise TrainingError(self._diverged())
        self._scaler.scale(losses["loss"]).backward() if self._scaler else losses["loss"].backward()
        self.optimizer.update(self.step, self._scaler)
        self.step += 1
        self.next_batch = batch["number"] + 1
        if self.average is not None:
            self.average.update(self.step)

    def _largest_loss(self) -> float:
        """What the loss of this step may be; takes it into the mean of the first steps."""
        loss = self.losses["loss"]
        if self.step < FIRST_STEPS and math.isfinite(loss):
            self.first_loss += (loss - self.first_loss) / (self.step + 1)
        known = self.step >= FIRST_STEPS and self.first_loss > 0  # older checkpoints have none
        return DIVERGED * max(self.first_loss, 1.0) if known else sys.float_info.max

    def _diverged(self) -> str:
        places = self.batch["places"]
        listed = ", ".join(places[:MAX_LISTED_PLACES])
        more = f", and {len(places) - MAX_LISTED_PLACES} more" if len(places) > MAX_LISTED_PLACES else ""
        parts = ", ".join(f"{name} {value}" for name, value in self.losses.items())
        return (
            f"step {self.step} (epoch {self.epoch + 1}, batch {self.batch['number']}): {parts}; the first steps had "
            f"{self.first_loss:.4g}: the weights were not changed. Its pictures: {listed}{more}. If they are well, "
            "lower Optimizer.lr.learning_rate or set Optimizer.clip_norm_global"
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint; the experiment has loaded its weights."""
        states = checkpoint.states
        self.epoch, self.step, self.best = states["epoch"], states["step"], dict(states["best"])
        self.next_batch, self.first_loss = states["next_batch"], states.get("first_loss", 0.0)
        # With another number of batches the position says nothing: other samples would be in the batches before it.
        if self.next_batch and states["batches"] != len(self.loader):
            logger.warning(
                "an epoch had %d batches and has %d now: epoch %d begins anew",
                states["batches"], len(self.loader), self.epoch + 1,
            )  # fmt: skip
            self.next_batch = 0
        self.optimizer.restore(group_of(checkpoint.optimizer, "optimizer"))
        raw = group_of(checkpoint.optimizer, "weights")
        if self.average is not None and raw:
            self.average.restore({name: checkpoint.weights[name] for name in self.average.state()})
            load_weights(self.experiment.model, raw, source="the checkpoint")
        if self._scaler and states["scaler"]:
            self._scaler.load_state_dict(dict(states["scaler"], scale=np.array([states["scaler"]["scale"]], "float32")))

    def _moving_average(self) -> Optional[MovingAverage]:
        if not self.options.use_ema:
            return None
        return MovingAverage(self.experiment.model, self.options.ema_decay, self.options.ema_decay_type)

    def _loss_scaler(self) -> Any:
        """float16 has no small numbers: the loss is multiplied so that gradients are large enough."""
        if not self.options.use_amp or self.options.amp_dtype != "float16" or not self.options.use_gpu:
            return None
        return paddle.amp.GradScaler(
            init_loss_scaling=self.options.scale_loss,
            use_dynamic_loss_scaling=self.options.use_dynamic_loss_scaling,
        )

    def _scaler_state(self) -> Dict[str, float]:
        state = self._scaler.state_dict() if self._scaler else {}
        return {name: value if isinstance(value, (bool, int)) else float(value) for name, value in state.items()}

    def _notify_hooks(self, moment: str) -> None:
        for hook in self.hooks:
            getattr(hook, moment)(self)


def _as_float32(outputs: Any) -> Any:
    """Losses are computed in float32, whatever the network computed in."""
    if isinstance(outputs, Mapping):
        return {name: _as_float32(value) for name, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return [_as_float32(value) for value in outputs]
    return outputs.astype("float32")
