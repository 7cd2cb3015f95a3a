"""Random changes of crops for the direction classifier: RandAugment, and what the paper compares it with.

None turns or mirrors a crop so far that its direction would be another. `image` is uint8[H, W, 3], BGR.
"""

from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.ops import photometric
from ppocr.ops.warp import about, rotation, shear, shift, warp

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

GREY = (128, 128, 128)  # where a moved picture doesn't reach


def _moved(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return warp(image, about((width / 2, height / 2), matrix), width, height, fill=GREY)


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


# What AutoAugment's operations do at magnitude `m` in [0, 1] (Cubuk et al. 2019, table 6).
CHANGES: Dict[str, Change] = {
    "ShearX": lambda image, m, rng: _moved(image, shear(_sign(rng) * 0.3 * m, 0)),
    "ShearY": lambda image, m, rng: _moved(image, shear(0, _sign(rng) * 0.3 * m)),
    "TranslateX": lambda image, m, rng: _moved(image, shift(_sign(rng) * 0.45 * m * image.shape[1], 0)),
    "TranslateY": lambda image, m, rng: _moved(image, shift(0, _sign(rng) * 0.45 * m * image.shape[0])),
    "Rotate": lambda image, m, rng: _moved(image, rotation(_sign(rng) * 30 * m)),
    "Color": lambda image, m, rng: photometric.saturation(image, 1 + _sign(rng) * 0.9 * m),
    "Contrast": lambda image, m, rng: photometric.contrast(image, 1 + _sign(rng) * 0.9 * m),
    "Brightness": lambda image, m, rng: photometric.brightness(image, 1 + _sign(rng) * 0.9 * m),
    "Sharpness": lambda image, m, rng: photometric.sharpness(image, 1 + _sign(rng) * 0.9 * m),
    "Posterize": lambda image, m, rng: photometric.posterize(image, 8 - round(4 * m)),
    "Solarize": lambda image, m, rng: photometric.solarize(image, round(256 * (1 - m))),
    "AutoContrast": lambda image, m, rng: photometric.autocontrast(image),
    "Equalize": lambda image, m, rng: photometric.equalize(image),
    "Invert": lambda image, m, rng: photometric.invert(image),
}

# AutoAugment's policy for ImageNet (Cubuk et al. 2019, table 9): two operations, each with its chance and magnitude.
POLICY = (
    (("Posterize", 0.4, 8), ("Rotate", 0.6, 9)),
    (("Solarize", 0.6, 5), ("AutoContrast", 0.6, 5)),
    (("Equalize", 0.8, 8), ("Equalize", 0.6, 3)),
    (("Posterize", 0.6, 7), ("Posterize", 0.6, 6)),
    (("Equalize", 0.4, 7), ("Solarize", 0.2, 4)),
    (("Equalize", 0.4, 4), ("Rotate", 0.8, 8)),
    (("Solarize", 0.6, 3), ("Equalize", 0.6, 7)),
    (("Posterize", 0.8, 5), ("Equalize", 1.0, 2)),
    (("Rotate", 0.2, 3), ("Solarize", 0.6, 8)),
    (("Equalize", 0.6, 8), ("Posterize", 0.4, 6)),
    (("Rotate", 0.8, 8), ("Color", 0.4, 0)),
    (("Rotate", 0.4, 9), ("Equalize", 0.6, 2)),
    (("Equalize", 0.0, 7), ("Equalize", 0.8, 8)),
    (("Invert", 0.6, 4), ("Equalize", 1.0, 8)),
    (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
    (("Rotate", 0.8, 8), ("Color", 1.0, 2)),
    (("Color", 0.8, 8), ("Solarize", 0.8, 7)),
    (("Sharpness", 0.4, 7), ("Invert", 0.6, 8)),
    (("ShearX", 0.6, 5), ("Equalize", 1.0, 9)),
    (("Color", 0.4, 0), ("Equalize", 0.6, 3)),
    (("Equalize", 0.4, 7), ("Solarize", 0.2, 4)),
    (("Solarize", 0.6, 5), ("AutoContrast", 0.6, 5)),
    (("Invert", 0.6, 4), ("Equalize", 1.0, 8)),
    (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
    (("Equalize", 0.8, 8), ("Equalize", 0.6, 3)),
)
MAX_MAGNITUDE = 10  # the magnitude that stands for 1


class RandAugment:
    """Some changes drawn at random, all of one strength. Source: Cubuk et al. 2020; keys as PaddleOCR's.

    Args:
        prob: chance of each drawn change.
        num_layers: how many are drawn.
        magnitude: strength, from 0 to 10.
    """

    def __init__(self, prob: float = 0.5, num_layers: int = 2, magnitude: float = 5):
        if not 0 <= magnitude <= MAX_MAGNITUDE:
            raise ValueError(f"magnitude: expected 0 to {MAX_MAGNITUDE}, came {magnitude}")
        self.prob, self.num_layers, self.magnitude = prob, num_layers, magnitude

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        names = list(CHANGES)
        for number in rng.integers(len(names), size=self.num_layers):
            if rng.random() < self.prob:
                sample["image"] = CHANGES[names[number]](sample["image"], self.magnitude / MAX_MAGNITUDE, rng)
        return sample


class AutoAugment:
    """One of 25 pairs of changes that were found to help on ImageNet. Source: Cubuk et al. 2019."""

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        for name, chance, magnitude in POLICY[rng.integers(len(POLICY))]:
            if rng.random() < chance:
                sample["image"] = CHANGES[name](sample["image"], magnitude / MAX_MAGNITUDE, rng)
        return sample


class Cutout:
    """Black squares. Source: DeVries and Taylor 2017.

    Args:
        n_holes: how many.
        length: side, as a part of the crop's height.
    """

    def __init__(self, n_holes: int = 1, length: float = 0.5):
        self.n_holes, self.length = n_holes, length

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        image = sample["image"].copy()
        height, width = image.shape[:2]
        half = self.length * height / 2
        for y, x in rng.uniform(0, (height, width), (self.n_holes, 2)):
            image[max(0, round(y - half)) : round(y + half), max(0, round(x - half)) : round(x + half)] = 0
        sample["image"] = image
        return sample


class RandomErasing:
    """One rectangle of noise. Source: Zhong et al. 2017, algorithm 1.

    Args:
        prob: chance of being applied.
        sl, sh: least and greatest area, as parts of the crop's.
        r1: the rectangle's height is r1 to 1 / r1 times its width.
    """

    TRIES = 10

    def __init__(self, prob: float = 0.5, sl: float = 0.02, sh: float = 0.4, r1: float = 0.3):
        self.prob, self.sl, self.sh, self.r1 = prob, sl, sh, r1

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if rng.random() >= self.prob:
            return sample
        height, width = sample["image"].shape[:2]
        for _ in range(self.TRIES):
            area, ratio = rng.uniform(self.sl, self.sh) * height * width, rng.uniform(self.r1, 1 / self.r1)
            rows, columns = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
            if rows <= height and columns <= width:
                top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
                image = sample["image"].copy()
                image[top : top + rows, left : left + columns] = rng.integers(256, size=(rows, columns, 3))
                sample["image"] = image
                break
        return sample


class HideAndSeek:
    """Black squares of a grid, each hidden on its own chance. Source: Singh et al. 2018.

    Args:
        prob: chance of each square.
        size: side, as a part of the crop's height.
    """

    def __init__(self, prob: float = 0.5, size: float = 0.25):
        self.prob, self.size = prob, size

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        height, width = sample["image"].shape[:2]
        side = max(1, round(self.size * height))
        shown = rng.random((-(-height // side), -(-width // side))) >= self.prob
        mask = shown.repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
        sample["image"] = sample["image"] * mask[..., None]
        return sample


class GridMask:
    """Black squares in a regular grid at a random offset. Source: Chen et al. 2020.

    Args:
        prob: chance of being applied.
        least, most: distance of the squares, as parts of the crop's height.
        ratio: side of a square, as a part of their distance.
    """

    def __init__(self, prob: float = 0.5, least: float = 0.3, most: float = 0.8, ratio: float = 0.5):
        self.prob, self.least, self.most, self.ratio = prob, least, most, ratio

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if rng.random() >= self.prob:
            return sample
        height, width = sample["image"].shape[:2]
        distance = max(2, round(rng.uniform(self.least, self.most) * height))
        offset_y, offset_x = rng.integers(distance, size=2)
        hidden = round(distance * self.ratio)
        rows, columns = (np.arange(height) + offset_y) % distance, (np.arange(width) + offset_x) % distance
        mask = (rows[:, None] >= hidden) | (columns[None, :] >= hidden)
        sample["image"] = sample["image"] * mask[..., None]
        return sample
