"""A network rewritten for prediction: it computes the same in fewer and faster operations.

Three kinds of rewriting, in this order, since each needs what the one before left:

1. A layer with branches says itself what it becomes: `fuse()` returns the layer that takes its place.
2. Convolutions take in the batch normalisations after them (`batch_norm`).
3. Parts that compute on large maps are put together anew (`FUSIONS`, `PYRAMIDS`). Each such part returns a `Fused`.

Whoever learned something about the inputs of the training network's layers, as quantization does, asks
`Prediction.reads` where in the new network these inputs are read.
"""

from __future__ import annotations

import copy
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Type

import paddle
from paddle import nn

from ppocr.modeling.backbones.pp_lcnet_v4 import BranchedStem
from ppocr.modeling.deploy.batch_norm import fold_batch_norm
from ppocr.modeling.deploy.fused import Fused
from ppocr.modeling.deploy.pp_ocrv6 import fold_rep_lk_fpn, split_stem
from ppocr.modeling.deploy.pyramid import fold_pyramid
from ppocr.modeling.deploy.sub_pixel import sub_pixel_branch
from ppocr.modeling.heads.db_head import DBHead, MapBranch
from ppocr.modeling.necks.db_fpn import DBFPN
from ppocr.modeling.necks.rep_lk_fpn import RepLKFPN
from ppocr.utils.networks import find_layer, replace_layer

# Kind of layer → its form for prediction, None where this one has none
FUSIONS: Dict[Type[nn.Layer], Callable[[Any], Optional[Fused]]] = {
    MapBranch: sub_pixel_branch,
    BranchedStem: split_stem,
}
# Kind of neck → its form for prediction, which takes in the convolution that reads the neck's output
PYRAMIDS: Dict[Type[nn.Layer], Callable[[Any, nn.Conv2D], Fused]] = {
    DBFPN: fold_pyramid,
    RepLKFPN: fold_rep_lk_fpn,
}


class Prediction(NamedTuple):
    """What `for_prediction` made.

    Attributes:
        network: in `eval()` mode.
        reads: name of a layer in it → name of the layer of the training network that reads the same input, or an input
            that this one is a part of. Layers that kept their place are in it too.
    """

    network: nn.Layer
    reads: Dict[str, str]


def for_prediction(model: nn.Layer, example: paddle.Tensor) -> Prediction:
    """A copy of `model` that computes the same in fewer and faster operations.

    Args:
        model: not changed.
        example: an input, as small as the model allows.
    """
    network = copy.deepcopy(model)
    network.eval()
    origins = _Origins(network)
    fuse_branches(network, origins.note)
    fold_batch_norm(network, example)
    for name, layer in list(network.named_sublayers()):
        fused = FUSIONS[type(layer)](layer) if type(layer) in FUSIONS else None
        if fused is not None:
            origins.note(fused)
            replace_layer(network, name, fused.layer)
    neck: Any = getattr(network, "neck", None)
    head: Any = getattr(network, "head", None)
    if type(neck) in PYRAMIDS and isinstance(head, DBHead):
        fused = PYRAMIDS[type(neck)](neck, head.binarize.conv1)
        origins.note(fused)
        network.neck = fused.layer
        replace_layer(head, "binarize.conv1", nn.Identity())
    network.eval()
    return Prediction(network, origins.of(network))


def fuse_branches(model: nn.Layer, note: Callable[[Fused], None] = lambda fused: None) -> None:
    """Put what `fuse()` returns in the place of each layer that has it; `model` is changed.

    Args:
        note: called with each.
    """
    for name, layer in list(model.named_sublayers()):
        if hasattr(layer, "fuse"):
            fused = layer.fuse()
            made = [part for part, new in fused.named_sublayers(include_self=True) if isinstance(new, nn.Conv2D)]
            if len(made) == 1:  # one convolution for all branches, which read the same input
                first = next(part for part in layer.sublayers() if isinstance(part, nn.Conv2D))
                note(Fused(fused, {made[0]: first}))
            replace_layer(model, name, fused)


class _Origins:
    """Layer → name of the training network's layer that reads the same. Layers are kept, so that ids stay theirs."""

    def __init__(self, network: nn.Layer):
        self._names = {id(layer): name for name, layer in network.named_sublayers()}
        self._alive: List[nn.Layer] = list(network.sublayers())

    def note(self, fused: Fused) -> None:
        self._alive.append(fused.layer)
        for part, source in fused.reads.items():
            layer = find_layer(fused.layer, part)
            if source is None:
                self._names.pop(id(layer), None)
            else:
                self._names[id(layer)] = self._names[id(source)]

    def of(self, network: nn.Layer) -> Dict[str, str]:
        named = network.named_sublayers()
        return {name: self._names[id(layer)] for name, layer in named if id(layer) in self._names}
