"""Schedules point by point, decay and clipping by hand, and a state that outlives the process."""

from __future__ import annotations

import math

import numpy as np
import paddle
import pytest
from paddle import nn

from ppocr.errors import ConfigError, ModelError
from ppocr.optimizer.build import build_optimizer
from ppocr.optimizer.ema import MovingAverage
from ppocr.registry import LR_SCHEDULES

TIMES = {"epochs": 10, "steps_per_epoch": 10}


def rates(steps, **spec):
    schedule = LR_SCHEDULES.build(spec, "lr", **TIMES)
    return [schedule(step) for step in steps]


@pytest.mark.parametrize(
    ("spec", "steps", "expected"),
    [
        ({"name": "Const", "learning_rate": 2.0}, (0, 50, 99), (2, 2, 2)),
        ({"name": "Cosine", "learning_rate": 2.0}, (0, 50, 100), (2, 1, 0)),
        ({"name": "Cosine", "learning_rate": 2.0, "warmup_epoch": 2}, (0, 19, 20, 60, 100), (2 / 21, 40 / 21, 2, 1, 0)),
        ({"name": "Linear", "learning_rate": 2.0, "end_lr": 1.0}, (0, 25, 100, 200), (2, 1.75, 1, 1)),
        ({"name": "Linear", "learning_rate": 2.0, "power": 2.0, "warmup_steps": 3}, (0, 2, 3, 100), (0.5, 1.5, 2, 0)),
        (
            {"name": "Piecewise", "decay_epochs": [3, 6], "values": [4, 2, 1], "warmup_epoch": 0.5},
            (0, 4, 5, 29, 30, 59, 60, 99),
            (4 / 6, 20 / 6, 4, 4, 2, 2, 1, 1),
        ),
    ],
)
def test_schedules(spec, steps, expected):
    assert rates(steps, **spec) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"name": "Cosine", "learning_rate": 0}, "lr: learning_rate must be positive, came 0"),
        ({"name": "Cosine"}, "lr.learning_rate: missing; Cosine needs it"),
        ({"name": "Cosin"}, "lr.name: no schedule is called 'Cosin'; did you mean 'Cosine'?"),
        (
            {"name": "Const", "learning_rate": 1, "warmup_epoch": 1, "warmup_steps": 5},
            "lr: warmup_epoch and warmup_steps",
        ),
        ({"name": "Const", "learning_rate": 1, "warmup_epoch": 11}, "lr: a warm-up of 110 steps does not fit"),
        ({"name": "Piecewise", "decay_epochs": [1], "values": [1] * 3}, "lr: 1 decay_epochs need 2 values, came 3"),
        ({"name": "Piecewise", "decay_epochs": [2, 1], "values": [1, 1, 1]}, "lr: decay_epochs must rise"),
    ],
)
def test_mistakes_of_schedules(spec, problem):
    with pytest.raises(ConfigError) as caught:
        rates((), **spec)
    assert caught.value.problems[0].startswith(problem)


class Two(nn.Layer):
    """A layer with a decay of its own beside one without."""

    def __init__(self):
        super().__init__()
        own = paddle.ParamAttr(regularizer=paddle.regularizer.L2Decay(0.5))
        self.head = nn.Linear(2, 1, weight_attr=own, bias_attr=False)
        self.body = nn.Linear(2, 1, bias_attr=False)
        for layer in (self.head, self.body):
            layer.weight.set_value(np.array([[1.0], [2.0]], np.float32))

    def forward(self, x):
        return self.head(x) + self.body(x)


def optimizer_of(model, **section):
    section = {"name": "Momentum", "momentum": 0.0, "lr": {"learning_rate": 0.1}, **section}
    return build_optimizer(section, dict(model.named_parameters()), **TIMES)


def step(model, optimizer, number=0, x=(0.0, 0.0)):
    model(paddle.to_tensor([list(x)], "float32")).sum().backward()
    optimizer.update(number)


def weights(model):
    return {name: parameter.numpy().ravel().tolist() for name, parameter in model.named_parameters()}


def test_the_head_decays_by_its_own_factor():
    model = Two()
    step(model, optimizer_of(model, regularizer={"name": "L2", "factor": 0.1}))  # the gradient itself is 0
    after = weights(model)
    assert after["head.weight"] == pytest.approx([1 - 0.1 * 0.5, 2 - 0.1 * 0.5 * 2])
    assert after["body.weight"] == pytest.approx([1 - 0.1 * 0.1, 2 - 0.1 * 0.1 * 2])


