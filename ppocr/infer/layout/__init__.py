"""What the lines of a page make up: headings, paragraphs, lists and tables, by their places and sizes."""

from ppocr.infer.layout.blocks import Block, Heading, ListItem, Paragraph, Table
from ppocr.infer.layout.page import page_blocks

__all__ = ["Block", "Heading", "ListItem", "Paragraph", "Table", "page_blocks"]
