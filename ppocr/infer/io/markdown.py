"""Pages → Markdown: CommonMark with GitHub's tables; text that would be markup is escaped."""

from __future__ import annotations

import re
from typing import List, Optional

from ppocr.infer.layout import Block, Heading, ListItem, Paragraph, Table, page_blocks
from ppocr.infer.results import OCRResult

PAGE_BREAK = "---\n\n"
_INDENT = 4  # of nested lists, in spaces: enough behind `1.` and `-`, not yet code

_ANYWHERE = re.compile(r"[\\`*]|<(?=[A-Za-z/!?])|(?<!\w)_|_(?!\w)|~~|\](?=[(\[:])|!(?=\[)|&(?=#?\w+;)")
_AT_THE_BEGINNING = re.compile(
    r"(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|>|(?:-\s*){3,}$|=+\s*$|-+\s*$|~~~)|(\d{1,9})(?=[.)](?:\s|$))"
)


def page_markdown(result: OCRResult) -> str:
    """One page; empty without text, else it ends with a line break."""
    return _markdown(page_blocks(result.lines))


class MarkdownWriter:
    """A page after the other; a thematic break (`---`) divides them."""

    def __init__(self) -> None:
        self._is_first = True

    def begin(self) -> bytes:
        return b""

    def page(self, result: OCRResult, picture: Optional[object] = None) -> bytes:
        if not isinstance(result, OCRResult):
            raise TypeError("Markdown holds pages, not single lines")
        divider = "" if self._is_first else "\n" + PAGE_BREAK
        self._is_first = False
        return (divider + page_markdown(result)).encode("utf-8", "backslashreplace")

    def end(self) -> bytes:
        return b""


def _markdown(blocks: List[Block]) -> str:
    parts: List[str] = []
    last: Optional[Block] = None
    for block in blocks:
        if last is not None and not (isinstance(last, ListItem) and isinstance(block, ListItem)):
            parts.append("")
        parts.append(_block(block))
        last = block
    return "".join(part + "\n" for part in parts)


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        text = escaped(block.text)
        return "#" * block.level + " " + re.sub(r"#+$", lambda match: "\\" + match[0], text)
    if isinstance(block, Paragraph):
        return "\\\n".join(map(escaped, block.lines))
    if isinstance(block, ListItem):
        return " " * _INDENT * block.depth + f"{block.marker} {escaped(block.text)}"
    return _table(block)


def _table(table: Table) -> str:
    rows = ["| " + " | ".join(escaped(cell).replace("|", "\\|") for cell in row) + " |" for row in table.rows]
    return "\n".join([rows[0], "|" + " --- |" * len(table.rows[0]), *rows[1:]])


def escaped(text: str) -> str:
    """A line of text as Markdown that shows it as it is."""
    text = " ".join(text.split())
    text = _ANYWHERE.sub(lambda match: "\\" + match[0], text)
    begin = _AT_THE_BEGINNING.match(text)
    if not begin:
        return text
    return f"{begin[1]}\\{text[begin.end() :]}" if begin[1] else "\\" + text
