"""Receipts and forms: pairs of a key and a value, prices at the right edge, boxes to fill in."""

from __future__ import annotations

import cv2
import numpy as np

from ppocr.data.synth import phrases
from ppocr.data.synth.chance import between, chance, integer, pick
from ppocr.data.synth.sheet import Pen, Sheet

TEXT_GAP_EMS = (1.5, 3.0)  # ems between two texts of a line: nearer ones would be one text to any reader
_VALUES = {  # which kind of value belongs to the n-th key matters little: any of these looks right
    "receipt": ("date", "time", "code", "number", "phone"),
    "form": ("date", "phone", "email", "code", "number", "url", "measure", ""),
}


def receipt(sheet: Sheet) -> None:
    """A till receipt that fills the sheet's width."""
    rng, lang = sheet.rng, sheet.lang
    margin = sheet.width * between(rng, 0.04, 0.09)
    width = sheet.width - 2 * margin
    pen = sheet.pen(width * between(rng, 0.038, 0.052))
    pitch = pen.size * between(rng, 1.3, 1.6)
    head = sheet.pen(pen.size * between(rng, 1.3, 2.0), color=pen.color)
    y = margin + head.size
    for text, by in (
        (sheet.sentence(head, 0.8 * width), head),
        (sheet.fit(pick(rng, phrases.RECEIPT_HEADS[lang]), pen, width), pen),
        (sheet.sentence(pen, 0.9 * width), pen),
        (sheet.fit(sheet.materials.corpus.pattern(rng, lang, "phone"), pen, width), pen),
    ):
        if chance(rng, 0.8):
            sheet.write(text, by, margin, y, width=width, align="centre")
            y += 1.45 * by.size
    y = _separator(sheet, margin, y, width, pen)
    for key in _some(sheet, phrases.RECEIPT_KEYS[lang], 2, 5):
        y += pitch
        _pair(sheet, pen, margin, y, width, key, "receipt")
    y = _separator(sheet, margin, y + 0.6 * pitch, width, pen)
    end = sheet.height - 7 * pitch
    for _ in range(integer(rng, 3, 24)):
        if y + 2 * pitch > end:
            break
        y += pitch
        y = _item(sheet, pen, margin, y, width, pitch)
    y = _separator(sheet, margin, y + 0.6 * pitch, width, pen)
    for number, key in enumerate(_some(sheet, phrases.RECEIPT_SUMS[lang], 2, 4)):
        by = sheet.pen(pen.size * 1.3, pen.face, pen.color) if number == 0 and chance(rng, 0.4) else pen
        y += 1.25 * by.size
        _ends(sheet, by, margin, y, width, key, sheet.materials.corpus.pattern(rng, lang, "price"))
    y = _separator(sheet, margin, y + 0.6 * pitch, width, pen) + pitch
    sheet.write(
        sheet.fit(pick(rng, phrases.RECEIPT_ENDS[lang]), pen, width), pen, margin, y, width=width, align="centre"
    )


def _some(sheet: Sheet, choices: tuple[str, ...], least: int, most: int) -> list[str]:
    """Different ones of `choices`, in order."""
    count = min(len(choices), integer(sheet.rng, least, most))
    chosen = sorted(sheet.rng.permutation(len(choices))[:count])
    return [choices[k] for k in chosen]


def _separator(sheet: Sheet, x: float, y: float, width: float, pen: Pen) -> float:
    """A rule across, or emptiness; returns where the text below begins."""
    if sheet.chance(0.7):
        sheet.rule((x, y), (x + width, y), pen.color, dashed=sheet.chance(0.7))
    return y + 0.4 * pen.size


def _item(sheet: Sheet, pen: Pen, x: float, y: float, width: float, pitch: float) -> float:
    """Goods and what they cost, on one line or two; returns the last baseline."""
    rng, corpus = sheet.rng, sheet.materials.corpus
    goods = sheet.fit(corpus.sentence(rng, sheet.lang, integer(rng, 3, 18), sheet.difficulty), pen, 0.62 * width)
    price = corpus.pattern(rng, sheet.lang, "price")
    if chance(rng, 0.75):
        _ends(sheet, pen, x, y, width, goods, price)
        return y
    sheet.write(goods, pen, x, y)
    amount = f"{integer(rng, 1, 12)} x {integer(rng, 1, 99)}.{integer(rng, 0, 99):02d}"
    _ends(sheet, pen, x + pen.size, y + pitch, width - pen.size, amount, price)
    return y + pitch


def _ends(sheet: Sheet, pen: Pen, x: float, y: float, width: float, left: str, right: str) -> None:
    """One text at each end of a line."""
    sheet.write(sheet.fit(left, pen, 0.6 * width), pen, x, y)
    right = sheet.fit(right, pen, 0.35 * width)
    sheet.write(right, pen, x, y, width=width, align="right")


