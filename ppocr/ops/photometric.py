"""Changing pixel values without moving them. Pictures are uint8[H, W, 3], BGR; results are new arrays."""

from __future__ import annotations

import math

import cv2
import numpy as np

_LEVELS = np.arange(256, dtype=np.float32)


def brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """0 is black, 1 the picture itself."""
    return _by_table(image, _LEVELS * factor)


def contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """0 is the picture's mean grey, 1 the picture itself."""
    mean = cv2.mean(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[0]
    return _by_table(image, mean + (_LEVELS - mean) * factor)


def saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """0 is grey, 1 the picture itself."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


def hue(image: np.ndarray, turn: float) -> np.ndarray:
    """Turn the colour circle; 1 is once round."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    table = ((np.arange(256) + round(turn * 180)) % 180).astype(np.uint8)  # OpenCV's circle has 180 steps
    hsv[..., 0] = cv2.LUT(np.ascontiguousarray(hsv[..., 0]), table)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def sharpness(image: np.ndarray, factor: float) -> np.ndarray:
    """0 is slightly blurred, 1 the picture itself, 2 sharpened as much."""
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13
    return cv2.addWeighted(image, factor, cv2.filter2D(image, -1, kernel), 1 - factor, 0)


def invert(image: np.ndarray) -> np.ndarray:
    return cv2.bitwise_not(image)


def posterize(image: np.ndarray, bits: int) -> np.ndarray:
    """Keep the highest `bits` bits (1 … 8) of each value."""
    return cv2.bitwise_and(image, np.full_like(image, 256 - (1 << (8 - bits))))


def solarize(image: np.ndarray, threshold: int) -> np.ndarray:
    """Invert the values of `threshold` and above."""
    is_bright = np.arange(256) >= threshold
    return _by_table(image, np.where(is_bright, 255 - _LEVELS, _LEVELS))


def autocontrast(image: np.ndarray) -> np.ndarray:
    """Stretch each channel to the full range; a channel of one value stays."""

    def stretched(plane: np.ndarray) -> np.ndarray:
        low, high = int(plane.min()), int(plane.max())
        return _by_table(plane, (_LEVELS - low) * 255 / (high - low)) if high > low else plane

    return cv2.merge([stretched(plane) for plane in cv2.split(image)])


def equalize(image: np.ndarray) -> np.ndarray:
    """Make the histogram of each channel flat."""
    return cv2.merge([cv2.equalizeHist(plane) for plane in cv2.split(image)])


def gaussian_noise(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add noise of standard deviation `sigma` (levels of 255), the same on all channels of a pixel."""
    noise = rng.standard_normal(image.shape[:2], dtype=np.float32)[..., None] * np.float32(sigma)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def motion_blur(image: np.ndarray, length: int, degrees: float) -> np.ndarray:
    """Smear along a line of `length` pixels in a direction (0 is horizontal)."""
    size = length | 1
    kernel = np.zeros((size, size), np.float32)
    radius = (size - 1) / 2
    across, down = radius * math.cos(math.radians(degrees)), radius * math.sin(math.radians(degrees))
    start, end = (round(radius - across), round(radius - down)), (round(radius + across), round(radius + down))
    cv2.line(kernel, start, end, 1)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _by_table(image: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return cv2.LUT(image, np.clip(levels + 0.5, 0, 255).astype(np.uint8))
