"""Pruning: the right tensors are cut, the plan travels, and what does not fit is told."""

from __future__ import annotations

import copy
import json

import numpy as np
import paddle
import pytest
from slim_networks import SHAPE, need_paddleslim, network, pictures, predict

from ppocr.errors import SlimError
from ppocr.slim.choice import choose_ratios
from ppocr.slim.cost import measure
from ppocr.slim.fpgm import FPGM
from ppocr.slim.prune import PruningPlan, matching, plan_pruning
from ppocr.slim.sensitivity import Sensitivity, fingerprint, measure_sensitivity, measure_together


@pytest.fixture(scope="module")
def model():
    need_paddleslim()
    return network()


@pytest.fixture(scope="module")
def fpgm(model):
    return FPGM(model, SHAPE)


def members(fpgm, master):
    return {(member.tensor, member.axis): member.cut[1] for member in fpgm.groups[f"{master}.weight"].members}


def test_groups_follow_depthwise_convolutions_gates_and_shortcuts(fpgm):
    expanded = members(fpgm, "expand")
    assert {("expand.weight", 0), ("expand.bias", 0), ("depthwise.weight", 0), ("depthwise.bias", 0)} <= set(expanded)
    assert {("gate.down.weight", 1), ("gate.up.weight", 0), ("gate.up.bias", 0), ("project.weight", 1)} <= set(expanded)
    shortcut = members(fpgm, "stem")
    assert {("stem.weight", 0), ("norm._mean", 0), ("project.weight", 0), ("low.weight", 1), ("high.weight", 1)} <= set(
        shortcut
    )
    assert "project.weight" not in fpgm.groups  # it goes with the stem


def test_groups_pass_through_repeated_pixels_and_concat_also_of_what_only_training_runs(fpgm):
    assert members(fpgm, "low") == {
        ("low.weight", 0): (1,), ("low.bias", 0): (1,), ("last.weight", 1): (1,), ("extra.weight", 1): (1,),
    }  # fmt: skip
    assert members(fpgm, "high")["last.weight", 1] == (9,)
    assert members(fpgm, "last")["grow.weight", 0] == (1,)


def test_the_geometric_median_decides(model, fpgm):
    twins = copy.deepcopy(model)
    weight = twins.low.weight.numpy()
    weight[5] = weight[2] = weight.mean(axis=0)  # nearest to all others
    twins.low.weight.set_value(weight)
    assert FPGM(twins, SHAPE).worst("low.weight", 2) == (2, 5)
    assert fpgm.worst("low.weight", 0) == ()


def test_a_pruned_network_computes_what_the_whole_one_does_without_those_channels(model, fpgm):
    ratios = {"expand": 0.25, "low": 0.5, "high": 0.25, "gate.down": 0.5, "last": 0.25}
    plan = plan_pruning(fpgm, model, ratios)
    pruned = plan.apply(copy.deepcopy(model))
    silent = copy.deepcopy(model)
    for name, ratio in ratios.items():
        group = fpgm.groups[f"{name}.weight"]
        gone = list(fpgm.worst(group.master, round(group.size * ratio)))
        for leaf in ("weight", "bias"):
            tensor = silent.state_dict()[f"{name}.{leaf}"]
            values = tensor.numpy()
            values[gone] = 0
            tensor.set_value(values)
        if name == "expand":
            values = silent.depthwise.bias.numpy()
            values[gone] = 0
            silent.depthwise.bias.set_value(values)
    for picture in pictures():
        np.testing.assert_allclose(predict(pruned, picture), predict(silent, picture), atol=1e-6)
    assert pruned.depthwise._groups == 12 and pruned.expand._out_channels == 12
    assert not [name for name in pruned.state_dict() if "backup" in name]