def _pair(sheet: Sheet, pen: Pen, x: float, y: float, width: float, key: str, kind: str) -> None:
    """`key: value`, as one text or as two."""
    mark = pick(sheet.rng, (":", "：", ": ")) if sheet.lang in ("zh", "ja") else ": "
    value = _value(sheet, kind)
    if chance(sheet.rng, 0.5):
        sheet.write(sheet.fit(key + mark + value, pen, width), pen, x, y)
    else:
        _ends(sheet, pen, x, y, width, key + mark.strip(), value)


def _value(sheet: Sheet, kind: str) -> str:
    maker = pick(sheet.rng, _VALUES[kind])
    corpus = sheet.materials.corpus
    if not maker:
        return corpus.sentence(sheet.rng, sheet.lang, integer(sheet.rng, 2, 14), sheet.difficulty)
    return corpus.pattern(sheet.rng, sheet.lang, maker)


def form(sheet: Sheet) -> None:
    """A form: a title, fields with rules or boxes, filled in with another pen, ticks, small print."""
    rng, lang = sheet.rng, sheet.lang
    margin = sheet.width * between(rng, 0.05, 0.1)
    width = sheet.width - 2 * margin
    printed = sheet.pen(between(rng, 0.0135, 0.022) * sheet.height)
    filled = sheet.pen(printed.size * between(rng, 1.0, 1.3)) if chance(rng, 0.6) else printed
    title = sheet.pen(printed.size * between(rng, 1.5, 2.4), printed.face if chance(rng, 0.6) else None, printed.color)
    y = margin + title.size
    sheet.write(
        sheet.fit(pick(rng, phrases.FORM_TITLES[lang]), title, width), title, margin, y, width=width, align="centre"
    )
    y += 2 * printed.size
    fields, ruled = integer(rng, 1, 2), chance(rng, 0.6)
    pitch = printed.size * between(rng, 2.0, 3.0)
    while y + 4 * pitch < sheet.height - margin:
        y += pitch
        style = rng.random()
        if style < 0.12:
            y = _box(sheet, printed, filled, margin, y, width, pitch)
        elif style < 0.24:
            _ticks(sheet, printed, margin, y, width)
        else:
            for k in range(fields):
                _field(sheet, printed, filled, margin + k * width / fields, y, width / fields, ruled=ruled)
    for _ in range(integer(rng, 0, 2)):
        y += 1.5 * printed.size
        sheet.write(sheet.sentence(printed, width), printed, margin, y)


def _field(sheet: Sheet, printed: Pen, filled: Pen, x: float, y: float, width: float, *, ruled: bool) -> None:
    key = pick(sheet.rng, phrases.FORM_KEYS[sheet.lang]) + pick(sheet.rng, (":", "", ":"))
    if sheet.chance(0.25):  # typed by a machine: one text
        sheet.write(sheet.fit(f"{key} {_value(sheet, 'form')}", printed, 0.94 * width), printed, x, y)
        return
    box = sheet.write(sheet.fit(key, printed, 0.5 * width), printed, x, y)
    start = (box[2] if box else x) + between(sheet.rng, *TEXT_GAP_EMS) * printed.size
    room = x + 0.94 * width - start
    if sheet.chance(0.8):
        sheet.write(sheet.fit(_value(sheet, "form"), filled, room), filled, start, y)
    if ruled and room > 0:
        low = y + 0.3 * printed.size
        sheet.rule((start, low), (start + room, low), printed.color)


def _box(sheet: Sheet, printed: Pen, filled: Pen, x: float, y: float, width: float, pitch: float) -> float:
    """A framed field for longer text; returns its lower end."""
    top, rows = y - 0.5 * pitch, integer(sheet.rng, 1, 3)
    bottom = top + (rows + 0.6) * 1.6 * filled.size
    for row in range(rows):
        text = sheet.sentence(filled, (width - 2 * filled.size) * between(sheet.rng, 0.4, 1))
        sheet.write(text, filled, x + filled.size, top + (row + 0.9) * 1.6 * filled.size)
    corners = np.rint([[x, top], [x + width, bottom]]).astype(int).tolist()
    cv2.rectangle(sheet.image, corners[0], corners[1], printed.color, 1)
    return bottom


def _ticks(sheet: Sheet, pen: Pen, x: float, y: float, width: float) -> None:
    """Small boxes with a choice each."""
    end = x + width
    for _ in range(integer(sheet.rng, 2, 4)):
        text = sheet.fit(sheet.materials.corpus.word(sheet.rng, sheet.lang), pen, end - x - 2 * pen.size)
        box = sheet.write(text, pen, x + 1.2 * pen.size, y)
        if box is None:
            return
        side = round(0.7 * pen.size)
        corner = (round(x), round(y) - side)
        cv2.rectangle(sheet.image, corner, (corner[0] + side, corner[1] + side), pen.color, 1)
        x = box[2] + 1.5 * pen.size
