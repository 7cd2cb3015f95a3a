"""Several networks that learn together: their losses, what is frozen, which one predicts, is saved and exported."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
import yaml

from ppocr.config import Config, load_config
from ppocr.engine.build import build_model
from ppocr.engine.experiment import Experiment
from ppocr.engine.pretrained import load_pretrained
from ppocr.engine.trainer import _as_float32
from ppocr.engine.weights import save_weights
from ppocr.errors import ConfigError, ModelError
from ppocr.export.export import export_model, exported_model
from ppocr.losses.mutual import thicker_text
from ppocr.registry import LOSSES, METRICS
from ppocr.utils.networks import main_network, predict


def tensor(*shape, seed=0):
    return paddle.to_tensor(np.random.RandomState(seed).uniform(0.05, 0.95, shape).astype("float32"))


def loss(name, **settings):
    return LOSSES.build({"name": name, **settings}, "Loss")


def outputs(**heads):
    return {name: {"head_out": head, "backbone_out": head} for name, head in heads.items()}


def test_mutual_learning_of_maps_is_the_mean_divergence():
    a, b = tensor(2, 3, 4, 5), tensor(2, 3, 4, 5, seed=1)
    term = loss("DistillationDMLLoss", model_name_pairs=["A", "B"], key="maps", maps_name="thrink_maps")
    p, q = a.numpy()[:, 0], b.numpy()[:, 0]
    expected = ((p * np.log(p / q) + q * np.log(q / p)) / 2).mean()
    assert term(outputs(A=a, B=b), {})["loss"].item() == pytest.approx(expected, rel=1e-4)
    assert term(outputs(A=a, B=a), {})["loss"].item() == 0


def test_mutual_learning_of_columns_is_summed_and_divided_by_the_batch():
    a, b = tensor(2, 5, 4) * 6, tensor(2, 5, 4, seed=1) * 6
    term = loss(
        "DistillationDMLLoss", model_name_pairs=[["A", "B"]], act="softmax", use_log=True, key="head_out",
        multi_head=True, dis_head="ctc",
    )  # fmt: skip
    p, q = (np.exp(x) / np.exp(x).sum(axis=2, keepdims=True) for x in (a.numpy(), b.numpy()))
    expected = ((p * np.log(p / q)).sum() + (q * np.log(q / p)).sum()) / 2 / 2
    assert term(outputs(A={"ctc": a}, B={"ctc": b}), {})["loss"].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("mode", "norm"), [("l1", np.abs), ("l2", np.square)])
def test_distances_of_features(mode, norm):
    a, b, c, d = (tensor(2, 3, 4, 4, seed=seed) for seed in range(4))
    term = loss("DistillationDistanceLoss", model_name_pairs=[["A", "B"]], mode=mode, key="backbone_out")
    expected = norm((a - b).numpy()).mean()
    assert term(outputs(A=a, B=b), {})["loss"].item() == pytest.approx(expected, rel=1e-5)
    expected += norm((c - d).numpy()).mean()  # a detector's backbone gives several maps
    assert term(outputs(A=[a, c], B=[b, d]), {})["loss"].item() == pytest.approx(expected, rel=1e-5)


def test_the_teachers_text_is_made_thicker_to_the_right_and_down():
    probability = np.zeros((1, 4, 5), np.float32)
    probability[0, 1, 1], probability[0, 3, 4] = 0.31, 0.3
    expected = np.zeros((1, 4, 5))
    expected[0, 1:3, 1:3] = 1
    np.testing.assert_array_equal(thicker_text(paddle.to_tensor(probability)).numpy(), expected)


def map_batch():
    shapes = dict.fromkeys(("shrink_map", "shrink_mask", "threshold_map", "threshold_mask"), (2, 8, 8))
    return {
        name: (tensor(*shape, seed=number) > 0.5).astype("float32")
        for number, (name, shape) in enumerate(shapes.items())
    }


def test_learning_the_teachers_text_is_the_loss_of_maps_with_other_labels():
    student, teacher, batch = tensor(2, 3, 8, 8), tensor(2, 3, 8, 8, seed=5), map_batch()
    term = loss("DistillationDilaDBLoss", model_name_pairs=[["S", "T"]], key="maps", alpha=5, beta=10, ohem_ratio=3)
    text = thicker_text(teacher[:, 0])
    parts = loss("DBLoss")(student, {**batch, "shrink_map": text})
    expected = (parts["loss_shrink_maps"] + parts["loss_binary_maps"]).item()
    assert term(outputs(S=student, T=teacher), batch)["loss"].item() == pytest.approx(expected, rel=1e-5)


def test_losses_of_each_network_are_added():
    a, b, batch = tensor(2, 3, 8, 8), tensor(2, 3, 8, 8, seed=1), map_batch()
    term = loss("DistillationDBLoss", model_name_list=["A", "B"], main_loss_type="DiceLoss")
    expected = sum(loss("DBLoss")(x, batch)["loss"].item() for x in (a, b))
    assert term(outputs(A=a, B=b), batch)["loss"].item() == pytest.approx(expected, rel=1e-5)

    columns, batch = tensor(2, 9, 4), {"label": paddle.to_tensor([[1, 2], [3, 0]]), "length": paddle.to_tensor([2, 1])}
    term = loss("DistillationCTCLoss", model_name_list=["A"], key="head_out", multi_head=True)
    expected = loss("CTCLoss")(columns, batch)["loss"].item()
    for head in (columns, {"ctc": columns}):
        assert term(outputs(A=head), batch)["loss"].item() == pytest.approx(expected)


def test_equal_losses_of_a_list_all_count():
    terms = [
        {"DistillationDistanceLoss": {"model_name_pairs": ["A", "B"], "weight": weight, "name": name}}
        for weight, name in ((1.0, "one"), (2.0, "DBLoss"))
    ]
    a, b = tensor(2, 3), tensor(2, 3, seed=1)
    parts = loss("CombinedLoss", loss_config_list=terms)(outputs(A=a, B=b), {})
    assert sorted(parts) == ["DistillationDistanceLoss_0", "DistillationDistanceLoss_1", "loss"]
    assert parts["loss"].item() == pytest.approx(3 * np.square((a - b).numpy()).mean(), rel=1e-5)


def test_mistakes_are_told():
    with pytest.raises(ConfigError, match="model_name_pairs must be two names or a list of such pairs"):
        loss("DistillationDMLLoss", model_name_pairs=["A"])
    term = loss("DistillationDMLLoss", model_name_pairs=["A", "C"])
    with pytest.raises(ModelError, match=r"asks for a network 'C'; Architecture\.Models has A, B"):
        term(outputs(A=tensor(1), B=tensor(1)), {})
    term = loss("DistillationSARLoss", model_name_list=["A"])
    with pytest.raises(ModelError, match="asks for the branch 'sar' of A, whose head has ctc"):
        term(outputs(A={"ctc": tensor(1)}), {})
    with pytest.raises(ModelError, match=r"compares \[1\] with \[2\]"):
        loss("DistillationDMLLoss", model_name_pairs=["A", "B"])(outputs(A=tensor(1), B=tensor(2)), {})


# --- A whole run's networks -----------------------------------------------------------------------------------------
SMALL = {"name": "MobileNetV3", "model_name": "small", "scale": 0.35}


def detector(folder, *, student=None, **teacher):
    """PP-OCRv3's recipe with a teacher that takes no time to make.

    Args:
        student: another backbone of the students.
    """
    tree = load_config("det/PP-OCRv3_det_cml.yml").to_dict()
    models = tree["Architecture"]["Models"]
    for name in ("Student", "Student2") if student else ():
        models[name].update(Backbone=student, Neck={"name": "RSEFPN", "out_channels": 16})
    models["Teacher"].update(
        Backbone={**SMALL, "in_channels": 3},
        Neck={"name": "DBFPN", "out_channels": 16}, Head={"name": "DBHead"}, **teacher,
    )  # fmt: skip
    tree["Global"]["save_model_dir"] = str(folder)
    (folder / "c.yml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return load_config(folder / "c.yml")


def test_two_students_and_a_frozen_teacher_learn(tmp_path):
    paddle.seed(0)
    experiment = Experiment(detector(tmp_path, student=SMALL))
    model = experiment.model
    assert {name.split(".")[0] for name in model.state_dict()} == {"Student", "Student2", "Teacher"}
    experiment.train_mode()
    assert model.Student.backbone.conv.bn.training and not model.Teacher.backbone.conv.bn.training
    batch = {name: (tensor(1, 64, 64, seed=3) > 0.5).astype("float32") for name in map_batch()}
    before = {name: value.numpy() for name, value in model.Teacher.state_dict().items()}
    parts = experiment.loss()(_as_float32(model(tensor(1, 3, 64, 64) - 0.5, batch)), batch)
    assert set(parts) == {"loss", "DistillationDilaDBLoss", "DistillationDMLLoss", "DistillationDBLoss"}
    parts["loss"].backward()
    learned = {name.split(".")[0] for name, value in model.named_parameters() if value.grad is not None}
    assert learned == {"Student", "Student2"}
    experiment.optimizer(10).update(5)
    for name, value in model.Teacher.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_the_student_predicts_and_is_exported(tmp_path):
    config = detector(tmp_path, student=SMALL)
    experiment = Experiment(config)
    x = np.random.RandomState(0).uniform(-1, 1, (1, 3, 64, 96)).astype("float32")
    expected = predict(experiment.model.Student, x)
    np.testing.assert_array_equal(predict(experiment.model, x), expected)
    export_model(experiment.model, config, tmp_path / "exported")
    np.testing.assert_allclose(exported_model(tmp_path / "exported").run(x), expected, atol=1e-4)
    spec = yaml.safe_load((tmp_path / "exported" / "inference.yml").read_text(encoding="utf-8"))["PostProcess"]
    assert spec["name"] == "DBPostProcess" and "model_name" not in spec and spec["unclip_ratio"] == 1.5


def test_weights_go_from_one_network_to_several_and_back(tmp_path):
    config = detector(tmp_path)
    together, alone = build_model(config), build_model(load_config("det/PP-OCRv3_mobile_det.yml"))
    save_weights(together, tmp_path / "together.pdparams")
    load_pretrained(alone, str(tmp_path / "together"), kind="det")
    for name, value in alone.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), together.Student.state_dict()[name].numpy())
    other = build_model(config)
    save_weights(alone, tmp_path / "alone.pdparams")
    load_pretrained(other, str(tmp_path / "alone"), kind="det")
    np.testing.assert_array_equal(other.Student.neck.ins_conv[0].in_conv.weight, alone.neck.ins_conv[0].in_conv.weight)

    save_weights(build_model(config).Teacher, tmp_path / "teacher.pdparams")
    taught = Experiment(detector(tmp_path, pretrained=str(tmp_path / "teacher.pdparams"))).model
    saved = paddle.load(str(tmp_path / "teacher.pdparams"))
    for name, value in taught.Teacher.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), saved[name].numpy())


def test_mistakes_in_the_networks_are_told_with_their_places():
    tree = load_config("det/PP-OCRv3_det_cml.yml").to_dict()
    tree["Architecture"]["Models"]["Student"]["Neck"]["out_chanels"] = 5
    tree["Architecture"]["Models"]["Teacher"]["freez"] = True
    tree["Metric"]["key"] = "Studnt"
    with pytest.raises(ConfigError) as caught:
        build_model(Config(tree))
    told = "\n".join(caught.value.problems)
    assert "Architecture.Models.Student.Neck.out_chanels: RSEFPN has no parameter 'out_chanels'" in told
    assert "Architecture.Models.Teacher.freez: unknown key" in told
    assert "Metric.key: there is no network 'Studnt' in Architecture.Models; did you mean 'Student'?" in told


def test_the_metric_is_the_one_that_is_named():
    metric = METRICS.build(
        {"name": "DistillationMetric", "base_metric_name": "DetMetric", "key": "Student", "main_indicator": "recall"},
        "Metric", charset=None, label_list=None,
    )  # fmt: skip
    assert type(metric).__name__ == "DetMetric" and metric.main_indicator == "recall"
    with pytest.raises(ConfigError, match=r"RecMetric needs Global\.character_dict_path"):
        METRICS.build({"name": "DistillationMetric", "base_metric_name": "RecMetric"}, "Metric", charset=None)


def test_a_single_network_is_its_own_main_one():
    network = paddle.nn.Linear(1, 1)
    assert main_network(network) is network
