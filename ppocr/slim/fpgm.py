"""PaddleSlim's FPGM: which channels of a network say least."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Sequence, Tuple

import numpy as np
from paddle import nn

from ppocr.slim.groups import find_groups
from ppocr.slim.paddleslim import paddleslim


class FPGM:
    """PaddleSlim's `FPGMFilterPruner` for a network.

    Filters near the geometric median of a layer's filters can be replaced by the others (He et al. 2019, arXiv
    1811.00250, equation 5): those with the smallest sum of distances to all others go first.

    Which channels hang together is found by `find_groups`. PaddleSlim's own search reads Paddle's old IR alone, in
    which many of Paddle's functions cannot be traced any more.

    Args:
        model: not changed. What it runs in `train()` mode is cut as well.
        input_shape: of a batch, as small as the network allows.

    Attributes:
        groups: master → group.

    Raises:
        SlimError: PaddleSlim is not installed, or the network does not run on pictures alone.
    """

    def __init__(self, model: nn.Layer, input_shape: Sequence[int]):
        pruner = paddleslim("dygraph.prune.fpgm_pruner").FPGMFilterPruner
        self._pruner = object.__new__(pruner)  # its constructor does nothing but search for groups
        self._weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
        self.groups = find_groups(model, input_shape)

    def worst(self, master: str, count: int) -> Tuple[int, ...]:
        """The `count` channels of a group that go first, ascending."""
        if not count:
            return ()
        details = {"master_name": master, "master_axis": 0, "values": self._weights, "all_pruning_details": tuple}
        mask = self._pruner.cal_mask(count / self.groups[master].size, SimpleNamespace(**details))
        return tuple(np.flatnonzero(mask == 0).tolist())
