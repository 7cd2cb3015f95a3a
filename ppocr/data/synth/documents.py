"""Flat documents: running text in columns, vertical text, tables. Each fills a sheet."""

from __future__ import annotations

from typing import List

import numpy as np

from ppocr.data.synth.backgrounds import Color, background, random_color
from ppocr.data.synth.chance import between, chance, integer, pick
from ppocr.data.synth.ink import draw_column
from ppocr.data.synth.languages import is_ideographic
from ppocr.data.synth.sheet import Align, Pen, Sheet


def columns(sheet: Sheet) -> None:
    """A printed page: a title, headings, paragraphs in one to three columns, pictures, page numbers."""
    rng, margin = sheet.rng, sheet.width * between(sheet.rng, 0.03, 0.09)
    body = sheet.pen(between(rng, 0.0125, 0.025) * sheet.height)
    title = sheet.pen(body.size * between(rng, 1.4, 2.6), body.face if chance(rng, 0.5) else None)
    y = _heading(sheet, title, margin, margin, sheet.width - 2 * margin) if chance(rng, 0.7) else margin
    count, gutter = pick(rng, (1, 1, 2, 2, 3)), between(rng, 0.02, 0.05) * sheet.width
    width = (sheet.width - 2 * margin - (count - 1) * gutter) / count
    bottom = sheet.height - margin - 2 * body.size
    for column in range(count):
        _fill_column(sheet, body, margin + column * (width + gutter), y, width, bottom)
    if chance(rng, 0.6):
        number = pick(rng, ("{}", "- {} -", "{}", "· {} ·")).format(integer(rng, 1, 999))
        number = sheet.fit(number, body, sheet.width)
        sheet.write(number, body, margin, sheet.height - margin, width=sheet.width - 2 * margin, align=_align(sheet))


def _align(sheet: Sheet) -> Align:
    return pick(sheet.rng, ("left", "centre", "right"))


def _heading(sheet: Sheet, pen: Pen, x: float, y: float, width: float) -> float:
    """One or two lines of a title; returns where the text below begins."""
    align: Align = "centre" if sheet.chance(0.6) else "left"
    for _ in range(integer(sheet.rng, 1, 2)):
        y += 1.3 * pen.size
        sheet.write(sheet.sentence(pen, width * between(sheet.rng, 0.3, 0.95)), pen, x, y, width=width, align=align)
    return y + pen.size


def _fill_column(sheet: Sheet, pen: Pen, x: float, y: float, width: float, bottom: float) -> None:
    """Paragraphs, headings, list items and pictures from `y` to `bottom`."""
    rng = sheet.rng
    pitch, indent = pen.size * between(rng, 1.25, 1.7), pick(rng, (0, 0, 2)) * pen.size
    while y + pitch < bottom:
        style = rng.random()
        if style < 0.1:
            heading = sheet.pen(pen.size * between(rng, 1.1, 1.5), pen.face if chance(rng, 0.6) else None)
            y += 1.6 * heading.size
            sheet.write(sheet.sentence(heading, 0.8 * width), heading, x, y)
            y += 0.5 * heading.size
        elif style < 0.17 and y + 0.1 * sheet.height < bottom:
            y = _picture(sheet, x, y + pen.size, width, min(bottom, y + between(rng, 0.08, 0.22) * sheet.height))
        else:
            bullet = pick(rng, ("1. ", "• ", "- ", "(1) ", "a) ")) if chance(rng, 0.15) else ""
            for line in range(integer(rng, 1, 9)):
                y += pitch
                if y >= bottom:
                    return
                shift = indent if line == 0 else 0.0
                text = sheet.sentence(pen, (width - shift) * (1.0 if chance(rng, 0.8) else between(rng, 0.1, 1)))
                text = sheet.fit(bullet + text, pen, width - shift) if line == 0 and bullet else text
                sheet.write(text, pen, x + shift, y)
            y += pen.size * between(rng, 0, 0.8)


def _picture(sheet: Sheet, x: float, top: float, width: float, bottom: float) -> float:
    """A photo or a coloured field without text; returns where it ends."""
    left, up, right, down = round(x), round(top), round(x + width), round(bottom)
    if down - up > 8 and right - left > 8:
        sheet.image[up:down, left:right] = background(
            sheet.rng, down - up, right - left, difficulty=1.0, photos=sheet.materials.photos
        )
    return bottom + 4


