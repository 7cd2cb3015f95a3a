"""What a configuration may ask of a training run, each on a few steps of a tiny network."""

from __future__ import annotations

import logging

import numpy as np
import paddle
import pytest
import yaml
from tiny_sets import tiny_config, write_config

from ppocr.cli.main import main
from ppocr.config import Config
from ppocr.engine.checkpoint import load_checkpoint
from ppocr.engine.experiment import Experiment
from ppocr.engine.hooks import Log, Scalars
from ppocr.engine.teacher import build_teacher
from ppocr.engine.train import train
from ppocr.engine.trainer import Hook, Trainer
from ppocr.errors import ConfigError, DataError
from ppocr.export.commands import export_config


def weights_of(model):
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


class Count(Hook):
    def __init__(self):
        self.moments = []

    def begin(self, trainer):
        self.moments.append("begin")

    def after_step(self, trainer):
        self.moments.append((trainer.epoch, trainer.next_batch, trainer.step))

    def after_epoch(self, trainer):
        self.moments.append(f"epoch {trainer.epoch}")

    def end(self, trainer):
        self.moments.append("end")


def test_hooks_are_told_every_moment(tmp_path):
    hook = Count()
    Trainer(Experiment(Config(tiny_config("cls", tmp_path, epoch_num=2))), [hook]).run()
    assert hook.moments == ["begin", (0, 1, 1), (0, 2, 2), "epoch 1", (1, 1, 3), (1, 2, 4), "epoch 2", "end"]


def test_frozen_parts_stay_as_they_were(tmp_path):
    experiment = Experiment(Config(tiny_config("cls", tmp_path, freeze=["backbone.*"])))
    before = weights_of(experiment.model)
    Trainer(experiment).run()
    after = weights_of(experiment.model)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"head.fc.weight", "head.fc.bias"}  # running means and variances stay too


@pytest.mark.parametrize("key", ["checkpoints", "pretrained_model"])
def test_weights_from_before_dictionaries_with_a_space_got_another(tmp_path, key):
    """Such runs had `use_space_char: true` and no class for a second space: they go on as they were."""
    dictionary = tmp_path / "dict.txt"
    dictionary.write_text("\n".join("abcdefghijklmnopqrstuvwxyzBEG0123456789 ") + "\n", encoding="utf-8")
    config = tiny_config("rec", tmp_path, character_dict_path=str(dictionary), use_space_char=False)
    train(Config(config))  # what use_space_char: true made of such a dictionary
    config["Global"] = {**config["Global"], "use_space_char": True}
    assert Experiment(Config(config)).charset.num_classes == 42  # a new run: blank, 39 characters, the space twice
    before = load_checkpoint(tmp_path / "output/latest").weights
    config["Global"][key] = str(tmp_path / "output/latest")
    experiment = Experiment(Config(config))
    assert experiment.model.head.out_channels == experiment.charset.num_classes == 41
    assert all(np.array_equal(before[name], value) for name, value in weights_of(experiment.model).items())
    config["Global"]["save_inference_dir"] = str(tmp_path / "exported")
    report = export_config(Config(config))
    post = yaml.safe_load((report.directory / "inference.yml").read_text(encoding="utf-8"))["PostProcess"]
    assert len(post["character_dict"]) == 40 and post["use_space_char"] is False
    train(Config(config))
    assert yaml.safe_load((tmp_path / "output/config.yml").read_text())["Global"]["use_space_char"] is False


def test_a_student_learns_from_a_teacher(tmp_path):
    (tmp_path / "teacher").mkdir()
    teacher = tiny_config("cls", tmp_path / "teacher")
    train(Config(teacher))
    config = tiny_config("cls", tmp_path, epoch_num=1)
    config["Loss"] = {
        "name": "CombinedLoss",
        "loss_config_list": [{"ClsLoss": {"weight": 0.5}}, {"SoftLogitsLoss": {"temperature": 2.0}}],
        "Teacher": {
            "config": str(write_config(teacher, tmp_path / "teacher.yml")),
            "pretrained_model": teacher["Global"]["save_model_dir"] + "/latest",
        },
    }
    trainer = Trainer(Experiment(Config(config)))
    before = weights_of(trainer.teacher)
    trainer.run()
    assert set(trainer.losses) == {"loss", "ClsLoss", "SoftLogitsLoss"} and trainer.losses["SoftLogitsLoss"] > 0
    assert all(np.array_equal(before[name], value) for name, value in weights_of(trainer.teacher).items())
    config["Loss"]["Teacher"]["wieghts"] = "x"
    with pytest.raises(ConfigError, match=r"Loss\.Teacher: expected the keys config and pretrained_model"):
        Trainer(Experiment(Config(config)))
    config["Loss"]["Teacher"] = {"model": str(tmp_path), "engine": "abacus"}
    with pytest.raises(ConfigError, match=r"Loss\.Teacher\.engine: expected one of paddle"):
        Trainer(Experiment(Config(config)))


def test_a_teacher_may_be_a_model_directory():
    """What an engine makes of a batch is what the student sees, in shape and kind."""
    teacher = build_teacher({"model": "slim", "engine": "paddle"}, "cls")
    found = teacher(paddle.zeros([2, 3, 48, 192]))
    assert found.shape == [2, 2] and found.stop_gradient
    np.testing.assert_allclose(found.sum(axis=1).numpy(), 1, atol=1e-5)


