"""Pictures of synthetic text: labels are exact, nothing overlaps, the same numbers give the same picture."""

import cv2
import numpy as np
import pytest
from shapely.geometry import Polygon
from synth_fonts import CHINESE, decode, make_font

from ppocr.data.synth import effects
from ppocr.data.synth.backgrounds import Photos, background, legible_color, luma
from ppocr.data.synth.directions import DirectionGenerator, shows_direction
from ppocr.data.synth.ink import MIN_INK_LEVEL, draw_column, draw_line, ink_height
from ppocr.data.synth.languages import ASCII
from ppocr.data.synth.lines import MAX_EFFECT_STRENGTH, LineGenerator, Materials, Sources
from ppocr.data.synth.pages import KINDS, PageGenerator
from ppocr.data.synth.warp import place, warp_ink
from ppocr.errors import ConfigError


def rng(*numbers):
    return np.random.default_rng(numbers)


@pytest.fixture(scope="module")
def materials(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synth")
    font = make_font(folder / "square.ttf", ASCII + CHINESE, family="Square SC")
    photos = folder / "photos"
    photos.mkdir()
    for k in range(2):
        cv2.imwrite(str(photos / f"{k}.png"), rng(k).integers(0, 255, (90, 120, 3), np.uint8))
    (folder / "zh.txt").write_text(CHINESE[:40] + "\n" + CHINESE[40:80] + "\n", encoding="utf-8")
    (folder / "en.txt").write_text("Some words that one can read again and again\n", encoding="utf-8")
    files = {"zh": [folder / "zh.txt"], "en": [folder / "en.txt"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PPOCR_HOME", str(folder))
        return Materials(Sources(("zh", "en"), fonts=[font], corpus=files, backgrounds=photos))


def box_iou(first, second):
    """Overlap of two (left, top, right, bottom)."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


def ink_box(mask):
    x, y, width, height = cv2.boundingRect((mask >= MIN_INK_LEVEL).astype(np.uint8))
    return x, y, x + width, y + height


# --- lines ---


def test_a_clean_line_says_its_text_and_is_cut_tightly(materials):
    generator = LineGenerator(materials, height=128, vertical=0.0)
    for i in range(40):
        line = generator.make(rng(i), difficulty=0.0, turn=i)
        left, top, right, bottom = ink_box(line.ink)
        assert line.image.shape == (128, line.ink.shape[1], 3) and line.image.dtype == np.uint8
        assert left > 0 and top > 0 and right < line.ink.shape[1] and bottom < 128
        assert bottom - top >= 0.75 * 128
        assert decode(line.ink[top:bottom, left:right]) == line.text.replace(" ", "")


@pytest.mark.parametrize("difficulty", [0.3, 1.0])
def test_the_ink_of_a_hard_line_stays_in_the_picture_and_shows(materials, difficulty):
    generator = LineGenerator(materials, height=32)
    for i in range(60):
        line = generator.make(rng(i), difficulty=difficulty, turn=i)
        assert line.image.shape[:2] == line.ink.shape and line.image.shape[0] == 32
        rows = np.flatnonzero((line.ink >= 128).any(axis=1))
        assert len(rows) and rows[-1] - rows[0] > 6, line.text
        assert line.text and len(line.text) <= 25


def test_a_line_depends_on_its_numbers_alone(materials):
    generator = LineGenerator(materials)
    first = [generator.make(rng(7, 0, i), difficulty=0.8, turn=i) for i in range(12)]
    again = [generator.make(rng(7, 0, i), difficulty=0.8, turn=i) for i in reversed(range(12))][::-1]
    other = [generator.make(rng(8, 0, i), difficulty=0.8, turn=i) for i in range(12)]
    assert all(np.array_equal(a.image, b.image) and a.text == b.text for a, b in zip(first, again))
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(first, other))


def test_warped_ink_lies_where_the_placement_says():
    mask = np.full((20, 100), 255, np.uint8)
    for i in range(40):
        placement = place(rng(i), mask.shape, 32, difficulty=MAX_EFFECT_STRENGTH * i / 40)
        if placement.bow:
            continue
        corners = np.array([[[0, 0], [100, 0], [100, 20], [0, 20]]], np.float32)
        quad = cv2.perspectiveTransform(corners, placement.matrix)[0]
        expected = np.zeros((placement.height, placement.width), np.uint8)
        cv2.fillConvexPoly(expected, np.rint(quad - 0.5).astype(np.int32), 255)
        seen = warp_ink(mask, placement) >= 128
        assert np.logical_and(seen, expected).sum() / np.logical_or(seen, expected).sum() > 0.9


def test_columns_stand_and_lines_lie(materials):
    face = materials.fonts.faces[0]
    line, column = draw_line("中国人", face, 30), draw_column("中国人", face, 30)
    assert line.shape[1] > 2 * line.shape[0] and column.shape[0] > 2 * column.shape[1]
    assert abs(ink_height(face, "中国人") * 30 - line.shape[0]) < 3
    assert line[0].any() and line[-1].any() and line[:, 0].any() and line[:, -1].any()  # tight


# --- directions ---


def test_half_of_the_lines_are_turned_and_labels_say_so(materials):
    generator = DirectionGenerator(materials)
    made = [generator.make(rng(i), difficulty=0.5) for i in range(60)]
    assert 15 < sum(sample.direction == "180" for sample in made) < 45
    for sample in made:
        upright = sample.image if sample.direction == "0" else sample.image[::-1, ::-1]
        assert np.array_equal(upright, sample.line.image) and shows_direction(sample.line.text)
    assert any(sample.line.vertical for sample in made)


@pytest.mark.parametrize(("text", "shows"), [
    ("609", False), ("NOON", False), ("一三十", False), ("---", False), ("中国", True), ("3 apples", True),
    ("F", False), ("人", True),
])  # fmt: skip
def test_texts_that_look_alike_upside_down_are_known(text, shows):
    assert shows_direction(text) is shows


# --- pages ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_boxes_of_a_page_are_tight_around_their_ink(materials, kind, difficulty):
    generator = PageGenerator(materials, size=(480, 512), kinds=[kind])
    overlaps, count = [], 0
    for seed in range(3):
        page = generator.make(rng(seed, 1), difficulty=difficulty, with_owner=True)
        assert page.image.shape == (480, 512, 3) and page.owner.shape == (480, 512)
        assert set(np.unique(page.owner)) == set(range(len(page.regions) + 1))  # all ink has a label, all labels ink
        for number, region in enumerate(page.regions, start=1):
            count += 1
            assert region.text.strip() and region.quad.min() >= 0 and (region.quad <= (512, 480)).all()
            mine = page.owner == number
            inside = np.zeros(mine.shape, np.uint8)
            cv2.fillConvexPoly(inside, np.rint(region.quad).astype(np.int32), 1)
            assert mine[cv2.dilate(inside, np.ones((3, 3))) > 0].sum() >= 0.99 * mine.sum()
            overlaps.append(box_iou(*straightened(mine, region.quad)))
    assert count >= 4
    assert np.mean(overlaps) > 0.8 and np.quantile(overlaps, 0.05) > 0.6


def test_every_box_holds_the_text_that_its_label_says(materials):
    generator, read = PageGenerator(materials, size=(1600, 1600), kinds=["scene", "scattered"]), 0
    for seed in range(6):
        page = generator.make(rng(seed), difficulty=0.0, with_owner=True)  # all angles, no perspective
        for number, region in enumerate(page.regions, start=1):
            top_edge, left_edge = (float(np.linalg.norm(region.quad[k] - region.quad[0])) for k in (1, 3))
            if left_edge < 80 or (left_edge > 1.5 * top_edge and len(region.text) > 1):  # too small, or a column
                continue
            ink, _ = straightened_ink(page.owner == number, region.quad)
            left, top, right, bottom = ink_box(ink)
            assert decode(ink[top:bottom, left:right]) == region.text.replace(" ", "")
            read += 1
    assert read > 10


def straightened(mine, quad):
    """The box of a region's ink and that of its label, both in the label's own upright frame enlarged four times."""
    ink, (width, height) = straightened_ink(mine, quad)
    return ink_box(ink), (8, 8, width + 8, height + 8)


def straightened_ink(mine, quad):
    """A region's ink in the label's own upright frame, enlarged four times with 8 pixels around; and its size."""
    width = int(4 * np.linalg.norm(quad[1] - quad[0]))
    height = int(4 * np.linalg.norm(quad[3] - quad[0]))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) + 8
    matrix = cv2.getPerspectiveTransform(quad, target)
    return cv2.warpPerspective(mine.astype(np.uint8) * 255, matrix, (width + 16, height + 16)), (width, height)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_texts_of_a_page_overlap(materials, kind):
    generator = PageGenerator(materials, size=(480, 480), kinds=[kind])
    for seed in range(3):
        shapes = [Polygon(region.quad) for region in generator.make(rng(seed), difficulty=0.8).regions]
        assert all(shape.is_valid for shape in shapes)
        for i, first in enumerate(shapes):
            for second in shapes[i + 1 :]:
                assert first.intersection(second).area <= 0.02 * min(first.area, second.area)


def test_pixels_that_are_not_ink_show_no_letters(materials):
    """On clean paper everything that differs from the paper belongs to a label, or to a rule."""
    page = PageGenerator(materials, size=(480, 480), kinds=["columns"]).make(rng(3), difficulty=0.0, with_owner=True)
    paper = page.image[2, 2].astype(int)
    ink = np.abs(page.image.astype(int) - paper).sum(axis=2) > 150
    pictures = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, np.ones((20, 20)))  # photos on the page
    loose = ink & (page.owner == 0) & (cv2.dilate(pictures, np.ones((5, 5))) == 0)
    assert loose.sum() <= 0.02 * (page.owner > 0).sum()


def test_pages_are_reproducible_and_refuse_unknown_kinds(materials):
    generator = PageGenerator(materials, size=(200, 200))
    one, two = (generator.make(rng(5), difficulty=0.7) for _ in range(2))
    assert np.array_equal(one.image, two.image) and len(one.regions) == len(two.regions)
    with pytest.raises(ValueError, match="'poster'"):
        PageGenerator(materials, kinds=["poster"])
    with pytest.raises(ValueError, match="64"):
        PageGenerator(materials, size=(20, 900))


# --- backgrounds and effects ---


def test_text_colours_differ_from_what_is_behind_them(materials):
    for i in range(100):
        behind = background(rng(i), 32, 100, difficulty=0.3, photos=materials.photos)
        color = legible_color(rng(i, 1), behind, difficulty=0.0)
        level = cv2.cvtColor(behind, cv2.COLOR_BGR2GRAY).mean()
        assert abs(luma(color) - level) > min(115, max(level, 255 - level) - 10)


def test_photos_are_read_from_a_folder_and_an_empty_one_is_told(materials, tmp_path):
    assert materials.photos.crop(rng(0), 40, 300).shape == (40, 300, 3)
    with pytest.raises(ConfigError, match="no pictures"):
        Photos(tmp_path)


@pytest.mark.parametrize("effect", [
    lambda image, r: effects.uneven_light(image, r, 0.4),
    lambda image, r: effects.screen(image, r, 0.3),
    lambda image, r: effects.fade(image, r, 0.5),
    lambda image, r: effects.low_resolution(image, 2.0),
    lambda image, r: effects.motion_blur(image, r, 5),
    lambda image, r: effects.noise(image, r, 12),
    lambda image, r: effects.photocopy(image, 0.6),
    lambda image, r: effects.jpeg(image, 15),
    lambda image, r: effects.interfering_lines(image.copy(), r, (0, 0, 0)),
])  # fmt: skip
def test_an_effect_keeps_the_form_and_changes_the_picture(effect):
    image = np.full((32, 90, 3), 200, np.uint8)
    cv2.putText(image, "text", (5, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
    before = image.copy()
    spoiled = effect(image, rng(1))
    assert spoiled.shape == image.shape and spoiled.dtype == np.uint8
    assert np.array_equal(image, before) and not np.array_equal(spoiled, image)
    assert np.array_equal(spoiled, effect(image, rng(1)))


def test_nothing_is_spoiled_at_difficulty_zero_and_more_the_higher_it_is():
    image = np.full((32, 90, 3), 200, np.uint8)
    cv2.putText(image, "text", (5, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
    change = [
        np.mean([np.abs(effects.degrade(image, rng(i), difficulty=d).astype(int) - image).mean() for i in range(60)])
        for d in (0.0, 0.4, 1.0)
    ]
    assert change[0] == 0 < change[1] < change[2]
