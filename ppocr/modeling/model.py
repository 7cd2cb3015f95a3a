"""The one outline that all networks share: backbone → neck → head."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

import paddle
from paddle import nn


class OCRModel(nn.Layer):
    """A network put together from its parts.

    Attribute names are the prefixes of the state dict (`backbone.`, `neck.`, `head.`), which are those of the official
    models. What a part tells the next one is `out_channels`: an int, or a list of them for a feature pyramid.

    Args:
        backbone: picture → features.
        neck: features → features, or None.
        head: features → prediction; probabilities in `eval()` mode, what the loss needs in `train()` mode.
    """

    def __init__(
        self,
        *,
        backbone: nn.Layer,
        head: nn.Layer,
        neck: Optional[nn.Layer] = None,
    ):
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.head = head

    def forward(self, images: paddle.Tensor, labels: Optional[Mapping[str, paddle.Tensor]] = None) -> Any:
        """`float32[N, 3, H, W]`, normalised BGR → whatever the head predicts.

        Args:
            images: float32[N, 3, H, W], normalised BGR.
            labels: of the batch by name; only a head with `reads_labels` looks at them, and only while training.
        """
        return self.stages(images, labels)["head_out"]

    def stages(self, images: paddle.Tensor, labels: Optional[Mapping[str, paddle.Tensor]] = None) -> Dict[str, Any]:
        """What each part gives, as `backbone_out`, `neck_out` (the same without a neck) and `head_out`."""
        features = self.backbone(images)
        x = features if self.neck is None else self.neck(features)
        prediction = self.head(x, labels) if getattr(self.head, "reads_labels", False) else self.head(x)
        return {"backbone_out": features, "neck_out": x, "head_out": prediction}
