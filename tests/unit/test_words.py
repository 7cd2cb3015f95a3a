"""Words and characters: from time steps and ink to boxes on the page, however a line lies."""

import json

import numpy as np
import pytest

from ppocr.infer.crops import CropReader
from ppocr.infer.io.writers import create_writer
from ppocr.infer.recognizer import Recognition, _join
from ppocr.infer.results import OCRResult, TextLine
from ppocr.infer.words import Span
from ppocr.ops.boxes import crop_quad
from ppocr.ops.characters import LATENESS_STEPS, character_spans, lateness
from ppocr.ops.charset import Charset

STEP = 8.0  # pixels


def crop_of(*bars, height=48, width=400):
    crop = np.full((height, width, 3), 255, np.uint8)
    for begin, end in bars:
        crop[8:40, begin:end] = 0
    return crop


def steps_of(bars, shift=0.0):
    return [(begin + end) / 2 / STEP + LATENESS_STEPS + shift for begin, end in bars]


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.5])
def test_spans_are_the_ink_although_steps_are_coarse(shift):
    bars = [(20, 44), (50, 60), (63, 90), (140, 170)]
    assert character_spans(crop_of(*bars), steps_of(bars, shift), STEP) == bars


def test_networks_of_low_lines_answer_at_once():
    bars = [(20, 50), (50, 80)]
    steps = [(begin + end) / 2 / STEP for begin, end in bars]
    late = lateness(32)
    assert late == 0 and lateness(48) == LATENESS_STEPS
    (_, cut), (same, _) = character_spans(crop_of(*bars), steps, STEP, late_steps=late)
    assert cut == same == pytest.approx(50, abs=1)


def test_touching_characters_are_divided_half_way():
    bars = [(20, 50), (50, 80)]
    (_, cut), (same, _) = character_spans(crop_of(*bars), steps_of(bars), STEP)
    assert cut == same == pytest.approx(50, abs=1)


def test_specks_far_from_a_line_belong_to_no_character():
    bars = [(100, 130), (140, 170)]
    spans = character_spans(crop_of((0, 4), *bars, (395, 400)), steps_of(bars), STEP)
    assert spans == bars


def test_an_empty_crop_keeps_the_middles():
    spans = character_spans(crop_of(), [5.0, 10.0], STEP)
    assert spans[0][0] < spans[0][1] == spans[1][0] < spans[1][1]
    assert character_spans(crop_of(), [], STEP) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (400, 5), (5, 4000)])
def test_odd_crops_have_ordered_spans_within(size):
    crop = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    spans = character_spans(crop, [0.1, 0.2, 0.2, 900.0], 3.0)
    edges = [edge for span in spans for edge in span]
    assert len(spans) == 4 and edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= size[1]


def test_the_centre_of_a_run_is_weighted_by_probability():
    decoded = Charset(["a", "b"]).decode(np.array([0, 1, 1, 0, 2]), np.array([1, 0.9, 0.3, 1, 0.5], np.float32))
    assert decoded.text == "ab" and [round(c.step, 3) for c in decoded.characters] == [1.75, 4.5]
    assert decoded.score == pytest.approx(0.7) and [c.score for c in decoded.characters] == pytest.approx([0.9, 0.5])


SPANS = (Span("H", 0.9, 0.0, 0.2), Span("i", 0.7, 0.2, 0.25), Span(" ", 0.9, 0.25, 0.6), Span("中", 0.5, 0.6, 1.0))


def test_words_and_characters_of_a_line():
    line = TextLine("Hi 中", 0.75, ((0, 0), (100, 0), (100, 10), (0, 10)), spans=SPANS)
    assert [(word.text, word.box[0], word.box[2]) for word in line.words] == [
        ("Hi", (0, 0), (25, 10)), ("中", (60, 0), (100, 10)),
    ]  # fmt: skip
    assert [word.score for word in line.words] == pytest.approx([0.8, 0.5])
    assert "".join(character.text for character in line.chars) == "Hi中"
    page = OCRResult("a", 0, 9, 9, 0.0, (line,))
    record = json.loads(create_writer("jsonl", words=True).page(page, None))["lines"][0]
    assert list(record) == ["text", "score", "box", "words"]
    assert record["words"][1] == {"text": "中", "score": 0.5, "box": [[60, 0], [100, 0], [100, 10], [60, 10]]}
    assert len(page.to_dict(chars=True)["lines"][0]["chars"]) == 3


