"""Each network learns eight pictures by heart: loss near 0, all texts, boxes and directions right (`make smoke`)."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "e2e"))
from tiny_sets import tiny_config

from ppocr.config import Config
from ppocr.engine.evaluate import evaluate
from ppocr.engine.experiment import Experiment
from ppocr.engine.trainer import Hook, Trainer

# task → (learning rate, most steps, loss that is near enough to 0)
# The detector's is the sum of three, one of them times 5, one times 10.
GOALS = {"rec": (0.005, 250, 0.05), "cls": (0.002, 150, 0.01), "det": (0.01, 200, 0.5)}


class Learnt(Exception):
    """The goal is reached; ends the run."""


class Goal(Hook):
    """Stops when the loss is small and the network in `eval()` mode makes no mistake."""

    def __init__(self, experiment: Experiment, loss: float):
        self.experiment, self.loss = experiment, loss
        self.loader, self.metric = experiment.loader("Eval"), experiment.metric()

    def after_step(self, trainer: Trainer) -> None:
        if trainer.step % 25 or trainer.losses["loss"] > self.loss:
            return
        results = evaluate(self.experiment, self.loader, self.metric)
        if results[self.metric.main_indicator] == 1.0:
            raise Learnt(f"loss {trainer.losses['loss']:.4f} and {results} after {trainer.step} steps")


def learn(task: str) -> bool:
    """Whether a fresh network learns the pictures."""
    rate, steps, loss = GOALS[task]
    with tempfile.TemporaryDirectory() as folder:
        config = tiny_config(task, Path(folder), count=8, batch=8, augment=False, epoch_num=steps)
        config["Optimizer"]["lr"] = {"name": "Const", "learning_rate": rate, "warmup_steps": 5}
        if task == "rec":
            config["Architecture"]["Neck"] = {"name": "SequenceEncoder", "encoder_type": "reshape"}
        experiment = Experiment(Config(config))
        begin = time.monotonic()
        trainer = Trainer(experiment, [Goal(experiment, loss)])
        try:
            trainer.run()
        except Learnt as success:
            print(f"{task}: {success} ({time.monotonic() - begin:.0f} s)", flush=True)
            return True
        results = evaluate(experiment, experiment.loader("Eval"), experiment.metric())
        print(f"{task}: not learnt after {steps} steps: {trainer.losses}, {results}", file=sys.stderr)
        return False


if __name__ == "__main__":
    logging.disable(logging.INFO)
    sys.exit(0 if all(list(map(learn, sys.argv[1:] or GOALS))) else 1)
