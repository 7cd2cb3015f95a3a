"""Text in scenes: signs, labels and writing in every direction, each with its own perspective."""

from __future__ import annotations

from typing import List, NamedTuple

import cv2
import numpy as np

from ppocr.data.synth.backgrounds import legible_color, random_color
from ppocr.data.synth.chance import between, chance, integer, pick
from ppocr.data.synth.effects import worn_ink
from ppocr.data.synth.ink import MIN_INK_LEVEL, draw_column, draw_line
from ppocr.data.synth.languages import LANGUAGES, is_ideographic
from ppocr.data.synth.lines import even_font_size, paint
from ppocr.data.synth.sheet import BOX_MARGIN_SHARE, Sheet

_PLACES = 12  # tried for a sign before it is left out


class _Line(NamedTuple):
    """One line of a sign: its upright ink, what it says, and where it lies in the sign's block, pixels."""

    mask: np.ndarray
    text: str
    left: int
    top: int

    @property
    def slack(self) -> float:
        return max(1.0, BOX_MARGIN_SHARE * min(self.mask.shape))

    def corners(self) -> np.ndarray:
        """float32[4, 2]: the label's corners in the block, clockwise from the text's top-left."""
        rows, columns = self.mask.shape
        low = np.array([self.left - self.slack, self.top - self.slack])
        high = np.array([self.left + columns + self.slack, self.top + rows + self.slack])
        return np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float32)


def scene(sheet: Sheet) -> None:
    """A few signs, large and small, mostly near to level; boards under some of them."""
    for _ in range(integer(sheet.rng, 3, 16)):
        angle = 20 * sheet.difficulty * between(sheet.rng, -1, 1) if chance(sheet.rng, 0.8) else _any_angle(sheet)
        size = sheet.height * (0.018 + 0.12 * sheet.rng.random() ** 2.2)
        _sign(sheet, size, angle, board=chance(sheet.rng, 0.4))


def scattered(sheet: Sheet) -> None:
    """Many lines in all directions."""
    for _ in range(integer(sheet.rng, 12, 45)):
        size = sheet.height * (0.014 + 0.04 * sheet.rng.random() ** 2)
        _sign(sheet, size, _any_angle(sheet), board=chance(sheet.rng, 0.1))


def _any_angle(sheet: Sheet) -> float:
    """Degrees, clockwise; often a multiple of 90."""
    return pick(sheet.rng, (90.0, 180.0, 270.0)) if chance(sheet.rng, 0.25) else between(sheet.rng, -180, 180)


def _sign(sheet: Sheet, size: float, angle: float, *, board: bool) -> None:
    """Draw a block of text and lay it where nothing is yet."""
    rng = sheet.rng
    lines = _block(sheet, even_font_size(size))
    if not lines:
        return
    rim = size * (between(rng, 0.15, 0.6) if board else 0.02) + max(line.slack for line in lines)
    right = max(line.left + line.mask.shape[1] for line in lines) + rim
    bottom = max(line.top + line.mask.shape[0] for line in lines) + rim
    outline = np.array([[-rim, -rim], [right, -rim], [right, bottom], [-rim, bottom]], np.float32)
    shape = _distorted(outline, rng, 0.12 * sheet.difficulty) @ _turn(angle).T
    spread = np.ptp(shape, axis=0) + 4
    if spread[0] >= sheet.width or spread[1] >= sheet.height:
        return
    for _ in range(_PLACES):
        corner = [between(rng, 0, sheet.width - spread[0]), between(rng, 0, sheet.height - spread[1])]
        quad = (shape - shape.min(axis=0) + corner + 2).astype(np.float32)
        if sheet.take(quad):
            _paint_sign(sheet, lines, cv2.getPerspectiveTransform(outline, quad), quad, board=board)
            return


def _block(sheet: Sheet, size: int) -> List[_Line]:
    """One to four lines under each other, or a column of characters."""
    rng, corpus, face = sheet.rng, sheet.materials.corpus, sheet.face()
    longest = max(2, min(24, int(0.8 * sheet.width / size)))
    lines: List[_Line] = []
    top, spacing = 0, between(rng, 0, 0.3) if chance(rng, 0.2) else 0.0
    for _ in range(pick(rng, (1, 1, 1, 2, 3, 4))):
        text = sheet.written(corpus.line(rng, sheet.lang, longest=longest, rarity=sheet.difficulty), face)
        if not lines and not LANGUAGES[sheet.lang].spaced and chance(rng, 0.15):
            column = "".join(c for c in text if is_ideographic(c) and c.isalnum() and c != "ー")[:8]
            if len(column) > 1:
                return [_Line(draw_column(column, face, size), column, 0, 0)]
        mask = draw_line(text, face, size, spacing=spacing)
        if mask.max() >= 2 * MIN_INK_LEVEL:
            lines.append(_Line(mask, text, 0, top))
            top += mask.shape[0] + round(size * between(rng, 0.2, 0.5)) + 2
    if chance(rng, 0.5):  # centred
        widest = max((line.mask.shape[1] for line in lines), default=0)
        lines = [line._replace(left=(widest - line.mask.shape[1]) // 2) for line in lines]
    return lines


def _distorted(outline: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Corners moved by up to `strength` of the shorter side: perspective and slant."""
    max_shift = strength * float(np.ptp(outline, axis=0).min())
    slant = between(rng, -2, 2) * max_shift if chance(rng, 0.3) else 0.0
    moved = outline + np.array([[slant, 0], [slant, 0], [0, 0], [0, 0]], np.float32)
    return moved + max_shift * (2 * rng.random((4, 2)) - 1)


def _turn(angle: float) -> np.ndarray:
    """Rotation by degrees, clockwise on the screen."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[cos, -sin], [sin, cos]])


def _paint_sign(sheet: Sheet, lines: List[_Line], matrix: np.ndarray, quad: np.ndarray, *, board: bool) -> None:
    """Warp the ink of all lines into the sheet and paint it, on a board or on what is there."""
    rng = sheet.rng
    low = np.floor(quad.min(axis=0)).astype(int)
    high = np.ceil(quad.max(axis=0)).astype(int) + 1
    window = sheet.image[low[1] : high[1], low[0] : high[0]]
    corners = np.rint(quad - low).astype(np.int32)
    if board:
        cv2.fillConvexPoly(window, corners, random_color(rng), cv2.LINE_AA)
    covered = np.zeros(window.shape[:2], np.uint8)
    cv2.fillConvexPoly(covered, corners, 1)
    color = legible_color(rng, window[covered > 0][None], difficulty=sheet.difficulty)
    has_halo, is_worn = chance(rng, 0.2 * sheet.difficulty), chance(rng, 0.2 * sheet.difficulty)
    for line in lines:
        shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]], np.float64)
        to_block = np.array([[1, 0, line.left], [0, 1, line.top], [0, 0, 1]], np.float64)
        ink = cv2.warpPerspective(line.mask, shift @ matrix @ to_block, window.shape[1::-1], flags=cv2.INTER_LINEAR)
        if has_halo:
            halo = (255.0, 255.0, 255.0) if sum(color) < 384 else (0.0, 0.0, 0.0)
            window[:] = paint(window, cv2.dilate(ink, np.ones((3, 3), np.uint8)), halo)
        window[:] = paint(window, worn_ink(ink, rng, 0.6 * sheet.difficulty) if is_worn else ink, color)
        label = cv2.perspectiveTransform(line.corners()[None], matrix)[0]
        sheet.claim(ink, line.text, label, int(low[0]), int(low[1]))
