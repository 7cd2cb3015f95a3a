"""Learning rates as functions of the step alone.

Nothing is counted here, so nothing has to be saved: a run that is resumed at step n has the rate of step n.
"""

from __future__ import annotations

import bisect
import math
from abc import ABC, abstractmethod
from typing import List, Optional


class Schedule(ABC):
    """A warm-up from 0 to the first rate, then what the subclass says of the rest.

    Args:
        learning_rate: the rate after the warm-up.
        warmup_epoch: length of the warm-up in epochs, or instead of it
        warmup_steps: in steps.
        epochs, steps_per_epoch: of the whole run; the builder gives them.

    Raises:
        ValueError: a rate that is not positive, both lengths of the warm-up, or a warm-up longer than the run.
    """

    def __init__(
        self,
        learning_rate: float,
        *,
        warmup_epoch: float,
        warmup_steps: Optional[int],
        epochs: int,
        steps_per_epoch: int,
    ):
        if learning_rate <= 0:
            raise ValueError(f"learning_rate must be positive, came {learning_rate}")
        if warmup_epoch and warmup_steps is not None:
            raise ValueError("warmup_epoch and warmup_steps are two ways to say the same: give one of them")
        self.learning_rate = learning_rate
        self.steps_per_epoch = steps_per_epoch
        self.total = epochs * steps_per_epoch
        self.warmup = round(warmup_epoch * steps_per_epoch) if warmup_steps is None else warmup_steps
        if not 0 <= self.warmup <= self.total:
            raise ValueError(f"a warm-up of {self.warmup} steps does not fit into a run of {self.total}")

    def __call__(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / (self.warmup + 1)  # never 0: that step would be wasted
        return self.after_warmup(step)

    def progress(self, step: int) -> float:
        """How much of the run after the warm-up is over, in [0, 1]."""
        return min(1.0, (step - self.warmup) / max(1, self.total - self.warmup))

    @abstractmethod
    def after_warmup(self, step: int) -> float:
        """The rate of a step at or after the end of the warm-up."""


class Const(Schedule):
    """The same rate throughout."""

    def __init__(
        self,
        learning_rate: float,
        epochs: int,
        steps_per_epoch: int,
        warmup_epoch: float = 0,
        warmup_steps: Optional[int] = None,
    ):
        super().__init__(
            learning_rate,
            warmup_epoch=warmup_epoch,
            warmup_steps=warmup_steps,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
        )

    def after_warmup(self, step: int) -> float:
        return self.learning_rate


class Cosine(Const):
    """Half a cosine, from the first rate to 0 at the end of the run (Loshchilov and Hutter 2017, SGDR)."""

    def after_warmup(self, step: int) -> float:
        return self.learning_rate * (1 + math.cos(math.pi * self.progress(step))) / 2


class Linear(Schedule):
    """A line, or a power of it, from the first rate to `end_lr` at the end of the run.

    Args:
        end_lr: the last rate.
        power: of the part of the run that is left; 1 for a line.
    """

    def __init__(
        self,
        learning_rate: float,
        epochs: int,
        steps_per_epoch: int,
        end_lr: float = 0.0,
        power: float = 1.0,
        warmup_epoch: float = 0,
        warmup_steps: Optional[int] = None,
    ):
        super().__init__(
            learning_rate,
            warmup_epoch=warmup_epoch,
            warmup_steps=warmup_steps,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
        )
        self.end_lr, self.power = end_lr, power

    def after_warmup(self, step: int) -> float:
        return self.end_lr + (self.learning_rate - self.end_lr) * (1 - self.progress(step)) ** self.power


class Piecewise(Schedule):
    """Rates by epoch.

    Args:
        decay_epochs: at which epoch each further rate begins, rising.
        values: the rates, one more than `decay_epochs`; or as many, as some official configurations have it: then the
            last epoch changes nothing.

    Raises:
        ValueError: the lists do not fit together.
    """

    def __init__(
        self,
        decay_epochs: List[int],
        values: List[float],
        epochs: int,
        steps_per_epoch: int,
        warmup_epoch: float = 0,
        warmup_steps: Optional[int] = None,
    ):
        if len(values) not in (len(decay_epochs), len(decay_epochs) + 1):
            raise ValueError(
                f"{len(decay_epochs)} decay_epochs need {len(decay_epochs) + 1} values, came {len(values)}"
            )
        if sorted(decay_epochs) != list(decay_epochs):
            raise ValueError(f"decay_epochs must rise, came {list(decay_epochs)}")
        super().__init__(
            values[0],
            warmup_epoch=warmup_epoch,
            warmup_steps=warmup_steps,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
        )
        self.decay_epochs, self.values = list(decay_epochs), list(values)

    def after_warmup(self, step: int) -> float:
        return self.values[bisect.bisect_right(self.decay_epochs, step // self.steps_per_epoch)]
