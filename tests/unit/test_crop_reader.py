import numpy as np
import pytest

from ppocr.infer.crops import CropReader
from ppocr.infer.stages import Stages

SURE, UNSURE, MIDDLING = 0.97, 0.6, 0.93


class Recognizer:
    """A crop is one row of pixels: its score upright and its score upside down, in hundredths."""

    def __init__(self):
        self.seen = 0

    def read(self, crops):
        self.seen += len(crops)
        return [(f"{crop[0, 0, 0]}", crop[0, 0, 0] / 100, ()) for crop in crops]


class Classifier:
    """Calls a crop upside down when its middle pixel says so."""

    def __init__(self):
        self.seen = 0

    def upside_down(self, crops):
        self.seen += len(crops)
        return [bool(crop[0, 1, 0]) for crop in crops]


def crop(upright, upside_down, *, called_turned=False):
    pixels = [round(100 * upright), int(called_turned), round(100 * upside_down)]
    return np.array(pixels, np.uint8).reshape(1, 3, 1).repeat(3, axis=2)


@pytest.fixture
def reader():
    return CropReader(Recognizer(), Classifier(), doubt=0.9, stages=Stages())


def test_what_is_read_surely_is_not_classified(reader):
    readings = reader([[crop(SURE, 0.1), crop(MIDDLING, 0.1, called_turned=True)]])
    assert [reading.turned for reading in readings[0]] == [False, False]
    assert reader.classifier.seen == 0 and reader.recognizer.seen == 2


def test_a_doubtful_crop_upside_down_is_read_again(reader):
    readings = reader([[crop(UNSURE, SURE, called_turned=True)]])
    assert readings == [[("97", SURE, True, ())]]


def test_a_crop_upside_down_puts_the_rest_of_its_page_in_doubt(reader):
    """Digits read upside down may look sure: 6891 is 1689."""
    page = [crop(SURE, MIDDLING, called_turned=True), crop(UNSURE, SURE, called_turned=True), crop(SURE, 0.1)]
    other = [crop(SURE, MIDDLING, called_turned=True)]
    readings = reader([page, other, []])
    assert [[reading.turned for reading in answers] for answers in readings] == [[True, True, False], [False], []]
    assert reader.classifier.seen == 3 and reader.recognizer.seen == 4 + 2


def test_a_wrong_call_does_not_spoil_a_reading(reader):
    assert reader([[crop(0.85, 0.3, called_turned=True)]]) == [[("85", 0.85, False, ())]]


def test_all_doubt_shows_the_classifier_everything(reader):
    reader.doubt = 1.0
    reader([[crop(1.0, 0.1), crop(SURE, 0.1)]])
    assert reader.classifier.seen == 2


def test_without_a_classifier_crops_are_read_as_they_lie(reader):
    reader.classifier = None
    assert reader([[crop(UNSURE, SURE, called_turned=True)], []]) == [[("60", UNSURE, False, ())], []]
