"""State dicts under the names that official ONNX files use: what the importer must undo. For tests."""

from __future__ import annotations

import re

import numpy as np

_CONV = {"conv.weight": "weights", "bn.weight": "bn_scale", "bn.bias": "bn_offset", "bn._mean": "bn_mean"}
_CONV["bn._variance"] = "bn_variance"
_PARTS = {"expand_conv": "expand", "bottleneck_conv": "depthwise", "linear_conv": "linear"}
_LSTM = {"weight_ih": "w_0", "weight_hh": "w_1", "bias_ih": "b_0", "bias_hh": "b_1"}


def arrays(model) -> dict[str, np.ndarray]:
    """The state dict with random values, without LSTM aliases; variances positive, weights small."""
    random = np.random.default_rng(0)
    named = {}
    for name, tensor in model.state_dict().items():
        if re.search(r"lstm\.(weight|bias)_", name):
            continue  # the same variable as lstm.0.cell_fw.weight_ih
        values = random.normal(0, 0.1, tensor.shape)
        named[name] = (values if tensor.ndim > 1 else np.abs(values) + 0.5).astype(np.float32)
    return named


def explicit(state: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    """Recogniser (`rec`) and classifier (`cls`): names that say their place."""
    return {_explicit(name, kind): array for name, array in state.items()}


def _explicit(name: str, kind: str) -> str:
    part, _, rest = name.removeprefix("backbone.").partition(".")
    if name.startswith("backbone.conv"):
        return {"conv1": "conv1_", "conv2": "conv_last_"}[part] + _CONV[rest]
    if name.startswith("backbone.blocks."):
        number, part, leaf = rest.split(".", 2)
        if part == "mid_se":
            conv, leaf = leaf.split(".")
            return f"conv{int(number) + 2}_se_{conv[-1]}_{'weights' if leaf == 'weight' else 'offset'}"
        return f"conv{int(number) + 2}_{_PARTS[part]}_{_CONV[leaf]}"
    if name.startswith("neck.encoder.lstm."):
        layer, cell, leaf = name.split(".")[3:]
        return f"lstm_cell_{2 * int(layer) + (cell == 'cell_bw')}.{_LSTM[leaf]}"
    letter = {"head.fc.weight": "w", "head.fc.bias": "b"}[name]
    return f"ctc_fc_{letter}_attr" if kind == "rec" else f"fc_0.{letter}_0"


def automatic(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Detector: kind of layer and number in order of construction, without the threshold branch."""
    numbers: dict[str, dict[str, int]] = {"conv2d": {}, "conv2d_transpose": {}, "batch_norm": {}}
    first = {"conv2d": 33, "conv2d_transpose": 4, "batch_norm": 27}
    named = {}
    for name, array in state.items():
        if name.startswith("head.thresh."):
            continue
        layer, _, leaf = name.rpartition(".")
        transposed = re.fullmatch(r"head\.binarize\.conv[23]", layer)
        kind = "batch_norm" if re.search("bn", layer) else "conv2d_transpose" if transposed else "conv2d"
        number = numbers[kind].setdefault(layer, first[kind] + len(numbers[kind]))
        leaves = {"weight": "w_0", "bias": "b_0", "_mean": "w_1", "_variance": "w_2"}
        named[f"{kind}_{number}.{leaves[leaf]}"] = array
    return named