def vertical(sheet: Sheet) -> None:
    """Columns from right to left, as Chinese and Japanese books have them."""
    rng, margin = sheet.rng, sheet.width * between(sheet.rng, 0.05, 0.12)
    pen = sheet.pen(between(rng, 0.02, 0.035) * sheet.height)
    pitch, x = pen.size * between(rng, 1.4, 2.0), sheet.width - margin
    tallest = int((sheet.height - 2 * margin) / (1.06 * pen.size))
    while x - pitch > margin:
        length = tallest if chance(rng, 0.75) else integer(rng, 2, tallest)
        text = "".join(sheet.materials.corpus.sentence(rng, sheet.lang, 12, sheet.difficulty) for _ in range(6))
        upright = "".join(c for c in text if is_ideographic(c) and c.isalnum() and c != "ー" and pen.face.covers(c))
        if upright:
            mask = draw_column(upright[:length], pen.face, pen.size)
            sheet.put(mask, upright[:length], round(x - (pen.size + mask.shape[1]) / 2), round(margin), pen.color)
        x -= pitch


def table(sheet: Sheet) -> None:
    """One table or two, with all rules, horizontal ones, or none; headings and notes around them."""
    rng, margin = sheet.rng, sheet.width * between(sheet.rng, 0.04, 0.1)
    y, width = margin, sheet.width - 2 * margin
    while y < 0.75 * sheet.height:
        pen = sheet.pen(between(rng, 0.0135, 0.025) * sheet.height)
        if chance(rng, 0.7):
            y = _heading(sheet, sheet.pen(pen.size * between(rng, 1.0, 1.6)), margin, y, width)
        y = _grid(sheet, pen, margin, y, width) + pen.size
        for _ in range(integer(rng, 0, 4)):
            y += 1.5 * pen.size
            sheet.write(sheet.sentence(pen, width * between(rng, 0.3, 1)), pen, margin, y)
        y += 2 * pen.size


def _grid(sheet: Sheet, pen: Pen, x: float, y: float, width: float) -> float:
    """A table; returns its lower end."""
    rng = sheet.rng
    row_height = pen.size * between(rng, 1.5, 2.6)
    rows = max(2, min(integer(rng, 3, 18), int((sheet.height - y - 2 * pen.size) / row_height)))
    shares = np.array([between(rng, 0.6, 2) for _ in range(integer(rng, 2, 7))])
    edges = x + width * np.concatenate([[0], np.cumsum(shares) / shares.sum()])
    rules, color = pick(rng, ("all", "all", "rows", "none")), _rule_color(sheet)
    if chance(rng, 0.35):
        _fill(sheet, edges[0], y, edges[-1], y + row_height, lighten(color))
    kinds = [_cell_kind(sheet) for _ in shares]
    aligns: List[Align] = [_align(sheet) for _ in shares]
    for row in range(rows):
        base = y + row * row_height + (row_height + 0.7 * pen.size) / 2
        for left, right, kind, align in zip(edges, edges[1:], kinds, aligns):
            room = right - left - 1.4 * pen.size
            text = _cell(sheet, kind if row else "", pen, room)
            if base < sheet.height - 2 and not chance(rng, 0.06):
                sheet.write(text, pen, left + 0.7 * pen.size, base, width=room, align=align)
    bottom = y + rows * row_height
    if rules != "none":
        for k in range(rows + 1):
            sheet.rule((edges[0], y + k * row_height), (edges[-1], y + k * row_height), color)
    if rules == "all":
        for edge in edges:
            sheet.rule((edge, y), (edge, bottom), color)
    return bottom


def _cell_kind(sheet: Sheet) -> str:
    return pick(sheet.rng, ("", "", "number", "price", "date", "code", "percent", "measure", "phone"))


def _cell(sheet: Sheet, kind: str, pen: Pen, room: float) -> str:
    """What stands in a cell of the given kind; words by default."""
    corpus = sheet.materials.corpus
    if kind:
        return sheet.fit(corpus.pattern(sheet.rng, sheet.lang, kind), pen, room)
    longest = max(2, min(16, int(room / pen.advance)))
    text = corpus.sentence(sheet.rng, sheet.lang, integer(sheet.rng, 2, longest), sheet.difficulty)
    return sheet.fit(text, pen, room)


def _rule_color(sheet: Sheet) -> Color:
    return (60.0, 60.0, 60.0) if sheet.chance(0.6) else random_color(sheet.rng)


def lighten(color: Color) -> Color:
    """A pale version of a colour, on which dark text can be read."""
    return tuple(0.2 * part + 0.8 * 245 for part in color)  # type: ignore[return-value]


def _fill(sheet: Sheet, left: float, top: float, right: float, bottom: float, color: Color) -> None:
    if int(sheet.image[::16, ::16].mean()) > 150:  # only on light paper: the pen is dark there
        sheet.image[round(top) : round(bottom), round(left) : round(right)] = np.asarray(color, np.uint8)
