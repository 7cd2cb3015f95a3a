"""Quantization: what is trained, what is stored, and that the engine computes it."""

from __future__ import annotations

import copy
import json

import numpy as np
import paddle
import pytest
from paddle import nn
from slim_networks import SHAPE, need_paddleslim, network, pictures, predict

from ppocr.errors import ConfigError, SlimError
from ppocr.export.execution import Verdict, choose, judge_by
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.modeling.necks.sequence_encoder import LSTMEncoder
from ppocr.slim import build_slim, pact
from ppocr.slim.old_ir import save_old_program
from ppocr.slim.ranges import for_deployment, observe
from ppocr.slim.stored import INT8_LEVELS, Int8Conv2D, StoredConv2D, execute_in_8_bits, round_to_8_bits, store_in_8_bits


def test_each_channel_uses_all_levels():
    sizes = np.array([1, 10, 0.1, 0]).reshape(4, 1, 1, 1)
    weight = (np.random.default_rng(0).standard_normal((4, 3, 3, 3)) * sizes).astype(np.float32)
    rounded, peaks = round_to_8_bits(weight, 0)
    assert rounded.dtype == np.int8
    assert np.abs(rounded).max(axis=(1, 2, 3)).tolist() == [INT8_LEVELS, INT8_LEVELS, INT8_LEVELS, 0]
    half_step = peaks.max() / INT8_LEVELS / 2
    np.testing.assert_allclose(rounded * peaks.reshape(4, 1, 1, 1) / INT8_LEVELS, weight, atol=half_step + 1e-7)


def test_stored_layers_compute_nearly_the_same():
    model = network()
    stored = store_in_8_bits(copy.deepcopy(model))
    kinds = {type(layer).__name__ for layer in stored.sublayers()}
    assert {"StoredConv2D", "StoredConv2DTranspose"} <= kinds and not {"Conv2D", "Conv2DTranspose"} & kinds
    for picture in pictures():
        np.testing.assert_allclose(predict(stored, picture), predict(model, picture), atol=0.02)
    linear = nn.Sequential(("fc", nn.Linear(8, 3)))
    x = paddle.rand([2, 8])
    expected = linear(x).numpy()
    np.testing.assert_allclose(store_in_8_bits(linear)(x).numpy(), expected, atol=0.02)


def test_a_stored_lstm_is_a_quarter_as_large_and_runs_from_its_program(tmp_path):
    model = LSTMEncoder(24, 48)
    model.eval()
    stored = store_in_8_bits(copy.deepcopy(model))
    stored.eval()
    x = np.random.default_rng(0).standard_normal((2, 10, 24)).astype(np.float32)
    expected = predict(model, x)
    assert 0 < np.abs(predict(stored, x) - expected).max() < 0.01
    assert not [name for name, tensor in stored.state_dict().items() if "weight_hh" in name or "weight_ih" in name]
    spec = paddle.static.InputSpec([-1, -1, 24], "float32", name="x")
    paddle.jit.save(paddle.jit.to_static(stored, input_spec=[spec], full_graph=True), str(tmp_path / "m"))
    matrices = sum(tensor.size for tensor in model.parameters() if tensor.ndim == 2)
    assert (tmp_path / "m.pdiparams").stat().st_size < matrices + 16_000  # biases, steps and headers
    runtime = PaddleRuntime(tmp_path / "m.json", tmp_path / "m.pdiparams", threads=1)
    np.testing.assert_allclose(runtime.run(x), predict(stored, x), atol=1e-5)


def test_the_program_holds_int8_weights_and_float_engines_run_it(tmp_path):
    model = store_in_8_bits(network())
    model.eval()
    spec = paddle.static.InputSpec(SHAPE, "float32", name="x")
    paddle.jit.save(paddle.jit.to_static(model, input_spec=[spec], full_graph=True), str(tmp_path / "m"))
    weights = sum(layer.weight_int8.size for layer in model.sublayers() if hasattr(layer, "weight_int8"))
    assert (tmp_path / "m.pdiparams").stat().st_size < weights + 6000  # one byte each; the rest is biases and headers
    runtime = PaddleRuntime(tmp_path / "m.json", tmp_path / "m.pdiparams", threads=1)
    for picture in pictures():
        np.testing.assert_allclose(runtime.run(picture), predict(model, picture), atol=1e-5)


