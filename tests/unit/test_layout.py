"""What the lines of a page make up, on drawn layouts; Markdown read back by another program's parser."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ppocr.infer.io.markdown import escaped, page_markdown
from ppocr.infer.io.writers import create_writer
from ppocr.infer.layout import Heading, ListItem, Paragraph, Table, page_blocks
from ppocr.infer.orientation import as_stored
from ppocr.infer.results import CropResult, OCRResult, TextLine

LETTER, HEIGHT, PITCH = 10, 20, 25  # pixels
BODY = [
    "All human beings are born free and equal in dignity",
    "and rights. They are endowed with reason and consci-",
    "ence and should act towards one another in a spirit",
    "of brotherhood.",
]
JOINED = (
    "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and"
    " should act towards one another in a spirit of brotherhood."
)


def line(text, left, top, scale=1.0, right=None):
    """A line of type; `right` justifies it."""
    width = 2 if re.match("[\u4e00-\u9fff]", text) else 1
    right = left + len(text) * width * LETTER * scale if right is None else right
    bottom = top + HEIGHT * scale
    return TextLine(text, 0.9, ((left, top), (right, top), (right, bottom), (left, bottom)))


def column(texts, left=0, top=0, right=None):
    """Running text whose last line is short."""
    width = max(map(len, texts)) * LETTER
    ends = [left + width] * (len(texts) - 1) + [None]
    return [line(text, left, top + PITCH * n, right=end) for n, (text, end) in enumerate(zip(texts, ends))]


def turned(lines, degrees):
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [TextLine(item.text, item.score, tuple(map(tuple, np.array(item.box) @ matrix.T))) for item in lines]


def blocks_text(blocks):
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from block.lines
        elif isinstance(block, Table):
            yield from (cell for row in block.rows for cell in row)
        else:
            yield getattr(block, "marker", "") + block.text


@pytest.mark.parametrize("degrees", [0, 2, 90, 180, 270])
def test_a_paragraph_is_joined_however_the_page_lies(degrees):
    assert page_blocks(turned(column(BODY), degrees)) == [Paragraph((JOINED,))]


def test_two_columns_are_read_one_after_the_other_below_their_title():
    lines = [line("On Rights and Reason", 200, 0, 2.0), *column(BODY, 0, 80), *column(BODY, 600, 80)]
    assert page_blocks(lines) == [Heading("On Rights and Reason", 1), Paragraph((JOINED,)), Paragraph((JOINED,))]


def test_headings_by_size_and_by_number():
    lines = [line("Everything", 0, 0, 2.0), *column(BODY, 0, 60), line("Something", 0, 180, 1.4), *column(BODY, 0, 230)]
    lines += [line("2.1 A part of something", 0, 360), *column(BODY, 0, 410)]
    headings = [block for block in page_blocks(lines) if isinstance(block, Heading)]
    assert headings == [Heading("Everything", 1), Heading("Something", 2), Heading("2.1 A part of something", 3)]


def test_paragraphs_divided_by_gaps_by_indents_and_by_lines_that_end_early():
    by_gap = [*column(BODY), *column(BODY, 0, 4 * PITCH + 20)]
    by_indent = [
        item if n % 4 else line(item.text, 30, item.box[0][1], right=item.box[1][0])
        for n, item in enumerate([*column(BODY), *column(BODY, 0, 4 * PITCH)])
    ]
    by_end = [*column(BODY), *column(BODY, 0, 4 * PITCH)]
    for lines in (by_gap, by_indent, by_end):
        assert page_blocks(lines) == [Paragraph((JOINED,))] * 2


def test_an_address_keeps_its_lines():
    address = ["Museum of Things", "12 Long Road", "Old Town", "10115 Berlin"]
    assert page_blocks(column(BODY) + [line(t, 0, 150 + PITCH * n) for n, t in enumerate(address)]) == [
        Paragraph((JOINED,)), Paragraph(tuple(address)),
    ]  # fmt: skip


def test_lists_nested_and_numbered_with_items_of_several_lines():
    long = ["• " + BODY[0], *BODY[1:]]
    lines = column(long)
    lines = [lines[0], *(line(item.text, 20, item.box[0][1], right=item.box[1][0]) for item in lines[1:])]
    lines += [line("• short", 0, 100), line("– inner", 40, 125), line("1) one", 0, 180), line("2) two", 0, 205)]
    assert page_blocks(lines) == [
        ListItem("-", JOINED, 0), ListItem("-", "short", 0), ListItem("-", "inner", 1),
        ListItem("1)", "one", 0), ListItem("2)", "two", 0),
    ]  # fmt: skip
    markdown = page_markdown(OCRResult("", 0, 800, 400, 0.0, tuple(lines)))
    rendered = MarkdownIt().render(markdown)
    assert rendered.count("<ul>") == 2 and rendered.count("<ol>") == 1 and rendered.count("<li>") == 5


def test_a_marker_that_was_found_as_a_box_of_its_own():
    lines = [
        piece for n, name in enumerate(("first", "second")) for piece in (line("•", 0, 30 * n), line(name, 60, 30 * n))
    ]
    assert page_blocks(lines) == [ListItem("-", "first", 0), ListItem("-", "second", 0)]


TABLE = [("Item", "Number", "Price"), ("Tea", "1", "2.40"), ("Coffee and cake", "", "6.20"), ("Sum", "", "8.60")]


def table_lines(rows, top=0):
    return [
        line(cell, left, top + 40 * n) for n, row in enumerate(rows) for cell, left in zip(row, (0, 250, 400)) if cell
    ]


def test_cells_that_line_up_are_a_table():
    lines = column(BODY) + table_lines(TABLE, 140) + column(BODY, 0, 340)
    assert page_blocks(lines) == [Paragraph((JOINED,)), Table(tuple(TABLE)), Paragraph((JOINED,))]


def test_a_cell_of_several_lines_is_one():
    lines = [line("Name", 0, 0), line("Meaning", 200, 0), line("tea", 0, 50), line("leaves in", 200, 50)]
    lines += [line("hot water", 200, 72), line("milk", 0, 120), line("of cows", 200, 120)]
    assert page_blocks(lines) == [Table((("Name", "Meaning"), ("tea", "leaves in hot water"), ("milk", "of cows")))]


def test_a_table_in_markdown():
    rows = [("A|B", "C*"), ("1", "2")]
    markdown = page_markdown(OCRResult("", 0, 800, 400, 0.0, tuple(table_lines(rows))))
    rendered = MarkdownIt().enable("table").render(markdown)
    assert re.findall("<t[hd]>(.*?)</t[hd]>", rendered) == ["A|B", "C*", "1", "2"]


def test_chinese_is_joined_without_spaces_and_lists_keep_their_numbers():
    width = 20 * 2 * LETTER
    lines = [line("人人生而自由在尊严和权利上一律平等他们赋", 0, 0, right=width), line("有理性和良心。", 0, PITCH)]
    lines += [line("一、第一条", 0, 100), line("二、第二条", 0, 150)]
    assert [text for block in page_blocks(lines) for text in block.lines] == [
        "人人生而自由在尊严和权利上一律平等他们赋有理性和良心。", "一、第一条", "二、第二条",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("a long compo-", "sition of", "a long composition of"),
        ("the well-", "known song, well-known", "the well-known song, well-known"),
        ("GNU/Linux-", "Distribution", "GNU/Linux-Distribution"),
        ("die Ein-", "und Ausgabe", "die Ein- und Ausgabe"),
    ],
)
def test_hyphens(first, second, joined):
    texts = [first.rjust(51, "x"), second]
    assert page_blocks(column(texts))[0].lines[0].lstrip("x") == joined.lstrip("x")


def test_vertical_writing_is_a_paragraph():
    columns = [("人人生而自由在尊严和权利上一律平等他们赋", 400), ("有理性和良心。", 370)]
    lines = []
    for text, left in columns:
        bottom = len(text) * 20
        lines.append(TextLine(text, 0.9, ((left + 20, 0), (left + 20, bottom), (left, bottom), (left, 0))))
    assert page_blocks(lines[::-1]) == [Paragraph(("".join(text for text, _ in columns),))]


def test_a_turned_page_gives_the_same_whether_its_boxes_are_upright_or_as_stored():
    upright = OCRResult("", 0, 600, 200, 0.0, tuple(column(BODY)), angle=90)
    assert upright.markdown == as_stored(upright).markdown == JOINED + "\n"


def test_pages_are_divided_by_a_rule():
    page, empty = OCRResult("", 0, 600, 200, 0.0, tuple(column(BODY))), OCRResult("", 1, 600, 200, 0.0, ())
    writer = create_writer("markdown")
    data = writer.begin() + writer.page(page, None) + writer.page(empty, None) + writer.page(page, None) + writer.end()
    assert MarkdownIt().render(data.decode()) == f"<p>{JOINED}</p>\n<hr />\n<hr />\n<p>{JOINED}</p>\n"
    with pytest.raises(TypeError):
        create_writer("markdown").page(CropResult("a", "b", 0.5), None)


TEXTS = st.text(st.sampled_from('aB1 .)(-+*_#>`~[]!|<&;:\\/=中–•"'), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_markup_in_texts_is_shown_as_it_is(text):
    import html

    plain = " ".join(text.split())
    rendered = MarkdownIt().enable(["table", "strikethrough"]).render(escaped(text))
    assert html.unescape(rendered) == (f"<p>{plain}</p>\n" if plain else "")


NUMBERS = st.one_of(st.integers(0, 400), st.sampled_from([float("nan"), float("inf"), -1e300, 1e300, 0.5]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text("abc1 .中", min_size=1, max_size=9), st.tuples(*[NUMBERS] * 4)), max_size=12))
def test_no_text_is_lost_wherever_its_box_lies(items):
    lines = [TextLine(text, 0.9, ((a, b), (a + c, b), (a + c, b + d), (a, b + d))) for text, (a, b, c, d) in items]
    found = "".join(blocks_text(page_blocks(lines)))
    assert sorted(found.replace(" ", "")) == sorted("".join(text.replace(" ", "") for text, _ in items))
