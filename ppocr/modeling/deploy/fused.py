"""What a rewriting for prediction returns."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

from paddle import nn


class Fused(NamedTuple):
    """A layer for prediction, and where it comes from.

    Attributes:
        layer: computes what the layers that it replaces computed.
        reads: name of a part of `layer` (empty for itself) → the replaced layer that read the same input, or an input
            of which this part reads some channels. None for a part whose input no layer read before.
    """

    layer: nn.Layer
    reads: Mapping[str, Optional[nn.Layer]]
