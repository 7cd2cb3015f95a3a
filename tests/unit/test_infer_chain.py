import dataclasses
import re
import shutil
import types

import numpy as np
import pytest

from ppocr.errors import ConfigError, InputError, ModelError
from ppocr.infer import detector as det
from ppocr.infer import model_dir, pipeline
from ppocr.infer.classifier import TextClassifier
from ppocr.infer.detector import TextDetector
from ppocr.infer.io.sources import Page
from ppocr.infer.model_dir import resolve_model
from ppocr.infer.pipeline import OCR
from ppocr.infer.recognizer import TextRecognizer, plan_batches


def page_with(*bars, size=(400, 600), value=0):
    image = np.full((*size, 3), 255, np.uint8)
    for left, top, right, bottom in bars:
        image[top:bottom, left:right] = value
    return image


def test_bars_of_ink_come_back_as_lines_in_order(ink_family):
    image = page_with((40, 200, 240, 230), (300, 60, 500, 90), (40, 50, 240, 80))
    result = OCR(ink_family)(image)[0]
    assert (result.file, result.page, result.width, result.height) == ("", 0, 600, 400)
    assert [line.text for line in result.lines] == ["2", "2", "2"]  # black with some of the white around it
    lefts_tops = [line.box[0] for line in result.lines]
    np.testing.assert_allclose(lefts_tops, [(40, 50), (300, 60), (40, 200)], atol=8)
    assert result.lines[0].score == pytest.approx(0.9)


def test_no_text_is_an_empty_tuple(ink_family):
    assert OCR(ink_family)(page_with())[0].lines == ()


def test_drop_score_leaves_weak_lines_out(ink_family):
    assert OCR(ink_family, drop_score=0.95)(page_with((40, 50, 240, 80)))[0].lines == ()


def test_a_wrong_option_name_is_told(ink_family):
    with pytest.raises(TypeError, match="tresh"):
        OCR(ink_family, tresh=0.5)


def test_other_settings_with_the_same_networks(ink_family):
    ocr, image = OCR(ink_family), page_with((40, 50, 240, 80))
    other = ocr.with_settings(drop_score=0.95, spans=False)
    assert other.recognizer.runtime is ocr.recognizer.runtime and not other(image)[0].lines
    assert len(ocr(image)[0].lines) == 1 and ocr.recognizer.spans  # as it was
    assert not ocr.with_settings(spans=False).recognizer.read([image[50:80, 40:240]])[0].spans
    with pytest.raises(TypeError, match="threads"):
        ocr.with_settings(threads=2)


@pytest.mark.parametrize("at_once", [1, 3])
def test_pages_pooled_in_a_stream_equal_pages_alone(ink_family, at_once):
    rng = np.random.default_rng(0)
    pages = []
    for index in range(20):
        bars = [(20, 40 * k + 10, 20 + int(rng.integers(40, 500)), 40 * k + 35) for k in range(int(rng.integers(0, 9)))]
        pages.append(Page(f"p{index}", 0, page_with(*bars, value=int(rng.integers(0, 100)))))
    ocr = OCR(ink_family, pages_at_once=at_once)
    together = list(ocr.stream(iter(pages)))
    alone = [next(ocr.stream([page])) for page in pages]
    assert [dataclasses.replace(r, seconds=0) for r in together] == [dataclasses.replace(r, seconds=0) for r in alone]
    assert [r.file for r in together] == [f"p{index}" for index in range(20)]


@pytest.mark.parametrize(
    "count, threads, sizes", [(0, 2, []), (1, 2, [1]), (4, 2, [2, 2]), (12, 2, [4, 4, 2, 2]), (11, 3, [4, 4, 1, 1, 1])]
)
def test_threads_share_the_last_pages(count, threads, sizes):
    pages = [Page(f"p{index}", 0, page_with(size=(8, 8))) for index in range(count)]
    groups = list(pipeline._groups(pages, threads))
    assert [len(group) for group in groups] == sizes
    assert [page for group in groups for page in group] == pages


@pytest.mark.parametrize("at_once", [1, 2])
def test_an_unreadable_page_keeps_its_place_in_the_stream(ink_family, at_once):
    page = Page("good", 0, page_with((40, 50, 240, 80)))
    broken = InputError("bad", "broken")
    results = list(OCR(ink_family, pages_at_once=at_once).stream([page, broken, page]))
    assert [getattr(r, "file", r) for r in results] == ["good", broken, "good"]


def test_stages_are_timed(ink_family):
    ocr = OCR(ink_family)
    ocr(page_with((40, 50, 240, 80)))
    assert list(ocr.stages.seconds()) == ["decode", "det", "post", "crop", "rec", "cls"]