def test_int8_execution_computes_what_its_layers_say(tmp_path):
    need_paddleslim()  # not used here, but the old IR is bridged in the same file
    model, batches = network(), pictures(6)
    ranges = for_deployment(model, observe(model, batches), paddle.to_tensor(batches[0]))
    assert "gate.down" not in ranges and "gate.up" not in ranges and "expand" in ranges
    assert ranges["low"] == ranges["high"]  # one tensor, one range
    deployed = execute_in_8_bits(copy.deepcopy(model), ranges)
    save_old_program(deployed, SHAPE, tmp_path / "m")
    assert not (tmp_path / "m.pdiparams.info").exists() and paddle.in_dynamic_mode()
    runtime = PaddleRuntime(tmp_path / "m.pdmodel", tmp_path / "m.pdiparams", threads=1, precision="int8")
    for picture in batches:
        float_, simulated, run = predict(model, picture), predict(deployed, picture), runtime.run(picture)
        assert np.abs(simulated - float_).mean() < 0.015
        assert np.abs(run - float_).mean() < 0.015


def test_depthwise_convolutions_stay_as_they_are_where_they_shall(tmp_path):
    model, batches = network(), pictures(2)
    ranges = for_deployment(model, observe(model, batches), paddle.to_tensor(batches[0]))
    deployed = execute_in_8_bits(copy.deepcopy(model), ranges, depthwise=False)
    assert type(deployed.depthwise) is nn.Conv2D and type(deployed.expand) is Int8Conv2D
    np.testing.assert_array_equal(deployed.depthwise.weight.numpy(), model.depthwise.weight.numpy())
    save_old_program(deployed, SHAPE, tmp_path / "m")
    runtime = PaddleRuntime(tmp_path / "m.pdmodel", tmp_path / "m.pdiparams", threads=1, precision="int8")
    for picture in batches:
        assert np.abs(runtime.run(picture) - predict(model, picture)).mean() < 0.015


ALL, BUT = "int8", "int8 but depthwise"
GOOD, BAD = Verdict(0.995, True, "decides well"), Verdict(0.95, False, "decides badly")


@pytest.mark.parametrize(
    ("wanted", "verdicts", "times", "name", "reason"),
    [
        ("auto", {ALL: GOOD, BUT: GOOD}, (5.0, 6.0), ALL, "int8 decides well; 5.0 ms, float 10.0 ms"),
        ("auto", {ALL: BAD, BUT: GOOD}, (5.0, 6.0), BUT, "int8 but depthwise decides well"),
        ("auto", {ALL: BAD, BUT: GOOD}, (5.0, 9.5), "float", "int8 but depthwise is not faster"),
        ("auto", {ALL: BAD}, (5.0,), "float", "int8 decides badly"),
        ("auto", {ALL: None, BUT: None}, (5.0, 6.0), "float", "could not be judged without pictures"),
        ("auto", {}, (), "float", "nothing to take"),
        ("float", {ALL: GOOD}, (5.0,), "float", "asked for"),
        ("int8", {ALL: BAD, BUT: GOOD}, (5.0, 60.0), BUT, "asked for; int8 but depthwise decides well"),
        ("int8", {ALL: BAD, BUT: BAD}, (5.0, 6.0), ALL, "asked for; int8 decides badly"),
        ("int8", {ALL: None, BUT: None}, (5.0, 6.0), BUT, "asked for; int8 but depthwise could not be judged"),
    ],
)
def test_the_execution_that_is_chosen(wanted, verdicts, times, name, reason):
    measured = {"float": 10.0, **dict(zip(verdicts, times))}
    chosen, why = choose(wanted, measured, verdicts, as_trained=BUT)
    assert chosen == name and reason in why


class Fixed:
    """Predicts the same whatever it is given."""

    def __init__(self, output):
        self.output = np.asarray(output, np.float32)

    def run(self, batch):
        return self.output


def judged(monkeypatch, expected, found, task, score=None):
    monkeypatch.setattr("ppocr.export.execution.predict", lambda model, batch: model.run(batch))
    post = {"det": {"name": "DBPostProcess"}, "rec": {"name": "CTCLabelDecode", "character_dict": ["a", "b"]}}[task]
    batches = [np.zeros((len(expected), *SHAPE[1:]), np.float32)]
    judge = judge_by(Fixed(expected), Fixed(expected), {"PostProcess": post}, task, batches, score)
    return judge(Fixed(found))


def test_recognisers_are_judged_by_their_texts(monkeypatch):
    a, b, blank, space = np.eye(4)[[1, 2, 0, 3]]
    expected = [[a, a, blank, b], [b, b, b, b]]
    assert judged(monkeypatch, expected, [[a, blank, b, b], [b, blank, blank, blank]], "rec").value == 1.0
    other = judged(monkeypatch, expected, [[a, a, blank, b], [b, b, space, b]], "rec")
    assert (other.value, other.good) == (0.5, False) and "50.0% (98% are needed)" in other.text


