"""Several networks that learn together: from labels, from one another (Zhang et al. 2018, deep mutual learning, arXiv
1706.00384) and from a larger one. PP-OCRv2 to v4 were trained this way (Du et al. 2021, arXiv 2109.03144: CML).
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

import paddle
from paddle import nn

from ppocr.modeling.model import OCRModel


class DistillationModel(nn.Layer):
    """Networks by name. The names are the first parts of the state dict (`Student.backbone.…`), as PaddleOCR's.

    Args:
        models: the networks.
        main: name of the one that predicts, and is evaluated and exported.
    """

    def __init__(self, models: Mapping[str, OCRModel], main: str):
        super().__init__()
        self.names, self.main = list(models), main
        for name, model in models.items():
            self.add_sublayer(name, model)

    @property
    def main_network(self) -> OCRModel:
        """The network that predicts."""
        return getattr(self, self.main)

    def forward(self, images: paddle.Tensor, labels: Optional[Mapping[str, paddle.Tensor]] = None) -> Any:
        """The main network's prediction; in `train()` mode name → `OCRModel.stages` of each network.

        Args:
            images: float32[N, 3, H, W], normalised BGR.
            labels: as `OCRModel`'s.
        """
        if not self.training:
            return self.main_network(images)
        return {name: getattr(self, name).stages(images, labels) for name in self.names}
