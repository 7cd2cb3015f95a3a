"""A classifier pruned and quantized in one run, resumed, exported and used, by the commands alone."""

from __future__ import annotations

import json

import cv2
import numpy as np
import paddle
import pytest
import yaml

from ppocr.cli.main import main
from ppocr.errors import SlimError
from ppocr.slim.paddleslim import paddleslim


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    folder, lines = tmp_path_factory.mktemp("crops"), []
    for number in range(8):
        crop = np.full((48, 192, 3), 255, np.uint8)
        cv2.putText(crop, f"text {number}", (10, 34), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (0, 0, 0), 2)
        turned = number % 2
        cv2.imwrite(str(folder / f"{number}.png"), crop[::-1, ::-1] if turned else crop)
        lines.append(f"{number}.png\t{180 if turned else 0}")
    (folder / "labels.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_slimmed_from_training_to_prediction(crops, tmp_path, capsys):
    try:
        paddleslim("dygraph.prune.fpgm_pruner")
    except SlimError as error:
        pytest.skip(str(error))
    output, exported = tmp_path / "run", tmp_path / "model"
    data = [f"dataset.data_dir={crops}", f"dataset.label_file_list=[{crops / 'labels.txt'}]", "loader.num_workers=0"]
    common = [
        "-c", "cls/ch_ppocr_mobile_v2.0_cls.yml", "-o", "Global.epoch_num=1", f"Global.save_model_dir={output}",
        *(f"{part}.{setting}" for part in ("Train", "Eval") for setting in (*data, "loader.batch_size_per_card=4")),
    ]  # fmt: skip
    slim = 'Slim={Prune: {ratios: {"backbone.*expand_conv.conv": 0.5}}, Quantize: {execution: float}}'
    assert main(["train", *common, slim]) == 0
    state = json.loads((output / "latest.states").read_text(encoding="utf-8"))["slim"]
    assert state["prune"]["keep"] and state["quantize"]["alpha"] == 20.0

    resumed = [f"Global.checkpoints={output / 'latest'}", "Global.epoch_num=2"]
    assert main(["train", *common, slim, *resumed]) == 0  # the structure comes back before the weights

    assert main(["eval", *common, resumed[0]]) == 0  # also where the configuration has no section any more

    weights = f"Global.pretrained_model={output / 'latest'}"  # they bring their structure: no Slim section
    assert main(["export", *common, weights, "--output", str(exported)]) == 0
    assert yaml.safe_load((exported / "inference.yml").read_text())["Quantization"] == {
        "weights": "int8", "execution": "float",
    }  # fmt: skip
    assert (exported / "inference.pdiparams").stat().st_size < 0.3 * 512_000  # of the unpruned float model
    capsys.readouterr()
    assert main(["classify", str(crops / "0.png"), "--cls", str(exported)]) == 0
    assert "0.png" in capsys.readouterr().out


def test_a_float_checkpoint_is_not_resumed_as_a_quantized_one(crops, tmp_path, capsys):
    common = [
        "-c", "cls/ch_ppocr_mobile_v2.0_cls.yml", "-o", f"Global.save_model_dir={tmp_path}",
        f"Global.checkpoints={tmp_path / 'x'}", "Slim={Quantize: {}}",
    ]  # fmt: skip
    for suffix in (".pdparams", ".pdopt"):
        paddle.save({}, str(tmp_path / f"x{suffix}"))
    states = {"epoch": 0, "next_batch": 0, "step": 0, "batches": 1, "best": {}, "slim": {}, "scaler": {}}
    (tmp_path / "x.states").write_text(json.dumps(states), encoding="utf-8")
    assert main(["train", *common]) == 1
    assert "Slim.Quantize: the checkpoint was trained without it" in capsys.readouterr().err
