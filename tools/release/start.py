"""Official tiny's weights in the form that is trained here: one convolution for each block's branches, hard-swish."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import numpy as np
from paddle import nn
from recipe import logger

from ppocr.config import load_config
from ppocr.engine.build import build_charset, build_model
from ppocr.engine.pretrained import load_pretrained
from ppocr.engine.weights import load_weights, save_weights
from ppocr.modeling.reparam import RepDWConv, identity_norm

CONFIG, OFFICIAL = "release/slim_rec.yml", "rec/PP-OCRv6_tiny_rec.yml"
# k for which hardswish(k x) / k is nearest to gelu(x): off by 0.03 (root of the mean square) where x is normal with
# deviation 1 to 3, instead of 0.15 to 0.18 with k = 1
FACTOR = 1.8


def start_weights(work: Path) -> None:
    """Write `WORK/start/rec.pdparams`."""
    config = load_config(OFFICIAL)
    official = build_model(config)
    load_pretrained(official, "tiny", kind="rec", charset=build_charset(config))
    arrays = scale_activations(one_convolution(official))
    model = build_model(load_config(CONFIG))
    kept = {key: arrays[key] for key in model.state_dict()}  # without what only the official training has
    load_weights(model, kept, source=OFFICIAL)
    save_weights(model, work / "start" / "rec.pdparams")
    logger.info("start: %d tensors", len(kept))


def one_convolution(official: nn.Layer) -> Dict[str, np.ndarray]:
    """State dict of the same network without branches: each block's are fused."""
    arrays = {name: tensor.numpy() for name, tensor in official.state_dict().items()}
    for name, layer in official.named_sublayers():
        if isinstance(layer, RepDWConv):
            fused, plain = layer.fuse(), name.replace("rep_dw", "dw_conv")
            arrays = {key: array for key, array in arrays.items() if not key.startswith(f"{name}.")}
            arrays[f"{plain}.conv.weight"] = fused.weight.numpy()
            arrays.update(identity_norm(f"{plain}.bn", fused.bias.numpy()))
    return arrays


def scale_activations(arrays: Dict[str, np.ndarray], *, stem: str = "backbone.") -> Dict[str, np.ndarray]:
    """Hard-swish is about GELU along a stretched axis: what comes in is multiplied, and what comes out divided.

    Args:
        stem: what the backbone's names begin with.
    """
    scaled = dict(arrays)
    for name in arrays:
        if name.endswith("channel_mixer.expand.bn.weight"):
            block = name[: -len("expand.bn.weight")]
            _scale(scaled, f"{block}expand.bn", f"{block}compress.conv.weight")
    _scale(scaled, f"{stem}conv1.0.bn", f"{stem}conv1.2.conv.weight")
    return scaled


def _scale(arrays: Dict[str, np.ndarray], norm: str, following: str) -> None:
    for leaf in ("weight", "bias"):
        arrays[f"{norm}.{leaf}"] = arrays[f"{norm}.{leaf}"] * np.float32(FACTOR)
    arrays[following] = arrays[following] / np.float32(FACTOR)