def test_a_line_without_spans_estimates_them():
    line = TextLine("ab 中", 0.5, ((0, 0), (50, 0), (50, 10), (0, 10)))
    assert [(word.text, word.box[0][0], word.box[1][0]) for word in line.words] == [("ab", 0, 20), ("中", 30, 50)]
    assert TextLine("", 0.5, line.box).words == () == TextLine(" ", 0.5, line.box).chars


@pytest.mark.parametrize("box", [((0, 0), (100, 0), (100, 10), (0, 10)), ((50, 100), (50, 0), (90, 0), (90, 100))])
def test_words_and_characters_come_back_from_json(box):
    spans = (
        Span("a", 0.9, 0.0, 0.1),
        Span("\U0001f1e9\U0001f1ea", 0.8, 0.12, 0.3),
        Span(" ", 0.9, 0.3, 0.5),
        Span("c", 1.0, 0.6, 0.95),
    )
    line = TextLine("".join(span.text for span in spans), 0.9, box, spans=spans)
    for kind in ("chars", "words"):
        again = TextLine.from_dict(json.loads(json.dumps(line.to_dict(**{kind: True}))))
        pairs = list(zip(getattr(again, kind), getattr(line, kind)))
        assert [piece.text for piece, _ in pairs] == [piece.text for piece in getattr(line, kind)]
        for piece, same in pairs:
            np.testing.assert_allclose(piece.box, same.box, atol=0.11)
    assert [word.text for word in TextLine.from_dict(line.to_dict(chars=True)).words] == [w.text for w in line.words]
    record = {**line.to_dict(chars=True), "text": "other"}
    with pytest.raises(ValueError, match="follow"):
        TextLine.from_dict(record)


def test_pieces_of_a_cut_crop_are_joined_along_the_whole():
    pieces = [Recognition("a", 0.5, (Span("a", 0.5, 0.5, 1.0),)), Recognition("b", 1.0, (Span("b", 1.0, 0, 0.5),))]
    joined = _join(pieces, [30, 10])
    assert joined.text == "ab" and joined.score == 0.75
    assert [(span.begin, span.end) for span in joined.spans] == [(0.375, 0.75), (0.75, 0.875)]


class InkReader:
    """A recogniser that reads two marks, the larger one first when the crop lies right; spans are where the ink is."""

    def read(self, crops):
        answers = []
        for crop in crops:
            ink = np.flatnonzero((crop[:, :, 0] < 128).any(axis=0))
            cut = int(np.flatnonzero(np.diff(ink) > 1)[0])
            parts = (ink[: cut + 1], ink[cut + 1 :])
            spans = tuple(Span("X", 1.0, part[0] / crop.shape[1], (part[-1] + 1) / crop.shape[1]) for part in parts)
            answers.append(Recognition("XX", 0.99 if len(parts[0]) > len(parts[1]) else 0.3, spans))
        return answers

    def upside_down(self, crops):
        return [reading.score < 0.5 for reading in self.read(crops)]


@pytest.mark.parametrize("turns", range(4))
def test_boxes_lie_over_the_ink_however_the_line_lies(turns):
    page = np.full((200, 300, 3), 255, np.uint8)
    page[60:80, 60:120], page[60:80, 150:180] = 0, 0  # a long mark and a short one, read from left to right
    page = np.ascontiguousarray(np.rot90(page, turns))
    rows, columns = np.nonzero(page[:, :, 0] < 128)
    left, top, right, bottom = columns.min() - 10, rows.min() - 10, columns.max() + 11, rows.max() + 11
    box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    reader = CropReader(InkReader(), InkReader(), doubt=0.9)
    ((reading,),) = reader([[crop_quad(page, box)]])
    line = TextLine.of_region(reading.text, reading.score, box, upside_down=reading.turned, spans=reading.spans)
    lengths = []
    for piece in line.chars:
        xs, ys = zip(*piece.box)
        left, top, right, bottom = (round(v) for v in (min(xs), min(ys), max(xs), max(ys)))
        inside = page[top:bottom, left:right, 0] < 128
        assert inside.sum() in (1200, 600)  # the whole mark
        lengths.append(int(inside.sum()))
    assert lengths == [1200, 600]  # in reading order
