"""Each form of output, parsed back by something other than its writer."""

import csv
import io
import json
import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from ppocr.infer.io.writers import FORMATS, create_writer
from ppocr.infer.results import CropResult, DirectionResult, OCRResult, TextLine


def box(x, y, width, height, degrees=0.0):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = ((0, 0), (width, 0), (width, height), (0, height))
    return tuple((x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in corners)


PAGE = OCRResult(
    "扫描/a \"b\" & <c>.png", 0, 600, 800, 0.123456,
    (
        TextLine("Hello <World> & co", 0.98765, box(50, 60, 400, 40)),
        TextLine("中文 识别", 0.5, box(100, 200, 200, 40, 10)),
        TextLine("竖", 0.75, box(500, 100, 200, 40, 90)),
    ),
)  # fmt: skip
EMPTY = OCRResult("empty.png", 1, 10, 20, 0.0, ())


def written(form, *results) -> bytes:
    writer = create_writer(form)
    return writer.begin() + b"".join(writer.page(result, None) for result in results) + writer.end()


def test_jsonl_schema_exactly():
    lines = written("jsonl", PAGE, EMPTY).decode().splitlines()
    assert len(lines) == 2
    page, empty = map(json.loads, lines)
    assert list(page) == ["file", "page", "width", "height", "angle", "seconds", "lines"]
    assert [list(line) for line in page["lines"]] == [["text", "score", "box"]] * 3
    assert empty == {"file": "empty.png", "page": 1, "width": 10, "height": 20, "angle": 0, "seconds": 0.0, "lines": []}
    corners = [[50.0, 60.0], [450.0, 60.0], [450.0, 100.0], [50.0, 100.0]]
    assert page["lines"][0] == {"text": "Hello <World> & co", "score": 0.9877, "box": corners}
    assert "中文" in lines[0]  # readable, not \\u escapes
    assert OCRResult.from_dict(empty) == EMPTY


def test_json_is_the_list_of_the_same_objects():
    assert json.loads(written("json", PAGE, EMPTY)) == [PAGE.to_dict(), EMPTY.to_dict()]
    assert json.loads(written("json")) == []


def test_a_file_name_that_is_not_unicode_survives():
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    for form in ("jsonl", "json"):
        record = json.loads(written(form, OCRResult(name, 0, 1, 1, 0.0, ())))
        assert (record[0] if form == "json" else record)["file"] == name
    for form in ("text", "tsv", "hocr"):
        written(form, OCRResult(name, 0, 1, 1, 0.0, (TextLine("a", 1.0, box(0, 0, 5, 5)),))).decode("utf-8")


def test_text_divides_pages_by_form_feeds():
    assert written("text", PAGE, EMPTY, PAGE).decode().split("\f") == [PAGE.text + "\n", "", PAGE.text + "\n"]


def test_crops_and_directions():
    crop, direction = CropResult("a.png", "text", 0.91234), DirectionResult("a.png", "180", 0.5)
    assert json.loads(written("jsonl", crop)) == {"file": "a.png", "text": "text", "score": 0.9123}
    assert json.loads(written("jsonl", direction)) == {"file": "a.png", "label": "180", "score": 0.5}
    assert written("text", crop, CropResult("b.png", "", 0.0), crop) == b"text\n\ntext\n"
    assert written("tsv", direction) == b"file\tlabel\tscore\na.png\t180\t0.5\n"


def test_tsv():
    odd = OCRResult("t\tab.png", 0, 9, 9, 0.0, (TextLine("a\tb\nc\u2028d\"'", 1.0, box(0, 0, 5, 5)),))
    rows = list(
        csv.reader(io.StringIO(written("tsv", PAGE, EMPTY, odd).decode()), delimiter="\t", quoting=csv.QUOTE_NONE)
    )
    assert rows[0] == ["file", "page", "line", "score", "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "text"]
    assert {len(row) for row in rows} == {13} and len(rows) == 5
    assert rows[1] == [
        PAGE.file,
        "0",
        "0",
        "0.9877",
        *["50.0", "60.0", "450.0", "60.0", "450.0", "100.0", "50.0", "100.0"],
        PAGE.lines[0].text,
    ]
    assert rows[4][0] == "t ab.png" and rows[4][-1] == "a b c d\"'"


@pytest.fixture
def hocr():
    text = written("hocr", PAGE, EMPTY).decode()
    return ElementTree.fromstring(re.sub("<!DOCTYPE.*?>", "", text, flags=re.S))


def of_class(tree, name):
    return [element for element in tree.iter() if element.get("class") == name]


def numbers(element, key):
    return [float(number) for number in re.search(key + r" ([-\d. ]+)", element.get("title")).group(1).split()]


def test_hocr_pages_and_lines(hocr):
    assert hocr.tag == "{http://www.w3.org/1999/xhtml}html"
    pages, lines = of_class(hocr, "ocr_page"), of_class(hocr, "ocr_line")
    assert [numbers(page, "bbox") for page in pages] == [[0, 0, 600, 800], [0, 0, 10, 20]]
    assert numbers(pages[1], "ppageno") == [1] and "image \"扫描/a 'b' & <c>.png\"" in pages[0].get("title")
    assert ["".join(line.itertext()) for line in lines] == [line.text for line in PAGE.lines]
    assert numbers(lines[0], "bbox") == [50, 60, 450, 100]
    identifiers = [element.get("id") for element in hocr.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    declared = {meta.get("name"): meta.get("content") for meta in hocr.iter("{http://www.w3.org/1999/xhtml}meta")}
    assert set(declared["ocr-capabilities"].split()) >= {element.get("class") for element in hocr.iter()} - {None}


def test_hocr_words_divide_the_line(hocr):
    words = of_class(hocr, "ocrx_word")
    assert [word.text for word in words] == ["Hello", "<World>", "&", "co", "中文", "识别", "竖"]
    first = [numbers(word, "bbox") for word in words[:4]]
    assert first[0][0] == 50 and first[3][2] == 450
    assert all(left[2] < right[0] for left, right in zip(first, first[1:]))
    assert [numbers(word, "x_wconf") for word in words] == [[99]] * 4 + [[50]] * 2 + [[75]]


def test_hocr_baseline_and_angle(hocr):
    level, slanted, upright = of_class(hocr, "ocr_line")
    assert numbers(level, "baseline") == [0, 0]
    slope, offset = numbers(slanted, "baseline")
    assert slope == pytest.approx(math.tan(math.radians(10)), abs=1e-3)
    left, _, _, bottom = numbers(slanted, "bbox")
    corner_x, corner_y = PAGE.lines[1].box[3]  # the baseline goes through the bottom left corner of the text
    assert bottom + offset + slope * (corner_x - left) == pytest.approx(corner_y, abs=1.5)
    assert "baseline" not in upright.get("title") and numbers(upright, "textangle") == [-90]


def test_hocr_replaces_what_xml_forbids():
    text = written("hocr", OCRResult("a\x01.png", 0, 9, 9, 0.0, (TextLine("\x00\x0b\ufffe", 1.0, box(0, 0, 5, 5)),)))
    assert "a\ufffd.png" in text.decode()
    ElementTree.fromstring(re.sub("<!DOCTYPE.*?>", "", text.decode(), flags=re.S))


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("jsonl", "text", "tsv", "markdown")])
def test_no_pages_is_still_a_whole_document(form):
    data = written(form)
    assert data and data.strip()[-1:] in (b"]", b">", b"F")


def test_hocr_refuses_crops():
    with pytest.raises(TypeError):
        create_writer("hocr").page(CropResult("a", "b", 1.0), None)