@pytest.mark.parametrize("turn", [False, True])
def test_a_page_far_longer_than_wide_is_read_in_tiles(ink_family, turn):
    """Shrunk whole to 960 pixels, bars of 4 pixels' distance would melt into one."""
    bars = [(10, top, 190, top + 12) for top in range(20, 7900, 24)]
    image = page_with(*bars, size=(8000, 200))
    if turn:
        image = np.ascontiguousarray(image.transpose(1, 0, 2))
    regions = TextDetector(ink_family)(image)
    assert len(regions.boxes) == len(bars)
    centres = np.sort(regions.boxes.mean(axis=1)[:, 0 if turn else 1])
    np.testing.assert_allclose(centres, [(top + bottom) / 2 for _, top, _, bottom in bars], atol=3)


def test_a_line_across_tiles_stays_one_region(ink_family):
    image = page_with((10, 40, 6990, 60), size=(100, 7000))
    regions = TextDetector(ink_family)(image)
    assert len(regions.boxes) == 1 and np.ptp(regions.boxes[0][:, 0]) > 6950


def test_tiles_find_what_the_whole_page_shows(ink_family, monkeypatch):
    image = page_with(*[(10 + 7 * step, 30 + 40 * step, 900, 50 + 40 * step) for step in range(30)], size=(1300, 960))
    whole = TextDetector(ink_family)(image)
    runs = []
    monkeypatch.setattr(det, "MAX_TILE_PIXELS", 400_000)
    detector = TextDetector(ink_family)
    run = detector.runtime.run
    detector.runtime = types.SimpleNamespace(run=lambda batch: runs.append(batch.shape) or run(batch))
    np.testing.assert_allclose(detector(image).boxes, whole.boxes, atol=2)
    assert len(runs) > 1 and len(set(runs)) == 1 and runs[0][2] * runs[0][3] <= 400_000


def test_upside_down_crops_are_turned_and_their_corners_begin_where_the_text_does(ink_family):
    image = page_with((100, 100, 400, 130))
    image[100:130, 250:400] = 60  # still ink, and brighter on the right: upright
    upright = OCR(ink_family)(image)[0].lines[0]
    image[100:130, 100:250], image[100:130, 250:400] = 120, 0  # brighter on the left
    turned = OCR(ink_family)(image)[0].lines[0]
    assert upright.box[0][0] < 110 and turned.box[0][0] > 390 and turned.box[0][1] > 125


def test_without_classifier_nothing_is_turned(ink_family):
    image = page_with((100, 100, 400, 130))
    image[100:130, 100:250] = 120
    assert OCR(ink_family, cls=None)(image)[0].lines[0].box[0][0] < 110


def test_tall_boxes_begin_at_their_upper_right_corner(ink_family):
    line = OCR(ink_family)(page_with((100, 50, 130, 350)))[0].lines[0]
    assert line.box[0][0] > 125 and line.box[0][1] < 60


def test_classifier_alone(ink_family):
    crop = np.full((48, 192, 3), 255, np.uint8)
    crop[:, 96:] = 0
    assert TextClassifier(ink_family)([crop, crop[:, ::-1]]) == [("180", 1.0), ("0", 1.0)]


def test_the_classifier_sees_the_beginning_of_a_long_crop(ink_family):
    crop = np.full((48, 6 * 48 + 3000, 3), 255, np.uint8)
    crop[:, 144:288] = 0  # squeezed as a whole, it would be nearly white
    assert TextClassifier(ink_family)([crop]) == [("180", 1.0)]


def test_recogniser_alone_keeps_the_order_and_joins_long_crops(ink_family):
    crops = [np.full((32, width, 3), 28 * k, np.uint8) for k, width in enumerate((400, 40, 3000, 90))]
    texts = [text for text, _ in TextRecognizer(ink_family)(crops)]
    assert texts[0] == "0" and texts[1] == "1" and texts[3] == "3"
    assert set(texts[2]) == {"2"} and len(texts[2]) > 1  # cut in pieces, each of which read one digit


def test_batches_hold_every_crop_once_in_few_shapes():
    widths = np.random.default_rng(0).integers(1, 3000, 500).tolist()
    batches = plan_batches(widths, 8)
    assert sorted(index for batch in batches for index in batch.indices) == list(range(500))
    for indices, width in batches:
        assert len(indices) in (1, 2, 4, 8) and width % 32 == 0
        assert all(width * 3 / 4 - 64 <= widths[index] <= width - 32 for index in indices)
    assert len({(len(batch.indices), batch.width) for batch in batches}) < 70
    exact = plan_batches([100] * 7, 8, few_shapes=False)
    assert [len(batch.indices) for batch in exact] == [7]


