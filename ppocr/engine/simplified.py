"""Official weights of PP-LCNetV4 for its cheaper forms: without branches, with hard-swish in place of GELU."""

from __future__ import annotations

from typing import Dict

import numpy as np
from paddle import nn

from ppocr.modeling.reparam import RepDWConv, identity_norm

# k for which hardswish(k x) / k is nearest to gelu(x): off by 0.03 (root of the mean square) where x is normal with
# deviation 1 to 3, instead of 0.15 to 0.18 with k = 1
FACTOR = 1.8
_EXPAND, _COMPRESS = "channel_mixer.expand.bn", "channel_mixer.compress.conv.weight"


def one_convolution(model: nn.Layer) -> Dict[str, np.ndarray]:
    """State dict of the same network without branches (`branches: false`): each block's are fused."""
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    for name, layer in model.named_sublayers():
        if isinstance(layer, RepDWConv):
            fused, plain = layer.fuse(), name.replace("rep_dw", "dw_conv")
            arrays = {key: array for key, array in arrays.items() if not key.startswith(f"{name}.")}
            arrays[f"{plain}.conv.weight"] = fused.weight.numpy()
            arrays.update(identity_norm(f"{plain}.bn", fused.bias.numpy()))
    return arrays


def scale_activations(arrays: Dict[str, np.ndarray], *, stem: str = "backbone.") -> Dict[str, np.ndarray]:
    """Weights with which hard-swish computes about what GELU did (`act: hardswish`).

    Hard-swish is about GELU along a stretched axis: what comes in is multiplied, and what comes out divided.

    Args:
        arrays: state dict; not changed.
        stem: what the backbone's names begin with.
    """
    scaled = dict(arrays)
    for name in arrays:
        if name.endswith(f"{_EXPAND}.weight"):
            block = name[: -len(f"{_EXPAND}.weight")]
            _scale(scaled, f"{block}{_EXPAND}", f"{block}{_COMPRESS}")
    if f"{stem}conv1.0.bn.weight" in arrays:  # the unbranched stem of the tiny recogniser
        _scale(scaled, f"{stem}conv1.0.bn", f"{stem}conv1.2.conv.weight")
    return scaled


def _scale(arrays: Dict[str, np.ndarray], norm: str, following: str) -> None:
    for leaf in ("weight", "bias"):
        arrays[f"{norm}.{leaf}"] = arrays[f"{norm}.{leaf}"] * np.float32(FACTOR)
    arrays[following] = arrays[following] / np.float32(FACTOR)