@pytest.mark.parametrize(
    ("section", "length"), [({"clip_norm": 1.0}, 1.0), ({"clip_norm_global": 1.0}, math.sqrt(0.5)), ({}, 5.0)]
)
def test_clipping(section, length):
    model = Two()
    del model.head.weight.regularizer  # keep the gradient (3, 4) for both layers
    before = np.array(weights(model)["body.weight"])
    step(model, optimizer_of(model, **section), x=(3.0, 4.0))
    moved = (before - weights(model)["body.weight"]) / 0.1
    assert moved == pytest.approx(np.array([3.0, 4.0]) / 5 * length, rel=1e-5)


def test_adam_by_hand():
    model = Two()
    optimizer = build_optimizer(
        {"name": "Adam", "beta1": 0.9, "beta2": 0.99, "lr": {"name": "Linear", "learning_rate": 0.1}},
        {"body.weight": model.body.weight},
        **TIMES,
    )
    expected, m, v = np.array([1.0, 2.0]), 0.0, 0.0
    for number, x in enumerate([(3.0, 4.0), (1.0, -2.0), (0.5, 0.0)]):
        step(model, optimizer, number, x)
        gradient = np.array(x)
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        unbiased = m / (1 - 0.9 ** (number + 1)), v / (1 - 0.99 ** (number + 1))
        expected = expected - 0.1 * (1 - number / 100) * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    assert weights(model)["body.weight"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"name": "Adamm"}, "Optimizer.name: no optimiser is called 'Adamm'; did you mean 'Adam'?"),
        ({"momentun": 1.0}, "Optimizer.momentun: Momentum has no parameter 'momentun'; did you mean 'momentum'?"),
        ({"regularizer": {"name": "L3", "factor": 1}}, "Optimizer: regularizer: expected {name: L2"),
        ({"clip_norm": 1.0, "clip_norm_global": 1.0}, "Optimizer: clip_norm and clip_norm_global exclude each other"),
    ],
)
def test_mistakes(section, problem):
    with pytest.raises(ConfigError) as caught:
        optimizer_of(Two(), **section)
    assert caught.value.problems[0].startswith(problem)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Momentum"])
def test_state_goes_on_in_another_network_under_other_variable_names(name):
    section = {"name": name, "lr": {"name": "Cosine", "learning_rate": 0.1}}
    if name == "Momentum":
        section["momentum"] = 0.9
    inputs = [(1.0, 2.0), (-1.0, 0.5), (0.3, 0.3), (2.0, 0.0)]

    def build(model):
        return build_optimizer(section, dict(model.named_parameters()), **TIMES)

    straight = Two()
    optimizer = build(straight)
    for number, x in enumerate(inputs):
        step(straight, optimizer, number, x)

    first = Two()
    optimizer = build(first)
    for number, x in enumerate(inputs[:2]):
        step(first, optimizer, number, x)
    second = Two()
    second.set_state_dict(first.state_dict())
    state = optimizer.state()
    assert any(key.startswith("body.weight.") for key in state)
    optimizer = build(second)
    optimizer.restore(state)
    assert optimizer.state().keys() == state.keys()
    for number, x in enumerate(inputs[2:], start=2):
        step(second, optimizer, number, x)
    assert weights(second) == weights(straight)


def test_a_foreign_state_is_refused():
    with pytest.raises(ModelError, match=r"neck\.weight\.moment1, but no such parameter"):
        optimizer_of(Two()).restore({"neck.weight.moment1": np.zeros(2, np.float32)})


def test_moving_average():
    model = Two()
    average = MovingAverage(model, decay=0.5, decay_type="normal")
    model.body.weight.set_value(np.array([[3.0], [4.0]], np.float32))
    average.update(1)
    with average.applied():
        assert weights(model)["body.weight"] == [2.0, 3.0]
    assert weights(model)["body.weight"] == [3.0, 4.0]
    other = MovingAverage(Two(), decay=0.5)
    other.restore(average.state())
    assert other.state()["body.weight"].ravel().tolist() == [2.0, 3.0]
    with pytest.raises(ModelError, match="another network"):
        other.restore({})


@pytest.mark.parametrize(
    ("kind", "steps", "decay"),
    [("threshold", 1, 2 / 11), ("threshold", 10**6, 0.9998), ("exponential", 1999, 0.9998 * (1 - math.exp(-1))),
     ("normal", 1, 0.9998)],
)  # fmt: skip
def test_how_the_average_begins(kind, steps, decay):
    model = Two()
    average = MovingAverage(model, decay_type=kind)
    model.body.weight.set_value(np.zeros((2, 1), np.float32))
    average.update(steps)
    assert average.state()["body.weight"].ravel() == pytest.approx([decay, 2 * decay], rel=1e-5)
