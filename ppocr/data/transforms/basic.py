"""The steps between a decoded picture and a network's input, as the YAML files name them.

Each works on a sample, a dict with `image` (uint8[H, W, 3], BGR), and returns it changed. Predictors read the settings
off the same objects (`size`, `image_shape`, …) and call the same functions of `ppocr.ops`, batch by batch.
"""

from __future__ import annotations

import math
from typing import Any, List, Literal, Optional, Sequence, Union

import numpy as np

from ppocr.ops.images import decode_image
from ppocr.ops.page_image import STRIDE, limited_size, normalize_planes, resize_page
from ppocr.ops.text_image import natural_width, resize_normalize_pad

MAX_SIDE = 65_535  # pixels, of what a configuration asks for

Sample = dict[str, Any]


class DecodeImage:
    """Decode an encoded picture (uint8[n]) to upright uint8[H, W, 3], BGR; pixels pass through as they are.

    Args:
        img_mode: order of the channels that the network sees. All official models were trained on BGR.
        channel_first: must be false; `ToCHWImage` turns the axes.
    """

    def __init__(self, img_mode: Literal["BGR", "RGB"] = "BGR", channel_first: Literal[False] = False):
        self.img_mode = img_mode

    def __call__(self, sample: Sample) -> Sample:
        if sample["image"].ndim == 1:
            sample["image"] = next(decode_image(sample["image"].tobytes(), sample["place"]))
        sample["image"] = self.order(sample["image"])
        return sample

    def order(self, image: np.ndarray) -> np.ndarray:
        """uint8[H, W, 3], BGR, with the channels in the order that the network sees."""
        return np.ascontiguousarray(image[:, :, ::-1]) if self.img_mode == "RGB" else image


class DetResizeForTest:
    """Limit a page's size and round it to multiples of 32 (see `limited_size`).

    Args:
        limit_side_len: pixels.
        limit_type: "max", "min" or "resize_long".
        image_shape: (height, width) exactly, instead of a limit.
        keep_ratio: with `image_shape`, the width follows from the height, rounded up to a multiple of 32.
        resize_long: shorthand for limit_type "resize_long" with this length.
        max_side_limit: the long side never becomes longer than this, pixels;
        max_pixels: nor the page larger than this.
    """

    def __init__(
        self,
        limit_side_len: int = 960,
        limit_type: Literal["max", "min", "resize_long"] = "max",
        image_shape: Optional[List[int]] = None,
        resize_long: Optional[int] = None,
        max_side_limit: int = 2000,
        max_pixels: int = 1_920_000,
        keep_ratio: bool = False,
    ):
        self.limit_side_len = resize_long if resize_long is not None else limit_side_len
        self.limit_type = "resize_long" if resize_long is not None else limit_type
        self.image_shape = tuple(image_shape) if image_shape is not None else None
        self.max_side_limit, self.max_pixels, self.keep_ratio = max_side_limit, max_pixels, keep_ratio
        _check_sides("limit_side_len", [self.limit_side_len])
        _check_sides("max_side_limit", [max_side_limit])
        _check_sides("image_shape", image_shape or [])
        if image_shape is not None and len(image_shape) not in (2, 3):
            raise ValueError(f"image_shape: expected [height, width], came {image_shape!r}")
        if max_pixels < STRIDE * STRIDE:
            raise ValueError(f"max_pixels: expected {STRIDE * STRIDE} or more, came {max_pixels!r}")

    def size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) at which a page of this size is given to the network."""
        if self.image_shape is not None:
            new_height, new_width = self.image_shape[-2:]
            if self.keep_ratio:
                new_width = math.ceil(width * new_height / height / STRIDE) * STRIDE
            return new_height, new_width
        return limited_size(
            height,
            width,
            limit_side_len=self.limit_side_len,
            limit_type=self.limit_type,
            max_side_limit=self.max_side_limit,
            max_pixels=self.max_pixels,
        )

    def __call__(self, sample: Sample) -> Sample:
        height, width = sample["image"].shape[:2]
        new_height, new_width = self.size(height, width)
        sample["image"] = resize_page(sample["image"], new_height, new_width)
        # What maps boxes back to the page: its size and the two ratios, as PaddleOCR's samples carry it.
        sample["shape"] = np.array([height, width, new_height / height, new_width / width], np.float32)
        return sample


class NormalizeImage:
    """(image · scale - mean) / std; leaves float32[C, H, W], so `ToCHWImage` after it has nothing to do.

    Args:
        scale: factor on pixel values; a fraction may be written as text (`1./255.`).
        mean, std: per channel, in the channels' order.
        order: layout of the incoming picture, as YAML files state it.
    """

    def __init__(
        self,
        scale: Union[float, str] = 1 / 255,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        order: Literal["hwc"] = "hwc",
    ):
        self.scale, self.mean, self.std = _fraction(scale), tuple(mean), tuple(std)
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, 3) or not all(math.isfinite(value) for value in values):
                raise ValueError(f"{name}: expected a number for each of 3 channels, came {list(values)!r}")
        if not all(self.std) or not math.isfinite(self.scale):
            raise ValueError(f"scale and std: expected finite numbers other than 0, came {scale!r} and {list(std)!r}")

    def __call__(self, sample: Sample) -> Sample:
        image = sample["image"]
        out = np.empty((image.shape[2], *image.shape[:2]), np.float32)
        sample["image"] = normalize_planes(image, scale=self.scale, mean=self.mean, std=self.std, out=out)
        return sample


class ToCHWImage:
    """Channels first; `NormalizeImage` has already done it, so only an integer picture is turned."""

    def __call__(self, sample: Sample) -> Sample:
        if sample["image"].dtype == np.uint8:
            sample["image"] = np.ascontiguousarray(sample["image"].transpose(2, 0, 1))
        return sample


class RecResizeImg:
    """A text crop at the recogniser's height, its width kept in proportion up to `image_shape[2]`, padded right.

    Args:
        image_shape: (3, height, width), pixels; a sampler of several sizes overrules height and width (`size`).
    """

    def __init__(self, image_shape: List[int]):
        if len(image_shape) != 3 or image_shape[0] != 3 or not 1 <= min(image_shape) <= max(image_shape) <= MAX_SIDE:
            raise ValueError(f"image_shape: expected [3, height, width], came {list(image_shape)}")
        self.image_shape = tuple(image_shape)

    def __call__(self, sample: Sample) -> Sample:
        height, width = sample.get("size", self.image_shape[1:])
        # How much of the width holds text: evaluation and attention models use it.
        sample["valid_ratio"] = min(1.0, natural_width(sample["image"], height) / width)
        sample["image"] = resize_normalize_pad(sample["image"], height, width)
        return sample


class ClsResizeImg(RecResizeImg):
    """The same for the direction classifier."""


class KeepKeys:
    """Which entries of a sample go into the batch, in order."""

    def __init__(self, keep_keys: List[str]):
        self.keep_keys = list(keep_keys)

    def __call__(self, sample: Sample) -> Sample:
        return {key: sample[key] for key in self.keep_keys}


def _check_sides(name: str, sides: Sequence[int]) -> None:
    if not all(1 <= side <= MAX_SIDE for side in sides):
        raise ValueError(f"{name}: expected 1 to {MAX_SIDE} pixels, came {', '.join(map(str, sides))}")


def _fraction(value: Union[float, str]) -> float:
    """0.0039 or the text `1./255.`, as official files write it."""
    if isinstance(value, str):
        numerator, _, denominator = value.partition("/")
        return float(numerator) / float(denominator or 1)
    return float(value)