def test_the_width_of_a_crop_does_not_depend_on_its_neighbours():
    alone = {width: plan_batches([width], 8)[0].width for width in (40, 300, 320, 321, 700)}
    together = plan_batches([40, 300, 320, 321, 700] * 3, 8)
    assert {batch.width for batch in together} == set(alone.values())
    assert alone == {40: 96, 300: 384, 320: 384, 321: 384, 700: 768}


def test_missing_family_tells_how_to_get_it(ink_family):
    with pytest.raises(ModelError, match=r"\(there are slim, ink\): ppocr models fetch nosuch"):
        TextDetector(dataclasses.replace(ink_family, det="nosuch"))


def test_the_default_is_the_best_family_that_is_there(ink_family, tmp_path, monkeypatch):
    monkeypatch.setattr(model_dir, "SHIPPED", tmp_path / "none")
    options = dataclasses.replace(ink_family, det="default")
    (tmp_path / "models/ink").rename(tmp_path / "models/.hidden")  # as a fetch that is under way
    with pytest.raises(ModelError, match="no models have been fetched yet: ppocr models fetch tiny"):
        TextDetector(options)
    (tmp_path / "models/.hidden").rename(tmp_path / "models/small")
    assert resolve_model("default", "det").parent.name == "small"
    shutil.copytree(tmp_path / "models/small", tmp_path / "models/another")  # a family of the user's own
    assert resolve_model("default", "det").parent.name == "small"
    (tmp_path / "models/another").rename(tmp_path / "models/mobile")
    assert resolve_model("default", "det").parent.name == "mobile"
    (tmp_path / "models/mobile").rename(tmp_path / "models/tiny")
    assert resolve_model("default", "det").parent.name == "tiny"
    TextDetector(options)
    (tmp_path / "none/slim").mkdir(parents=True)
    shutil.copytree(tmp_path / "models/tiny/det", tmp_path / "none/slim/det")  # as the package brings it
    assert resolve_model("default", "det").parent == tmp_path / "none/slim"
    assert resolve_model("default", "rec").parent.name == "tiny"


def test_a_directory_without_a_model_is_told(ink_family, tmp_path):
    with pytest.raises(ModelError, match=r"not a model directory.*inference.pdiparams.*holds models"):
        TextDetector(dataclasses.replace(ink_family, det=str(tmp_path)))


def test_a_model_for_another_task_is_told(ink_family, tmp_path):
    with pytest.raises(ModelError, match=r"expected DBPostProcess, came 'CTCLabelDecode'"):
        TextDetector(dataclasses.replace(ink_family, det=str(tmp_path / "models/ink/rec")))


def test_directories_without_spec_need_and_take_explicit_options(ink_family, tmp_path):
    directory = tmp_path / "models/ink/rec"
    (directory / "inference.yml").unlink()
    with pytest.raises(ModelError, match="RecResizeImg"):
        TextRecognizer(ink_family)
    dictionary = tmp_path / "digits.txt"
    dictionary.write_text("\n".join("0123456789"))
    options = dataclasses.replace(ink_family, rec_image_shape=(3, 32, 320), rec_char_dict_path=str(dictionary))
    assert TextRecognizer(options)([np.zeros((32, 64, 3), np.uint8)])[0][0] == "0"


def test_dictionaries_that_the_package_brings_are_known_by_name(ink_family):
    options = dataclasses.replace(ink_family, rec_char_dict_path="en63_dict.txt")
    with pytest.raises(ModelError, match=r"63 characters, but .* was made with 10, and one is the beginning"):
        TextRecognizer(options)
    with pytest.raises(ConfigError, match=r"en6.txt: there is no such dictionary; the package brings .*en63_dict.txt"):
        TextRecognizer(dataclasses.replace(ink_family, rec_char_dict_path="en6.txt"))


def test_a_dictionary_that_does_not_fit_is_told(ink_family, tmp_path):
    spec = tmp_path / "models/ink/rec/inference.yml"
    spec.write_text(re.sub("  character_dict:\n(  - .*\n)+", "", spec.read_text()))  # the directory has none itself
    dictionary = tmp_path / "short.txt"
    dictionary.write_text("a\nb")
    options = dataclasses.replace(ink_family, rec_char_dict_path=str(dictionary))
    with pytest.raises(ModelError, match=r"12 classes.*makes 4"):
        TextRecognizer(options)([np.zeros((32, 64, 3), np.uint8)])


def test_unknown_settings_in_the_spec_are_told(ink_family, tmp_path):
    spec = tmp_path / "models/ink/det/inference.yml"
    spec.write_text(spec.read_text().replace("box_thresh", "box_tresh"))
    with pytest.raises(ConfigError, match=r"box_tresh.*did you mean 'box_thresh'"):
        TextDetector(ink_family)


def test_unknown_engine_is_told(ink_family):
    with pytest.raises(ModelError, match="engine: expected one of"):
        TextDetector(dataclasses.replace(ink_family, engine="abacus"))
