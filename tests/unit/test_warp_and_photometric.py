"""Moving pixels and changing their values."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ppocr.ops import photometric
from ppocr.ops.polygons import distance_to_outline, offset_polygon, shrink_distance
from ppocr.ops.warp import about, bend, move_points, rotation, scaling, shear, shift, warp

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (20, 31, 3)).astype(np.uint8)
SMOOTH = cv2.GaussianBlur(RNG.integers(0, 256, (64, 200, 3)).astype(np.uint8), (0, 0), 6)


def test_maps_of_points():
    assert move_points([[3, 4]], shift(1, -2))[0] == pytest.approx((4, 2))
    assert move_points([[3, 0]], rotation(90))[0] == pytest.approx((0, 3), abs=1e-6)  # clockwise: y grows downwards
    assert move_points([[3, 4]], about((3, 3), scaling(2, 3)))[0] == pytest.approx((3, 6))
    assert move_points([[3, 4]], shear(0.5, 0))[0] == pytest.approx((5, 4))
    tilted = np.array([[1, 0, 0], [0, 1, 0], [0.1, 0, 1]])
    assert move_points(np.array([[[10, 4]]]), tilted)[0, 0] == pytest.approx((5, 2))


def test_warp_by_whole_pixels():
    moved = warp(NOISE, shift(3, 2), 31, 20, fill=(1, 2, 3))
    assert np.array_equal(moved[2:, 3:], NOISE[:-2, :-3])
    assert (moved[:2] == (1, 2, 3)).all()
    assert np.array_equal(warp(NOISE, shift(31, 0) @ scaling(-1, 1), 31, 20), NOISE[:, ::-1])
    quarter = warp(NOISE, shift(20, 0) @ rotation(90), 20, 31)
    assert np.array_equal(quarter, np.rot90(NOISE, -1))
    assert (warp(NOISE, shift(3, 0), 31, 20, fill=None)[:, :3] == NOISE[:, :1]).all()


def test_warp_scales_as_resizing_does():
    for factor in (2, 0.5):
        size = int(200 * factor), int(64 * factor)
        expected = cv2.resize(SMOOTH, size, interpolation=cv2.INTER_LINEAR)
        scaled = warp(SMOOTH, scaling(factor, factor), *size, fill=None)
        assert np.abs(scaled.astype(int) - expected).max() <= 3


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    small = warp(stripes, scaling(1 / 8, 1 / 8), 8, 8, fill=None)
    assert np.abs(small.astype(int) - 100).max() <= 3  # without averaging: 0 or 200
    assert warp(np.full((1, 1, 3), 7, np.uint8), scaling(0.1, 0.1), 1, 1, fill=None)[0, 0].tolist() == [7, 7, 7]


def test_a_tilted_picture_agrees_with_its_points():
    corners = np.array([[30, 20], [90, 30], [80, 60], [20, 50]], float)
    image = np.zeros((80, 120), np.uint8)
    cv2.fillPoly(image, [corners.astype(np.int32)], 255)
    matrix = about((60, 40), np.array([[1, 0.1, 0], [0.2, 0.9, 0], [0.002, -0.001, 1]]))
    expected = np.zeros((80, 120), np.uint8)
    moved = move_points(corners + 0.5, matrix) - 0.5  # OpenCV draws from middle to middle of pixels
    cv2.fillPoly(expected, [moved.round().astype(np.int32)], 255)
    seen = warp(image, matrix, 120, 80) > 127
    assert (seen & (expected > 0)).sum() / (seen | (expected > 0)).sum() > 0.95


def test_bending_nothing_changes_nothing():
    points = np.array([[0, 0], [100, 0], [200, 0], [0, 64], [100, 64], [200, 64]], float)
    assert np.abs(bend(SMOOTH, points, points).astype(int) - SMOOTH).max() <= 2


def test_bending_by_a_similarity_is_that_similarity():
    points = np.array([[20, 10], [180, 12], [100, 60]], float)
    matrix = about((100, 32), rotation(5) @ scaling(1.1, 1.1))
    bent = bend(SMOOTH, points, move_points(points, matrix))
    assert np.abs(bent.astype(int) - warp(SMOOTH, matrix, 200, 64, fill=None)).max() <= 4


def test_bending_moves_the_control_points_there():
    image = np.zeros((64, 200, 3), np.uint8)
    spots = np.array([[20, 20], [100, 40], [180, 30], [60, 55]])
    targets = spots + np.array([[5, -3], [-6, 4], [3, 3], [0, -5]])
    for x, y in spots:
        cv2.circle(image, (int(x), int(y)), 2, (255, 255, 255), -1)
    bent = bend(image, spots + 0.5, targets + 0.5)[..., 0]
    for x, y in targets:
        window = bent[y - 3 : y + 4, x - 3 : x + 4].astype(float)
        rows, columns = np.mgrid[-3:4, -3:4]
        assert window.max() > 150
        assert abs((rows * window).sum() / window.sum()) < 1 and abs((columns * window).sum() / window.sum()) < 1


def test_neutral_changes():
    for same in (
        photometric.brightness(NOISE, 1), photometric.saturation(NOISE, 1), photometric.sharpness(NOISE, 1),
        photometric.contrast(NOISE, 1), photometric.posterize(NOISE, 8), photometric.solarize(NOISE, 256),
        photometric.invert(photometric.invert(NOISE)), photometric.gaussian_noise(NOISE, 0, RNG),
    ):  # fmt: skip
        assert np.array_equal(same, NOISE)
    assert np.abs(photometric.hue(NOISE, 1).astype(int) - photometric.hue(NOISE, 0)).max() == 0


def test_values():
    pixel = np.array([[[10, 100, 250]]], np.uint8)
    assert photometric.brightness(pixel, 0.5).tolist() == [[[5, 50, 125]]]
    assert photometric.brightness(pixel, 2).tolist() == [[[20, 200, 255]]]
    assert photometric.posterize(pixel, 1).tolist() == [[[0, 0, 128]]]
    assert photometric.solarize(pixel, 100).tolist() == [[[10, 155, 5]]]
    assert photometric.invert(pixel).tolist() == [[[245, 155, 5]]]
    grey = photometric.saturation(pixel, 0)[0, 0]
    assert np.ptp(grey) == 0
    assert np.ptp(photometric.contrast(NOISE, 0)) == 0
    red = np.array([[[0, 0, 255]]], np.uint8)
    assert photometric.hue(red, 1 / 3).tolist() == [[[0, 255, 0]]]  # red → green


def test_stretching_contrast():
    dull = (NOISE // 4 + 60).astype(np.uint8)
    for plane in cv2.split(photometric.autocontrast(dull)):
        assert plane.min() == 0 and plane.max() == 255
    flat = np.full((4, 5, 3), 77, np.uint8)
    assert np.array_equal(photometric.autocontrast(flat), flat)
    assert photometric.equalize(dull).std() > 2 * dull.std()


def test_noise():
    grey = np.full((200, 200, 3), 128, np.uint8)
    noisy = photometric.gaussian_noise(grey, 10, np.random.default_rng(0)).astype(float)
    assert noisy.std() == pytest.approx(10, rel=0.05) and np.array_equal(noisy[..., 0], noisy[..., 2])


def test_motion_blur_smears_along_its_direction():
    spot = np.zeros((31, 31, 3), np.uint8)
    spot[15, 15] = 255
    rows, columns = np.nonzero(photometric.motion_blur(spot, 9, 0)[..., 0])
    assert (np.ptp(rows), np.ptp(columns)) == (0, 8)
    rows, columns = np.nonzero(photometric.motion_blur(spot, 9, 90)[..., 0])
    assert (np.ptp(rows), np.ptp(columns)) == (8, 0)
    assert np.abs(photometric.motion_blur(np.full_like(spot, 90), 7, 30).astype(int) - 90).max() <= 1


SQUARE = np.array([[0, 0], [40, 0], [40, 40], [0, 40]], np.float32)


def test_offsets():
    assert shrink_distance(SQUARE, 0.4) == pytest.approx(1600 * 0.84 / 160)
    (smaller,) = offset_polygon(SQUARE, -5.25)
    assert cv2.contourArea(smaller) == pytest.approx(29.5**2)
    (larger,) = offset_polygon(SQUARE[::-1], 5)
    assert cv2.contourArea(larger) == pytest.approx(1600 + 4 * 40 * 5 + np.pi * 25, rel=0.01)
    assert offset_polygon(SQUARE, -21) == []
    assert offset_polygon(np.array([[0, 0], [5, 0], [9, 0], [3, 0]]), -1) == []
    waist = np.array(
        [
            [0, 0],
            [40, 0],
            [40, 18],
            [80, 18],
            [80, 0],
            [120, 0],
            [120, 40],
            [80, 40],
            [80, 22],
            [40, 22],
            [40, 40],
            [0, 40],
        ]
    )
    assert len(offset_polygon(waist, -4)) == 2


def test_distance_to_an_outline():
    away = distance_to_outline(SQUARE, np.arange(-3, 44), np.arange(0, 45))
    assert away.shape == (45, 47) and away.dtype == np.float32
    assert away[20, 3 + 20] == 20 and away[10, 3 + 5] == 5 and away[0, 3] == 0
    assert away[44, 0] == pytest.approx(5)  # 3 left of and 4 below a corner