def test_it_trains_and_costs_less(model, fpgm):
    pruned = plan_pruning(fpgm, model, {"expand": 0.5, "stem": 0.25}).apply(copy.deepcopy(model))
    pruned.train()
    sum(output.mean() for output in pruned(paddle.to_tensor(pictures()[0]))).backward()
    assert pruned.expand.weight.grad.shape == [8, 6, 1, 1]
    before, after = measure(model, SHAPE), measure(pruned, SHAPE)
    assert after.flops < 0.8 * before.flops and after.parameters < 0.8 * before.parameters


def test_the_plan_rebuilds_the_structure_before_weights_are_loaded(model, fpgm):
    plan = plan_pruning(fpgm, model, {"expand": 0.5, "low": 0.25})
    pruned = plan.apply(copy.deepcopy(model))
    again = PruningPlan.from_state(json.loads(json.dumps(plan.state()))).apply(network(seed=1))
    again.set_state_dict(pruned.state_dict())
    np.testing.assert_array_equal(predict(again, pictures()[0]), predict(pruned, pictures()[0]))


@pytest.mark.parametrize(
    ("ratios", "said"),
    [
        ({"nothing": 0.5}, "nothing.weight: cannot be pruned, or is no convolution"),
        ({"project": 0.5}, "its outputs are cut together with those of stem.weight"),
        ({"depthwise": 0.5}, "its outputs are cut together with those of expand.weight"),
        ({"low": 1.0}, "must be at least 0 and below 1, came 1.0"),
        ({"low": -0.1}, "must be at least 0 and below 1, came -0.1"),
        ({"low": 0.95}, "would leave none of its 8 channels"),
    ],
)
def test_wrong_ratios_are_told(model, fpgm, ratios, said):
    with pytest.raises(SlimError, match=r"Slim\.Prune\.ratios: ") as error:
        plan_pruning(fpgm, model, ratios)
    assert said in str(error.value)


def test_a_plan_for_another_network_and_a_pruned_one_are_refused_and_left_alone(model, fpgm):
    plan = plan_pruning(fpgm, model, {"low": 0.5})
    other = paddle.nn.Sequential(("low", paddle.nn.Conv2D(3, 8, 1)))
    with pytest.raises(SlimError, match=r"another network: .*low.weight: shape \[8, 3, 1, 1\]"):
        plan.apply(other)
    assert other.low.weight.shape == [8, 3, 1, 1]
    pruned = plan.apply(copy.deepcopy(model))
    with pytest.raises(SlimError, match="pruned already"):
        plan.apply(pruned)
    with pytest.raises(SlimError, match="not a pruning plan"):
        PruningPlan.from_state({"format": 1})


def test_patterns(fpgm):
    names = list(fpgm.groups)
    assert matching(names, ["gate.*", "low"]) == ["gate.down.weight", "low.weight"]
    with pytest.raises(SlimError, match="'lov' matches no layer; did you mean 'low'"):
        matching(names, ["lov"])


# --- Sensitivity -----------------------------------------------------------------------------------------------------


def measured(model, fpgm, path, calls):
    def score(network):
        calls.append(1)
        return 1.0 - 0.01 * (8 - network.low.weight.shape[0]) - 0.1 * (16 - network.expand.weight.shape[0])

    sensitivity = Sensitivity.resume(path, network=fingerprint(model), evaluation="numbers")
    layers = ["low.weight", "expand.weight"]
    measure_sensitivity(
        fpgm, model, sensitivity, score, layers=layers, ratios=(0.25, 0.5), log=lambda *_: None
    )  # fmt: skip
    return sensitivity