def test_detectors_are_judged_by_the_pixels_of_their_text(monkeypatch):
    expected, found = np.zeros((2, 1, 1, 10, 10))
    expected[0, 0, 0, :10] = expected[0, 0, 1, :9] = 0.9
    found[0, 0, 0, :10] = found[0, 0, 1, :9] = found[0, 0, 2, 0] = 0.8
    verdict = judged(monkeypatch, expected, found, "det")
    assert (verdict.value, verdict.good) == (0.95, True)


def test_labels_decide_unless_the_network_reads_nothing(monkeypatch):
    scores = {1.0: 0.68, 2.0: 0.675, 3.0: 0.6}

    def score(runtime):
        return scores[float(runtime.output.max())]

    good, bad = (judged(monkeypatch, [[[1.0, 0, 0, 0]]], [[[size, 0, 0, 0]]], "rec", score) for size in (2.0, 3.0))
    assert good.good and not bad.good and good.text == "scores 0.675, float execution 0.680"
    scores[1.0] = 0.0
    nothing = judged(monkeypatch, [[[1.0, 0, 0, 0]]], [[[3.0, 0, 0, 0]]], "rec", score)
    assert "decides as the network does" in nothing.text


def test_ranges_leave_out_outliers():
    convolution = nn.Sequential(("conv", nn.Conv2D(1, 1, 1)))
    values = np.random.default_rng(0).uniform(-1, 1, (1, 1, 400, 400)).astype(np.float32)
    values[0, 0, 0, 0] = 2.5
    assert 0.9 < observe(convolution, [values])["conv"] < 1.6
    assert observe(convolution, [np.zeros((1, 1, 4, 4), np.float32)]) == {"conv": 1.0}


# --- PACT ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quantized():
    need_paddleslim()
    return pact.quantize(network(), alpha=20.0, alpha_decay=1e-4, moving_rate=0.9, float_layers=["extra"])


def test_clips_are_learned_symmetric_and_decay_on_their_own(quantized):
    clip = quantized.low._act_preprocess
    clip.alpha.set_value(np.array([0.5], np.float32))
    x = paddle.to_tensor([-2.0, -0.3, 0.3, 2.0], stop_gradient=False)
    np.testing.assert_allclose(clip(x).numpy(), [-0.5, -0.3, 0.3, 0.5], atol=1e-6)
    (clip(x) * paddle.to_tensor([-1.0, 5.0, 5.0, 1.0])).sum().backward()
    assert clip.alpha.grad.item() == pytest.approx(2.0)  # from the values that were cut off
    assert clip.alpha.regularizer._coeff == pytest.approx(1e-4)
    trained = {name for name, tensor in quantized.named_parameters() if not tensor.stop_gradient}
    assert "low._act_preprocess.alpha" in trained and not [name for name in trained if "_fake_quant" in name]


def test_calibration_starts_where_the_float_network_is(quantized):
    batches, float_ = pictures(4), network()
    pact.calibrate(quantized, batches)
    for picture in batches:
        np.testing.assert_allclose(predict(quantized, picture), predict(float_, picture), atol=0.05)
    assert not [
        name for name, tensor in quantized.named_parameters() if "_fake_quant" in name and not tensor.stop_gradient
    ]


@pytest.mark.parametrize("alpha", [0.01, 20.0])
def test_clips_start_at_the_best_range_whatever_alpha_is(alpha):
    """A pyramid without normalisation adds up to thousands: cut off at 20, the detector found nothing at all."""
    need_paddleslim()
    model = pact.quantize(network(), alpha=alpha, alpha_decay=1e-4, moving_rate=0.9)
    running = model.norm._mean.numpy()
    pact.calibrate(model, pictures(4))
    ranges = observe(network(), pictures(4))
    assert model.expand._act_preprocess.alpha.item() == pytest.approx(ranges["expand"])
    assert model.low._act_preprocess.alpha.item() == pytest.approx(ranges["low"])
    assert "extra" not in ranges  # only training runs it
    assert model.extra._act_preprocess.alpha.item() not in (0.01, 20.0)
    np.testing.assert_array_equal(model.norm._mean.numpy(), running)


def test_depthwise_convolutions_stay_in_float_unless_asked_for():
    need_paddleslim()
    slim = build_slim({"Quantize": {}})
    assert type(slim.apply(network(), input_shape=SHAPE).depthwise) is nn.Conv2D
    rounded = build_slim({"Quantize": {"depthwise": True}}).apply(network(), input_shape=SHAPE)
    assert type(rounded.depthwise) is not nn.Conv2D and type(rounded.expand) is not nn.Conv2D
    assert type(build_slim({}).begin(network(), slim.state()).depthwise) is nn.Conv2D


