"""Whole pages with place and text of every line: documents, tables, receipts, forms, scenes; flat or photographed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Optional, Sequence, Tuple

import cv2
import numpy as np

from ppocr.data.synth.backgrounds import background, gradient, paper_color, random_color, texture
from ppocr.data.synth.chance import Weighted, between, chance, pick
from ppocr.data.synth.documents import columns, table, vertical
from ppocr.data.synth.effects import degrade
from ppocr.data.synth.languages import LANGUAGES
from ppocr.data.synth.lines import MAX_EFFECT_STRENGTH, Materials
from ppocr.data.synth.receipts import form, receipt
from ppocr.data.synth.sheet import Region, Sheet
from ppocr.data.synth.signs import scattered, scene

# Kind of page → what writes it, and how often it is drawn.
KINDS: Dict[str, Tuple[Callable[[Sheet], None], float]] = {
    "columns": (columns, 3), "vertical": (vertical, 0.5), "table": (table, 2), "receipt": (receipt, 2),
    "form": (form, 1.5), "scene": (scene, 3), "scattered": (scattered, 1.5),
}  # fmt: skip
_SCENES = ("scene", "scattered")
_PAGE_BLUR_SHARE = 0.4  # pages have smaller letters than lines of text do, so they stand less blur


@dataclass(frozen=True)
class PageSample:
    """A page and its truth.

    Attributes:
        image: uint8[H, W, 3], BGR.
        regions: every line of text.
        owner: int32[H, W]: number of the region (from 1) whose ink covers a pixel, 0 for none; None unless asked for.
        kind, lang: of the page.
    """

    image: np.ndarray
    regions: Tuple[Region, ...]
    owner: Optional[np.ndarray]
    kind: str
    lang: str


class PageGenerator:
    """Makes pages.

    Args:
        materials: texts, fonts, backgrounds.
        size: (height, width) of the pages, pixels.
        kinds: of `KINDS`; all by default.

    Raises:
        ValueError: a kind that is not known, or a size below 64 pixels.
    """

    def __init__(
        self, materials: Materials, *, size: Tuple[int, int] = (960, 960), kinds: Optional[Sequence[str]] = None
    ):
        unknown = [kind for kind in kinds or () if kind not in KINDS]
        if unknown:
            raise ValueError(f"kinds: no kind of page is called {unknown[0]!r}; choose of {', '.join(KINDS)}")
        if min(size) < 64:
            raise ValueError(f"size: expected at least 64 x 64, came {size[0]} x {size[1]}")
        self._materials, self.size = materials, size
        self._kinds = Weighted((kind, KINDS[kind][1]) for kind in kinds or KINDS)

    def make(self, rng: np.random.Generator, *, difficulty: float, with_owner: bool = False) -> PageSample:
        """A page; `with_owner` also says which pixels are whose ink."""
        lang, kind = pick(rng, self._materials.codes), self._kinds.draw(rng)
        if kind == "vertical" and LANGUAGES[lang].spaced:
            kind = "columns"
        strength = MAX_EFFECT_STRENGTH * difficulty
        sheet = Sheet(self._paper(rng, kind, strength), self._materials, lang, rng, difficulty=difficulty)
        KINDS[kind][0](sheet)
        image, regions, owner = self._photograph(sheet, kind, strength)
        image = degrade(image, rng, difficulty=strength, fine=_PAGE_BLUR_SHARE)
        return PageSample(image, regions, owner if with_owner else None, kind, lang)

    def _paper(self, rng: np.random.Generator, kind: str, difficulty: float) -> np.ndarray:
        """What is written on, uint8[H, W, 3]."""
        height, width = self.size
        if kind == "receipt":
            height, width = round(0.98 * height), round(width * between(rng, 0.42, 0.75))
        if kind in _SCENES:
            return background(rng, height, width, difficulty=max(difficulty, 0.85), photos=self._materials.photos)
        color = paper_color(rng) if chance(rng, 0.9) else random_color(rng)
        style = rng.random()
        if style < 0.3 * difficulty:
            return texture(rng, height, width, color, between(rng, 1, 2 + 5 * difficulty))
        if style < 0.5 * difficulty:
            return gradient(rng, height, width, color, paper_color(rng))
        return np.full((height, width, 3), color, np.uint8)

    def _photograph(
        self, sheet: Sheet, kind: str, difficulty: float
    ) -> Tuple[np.ndarray, Tuple[Region, ...], np.ndarray]:
        """Lay the sheet on a table, or leave it as it is where it fills the page."""
        rng, size = sheet.rng, self.size[::-1]
        fills = sheet.image.shape[:2] == self.size
        if fills and (kind in _SCENES or chance(rng, 1 - 0.8 * difficulty)):
            return sheet.image, tuple(sheet.regions), sheet.owner
        matrix = _camera(sheet, self.size, difficulty)
        ground = background(rng, *self.size, difficulty=0.5 + 0.5 * difficulty, photos=self._materials.photos)
        cv2.warpPerspective(sheet.image, matrix, size, dst=ground, borderMode=cv2.BORDER_TRANSPARENT)
        owner = cv2.warpPerspective(sheet.owner.astype(np.float32), matrix, size, flags=cv2.INTER_NEAREST)
        regions = tuple(
            Region(region.text, cv2.perspectiveTransform(region.quad[None], matrix)[0]) for region in sheet.regions
        )
        return ground, regions, owner.astype(np.int32)


def _camera(sheet: Sheet, size: Tuple[int, int], difficulty: float) -> np.ndarray:
    """float64[3, 3]: where a camera sees the sheet, wholly inside a page of `size` (height, width)."""
    rng = sheet.rng
    corners = np.array([[0, 0], [sheet.width, 0], [sheet.width, sheet.height], [0, sheet.height]], np.float32)
    angle = between(rng, -1, 1) * (1 + 12 * difficulty)
    if chance(rng, 0.08 * difficulty):
        angle += pick(rng, (90.0, 180.0, 270.0))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    seen = (corners - corners.mean(axis=0)) @ np.array([[cos, sin], [-sin, cos]])
    seen += 0.1 * difficulty * min(size) * (rng.random((4, 2)) - 0.5)
    extent = np.ptp(seen, axis=0)
    scale = min(size[1] / extent[0], size[0] / extent[1]) * between(rng, 1 - 0.2 * difficulty, 1.0)
    seen *= min(scale, 1.15)
    spare = np.array(size[::-1]) - np.ptp(seen, axis=0)
    target = seen - seen.min(axis=0) + spare * rng.random(2)
    return cv2.getPerspectiveTransform(corners, target.astype(np.float32))
