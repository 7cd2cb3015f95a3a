"""What cameras, printers, scanners and screens do to a picture. BGR, uint8 in and out, same size.

`spoil` draws which of them happen; the others do one thing each with strengths that the caller gives.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ppocr.data.synth.backgrounds import fill_normal
from ppocr.data.synth.chance import between, chance, integer, pick


def degrade(image: np.ndarray, rng: np.random.Generator, *, difficulty: float, fine: float = 1.0) -> np.ndarray:
    """Apply a random chain of effects; at difficulty 0 nothing happens.

    Args:
        image: uint8[H, W, 3].
        rng: of the sample.
        difficulty: 0 to 1: how often and how strongly.
        fine: factor on blur and loss of resolution: below 1 where the text is small beside the picture.
    """
    d = difficulty
    if chance(rng, 0.5 * d):
        image = uneven_light(image, rng, between(rng, 0.1, 0.15 + 0.5 * d))
    if chance(rng, 0.15 * d):
        image = screen(image, rng, between(rng, 0.05, 0.1 + 0.25 * d))
    if chance(rng, 0.4 * d):
        image = fade(image, rng, between(rng, 0, 0.55 * d))
    if chance(rng, 0.65 * d):
        image = low_resolution(image, 1 + fine * between(rng, 0.1, 0.2 + 1.5 * d))
    if chance(rng, 0.35 * d):
        image = cv2.GaussianBlur(image, (0, 0), max(0.2, fine * between(rng, 0.3, 0.5 + 1.2 * d)))
    elif chance(rng, 0.3 * d):
        image = motion_blur(image, rng, fine * between(rng, 2, 2.5 + 4.5 * d))
    if chance(rng, 0.12 * d):
        image = photocopy(image, between(rng, 0.3, 0.9))
    if chance(rng, 0.6 * d):
        image = noise(image, rng, between(rng, 1, 4 + 22 * d))
    if chance(rng, 0.7 * d):
        image = jpeg(image, integer(rng, round(90 - 70 * d), 92))
    return image


def uneven_light(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Brighter and darker parts: a slow random field from 1 - strength to 1 + strength / 2."""
    grid = rng.random((2, pick(rng, (2, 3, 4)))).astype(np.float32)
    field = cv2.resize(1 - strength + 1.5 * strength * grid, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, cv2.merge([field] * 3), dtype=cv2.CV_8U)


def screen(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """The grid of a display, photographed: fine stripes in one or both directions."""
    height, width = image.shape[:2]
    pitch, phase = between(rng, 2.0, 5.0), between(rng, 0, 6)
    rows = 1 - strength * (0.5 + 0.5 * np.sin(2 * np.pi * np.arange(height) / pitch + phase))
    columns = np.ones(width)
    if chance(rng, 0.5):
        columns = 1 - strength * (0.5 + 0.5 * np.sin(2 * np.pi * np.arange(width) / between(rng, 2.0, 6.0)))
    field = np.outer(rows, columns).astype(np.float32)
    return cv2.multiply(image, cv2.merge([field] * 3), dtype=cv2.CV_8U)


def fade(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Less contrast around a random level, as haze, glare and old paper have."""
    return cv2.addWeighted(image, 1 - strength, image, 0, strength * between(rng, 40, 220))


def low_resolution(image: np.ndarray, factor: float) -> np.ndarray:
    """Shrunk by `factor` and enlarged again."""
    height, width = image.shape[:2]
    small = (max(2, round(width / factor)), max(2, round(height / factor)))
    return cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))


def motion_blur(image: np.ndarray, rng: np.random.Generator, length: float) -> np.ndarray:
    """A camera that moves `length` pixels in a random direction."""
    size = 2 * max(1, round(length / 2)) + 1
    angle, centre = between(rng, 0, np.pi), size // 2
    half = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    kernel = np.zeros((size, size), np.uint8)
    first, last = np.rint(centre - half).astype(int), np.rint(centre + half).astype(int)
    cv2.line(kernel, first.tolist(), last.tolist(), 255, 1, cv2.LINE_AA)
    weights = kernel.astype(np.float32)
    return cv2.filter2D(image, -1, weights / weights.sum(), borderType=cv2.BORDER_REPLICATE)


def photocopy(image: np.ndarray, strength: float) -> np.ndarray:
    """What copiers and fax machines make of a page: nearly black and white (Otsu's threshold), with ragged edges."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    _, hard = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return cv2.cvtColor(cv2.addWeighted(hard, strength, grey, 1 - strength, 0), cv2.COLOR_GRAY2BGR)


def noise(image: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    """Normal noise of the given standard deviation in grey levels: of each colour, or of brightness alone."""
    if chance(rng, 0.5):
        grain = fill_normal(np.empty(image.shape, np.int16), rng, deviation)
    else:
        grain = cv2.merge([fill_normal(np.empty(image.shape[:2], np.int16), rng, deviation)] * 3)
    return cv2.add(image, grain, dtype=cv2.CV_8U)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """What a JPEG file of the given quality (1 to 100) keeps."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def worn_ink(mask: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Ink that is not evenly dark: specks that stayed white, stripes of a dry ribbon, dots of a needle printer.

    Args:
        mask: uint8[H, W], how strongly pixels are inked.
        rng: of the sample.
        strength: 0 to 1.
    """
    height, width = mask.shape
    style = rng.random()
    if style < 0.5:
        grain = pick(rng, (1, 1, 2))
        specks = rng.random((-(-height // grain), -(-width // grain)), np.float32)
        dark = np.where(specks < 0.3 * strength, between(rng, 0, 0.6), 1.0).astype(np.float32)
        keep: np.ndarray = cv2.resize(dark, (width, height), interpolation=cv2.INTER_LINEAR)
    elif style < 0.8:
        stripes = 1 - strength * rng.random((height, 1), np.float32) ** 2
        keep = np.broadcast_to(stripes, (height, width))
    else:
        keep = np.tile(_dots(integer(rng, 2, 3)), (height, width))[:height, :width] * strength + (1 - strength)
    return (mask * keep).astype(np.uint8)


@cache
def _dots(pitch: int) -> np.ndarray:
    cell = np.ones((pitch, pitch), np.float32)
    cell[-1, :] = 0.35
    cell[:, -1] = 0.35
    return cell


def interfering_lines(image: np.ndarray, rng: np.random.Generator, color: tuple[float, ...]) -> np.ndarray:
    """Rules of forms and tables, strokes, scratches across the picture; drawn into `image`."""
    height, width = image.shape[:2]
    for _ in range(integer(rng, 1, 3)):
        shade = [min(255.0, max(0.0, part + between(rng, -60, 60))) for part in color]
        style = rng.random()
        if style < 0.55:  # a rule above or below the text
            y = between(rng, 0, 0.12) * height if chance(rng, 0.4) else between(rng, 0.85, 1) * height
            ends = (0, round(y)), (width, round(y + between(rng, -0.06, 0.06) * height))
        elif style < 0.8:  # the side of a cell
            x = between(rng, 0, 0.25) * height if chance(rng, 0.5) else width - between(rng, 0, 0.25) * height
            ends = (round(x), 0), (round(x + between(rng, -2, 2)), height)
        else:  # a stroke or scratch across
            ends = (integer(rng, 0, width), integer(rng, 0, height)), (integer(rng, 0, width), integer(rng, 0, height))
        cv2.line(image, *ends, shade, pick(rng, (1, 1, 1, 2)), cv2.LINE_AA)
    return image