def test_sensitivities_are_measured_once_and_resumed(model, fpgm, tmp_path):
    calls = []
    path = tmp_path / "found.json"
    first = measured(model, fpgm, path, calls)
    assert first.losses["expand.weight"] == {0.25: pytest.approx(0.4), 0.5: pytest.approx(0.8)}
    assert len(calls) == 5  # the whole network, and two layers at two ratios
    content = json.loads(path.read_text())
    del content["losses"]["low.weight"]["0.5"]
    path.write_text(json.dumps(content))
    again = measured(model, fpgm, path, calls)
    assert len(calls) == 6 and again.losses == first.losses
    with pytest.raises(SlimError, match="another network or weights"):
        Sensitivity.resume(path, network="other", evaluation="numbers")
    with pytest.raises(SlimError, match="another evaluation"):
        Sensitivity.resume(path, network=first.network, evaluation="other pictures")


def test_what_loses_least_for_what_it_saves_goes_first(model, fpgm, tmp_path):
    sensitivity = measured(model, fpgm, tmp_path / "found.json", [])
    cost = measure(model, SHAPE)
    ratios = choose_ratios(fpgm, cost, sensitivity, target={"size": 0.85, "flops": None}, align=1)
    assert set(ratios) == {"low.weight"}
    pruned = plan_pruning(fpgm, model, ratios).apply(copy.deepcopy(model))
    assert measure(pruned, SHAPE).size <= 0.85 * cost.size
    with pytest.raises(SlimError, match="out of reach"):
        choose_ratios(fpgm, cost, sensitivity, target={"size": 0.1, "flops": None})
    with pytest.raises(SlimError, match="names no layer"):
        choose_ratios(fpgm, cost, sensitivity, target={"size": 0.5}, skip=["low.weight", "expand.weight"])


def test_what_saves_next_to_nothing_is_not_cut_because_a_noisy_score_rose(model, fpgm, tmp_path):
    sensitivity = Sensitivity(tmp_path / "found.json", network=fingerprint(model), evaluation="few pictures")
    sensitivity.losses = {"high.weight": {0.5: -0.02}, "low.weight": {0.5: 0.01}}
    ratios = choose_ratios(fpgm, measure(model, SHAPE), sensitivity, target={"size": 0.85, "flops": None}, align=1)
    assert set(ratios) == {"low.weight"}


def test_what_layers_lose_together_decides_and_is_measured_once(model, fpgm, tmp_path):
    path = tmp_path / "found.json"
    sensitivity = Sensitivity(path, network=fingerprint(model), evaluation="numbers")
    sensitivity.baseline = 0.5
    sensitivity.losses = {"low.weight": {0.5: 0.0}, "expand.weight": {0.5: 0.1}}
    cost, target, told = measure(model, SHAPE), {"size": 0.85, "flops": None}, []

    def score(network):
        return 0.5 if network.low.weight.shape[0] == 8 else 0.3

    judge = measure_together(fpgm, model, sensitivity, score, log=told.append)
    assert judge({}) == 0.0
    ratios = choose_ratios(fpgm, cost, sensitivity, target=target, judge=judge)
    assert set(ratios) == {"expand.weight"}
    assert told == ["1 layers together: 0.3000 (-40.0%)", "1 layers together: 0.5000 (-0.0%)"]
    again = Sensitivity.load(path)
    assert choose_ratios(fpgm, cost, again, target=target) == ratios  # the same, from what is known
    again.together.clear()
    assert set(choose_ratios(fpgm, cost, again, target=target)) == {"low.weight"}


def test_the_last_cut_is_no_deeper_than_needed(model, fpgm, tmp_path):
    sensitivity = Sensitivity(tmp_path / "found.json", network=fingerprint(model), evaluation="numbers")
    sensitivity.losses = {"low.weight": {0.75: 0.0}}
    ratios = choose_ratios(fpgm, measure(model, SHAPE), sensitivity, target={"size": 0.9, "flops": None}, align=1)
    assert ratios == {"low.weight": 0.25}


def test_a_file_of_something_else(tmp_path):
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(SlimError, match="not a file of ppocr prune-sensitivity"):
        Sensitivity.load(tmp_path / "other.json")
    with pytest.raises(SlimError, match="cannot be read"):
        Sensitivity.load(tmp_path / "nothing.json")
