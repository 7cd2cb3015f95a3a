"""One of several processes: trains CONFIG and writes what it saw and what it ended with to FOLDER/rankN.json."""

import hashlib
import json
import sys
from pathlib import Path

from ppocr.config import load_config
from ppocr.engine.evaluate import evaluate
from ppocr.engine.experiment import Experiment
from ppocr.engine.trainer import Hook, Trainer


class Witness(Hook):
    def __init__(self):
        self.epochs = [[]]

    def after_step(self, trainer):
        self.epochs[-1].append(trainer.batch["places"])

    def after_epoch(self, trainer):
        self.epochs.append([])


def main(config, folder):
    experiment, witness = Experiment(load_config(config)), Witness()
    Trainer(experiment, [witness]).run()
    metric = experiment.metric()
    results = evaluate(experiment, experiment.loader("Eval"), metric)
    digest = hashlib.sha256()
    for _, parameter in sorted(experiment.model.named_parameters()):
        digest.update(parameter.numpy().tobytes())
    told = {
        "epochs": witness.epochs[:-1],
        "weights": digest.hexdigest(),
        "counts": metric.counts().tolist(),
        "acc": results["acc"],
    }
    rank = experiment.environment.rank
    (Path(folder) / f"rank{rank}.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
