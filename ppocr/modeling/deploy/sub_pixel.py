"""DB's up-sampling branches without transposed convolutions: what export does to `MapBranch`. It is exact."""

from __future__ import annotations

from typing import Optional

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppocr.modeling.deploy.fused import Fused
from ppocr.modeling.heads.db_head import MapBranch


def sub_pixel_branch(branch: MapBranch) -> Optional[Fused]:
    """The branch as a `SubPixelBranch`; None where its normalisations could not be folded."""
    if not isinstance(branch.conv_bn2, nn.Identity):
        return None
    return Fused(SubPixelBranch(branch), {"conv2": branch.conv2, "conv3": branch.conv3})


class SubPixelBranch(nn.Layer):
    """`MapBranch` without transposed convolutions: all work is done at the size of the incoming map.

    A transposed convolution with kernel 2 and stride 2 makes a 2×2 block out of each pixel, from that pixel alone. So
    it is a 1×1 convolution to four times the channels, after which channels move to places (pixel shuffle, Shi et al.
    2016). The second one works pixel by pixel as well, hence both moves can wait until the end, where one channel is
    left. oneDNN runs the 1×1 convolutions with bias and activation in one pass, and no large map is ever stored.

    Args:
        branch: with its normalisations folded.
    """

    def __init__(self, branch: MapBranch):
        super().__init__()
        self.conv1 = branch.conv1
        first, second = branch.conv2.weight.numpy(), branch.conv3.weight.numpy()  # [in, out, 2, 2]
        inputs, inner = first.shape[:2]
        # Channels of the first: (y, x, inner), where y, x are the place in the 2×2 block.
        self.conv2 = nn.Conv2D(inputs, 4 * inner, 1)
        self.conv2.weight.set_value(first.transpose(2, 3, 1, 0).reshape(4 * inner, inputs, 1, 1))
        self.conv2.bias.set_value(np.tile(branch.conv2.bias.numpy(), 4))
        # The second reads each place (y, x) apart, and makes (y, v, x, u): v, u the place in the smaller 2×2 block.
        # That is the order in which a pixel shuffle by 4 wants its 16 channels.
        blocks = np.zeros((2, 2, 2, 2, 2, 2, inner), np.float32)  # y, v, x, u ← y, x, inner
        for y in range(2):
            for x in range(2):
                blocks[y, :, x, :, y, x] = second[:, 0].transpose(1, 2, 0)
        self.conv3 = nn.Conv2D(4 * inner, 16, 1)
        self.conv3.weight.set_value(blocks.reshape(16, 4 * inner, 1, 1))
        self.conv3.bias.set_value(np.repeat(branch.conv3.bias.numpy(), 16))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """`float32[N, C, H, W]` → `float32[N, 1, 4H, 4W]` in [0, 1]."""
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return F.pixel_shuffle(F.sigmoid(self.conv3(x)), 4)