def test_a_checkpoint_that_goes_on_keeps_saying_which_layers_were_rounded():
    need_paddleslim()
    trained = build_slim({"Quantize": {"depthwise": True}})
    trained.apply(network(), input_shape=SHAPE)
    later = build_slim({"Quantize": {}})
    later.restore(network(), trained.state(), input_shape=SHAPE)
    assert later.state()["quantize"]["depthwise"]
    older = {"prune": None, "quantize": {k: v for k, v in trained.state()["quantize"].items() if k != "depthwise"}}
    alone = build_slim({})
    assert type(alone.begin(network(), older).depthwise) is not nn.Conv2D and alone.state()["quantize"]["depthwise"]


def test_what_is_deployed_is_what_was_trained(quantized):
    """Folding the normalisation multiplies whole channels, so that the whole numbers stay."""
    pact.calibrate(quantized, pictures(4))
    stem = StoredConv2D(quantized.stem).weight_int8.numpy()
    ranges = pact.remove_quantizers(quantized)
    assert ranges.keys() >= {"stem", "expand", "low"} and "extra" not in ranges
    scale = (quantized.norm.weight / (quantized.norm._variance + quantized.norm._epsilon).sqrt()).numpy()
    folded, _ = round_to_8_bits(quantized.stem.weight.numpy() * scale.reshape(-1, 1, 1, 1), 0)
    np.testing.assert_array_equal(folded, stem)


def test_quantizing_twice_and_unknown_layers_are_told(quantized):
    with pytest.raises(SlimError, match="quantized already"):
        pact.quantize(quantized, alpha=20.0, alpha_decay=0.0, moving_rate=0.9, float_layers=[])
    with pytest.raises(SlimError, match="'grow' matches no layer"):  # transposed: never quantized while training
        pact.quantize(network(), alpha=20.0, alpha_decay=0.0, moving_rate=0.9, float_layers=["grow"])


# --- The section -----------------------------------------------------------------------------------------------------


def test_prune_then_quantize_comes_back_from_its_state():
    need_paddleslim()
    slim = build_slim({"Prune": {"ratios": {"expand": 0.5, "l*w": 0.25}}, "Quantize": {"alpha": 8.0}})
    model = slim.apply(network(), input_shape=[-1, 3, 16, 16])
    assert slim.is_new
    slim.calibrate(model, pictures(4))
    model.eval()
    state = json.loads(json.dumps(slim.state()))
    other = build_slim({"Prune": {"ratios": {}}, "Quantize": {}})
    again = other.restore(network(seed=3), state, input_shape=[-1, 3, 16, 16])
    again.set_state_dict(model.state_dict())
    again.eval()
    np.testing.assert_array_equal(predict(again, pictures()[0]), predict(model, pictures()[0]))
    # weights bring their structure also where the section is silent, and a second stage adds what they lack
    alone = build_slim({})
    alone.begin(network(seed=4), state)
    assert alone.quantize.alpha == 8.0
    second = build_slim({"Quantize": {}})
    pruned = second.begin(network(seed=5), {"prune": state["prune"], "quantize": None})
    assert second.apply(pruned, input_shape=[-1, 3, 16, 16]).expand.weight.shape[0] == 8 and second.is_new


def test_a_checkpoint_without_the_change_is_told():
    with pytest.raises(SlimError, match=r"Slim\.Quantize: the checkpoint was trained without it"):
        build_slim({"Quantize": {}}).restore(network(), {"prune": None, "quantize": None}, input_shape=SHAPE)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"Prun": {}}, "Slim.Prun: unknown key; did you mean 'Prune'?"),
        ({"Prune": []}, "Slim.Prune: expected a mapping, came []"),
        ({"Prune": {}}, "Slim.Prune: give either ratios or sensitivity"),
        ({"Prune": {"ratios": {}, "sensitivity": "x"}}, "Slim.Prune: give either ratios or sensitivity"),
        ({"Prune": {"sensitivity": "x"}}, "Slim.Prune: sensitivity needs either target_size or target_flops"),
        ({"Prune": {"sensitivity": "x", "target_size": 1.5}}, "Slim.Prune.target_size: expected a share"),
        ({"Quantize": {"alfa": 1.0}}, "Slim.Quantize.alfa: Quantize has no parameter 'alfa'; did you mean 'alpha'?"),
        ({"Quantize": {"execution": "int4"}}, "Slim.Quantize.execution: expected one of"),
    ],
)  # fmt: skip
def test_mistakes_in_the_section(section, problem):
    with pytest.raises(ConfigError) as error:
        build_slim(section)
    assert any(said.startswith(problem) for said in error.value.problems)
