import cv2
import numpy as np
import pytest

from ppocr.postprocess.db import DBPostProcess, mean_inside


def map_with(*quads, value=0.9, shape=(160, 320)):
    probability = np.zeros(shape, np.float32)
    for quad in quads:
        cv2.fillPoly(probability, [np.array(quad, np.int32)], value)
    return probability


BOX = [[50, 50], [149, 50], [149, 69], [50, 69]]


def test_a_region_grows_by_area_times_ratio_over_perimeter():
    regions = DBPostProcess()(map_with(BOX), 160, 320)
    grow = 99 * 19 * 1.5 / (2 * (99 + 19))
    expected = np.array(BOX) + np.array([[-grow, -grow], [grow, -grow], [grow, grow], [-grow, grow]])
    np.testing.assert_allclose(regions.boxes[0], expected, atol=0.51)
    assert regions.scores[0] == pytest.approx(0.9, abs=1e-3)
    assert regions.polygons is None


def test_boxes_are_in_pixels_of_the_page():
    page = DBPostProcess()(map_with(BOX), 320, 960).boxes[0]
    in_map = DBPostProcess()(map_with(BOX), 160, 320).boxes[0]
    np.testing.assert_allclose(page, in_map * (3, 2), atol=2)


def test_boxes_stay_on_the_page():
    box = DBPostProcess()(map_with([[0, 0], [319, 0], [319, 20], [0, 20]]), 160, 320).boxes[0]
    assert box.min() == 0 and box[:, 0].max() == 320


@pytest.mark.parametrize("value, found", [(0.25, 0), (0.5, 0), (0.7, 1)])
def test_thresholds(value, found):
    assert len(DBPostProcess(thresh=0.3, box_thresh=0.6)(map_with(BOX, value=value), 160, 320).boxes) == found


def test_no_text_is_no_boxes_of_the_right_shape():
    regions = DBPostProcess()(np.zeros((64, 64), np.float32), 64, 64)
    assert regions.boxes.shape == (0, 4, 2) and regions.scores.shape == (0,)


def test_specks_are_dropped():
    assert len(DBPostProcess()(map_with([[10, 10], [11, 10], [11, 11], [10, 11]]), 160, 320).boxes) == 0


def test_slow_score_follows_the_outline_where_the_rectangle_is_diluted():
    ell = map_with([[20, 20], [200, 20], [200, 40], [60, 40], [60, 120], [20, 120]])
    assert len(DBPostProcess(score_mode="fast")(ell, 160, 320).boxes) == 0
    slow = DBPostProcess(score_mode="slow")(ell, 160, 320)
    assert len(slow.boxes) == 1 and slow.scores[0] > 0.85


def test_polygons_follow_a_curve():
    curve = np.zeros((160, 320), np.float32)
    cv2.ellipse(curve, (160, 150), (120, 100), 0, 200, 340, 0.9, thickness=20)
    regions = DBPostProcess(box_type="poly", score_mode="slow")(curve, 160, 320)
    assert len(regions.boxes) == 1 and len(regions.polygons[0]) > 6
    area = cv2.contourArea(regions.polygons[0])
    assert area < 0.8 * cv2.contourArea(regions.boxes[0])


def test_dilation_joins_what_a_pixel_divides():
    halves = map_with([[50, 50], [98, 50], [98, 69], [50, 69]], [[100, 50], [149, 50], [149, 69], [100, 69]])
    assert len(DBPostProcess()(halves, 160, 320).boxes) == 2
    assert len(DBPostProcess(use_dilation=True)(halves, 160, 320).boxes) == 1


def test_the_largest_candidates_are_kept():
    small = [[[10 + 30 * k, 10], [20 + 30 * k, 10], [20 + 30 * k, 20], [10 + 30 * k, 20]] for k in range(8)]
    regions = DBPostProcess(max_candidates=1)(map_with(*small, BOX), 160, 320)
    assert len(regions.boxes) == 1 and np.ptp(regions.boxes[0][:, 0]) > 100


def test_mean_inside_counts_the_polygon_only():
    probability = np.zeros((20, 20), np.float32)
    probability[5:10, 5:10] = 1.0
    inside = np.array([[5, 5], [9, 5], [9, 9], [5, 9]], np.float32)
    assert mean_inside(probability, inside) == pytest.approx(1.0)
    assert mean_inside(probability, inside + 100) == 0.0
