"""Training as users run it: in processes of its own, killed and resumed, on two processors, refusing what is wrong."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_sets import tiny_config, write_config

from ppocr.config import Config, load_config
from ppocr.engine.checkpoint import load_checkpoint
from ppocr.engine.evaluate import evaluate_config
from ppocr.engine.experiment import Experiment
from ppocr.engine.hooks import Checkpoints
from ppocr.engine.predict import predict_pictures
from ppocr.engine.trainer import Trainer
from ppocr.errors import ConfigError, ModelError, TrainingError
from ppocr.export import export
from ppocr.export.check import check_results
from ppocr.export.commands import export_config
from ppocr.export.export import export_model
from ppocr.infer.runtimes.paddle import PaddleRuntime

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run_python(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen) -> str:
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    return output + errors


def kill_after(process: subprocess.Popen, states: Path, steps: int) -> None:
    """kill -9 as soon as a checkpoint of at least so many steps is there."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if states.is_file() and f'"step": {steps}' in states.read_text(encoding="utf-8"):
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return
        if process.poll() is not None:
            pytest.fail(process.communicate()[1])
        time.sleep(0.002)
    pytest.fail("no checkpoint in time")


def test_a_run_that_was_killed_ends_with_the_same_weights(tmp_path):
    """Workers, augmentation, moving averages and an LSTM; killed within an epoch, after a step whatever it is doing."""
    outputs = {}
    for name in ("straight", "killed"):
        config = tiny_config(
            "rec", tmp_path, count=24, batch=4, epoch_num=2, save_batch_step=1, use_ema=True, eval_batch_step=4
        )
        config["Train"]["loader"]["num_workers"] = 2
        config["Global"]["save_model_dir"] = str(tmp_path / name)
        path = write_config(config, tmp_path / f"{name}.yml")
        if name == "killed":
            kill_after(run_python("-m", "ppocr", "train", "-c", str(path)), tmp_path / name / "latest.states", 3)
        log = finish(run_python("-m", "ppocr", "train", "-c", str(path), "--resume"))
        assert "training from step 0 of 12" in log if name == "straight" else "training from step 0" not in log
        outputs[name] = load_checkpoint(tmp_path / name / "latest")
    straight, killed = outputs["straight"], outputs["killed"]
    assert straight.states["step"] == killed.states["step"] == 12
    for kind in ("weights", "optimizer"):
        ours, theirs = getattr(straight, kind), getattr(killed, kind)
        assert ours.keys() == theirs.keys()
        assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []
    assert {k: v for k, v in straight.states["best"].items() if k != "fps"} == {
        k: v for k, v in killed.states["best"].items() if k != "fps"
    }


def test_two_processes_train_one_network(tmp_path):
    """Equal parameters in both, each step's samples shared out, metrics of the whole set."""
    config = tiny_config("cls", tmp_path, count=14, batch=2, epoch_num=2)
    path = write_config(config, tmp_path / "two.yml")
    launcher = ("-m", "paddle.distributed.launch", "--nproc_per_node=2", "--backend=gloo", "--log_dir", str(tmp_path))
    script = Path(__file__).parent / "train_and_tell.py"
    finish(run_python(*launcher, str(script), str(path), str(tmp_path)))
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text(encoding="utf-8")) for rank in (0, 1))
    assert first["weights"] == second["weights"]
    assert first["counts"] == second["counts"] and first["counts"][1] == 14
    config["Train"]["loader"]["batch_size_per_card"] = 4  # one process with as large steps sees the same
    loader = Experiment(Config(config)).loader("Train")
    alone = [[sorted(batch["places"]) for batch in loader.epoch(epoch)] for epoch in range(2)]
    together = [
        [sorted(ours + theirs) for ours, theirs in zip(*epochs)] for epochs in zip(first["epochs"], second["epochs"])
    ]
    assert together == alone and sum(map(len, alone[0])) == 14
    assert all(set(ours).isdisjoint(theirs) for ours, theirs in zip(first["epochs"][0], second["epochs"][0]))


