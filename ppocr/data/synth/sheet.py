"""A sheet to write on: places text line by line, remembers exactly where its ink lies, lets nothing overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Literal, Optional, Tuple

import cv2
import numpy as np

from ppocr.data.synth.backgrounds import Color, legible_color
from ppocr.data.synth.chance import chance, pick
from ppocr.data.synth.faces import Face
from ppocr.data.synth.ink import MIN_INK_LEVEL, draw_on_baseline
from ppocr.data.synth.lines import Materials, even_font_size, paint

Align = Literal["left", "centre", "right"]

BOX_MARGIN_SHARE = 0.05  # of the ink's height: what a box is wider than its ink on each side, one pixel at least


@dataclass(frozen=True)
class Pen:
    """How text is written.

    Attributes:
        face, size: font and pixels an em.
        color: BGR.
        advance: mean width of a character, pixels.
    """

    face: Face
    size: int
    color: Color
    advance: float


@dataclass(frozen=True)
class Region:
    """One line of text on a page.

    Attributes:
        text: what it says.
        quad: float32[4, 2], pixels, clockwise from the text's own top-left corner.
    """

    text: str
    quad: np.ndarray


class Sheet:
    """A picture that grows by text.

    Args:
        image: uint8[H, W, 3], BGR, written on.
        materials: fonts and texts.
        lang: language code.
        rng: of the sample.
        difficulty: 0 to 1, for contrast and rarity.

    Attributes:
        regions: the lines written so far.
        owner: int32[H, W]: number of the region (from 1) whose ink covers a pixel, 0 for none.
    """

    def __init__(
        self, image: np.ndarray, materials: Materials, lang: str, rng: np.random.Generator, *, difficulty: float
    ):
        self.image, self.materials, self.lang, self.rng, self.difficulty = image, materials, lang, rng, difficulty
        self.regions: List[Region] = []
        self.owner = np.zeros(image.shape[:2], np.int32)
        self._taken = np.zeros(image.shape[:2], np.uint8)

    @property
    def height(self) -> int:
        return self.image.shape[0]

    @property
    def width(self) -> int:
        return self.image.shape[1]

    def face(self) -> Face:
        """A font for this page's language."""
        corpus, fonts = self.materials.corpus, self.materials.fonts
        text = corpus.sentence(self.rng, self.lang, 12, self.difficulty)
        return fonts.choose(text, self.lang, self.rng, rarity=self.difficulty) or pick(
            self.rng, fonts.by_language[self.lang]
        )

    def pen(self, size: float, face: Optional[Face] = None, color: Optional[Color] = None) -> Pen:
        """A pen of about `size` pixels an em; by default any face, and a colour that shows on the whole sheet."""
        face = face or self.face()
        color = color or legible_color(self.rng, self.image[::16, ::16], difficulty=0.5 * self.difficulty)
        sample = self.written(self.materials.corpus.sentence(self.rng, self.lang, 24, self.difficulty), face)
        advance = face.open(even_font_size(size)).getlength(sample) / len(sample)
        return Pen(face, even_font_size(size), color, max(advance, 1.0))

    def written(self, text: str, face: Face) -> str:
        """What of `text` the face can write; at least one character."""
        kept = " ".join("".join(c for c in text if face.covers(c)).split())
        return kept or "0"

    def sentence(self, pen: Pen, width: float) -> str:
        """Running text that fills `width` pixels as nearly as words allow."""
        length = max(1, int(width / pen.advance))
        text = self.materials.corpus.sentence(self.rng, self.lang, length, self.difficulty)
        return self.fit(text, pen, width)

    def fit(self, text: str, pen: Pen, width: float) -> str:
        """`text` cut (between words where it has spaces) to at most `width` pixels; may be empty."""
        text = self.written(text, pen.face)
        font = pen.face.open(pen.size)
        for _ in range(4):
            length = font.getlength(text)
            if length <= width or not text:
                break
            keep = max(0, min(len(text) - 1, int(len(text) * width / length)))
            shorter = text[:keep]
            cut_a_word = " " in shorter and keep < len(text) and text[keep] != " "
            text = (shorter[: shorter.rfind(" ")] if cut_a_word else shorter).strip()
        return text if font.getlength(text) <= width else ""

    def write(
        self, text: str, pen: Pen, x: float, baseline: float, *, width: float = 0.0, align: Align = "left"
    ) -> Optional[Tuple[int, int, int, int]]:
        """Write one horizontal line.

        Args:
            text: that the pen's face covers.
            pen: how.
            x: left end of the room for it, pixels;
            width: of the room; it matters for centred and right-aligned text.
            baseline: row that letters stand on.
            align: within the room.

        Returns:
            left, top, right, bottom of its ink; None if it was not written: it is empty, would leave the sheet, or
            touch what is there already.
        """
        if not text.strip():
            return None
        mask, left, top = draw_on_baseline(text, pen.face, pen.size)
        spare = width - mask.shape[1]
        left = round(x) + (left if align == "left" else round(spare / 2) if align == "centre" else round(spare))
        return self.put(mask, text, left, round(baseline) + top, pen.color)

    def put(
        self, mask: np.ndarray, text: str, left: int, top: int, color: Color
    ) -> Optional[Tuple[int, int, int, int]]:
        """Lay upright ink (a line or a column) with its top-left corner there; returns and refuses as `write` does."""
        rows, columns = mask.shape
        slack = max(1.0, BOX_MARGIN_SHARE * min(rows, columns))
        corners = (left - slack, top - slack, left + columns + slack, top + rows + slack)
        quad = np.array([[corners[i] for i in pair] for pair in ((0, 1), (2, 1), (2, 3), (0, 3))], np.float32)
        if mask.max() < 2 * MIN_INK_LEVEL or not self.take(quad):
            return None
        window = self.image[top : top + rows, left : left + columns]
        window[:] = paint(window, mask, color)
        self.claim(mask, text, quad, left, top)
        return left, top, left + columns, top + rows

    def claim(self, mask: np.ndarray, text: str, quad: np.ndarray, left: int, top: int) -> None:
        """Record a region whose ink, `mask`, was painted with its top-left corner there."""
        self.regions.append(Region(text, quad))
        owner = self.owner[top : top + mask.shape[0], left : left + mask.shape[1]]
        owner[mask >= MIN_INK_LEVEL] = len(self.regions)

    def take(self, quad: np.ndarray) -> bool:
        """Reserve a quad's area; False (and nothing happens) if it is not wholly on the sheet or partly taken."""
        limits = (self.width - 1, self.height - 1)
        if quad.min() < 0 or (quad.max(axis=0) > limits).any():
            return False
        low, high = np.floor(quad.min(axis=0)).astype(int), np.ceil(quad.max(axis=0)).astype(int) + 1
        window = self._taken[low[1] : high[1], low[0] : high[0]]
        shape = np.zeros_like(window)
        cv2.fillConvexPoly(shape, np.rint(quad - low).astype(np.int32), 1)
        if cv2.countNonZero(cv2.bitwise_and(shape, window)):
            return False
        np.maximum(window, shape, out=window)
        return True

    def rule(self, start: Tuple[float, float], end: Tuple[float, float], color: Color, *, dashed: bool = False) -> None:
        """A thin line; it is no text and gets no label."""
        first, last = np.array(start), np.array(end)
        steps = max(1, int(np.hypot(*(last - first)) // 8)) if dashed else 1
        for k in range(steps):
            a = first + (last - first) * k / steps
            b = first + (last - first) * (k + (0.55 if dashed else 1.0)) / steps
            ends = np.rint([a, b]).astype(int).tolist()
            cv2.line(self.image, ends[0], ends[1], color, 1, cv2.LINE_AA)

    def chance(self, probability: float) -> bool:
        return chance(self.rng, probability)
