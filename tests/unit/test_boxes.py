import cv2
import numpy as np
import pytest

from ppocr.ops.boxes import crop_quad, is_tall, order_corners, reading_order


def test_a_crop_from_a_picture_larger_than_opencv_can_warp():
    image = np.zeros((40, 33_000, 3), np.uint8)
    image[:, 32_000:32_100] = 255
    crop = crop_quad(image, turned(rectangle(32_000, 10, 32_100, 30), 2, (32_050.0, 20.0)))
    assert crop.shape[:2] == pytest.approx((20, 100), abs=1) and crop[:, 5:95].min() > 200


def rectangle(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def turned(quad, degrees, centre=(0, 0)):
    matrix = cv2.getRotationMatrix2D(centre, -degrees, 1.0)  # positive: clockwise on the screen
    return cv2.transform(quad[None], matrix)[0].astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 10, -10, 40, -40])
@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("flip", [False, True])
def test_corners_come_clockwise_from_the_top_left_whatever_order_they_came_in(degrees, start, flip):
    quad = turned(rectangle(10, 10, 110, 30), degrees)
    shuffled = np.roll(quad[::-1] if flip else quad, start, axis=0)
    np.testing.assert_allclose(order_corners(shuffled), quad, atol=1e-4)


def test_a_crop_of_an_upright_box_is_the_same_pixels():
    image = np.random.default_rng(0).integers(0, 256, (50, 200, 3), dtype=np.uint8)
    assert np.array_equal(crop_quad(image, rectangle(20, 5, 120, 35)), image[5:35, 20:120])


def test_the_shortcut_for_upright_boxes_equals_the_transform():
    image = np.random.default_rng(0).integers(0, 256, (50, 200, 3), dtype=np.uint8)
    box = rectangle(20, 5, 120, 35)
    transform = cv2.getPerspectiveTransform(box, rectangle(0, 0, 100, 30))
    warped = cv2.warpPerspective(image, transform, (100, 30), flags=cv2.INTER_CUBIC)
    assert np.array_equal(crop_quad(image, box), warped)


def test_a_turned_box_is_straightened():
    upright = np.full((200, 300, 3), 255, np.uint8)
    cv2.putText(upright, "TEXT", (60, 110), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    matrix = cv2.getRotationMatrix2D((150, 100), 25, 1.0)
    tilted = cv2.warpAffine(upright, matrix, (300, 200), borderValue=(255, 255, 255))
    box = rectangle(55, 55, 235, 120)
    crop = crop_quad(tilted, cv2.transform(box[None], matrix)[0])
    expected = crop_quad(upright, box)
    assert crop.shape[:2] == pytest.approx(expected.shape[:2], abs=1)
    height, width = min(crop.shape[0], expected.shape[0]), min(crop.shape[1], expected.shape[1])
    difference = np.abs(crop[:height, :width].astype(int) - expected[:height, :width])
    assert difference.mean() < 15


def test_a_tall_crop_is_turned_a_quarter_to_the_left():
    image = np.zeros((100, 20, 3), np.uint8)
    image[:50] = 255
    crop = crop_quad(image, rectangle(0, 0, 20, 100))
    assert crop.shape == (20, 100, 3)
    assert crop[:, :50].min() == 255  # what was up is left: text that ran upwards would end there
    assert is_tall(rectangle(0, 0, 20, 30)) and not is_tall(rectangle(0, 0, 20, 29))


@pytest.mark.parametrize("box", [rectangle(5, 5, 5, 5), rectangle(-5, -5, 3, 3), rectangle(18, 18, 30, 25)])
def test_degenerate_and_outlying_boxes_give_a_crop(box):
    crop = crop_quad(np.zeros((20, 20, 3), np.uint8), box)
    assert min(crop.shape[:2]) >= 1


def test_rows_from_top_to_bottom_and_left_to_right():
    boxes = np.stack([
        rectangle(200, 12, 300, 32),  # row 1, second, 12 pixels lower: a fixed 10-pixel rule would split the row
        rectangle(10, 0, 150, 20),
        rectangle(10, 40, 150, 60),
        rectangle(200, 36, 300, 56),
    ])
    boxes[0] -= (0, 6)
    assert reading_order(boxes) == [1, 0, 2, 3]


def test_small_print_does_not_merge_rows_that_ten_pixels_would():
    boxes = np.stack([rectangle(10 * k, 8 * row, 10 * k + 8, 8 * row + 6) for row in range(5) for k in (1, 0)])
    assert reading_order(boxes) == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]


@pytest.mark.parametrize("degrees", [-8, 8])
def test_a_slanted_page_keeps_its_rows(degrees):
    upright = [rectangle(120 * k, 40 * row, 120 * k + 100, 40 * row + 20) for row in range(4) for k in range(5)]
    boxes = np.stack([turned(box, degrees) for box in upright])
    shuffle = np.random.default_rng(1).permutation(len(boxes))
    assert shuffle[reading_order(boxes[shuffle])].tolist() == list(range(len(boxes)))


def test_no_boxes_no_order():
    assert reading_order(np.zeros((0, 4, 2))) == []
