"""Networks compute today what they computed when their values were written down.

Weights come from the parameters' names and the input from a seed, so nothing but `networks.json` is stored: per network
the output's shape, how much it varies over positions and pictures, and that variation's projections on three fixed
random directions, which every output value moves. The networks of the mobile system and of PP-OCRv6 tiny were
compared with the official ONNX forms when the file was made.

`python tests/golden/test_golden_networks.py` writes the file anew, for a change that is meant to change the values.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import paddle
import pytest

from ppocr.config import Config, load_config
from ppocr.engine.build import build_model

GOLDEN = Path(__file__).with_name("networks.json")


def architecture(task, backbone, other_neck=None):
    neck, head = {
        "det": ({"name": "DBFPN", "out_channels": 32}, {"name": "DBHead"}),
        "rec": ({"name": "SequenceEncoder", "encoder_type": "fc", "hidden_size": 24}, {"name": "CTCHead"}),
        "cls": (None, {"name": "ClsHead", "class_dim": 4}),
    }[task]
    return Config({
        "Global": {"character_dict_path": "ppocr/utils/dict/en63_dict.txt"},
        "Architecture": {"model_type": task, "Backbone": backbone, "Neck": other_neck or neck, "Head": head},
    })  # fmt: skip


def predicting(path):
    """A shipped configuration without the branch that only teaches, which takes seconds to make."""
    config = load_config(path).to_dict()
    del config["Architecture"]["Head"]["head_list"][1:]
    return Config(config)


CASES = {
    "mobile_det": lambda: load_config("det/ch_ppocr_mobile_v2.0_det.yml"),
    "server_det": lambda: load_config("det/ch_ppocr_server_v2.0_det.yml"),
    "mobile_rec": lambda: load_config("rec/ch_ppocr_mobile_v2.0_rec.yml"),
    "server_rec": lambda: load_config("rec/ch_ppocr_server_v2.0_rec.yml"),
    "mobile_cls": lambda: load_config("cls/ch_ppocr_mobile_v2.0_cls.yml"),
    "tiny_det": lambda: load_config("det/PP-OCRv6_tiny_det.yml"),
    "tiny_rec": lambda: load_config("rec/PP-OCRv6_tiny_rec.yml"),
    "small_rec": lambda: predicting("rec/PP-OCRv6_small_rec.yml"),
    "v2_mobile_rec": lambda: load_config("rec/PP-OCRv2_mobile_rec.yml"),
    "v3_mobile_det": lambda: load_config("det/PP-OCRv3_mobile_det.yml"),
    "v3_mobile_rec": lambda: predicting("rec/PP-OCRv3_mobile_rec.yml"),
    "v4_mobile_det": lambda: load_config("det/PP-OCRv4_mobile_det.yml"),
    "v4_mobile_rec": lambda: predicting("rec/PP-OCRv4_mobile_rec.yml"),
    "det_lk_pan": lambda: architecture(
        "det", {"name": "ResNet_vd", "layers": 18}, {"name": "LKPAN", "out_channels": 32}
    ),
    "det_mobilenet_v3_small_se": lambda: architecture("det", {"name": "MobileNetV3", "model_name": "small"}),
    "det_resnet50_vd": lambda: architecture("det", {"name": "ResNet_vd", "layers": 50}),
    "det_shufflenet_v2": lambda: architecture("det", {"name": "ShuffleNetV2", "scale": 0.5}),
    "rec_mobilenet_v3_large": lambda: architecture("rec", {"name": "MobileNetV3", "model_name": "large"}),
    "cls_shufflenet_v2": lambda: architecture("cls", {"name": "ShuffleNetV2", "scale": 1.0}),
}
SHAPES = {"det": (1, 3, 64, 96), "rec": (2, 3, 32, 64), "cls": (2, 3, 48, 192), "tiny_rec": (2, 3, 48, 64)}
SHAPES.update(dict.fromkeys(("small_rec", "v3_mobile_rec", "v4_mobile_rec"), SHAPES["tiny_rec"]))


def fill(model):
    """Give every tensor values that follow from its name: small, varied, and such that activations keep their size."""
    for name, tensor in model.state_dict().items():
        noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(tuple(tensor.shape))
        if name.endswith("_variance"):
            values = 1 + 0.1 * np.abs(noise)
        elif len(tensor.shape) == 1:
            values = 1 + 0.1 * noise if name.endswith("weight") else 0.1 * noise
        else:
            values = noise * np.sqrt(1.5 / np.prod(tensor.shape[1:]))
        tensor.set_value(values.astype("float32"))


def pictures(shape):
    """Noise whose contrast and brightness differ from picture to picture, so that pooled features differ too."""
    numbers = np.arange(shape[0]).reshape(-1, 1, 1, 1)
    return ((1 + 2 * numbers) * np.random.RandomState(0).standard_normal(shape) + numbers).astype("float32")


def summary(case):
    config = CASES[case]()
    model = build_model(config)
    fill(model)
    model.eval()
    shape = SHAPES.get(case) or SHAPES[config.at("Architecture.model_type")]
    with paddle.no_grad():
        y = model(paddle.to_tensor(pictures(shape))).numpy()
    positions = {"det": (0, 2, 3), "rec": (0, 1), "cls": (0,)}[config.at("Architecture.model_type")]
    varying = y.astype("float64") - y.mean(axis=positions, keepdims=True)  # without what the last bias alone decides
    spread = np.linalg.norm(varying)
    projections = np.random.RandomState(1).standard_normal((3, y.size)) @ varying.ravel() / spread
    return {"shape": list(y.shape), "spread": float(spread), "projections": [round(float(p), 5) for p in projections]}


@pytest.mark.parametrize("case", CASES)
def test_network_computes_what_it_did(case):
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[case]
    actual = summary(case)
    assert actual["shape"] == expected["shape"]
    np.testing.assert_allclose(actual["spread"], expected["spread"], rtol=1e-3)
    # a unit vector's projections are about 1 in size; float32 in another order moves them by about 1e-5
    np.testing.assert_allclose(actual["projections"], expected["projections"], atol=5e-4)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({case: summary(case) for case in CASES}, indent=1) + "\n", encoding="utf-8")
