"""What text stands on: flat colours, gradients, made-up textures, photos; and colours that can be read on them."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from ppocr.data.synth.chance import between, chance, integer, pick
from ppocr.errors import ConfigError, InputError
from ppocr.ops.images import decode_image

Color = Tuple[float, float, float]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MAX_CACHED_PHOTOS = 128
_MAX_PHOTO_SIDE = 960  # photos are kept at most this long, pixels
_CROP_TRIES = 12
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # of B, G, R


class Photos:
    """Photos of a folder (and below), a few of them kept in memory.

    Args:
        folder: with pictures that have no text in them.

    Raises:
        ConfigError: no pictures there.
    """

    def __init__(self, folder: Union[str, Path]):
        self._paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
        self._kept: OrderedDict[Path, np.ndarray] = OrderedDict()
        if not self._paths:
            raise ConfigError([f"backgrounds: no pictures ({', '.join(SUFFIXES)}) in {folder}"])

    def crop(self, rng: np.random.Generator, height: int, width: int, *, closest: float = 4.0) -> np.ndarray:
        """A random part of a random photo, uint8[height, width, 3], BGR.

        Args:
            rng: of the sample.
            height, width: pixels.
            closest: how many times a photo may be enlarged.

        Raises:
            InputError: a photo that cannot be read.
        """
        photo = self._load(pick(rng, self._paths))
        rows, columns = photo.shape[:2]
        least = max(height / rows, width / columns)
        scale = max(least, between(rng, 0.35, min(closest, 1.5)))
        rows_cut, columns_cut = min(rows, int(height / scale)), min(columns, int(width / scale))
        rows_cut, columns_cut = max(1, rows_cut), max(1, columns_cut)
        top, left = integer(rng, 0, rows - rows_cut), integer(rng, 0, columns - columns_cut)
        part = photo[top : top + rows_cut, left : left + columns_cut]
        shrinks = rows_cut > height
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    def _load(self, path: Path) -> np.ndarray:
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        try:
            photo = next(decode_image(path.read_bytes(), str(path)))
        except OSError as error:
            raise InputError(str(path), f"cannot be read: {error.strerror}") from error
        scale = _MAX_PHOTO_SIDE / max(photo.shape[:2])
        if scale < 1:
            photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._kept[path] = photo
        while len(self._kept) > MAX_CACHED_PHOTOS:
            self._kept.popitem(last=False)
        return photo


def random_color(rng: np.random.Generator, *, grey: float = 0.4) -> Color:
    """A BGR colour, each part 0 to 255; with probability `grey` without hue."""
    level = between(rng, 0, 255)
    if chance(rng, grey):
        return level, level, level
    muted = 0.7 * float(rng.random())  # colours of things are rarely pure
    return tuple(muted * level + (1 - muted) * between(rng, 0, 255) for _ in range(3))  # type: ignore[return-value]


def paper_color(rng: np.random.Generator) -> Color:
    """A light, nearly white BGR colour."""
    level = between(rng, 205, 255)
    tint = 14.0 if chance(rng, 0.25) else 4.0
    return tuple(min(255.0, level + between(rng, -tint, tint)) for _ in range(3))  # type: ignore[return-value]


def flat(height: int, width: int, color: Color) -> np.ndarray:
    """uint8[height, width, 3] of one colour."""
    return np.full((height, width, 3), color, np.uint8)


def gradient(rng: np.random.Generator, height: int, width: int, first: Color, second: Color) -> np.ndarray:
    """From one colour to another in a random direction, uint8[height, width, 3]."""
    corners = rng.random((2, 2, 1), np.float32)
    corners = (corners - corners.min()) / max(float(np.ptp(corners)), 1e-3)
    small = np.asarray(first, np.float32) * (1 - corners) + np.asarray(second, np.float32) * corners
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def texture(rng: np.random.Generator, height: int, width: int, color: Color, strength: float) -> np.ndarray:
    """Cloudy, grainy or streaky noise around a colour.

    Args:
        rng: of the sample.
        height, width: pixels.
        color: BGR mean.
        strength: standard deviation of the coarse part, grey levels.

    Returns:
        uint8[height, width, 3].
    """
    fine = pick(rng, ((4, 4), (10, 10), (3, 40), (40, 3), (2, 2), (24, 24)))  # pixels a grain, down and across
    size = (max(2, -(-width // fine[1])), max(2, -(-height // fine[0])))
    noise = np.empty((size[1], size[0], 3 if chance(rng, 0.3) else 1), np.float32)
    fill_normal(noise, rng, strength)
    clouds = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    field = clouds.reshape(height, width, -1) + np.asarray(color, np.float32)
    return np.clip(field, 0, 255).astype(np.uint8)


def fill_normal(out: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    """Normal noise with mean 0 into `out`; OpenCV's generator is four times as fast as NumPy's."""
    cv2.setRNGSeed(int(rng.random() * (2**31 - 1)))
    cv2.randn(out, 0, deviation)  # type: ignore[call-overload]  # numbers stand for scalars
    return out


def background(
    rng: np.random.Generator, height: int, width: int, *, difficulty: float, photos: Optional[Photos] = None
) -> np.ndarray:
    """What a line may stand on: at difficulty 0 mostly flat, at 1 mostly photos and textures.

    Returns:
        uint8[height, width, 3], BGR.
    """
    base = paper_color(rng) if chance(rng, 0.55 - 0.2 * difficulty) else random_color(rng)
    style = rng.random()
    if style < 1 - 0.75 * difficulty:
        return flat(height, width, base)
    if photos is not None and style > 1 - 0.35 * difficulty:
        return photos.crop(rng, height, width)
    if style > 1 - 0.55 * difficulty:
        return texture(rng, height, width, base, between(rng, 2, 5 + 18 * difficulty))
    spread = 20 + 90 * difficulty
    other = tuple(min(255.0, max(0.0, part + between(rng, -spread, spread))) for part in base)
    return gradient(rng, height, width, base, other)  # type: ignore[arg-type]


def luma(color: Union[Color, Sequence[float]]) -> float:
    """Brightness of a BGR colour, 0 to 255 (ITU-R BT.601)."""
    return 0.114 * color[0] + 0.587 * color[1] + 0.299 * color[2]


def legible_color(rng: np.random.Generator, behind: np.ndarray, *, difficulty: float) -> Color:
    """A colour for text on `behind`, distinct in brightness from most of it.

    Args:
        rng: of the sample.
        behind: uint8[h, w, 3], BGR, what the text will cover.
        difficulty: 0: at least half of the full contrast; 1: an eighth, plus what the background varies.
    """
    mean, deviation = cv2.meanStdDev(behind)
    level, uneven = float(_LUMA @ mean[:, 0].astype(np.float32)), float(_LUMA @ deviation[:, 0].astype(np.float32))
    least = min(125 - 90 * difficulty * rng.random() ** 0.7 + 1.3 * uneven, max(level, 255 - level) - 5)
    ink = (between(rng, 0, 60),) * 3
    if chance(rng, 0.5) and abs(luma(ink) - level) >= least:  # most text is nearly black
        return ink
    for _ in range(_CROP_TRIES):
        color = random_color(rng, grey=0.25)
        if abs(luma(color) - level) >= least:
            return color
    return (0.0, 0.0, 0.0) if level > 127 else (255.0, 255.0, 255.0)
