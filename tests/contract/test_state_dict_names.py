"""Names and shapes of the state dicts are the official ones, so that official weights load here and ours load there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppocr.config import load_config
from ppocr.engine.build import build_model

OFFICIAL = Path(__file__).parent / "official"
MOBILE = {
    "mobile_det": "det/ch_ppocr_mobile_v2.0_det.yml",
    "mobile_rec": "rec/ch_ppocr_mobile_v2.0_rec.yml",
    "mobile_cls": "cls/ch_ppocr_mobile_v2.0_cls.yml",
}
NEWER = {
    f"PP-OCR{name}": f"{name[-3:]}/PP-OCR{name}.yml"
    for name in ("v2_mobile_rec", "v3_mobile_det", "v3_mobile_rec", "v4_mobile_det", "v4_mobile_rec")
}
TINY = {"tiny_det": "det/PP-OCRv6_tiny_det.yml", "tiny_rec": "rec/PP-OCRv6_tiny_rec.yml"}
# A selection from the official server checkpoints
SERVER = {
    "det/ch_ppocr_server_v2.0_det.yml": {
        "backbone.conv1_1._conv.weight": (32, 3, 3, 3),
        "backbone.conv1_3._batch_norm._variance": (64,),
        "backbone.bb_0_0.conv0._conv.weight": (64, 64, 3, 3),
        "backbone.bb_0_0.short._conv.weight": (64, 64, 1, 1),
        "backbone.bb_1_0.conv1._batch_norm.weight": (128,),
        "backbone.bb_1_0.short._conv.weight": (128, 64, 1, 1),
        "backbone.bb_3_1.conv1._conv.weight": (512, 512, 3, 3),
        "neck.in5_conv.weight": (256, 512, 1, 1),
        "neck.p2_conv.weight": (64, 256, 3, 3),
        "head.binarize.conv1.weight": (64, 256, 3, 3),
        "head.thresh.conv3.weight": (64, 1, 2, 2),
    },
    "rec/ch_ppocr_server_v2.0_rec.yml": {
        "backbone.conv1_1._conv.weight": (32, 3, 3, 3),
        "backbone.bb_0_2.conv1._conv.weight": (64, 64, 3, 3),
        "backbone.bb_2_5.conv0._batch_norm._mean": (256,),
        "backbone.bb_3_0.short._conv.weight": (512, 256, 1, 1),
        "neck.encoder.lstm.0.cell_fw.weight_ih": (1024, 512),
        "neck.encoder.lstm.1.cell_bw.weight_hh": (1024, 256),
        "head.fc.weight": (512, 6625),
        "head.fc.bias": (6625,),
    },
}
# Numbers in the official ONNX forms, which lack the detector's threshold branch
OFFICIAL_COUNTS = {"mobile_det": 572_441, "mobile_rec": 1_087_537, "mobile_cls": 133_628}
PAPER_MIB = {"det/ch_ppocr_server_v2.0_det.yml": 47.2, "rec/ch_ppocr_server_v2.0_rec.yml": 107}  # table 1


def shapes(config_name):
    state = build_model(load_config(config_name)).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def official_shapes(file):
    lines = (OFFICIAL / f"{file}.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" ") for line in lines if not line.startswith("#"))
    return {name: tuple(int(side) for side in shape.split("x")) for name, shape in pairs}


@pytest.mark.parametrize("name", [*MOBILE, *TINY, *NEWER])
def test_small_networks_have_the_official_names_and_shapes(name):
    assert shapes({**MOBILE, **TINY, **NEWER}[name]) == official_shapes(name)


@pytest.mark.parametrize("config_name", SERVER)
def test_server_networks_have_the_official_names_and_shapes(config_name):
    ours = shapes(config_name)
    assert {name: ours.get(name) for name in SERVER[config_name]} == SERVER[config_name]


def test_only_stages_that_change_shape_have_a_projection():
    ours = shapes("rec/ch_ppocr_server_v2.0_rec.yml")
    projected = {name.split(".")[1] for name in ours if ".short." in name}
    assert projected == {"bb_0_0", "bb_1_0", "bb_2_0", "bb_3_0"}
    assert not [name for name in ours if ".conv2." in name]  # basic blocks have two convolutions


def parameter_count(config_name, *, without=""):
    """`named_parameters()`, unlike the state dict, lists LSTM weights once."""
    named = build_model(load_config(config_name)).named_parameters()
    return sum(int(np.prod(tensor.shape)) for name, tensor in named if not without or without not in name)


@pytest.mark.parametrize("name", MOBILE)
def test_mobile_networks_have_as_many_parameters_as_the_official_ones(name):
    assert parameter_count(MOBILE[name], without=".thresh.") == OFFICIAL_COUNTS[name]


@pytest.mark.parametrize("config_name", SERVER)
def test_server_networks_have_the_size_that_the_paper_gives(config_name):
    assert parameter_count(config_name) * 4 / 2**20 == pytest.approx(PAPER_MIB[config_name], rel=0.01)
