"""Random changes of text crops: base data augmentation (BDA), with TIA, and joining crops.

A crop is `image`, uint8[H, W, 3], BGR, of any size. What a change does is measured by the crop's height, since crops
come in all resolutions.
"""

from __future__ import annotations

import math
from typing import Callable, Optional, Sequence

import cv2
import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.data.transforms.tia import TIA
from ppocr.ops import photometric
from ppocr.ops.text_image import natural_width
from ppocr.ops.warp import about, rotation, warp

MIN_SIDE_PIXELS = 20  # pixels: a crop with a shorter side is not cut, turned or tilted


class BaseDataAugmentation:
    """Each change is applied on its own chance. Keys as PaddleOCR's, and two more for what the paper has besides.

    Source: Du et al. 2020, section 2.2.2 (rotation, perspective, motion blur, Gaussian noise).

    Args:
        crop_prob: cut off up to a tenth of the height, above or below.
        rotate_prob: turn by up to 5°, less for long crops, so that no end leaves the picture.
        perspective_prob: move the corners by up to a tenth of the height.
        blur_prob: motion blur of up to an eighth of the height in any direction.
        hsv_aug_prob: change brightness, saturation and hue.
        jitter_prob: shift by up to a thirtieth of the height either way.
        noise_prob: Gaussian noise with a standard deviation of up to 20 levels.
        reverse_prob: invert the colours.
    """

    def __init__(
        self,
        crop_prob: float = 0.4,
        reverse_prob: float = 0.4,
        noise_prob: float = 0.4,
        jitter_prob: float = 0.4,
        blur_prob: float = 0.4,
        hsv_aug_prob: float = 0.4,
        rotate_prob: float = 0.2,
        perspective_prob: float = 0.2,
    ):
        self._changes = [
            (crop_prob, crop),
            (rotate_prob, rotate),
            (perspective_prob, tilt),
            (blur_prob, blur),
            (hsv_aug_prob, recolour),
            (jitter_prob, jitter),
            (noise_prob, add_noise),
            (reverse_prob, reverse),
        ]

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        for chance, change in self._changes:
            if rng.random() < chance:
                sample["image"] = change(sample["image"], rng)
        return sample


class RecAug:
    """TIA, then base data augmentation: what the recogniser is trained with.

    Args:
        tia_prob: chance of TIA.
        use_tia: False leaves it out; the first release's key, like
        aug_prob: one chance for all changes, in place of their own.
        crop_prob … perspective_prob: as in `BaseDataAugmentation`.
    """

    def __init__(
        self,
        tia_prob: float = 0.4,
        crop_prob: float = 0.4,
        reverse_prob: float = 0.4,
        noise_prob: float = 0.4,
        jitter_prob: float = 0.4,
        blur_prob: float = 0.4,
        hsv_aug_prob: float = 0.4,
        rotate_prob: float = 0.2,
        perspective_prob: float = 0.2,
        use_tia: bool = True,
        aug_prob: Optional[float] = None,
    ):
        chances = [
            tia_prob, crop_prob, reverse_prob, noise_prob, jitter_prob, blur_prob, hsv_aug_prob, rotate_prob,
            perspective_prob,
        ]  # fmt: skip
        first, *others = chances if aug_prob is None else [aug_prob] * len(chances)
        self._tia = TIA(first if use_tia else 0.0)
        self._base = BaseDataAugmentation(*others)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        return self._base(self._tia(sample, rng), rng)


class RecConAug:
    """Join other crops to the right of this one, as long as picture and text stay short enough.

    Must stand between `DecodeImage` and the encoding of the label.

    Args:
        prob: chance of being applied.
        image_shape: (height, width, channels): height of the joined crop, and the width it may not exceed.
        max_text_length: characters that the joined text may not exceed.
        ext_data_num: most crops that are added.
    """

    def __init__(
        self,
        prob: float = 0.5,
        image_shape: Sequence[int] = (32, 320, 3),
        max_text_length: int = 25,
        ext_data_num: int = 1,
    ):
        self.prob, self.height, self.width = prob, image_shape[0], image_shape[1]
        self.max_text_length, self.ext_data_num = max_text_length, ext_data_num

    def __call__(self, sample: Sample, rng: np.random.Generator, other: Callable[[], Optional[Sample]]) -> Sample:
        if rng.random() >= self.prob:
            return sample
        for _ in range(self.ext_data_num):
            more = other()
            if more is None:
                continue
            width = sum(natural_width(one["image"], self.height) for one in (sample, more))
            text = sample["label"] + more["label"]
            if width > self.width or len(text) > self.max_text_length:
                break
            crops = [_at_height(one["image"], self.height) for one in (sample, more)]
            sample.update(image=np.concatenate(crops, axis=1), label=text)
        return sample


def crop(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if min(image.shape[:2]) < MIN_SIDE_PIXELS:
        return image
    rows = int(rng.integers(1, image.shape[0] // 10 + 1))
    return image[rows:] if rng.random() < 0.5 else image[:-rows]


def rotate(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE_PIXELS:
        return image
    most = min(5.0, math.degrees(math.atan2(0.3 * height, width)))
    matrix = about((width / 2, height / 2), rotation(rng.uniform(-most, most)))
    return warp(image, matrix, width, height, fill=None)


def tilt(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE_PIXELS:
        return image
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-0.1 * height, 0.1 * height, (4, 2)).astype(np.float32)
    return warp(image, cv2.getPerspectiveTransform(corners, moved), width, height, fill=None)


def blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    longest = max(3, image.shape[0] // 8)
    return photometric.motion_blur(image, int(rng.integers(3, longest + 1)), rng.uniform(0, 180))


def recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = photometric.hue(image, rng.uniform(-0.1, 0.1))
    image = photometric.saturation(image, rng.uniform(0.5, 1.5))
    return photometric.brightness(image, rng.uniform(0.7, 1.3))


def jitter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A shift by whole pixels, the border repeated."""
    height, width = image.shape[:2]
    most = max(1, height // 30)
    down, across = rng.integers(-most, most + 1, 2)
    rows, columns = np.clip(np.arange(height) + down, 0, height - 1), np.clip(np.arange(width) + across, 0, width - 1)
    return image[rows][:, columns]


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return photometric.gaussian_noise(image, rng.uniform(0, 20), rng)


def reverse(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return photometric.invert(image)


def _at_height(image: np.ndarray, height: int) -> np.ndarray:
    return cv2.resize(image, (natural_width(image, height), height), interpolation=cv2.INTER_LINEAR)
