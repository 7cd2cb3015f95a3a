"""The blocks of a page."""

from __future__ import annotations

from typing import List, Sequence

from ppocr.infer.layout.blocks import Block
from ppocr.infer.layout.paragraphs import PageStyle, text_blocks
from ppocr.infer.layout.segments import Row, Segment, join, rows_of_parts
from ppocr.infer.layout.tables import table_end, table_of
from ppocr.infer.results import TextLine


def page_blocks(lines: Sequence[TextLine]) -> List[Block]:
    """Headings, paragraphs, list items and tables of a page, in reading order: columns of running text one by one.

    Args:
        lines: of one page, in any order; each begins where its text does, as those of `OCRResult` do.
    """
    parts = rows_of_parts(lines)
    style = PageStyle.of([segment for part in parts for row in part for segment in row])
    return [block for part in parts for block in _part_blocks(part, style)]


def _part_blocks(rows: Sequence[Row], style: PageStyle) -> List[Block]:
    blocks: List[Block] = []
    text: List[Segment] = []
    index = 0
    while index < len(rows):
        end = table_end(rows, index)
        if end is None:
            text.append(_whole(rows[index]))
            index += 1
            continue
        blocks += text_blocks(text, style)
        blocks.append(table_of(rows[index:end]))
        text, index = [], end
    return blocks + text_blocks(text, style)


def _whole(row: Row) -> Segment:
    whole = row[0]
    for segment in row[1:]:
        whole = join(whole, segment)
    return whole