def test_averages_are_what_is_saved_to_predict_with(tmp_path):
    config = tiny_config("cls", tmp_path, epoch_num=1, use_ema=True, ema_decay=0.5, ema_decay_type="normal")
    experiment = Experiment(Config(config))
    start, steps = experiment.model.head.fc.weight.numpy(), []

    class Follow(Hook):
        def after_step(self, trainer):
            steps.append(experiment.model.head.fc.weight.numpy())

    trainer = Trainer(experiment, [Follow()])
    trainer.run()
    expected = start
    for weight in steps:
        expected = 0.5 * expected + 0.5 * weight
    np.testing.assert_allclose(trainer.checkpoint().weights["head.fc.weight"], expected, rtol=1e-5, atol=1e-7)
    assert np.array_equal(trainer.checkpoint().optimizer["weights/head.fc.weight"], steps[-1])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sixteen_bits_train(tmp_path, dtype):
    trainer = Trainer(Experiment(Config(tiny_config("rec", tmp_path, use_amp=True, amp_dtype=dtype))))
    trainer.run()
    assert np.isfinite(trainer.losses["loss"])
    assert all(tensor.dtype == paddle.float32 for tensor in trainer.experiment.model.parameters())


def test_another_number_of_batches_begins_the_epoch_anew(tmp_path, caplog):
    config = tiny_config("cls", tmp_path, epoch_num=1, save_batch_step=1)
    train(Config(config))
    states = tmp_path / "output" / "latest.states"
    told = yaml.safe_load(states.read_text(encoding="utf-8"))
    assert told["epoch"] == 1 and told["step"] == 2 and told["batches"] == 2
    states.write_text(
        states.read_text(encoding="utf-8").replace('"next_batch": 0', '"next_batch": 1'), encoding="utf-8"
    )
    config["Global"].update(checkpoints=str(tmp_path / "output" / "latest"), epoch_num=2)
    config["Train"]["loader"]["batch_size_per_card"] = 2
    trainer = Trainer(Experiment(Config(config)))
    assert (trainer.epoch, trainer.next_batch, trainer.step) == (1, 0, 2)
    assert "an epoch had 2 batches and has 4 now" in caplog.text


def test_what_the_log_says(tmp_path, caplog):
    caplog.set_level(logging.INFO, "ppocr")
    config = tiny_config("rec", tmp_path, epoch_num=1, cal_metric_during_train=True)
    best = train(Config(config))
    assert "training from step 0 of 2 (epochs of 2 batches), 1 process(es) on cpu" in caplog.text
    assert "epoch: [1/1], global_step: 2, lr: 0.002000, loss: " in caplog.text and "eta: 0:00:00" in caplog.text
    assert caplog.text.count("this batch: acc: ") == 2
    assert best["step"] == 2 and best["epoch"] == 1 and 0 <= best["acc"] <= 1
    output = tmp_path / "output"
    assert {path.name for path in output.iterdir()} == {"config.yml"} | {
        f"{name}{suffix}"
        for name in ("latest", "best_accuracy", "iter_epoch_1")
        for suffix in (".pdparams", ".pdopt", ".states")
    }
    assert yaml.safe_load((output / "config.yml").read_text(encoding="utf-8")) == config
    assert load_checkpoint(output / "latest").states["best"] == best


def test_scalars(tmp_path):
    written, closed = [], []

    class Writer:
        def add_scalar(self, tag, value, step):
            written.append((tag, step))

        def close(self):
            closed.append(True)

    Trainer(Experiment(Config(tiny_config("cls", tmp_path))), [Log(), Scalars(Writer())]).run()
    assert written == [("train/loss", 1), ("train/lr", 1), ("train/loss", 2), ("train/lr", 2)] and closed == [True]


def test_too_many_bad_pictures_stop_the_run(tmp_path):
    config = tiny_config("cls", tmp_path)
    (tmp_path / "way3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"1 bad samples in an epoch of 8, more than 5%.*(\n.*)*cls\.txt:4"):
        train(Config(config))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Loss": {"name": "ClsLos"}}, "Loss.name: no loss is called 'ClsLos'; did you mean 'ClsLoss'?"),
        ({"Loss": None}, "Loss: missing; training and evaluation need it"),
        ({"Train": None}, "Train: missing; it says which pictures to use"),
        ({"Metric": {"name": "ClsMetric", "main_indicator": "hmean"}}, "Metric: main_indicator: expected one of acc"),
        ({"Optimizer": {"name": "Adam", "lr": {"name": "Cosine"}}}, "Optimizer.lr.learning_rate: missing"),
    ],
)
def test_mistakes_are_told_by_the_command(tmp_path, capsys, changes, told):
    config = {**tiny_config("cls", tmp_path), **changes}
    config = {name: section for name, section in config.items() if section is not None}
    assert main(["train", "-c", str(write_config(config, tmp_path / "x.yml"))]) == 1
    assert f"ppocr: {told}" in capsys.readouterr().err
