"""Pages that lie upside down or on their side: votes, the second look, and boxes in either picture."""

import dataclasses

import numpy as np
import pytest

from ppocr.infer import orientation
from ppocr.infer.crops import Reading
from ppocr.infer.pipeline import OCR
from ppocr.infer.results import OCRResult, TextLine

WIDE = np.array([[0, 0], [90, 0], [90, 20], [0, 20]], np.float32)
TALL = np.array([[0, 0], [20, 0], [20, 90], [0, 90]], np.float32)


@pytest.mark.parametrize(
    ("box", "turned", "angle"), [(WIDE, False, 0), (TALL, False, 90), (WIDE, True, 180), (TALL, True, 270)]
)
def test_most_characters_say_how_a_page_lies(box, turned, angle):
    readings = [Reading("lying so", 0.9, turned)] * 4 + [Reading("other", 0.9, not turned)] * 2
    found = orientation.votes(np.stack([box] * 6), readings, 0.5)
    assert orientation.suspected_angle(found, 6) == angle


@pytest.mark.parametrize("readings", [
    [Reading("HOTEL BRISTOL", 0.9, True)] * 2,  # two lines have no order
    [Reading("ab", 0.9, True)] * 4,  # too little text
    [Reading("lying so", 0.4, True)] * 6,  # not sure of any
    [Reading("lying so", 0.9, True)] * 3 + [Reading("lying so", 0.9)] * 3,  # half and half
    [Reading("7", 0.9, True)] * 30,  # a single character has no direction
    [],
])  # fmt: skip
def test_little_evidence_turns_nothing(readings):
    found = orientation.votes(np.stack([WIDE] * max(1, len(readings))), readings, 0.5)
    assert orientation.suspected_angle(found, len(readings)) == 0


def test_nonsense_of_the_first_look_does_not_count_against_the_second():
    """Of a receipt at 270 degrees, lines of 71 characters of 638 were read the wrong way round."""
    before = np.array([0, 71.5, 0, 566.7])
    assert orientation.suspected_angle(before, 47) == 270
    assert orientation.is_confirmed(before, np.array([572.9, 0, 0, 0]))
    assert not orientation.is_confirmed(before, np.array([400.0, 0, 0, 0]))  # reads worse
    assert not orientation.is_confirmed(before, np.array([300.0, 300, 0, 0]))  # lies no better


def test_a_page_whose_small_lines_were_not_seen_to_be_upside_down_is_looked_at_again():
    """A receipt of 87 lines 9 pixels high, stored upside down: the classifier was sure of half of them."""
    before = np.array([310.8, 4.1, 360.5, 4.9])
    assert orientation.suspected_angle(before, 87) == 180
    assert orientation.is_confirmed(before, np.array([807.7, 1.8, 0.0, 0.0]))
    assert not orientation.is_confirmed(before, before[[2, 3, 0, 1]])  # two pages in one picture, head to head


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_boxes_go_back_to_the_picture_as_stored(angle):
    stored = np.zeros((40, 60), np.uint8)
    stored[5:9, 10:31] = 1
    upright = np.rot90(stored, angle // 90)
    rows, columns = np.nonzero(upright)
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    box = tuple((float(x), float(y)) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)))
    page = OCRResult("", 0, upright.shape[1], upright.shape[0], 0.0, (TextLine("x", 1.0, box, box),), angle)
    back = orientation.as_stored(page)
    assert (back.width, back.height) == (60, 40)
    for points in (back.lines[0].box, back.lines[0].polygon):
        assert {tuple(point) for point in points} == {(10, 5), (31, 5), (31, 9), (10, 9)}
    first = {0: (10, 5), 90: (31, 5), 180: (31, 9), 270: (10, 9)}[angle]  # where the text begins
    assert back.lines[0].box[0] == first
    assert OCRResult.from_dict(back.to_dict()).angle == angle


class Looker:
    """Reads a crop well when its upper half is darker."""

    def __call__(self, crops):
        return [("字", 0.9 if c[: len(c) // 2].mean() < c[len(c) // 2 :].mean() else 0.2) for c in crops]


@pytest.mark.parametrize(("upright", "text"), [(True, "字" * 5), (False, "字" * 5), (True, "Latin")])
def test_columns_of_chinese_are_no_page_on_its_side(upright, text):
    image = np.full((200, 60, 3), 255, np.uint8)
    for n in range(5):  # the upper half of each character is ink, or on a page on its side the right half
        image[20 + 30 * n : 35 + 30 * n if upright else 50 + 30 * n, 20 if upright else 35 : 50] = 0
    line = TextLine(text, 0.9, ((50.0, 20.0), (50.0, 170.0), (20.0, 170.0), (20.0, 20.0)))
    assert orientation.is_vertical_writing(image, [line], 1, Looker()) == (upright and text != "Latin")


class TurnedReader:
    """Stands for the recogniser: crops of dark ink with a bright end say their length; the wrong way round, badly."""

    def read(self, crops):
        return [("twelve chars", 0.95 if crop[:, -6:].mean() > crop[:, :6].mean() else 0.2, ()) for crop in crops]

    def __call__(self, crops):
        return [reading[:2] for reading in self.read(crops)]

    def upside_down(self, crops):
        return [score < 0.5 for _, score, _ in self.read(crops)]


@pytest.fixture
def ocr(ink_family):
    ocr = OCR(ink_family)
    ocr.recognizer = ocr.classifier = ocr.read.recognizer = ocr.read.classifier = TurnedReader()
    return ocr


def page():
    image = np.full((400, 600, 3), 255, np.uint8)
    for top, length in ((40, 300), (120, 200), (200, 400), (280, 250)):
        image[top : top + 30, 50 : 50 + length] = 0
        image[top : top + 30, 50 + length - 30 : 50 + length] = 90
    return image


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
@pytest.mark.parametrize("upright", [False, True])
def test_a_turned_page_reads_as_the_upright_one(ocr, angle, upright):
    expected = ocr(page())[0]
    stored = np.ascontiguousarray(np.rot90(page(), -angle // 90))
    ocr.options = dataclasses.replace(ocr.options, upright=upright)
    result = ocr(stored)[0]
    assert result.angle == angle and expected.angle == 0 and len(expected.lines) == 4
    if upright:
        assert dataclasses.replace(result, angle=0, seconds=0.0) == dataclasses.replace(expected, seconds=0.0)
    else:
        assert (result.width, result.height) == (stored.shape[1], stored.shape[0])
        inks = []
        for line in result.lines:
            low, high = np.min(line.box, axis=0).astype(int), np.max(line.box, axis=0).astype(int)
            inks.append((stored[low[1] : high[1], low[0] : high[0], 0] < 128).sum() / 30)
        assert inks == [300, 200, 400, 250]  # whole bars, in the order of the upright page


def test_it_can_be_switched_off(ocr):
    ocr.options = dataclasses.replace(ocr.options, orientation="off")
    result = ocr(page()[::-1, ::-1].copy())[0]
    assert result.angle == 0 and result.lines[0].box[0][1] < 150  # the last line comes first