@pytest.mark.parametrize("factor", [math.nan, math.inf, 1e5])
def test_a_loss_that_is_no_number_or_huge_stops_the_run(tmp_path, factor, monkeypatch):
    """With the step and the names of the pictures, and without harm to the weights."""
    monkeypatch.setattr("ppocr.engine.trainer.FIRST_STEPS", 2)
    config = tiny_config("rec", tmp_path, epoch_num=3)
    experiment = Experiment(Config(config))
    trainer = Trainer(experiment)
    learn = trainer.loss
    trainer.loss = lambda outputs, batch: {
        name: value * (factor if trainer.step == 3 else 1) for name, value in learn(outputs, batch).items()
    }
    with pytest.raises(TrainingError) as caught:
        trainer.run()
    message = str(caught.value)
    assert message.startswith("step 3 (epoch 2, batch 1): loss ") and message.count("rec.txt:") == 4
    assert all(np.isfinite(tensor.numpy()).all() for tensor in experiment.model.state_dict().values())


@pytest.fixture(scope="module", params=["det", "rec", "cls"])
def experiment(request, tmp_path_factory):
    """A network that has seen two batches: it finds something, but knows nothing."""
    config = tiny_config(request.param, tmp_path_factory.mktemp(request.param), epoch_num=1)
    config["PostProcess"] = {**config["PostProcess"], **({"box_thresh": 0.0} if request.param == "det" else {})}
    experiment = Experiment(Config(config))
    Trainer(experiment, [Checkpoints()]).run()
    return experiment


def other_label(task, label):
    """What is labelled on a picture of which the network says `label`."""
    if task == "det":
        return json.dumps([{"transcription": "x", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]}])
    return {"0": "180", "180": "0"}[label] if task == "cls" else label + "x"


def test_weights_go_through_eval_predict_and_export(experiment, tmp_path):
    trained = f"Global.pretrained_model={experiment.output}/latest"
    folder = experiment.output.parent
    path = write_config(experiment.config.to_dict(), tmp_path / "x.yml")
    lines = predict_pictures(load_config(path, [trained, f"Global.infer_img={folder}"]), task=experiment.task)
    assert [line.split("\t")[0] for line in lines] == sorted(map(str, folder.glob("*.png")))
    # By labels that are what the network says of three pictures of eight, and another thing for the others
    labels = folder / "known.txt"
    found = [line.replace('"transcription": ""', '"transcription": "x"').split("\t")[:2] for line in lines]
    said = [label if number < 3 else other_label(experiment.task, label) for number, (_, label) in enumerate(found)]
    rows = [f"{picture}\t{label}\n" for (picture, _), label in zip(found, said)]
    labels.write_text("".join(rows), encoding="utf-8")
    results = evaluate_config(load_config(path, [trained, f"Eval.dataset.label_file_list=[{labels}]"]))
    assert results[experiment.metric().main_indicator] == 3 / 8 and results["fps"] > 0
    target = tmp_path / "model"
    report = export_config(load_config(path, [trained, f"Global.save_inference_dir={target}"]))
    assert report.difference < 1e-3 and check_results(experiment, target) == 8


def test_an_export_that_reads_otherwise_is_refused(experiment, tmp_path, monkeypatch):
    """The engine is made to mirror what it computes, and to round it to 0 and 1."""
    run = PaddleRuntime.run

    def wrong(self, batch):
        values = run(self, batch)[..., ::-1]
        return (values > np.median(values)).astype(np.float32)

    monkeypatch.setattr(PaddleRuntime, "run", wrong)
    monkeypatch.setattr(export, "largest_difference", lambda *_: 0.0)

    def check(directory):
        check_results(experiment, directory)

    with pytest.raises(ModelError, match=r"not written: on .*txt:\d+ the network finds .*, but the exported model"):
        export_model(experiment.model, experiment.config, tmp_path / "model", check=check)
    assert not (tmp_path / "model").exists()


def test_weights_must_be_named(experiment):
    with pytest.raises(ConfigError, match=r"Global\.pretrained_model: missing; .* Global\.pretrained_model=.*best_acc"):
        evaluate_config(experiment.config)
    with pytest.raises(ConfigError, match=r"Global\.save_inference_dir: missing"):
        export_config(experiment.config)
