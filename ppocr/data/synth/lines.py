"""One line of text as a detector would cut it out of a picture, and what it says."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from ppocr.data.synth.backgrounds import Color, Photos, background, legible_color, random_color
from ppocr.data.synth.chance import between, chance, integer, pick
from ppocr.data.synth.corpus import Corpus
from ppocr.data.synth.effects import degrade, interfering_lines, worn_ink
from ppocr.data.synth.faces import Face
from ppocr.data.synth.fonts import FontLibrary
from ppocr.data.synth.ink import change_weight, draw_column, draw_line, ink_height
from ppocr.data.synth.languages import LANGUAGES, find_languages, is_ideographic
from ppocr.data.synth.warp import Placement, place, warp_ink

# Strength of the effects on lines of difficulty 1: the official mobile recogniser then reads as many of them as of the
# words of photographed scenes (`tools/benchmark/synth_difficulty.py` measures that).
MAX_EFFECT_STRENGTH = 0.8
# Pixels an em at which lines are drawn, before they are shrunk to their place. There are few: opening a face at another
# size costs as much as drawing a line, and each open one takes half a megabyte.
_FONT_SIZES = (12, 16, 20, 24, 32, 44, 60, 80, 108, 144, 192, 256)
_TRIES = 5
_MAX_FONT_EMS = 2.2  # most ems a line's font may have, in heights of the picture: a dash need not fill it


@dataclass(frozen=True)
class Sources:
    """Where text, fonts and backgrounds come from.

    Attributes:
        langs: language codes, drawn alike.
        fonts: folders or files; None: the system's.
        corpus: language code → the user's own text files.
        characters: of the recogniser's dictionary; None: each language's own.
        backgrounds: folder of photos without text; None: none are used.
    """

    langs: Tuple[str, ...] = ("zh", "en")
    fonts: Optional[Sequence[Union[str, Path]]] = None
    corpus: Mapping[str, Sequence[Union[str, Path]]] = field(default_factory=dict)
    characters: Optional[Sequence[str]] = None
    backgrounds: Optional[Union[str, Path]] = None


class Materials:
    """What `Sources` name, loaded.

    Raises:
        ConfigError: a language, folder or file that is not there, or fonts that cannot write a language.
        MissingExtraError: packages of the extra `synth` are not installed.
    """

    def __init__(self, sources: Sources):
        languages = find_languages(sources.langs)
        self.codes = [language.code for language in languages]
        self.fonts = FontLibrary(languages, sources.fonts)
        self.corpus = Corpus(languages, self.fonts, characters=sources.characters, files=sources.corpus)
        self.photos = None if sources.backgrounds is None else Photos(sources.backgrounds)


@dataclass(frozen=True)
class LineSample:
    """The picture of a line, and what it says.

    Attributes:
        image: uint8[height, W, 3], BGR.
        text: what stands in it.
        ink: uint8[height, W], how strongly the text's own pixels are inked, before the picture was spoiled.
        lang: language code.
        vertical: whether the characters lie on their side: vertical text turned a quarter to the left.
    """

    image: np.ndarray
    text: str
    ink: np.ndarray
    lang: str
    vertical: bool = False


class LineGenerator:
    """Makes lines.

    Args:
        materials: texts, fonts, backgrounds.
        height: of the pictures, pixels.
        longest: most characters of a line.
        vertical: share of vertical lines among those in languages that write so, at difficulty 1.
    """

    def __init__(self, materials: Materials, *, height: int = 32, longest: int = 25, vertical: float = 0.06):
        self._materials = materials
        self.height, self.longest, self.vertical = height, longest, vertical

    def make(self, rng: np.random.Generator, *, difficulty: float, turn: Optional[int] = None) -> LineSample:
        """A line.

        Args:
            rng: decides everything.
            difficulty: 0: clean print; 1: about as hard as photographed scene text.
            turn: number of the line, for the balance of characters (see `Corpus.line`).
        """
        codes = self._materials.codes
        lang = pick(rng, codes) if turn is None else codes[turn % len(codes)]
        turn = None if turn is None else turn // len(codes)
        vertical = not LANGUAGES[lang].spaced and chance(rng, self.vertical * difficulty)
        text, face = self._text(rng, lang, turn, vertical, difficulty)
        strength = MAX_EFFECT_STRENGTH * difficulty
        mask = self._draw(rng, text, face, strength, vertical)
        placement = place(rng, mask.shape, self.height, difficulty=strength)
        ink = warp_ink(mask, placement)
        image = self._compose(rng, ink, mask, placement, face, lang, strength)
        return LineSample(degrade(image, rng, difficulty=strength), text, ink, lang, vertical)

    def _text(
        self, rng: np.random.Generator, lang: str, turn: Optional[int], vertical: bool, difficulty: float
    ) -> tuple[str, Face]:
        """A text and a face that can write all of it."""
        corpus, fonts = self._materials.corpus, self._materials.fonts
        for _ in range(_TRIES):
            text = corpus.line(rng, lang, longest=self.longest, rarity=difficulty, turn=turn)
            if vertical:
                text = "".join(c for c in text if is_ideographic(c) and c.isalnum()) or pick(rng, corpus.turns(lang))
            face = fonts.choose(text, lang, rng, rarity=difficulty)
            if face is not None:
                return text, face
        character = next(c for c in text if not c.isspace())  # no one font has all of it: write one character
        face = fonts.choose(character, lang, rng)
        return character, face if face is not None else fonts.by_language[lang][0]

    def _draw(self, rng: np.random.Generator, text: str, face: Face, difficulty: float, vertical: bool) -> np.ndarray:
        spacing = between(rng, -0.03, 0.3) if chance(rng, 0.08 + 0.2 * difficulty) else 0.0
        if vertical:
            column = draw_column(text, face, even_font_size(0.85 * self.height), spacing=max(0.0, spacing))
            return np.ascontiguousarray(np.rot90(column))
        size = min(0.82 * self.height / ink_height(face, text), _MAX_FONT_EMS * self.height)
        drawn_size = _FONT_SIZES[min(bisect_left(_FONT_SIZES, size), len(_FONT_SIZES) - 1)]
        mask = draw_line(text, face, drawn_size, spacing=spacing)
        return change_weight(mask, between(rng, -0.4, 0.8) * difficulty) if chance(rng, 0.3 * difficulty) else mask

    def _compose(
        self, rng: np.random.Generator, ink: np.ndarray, mask: np.ndarray, placement: Placement, face: Face, lang: str,
        difficulty: float,
    ) -> np.ndarray:  # fmt: skip
        """The ink on a background, with what surrounds it."""
        image = background(rng, *ink.shape, difficulty=difficulty, photos=self._materials.photos)
        color = legible_color(rng, image, difficulty=difficulty)
        painted = worn_ink(ink, rng, difficulty * float(rng.random())) if chance(rng, 0.3 * difficulty) else ink
        if chance(rng, 0.06 + 0.06 * difficulty):
            painted = np.maximum(painted, _underline(rng, mask, placement))
        if chance(rng, 0.35 * difficulty):
            painted = np.maximum(painted, self._neighbour(rng, ink, face, lang, difficulty))
        if chance(rng, 0.15 * difficulty):
            image = _shadow(rng, image, painted)
        if chance(rng, 0.1 * difficulty):
            image = paint(image, cv2.dilate(painted, np.ones((3, 3), np.uint8)), _outline_color(color))
        image = paint(image, painted, color)
        if chance(rng, 0.3 * difficulty):
            lines = color if chance(rng, 0.6) else random_color(rng)
            image = interfering_lines(image, rng, lines)
        return image

    def _neighbour(
        self, rng: np.random.Generator, ink: np.ndarray, face: Face, lang: str, difficulty: float
    ) -> np.ndarray:
        """A part of the line above or below, at the edge of the picture; uint8 as `ink`."""
        out = np.zeros_like(ink)
        height, width = ink.shape
        text = self._materials.corpus.sentence(rng, lang, max(1, self.longest // 2))
        if not face.covers(text):
            return out
        other = draw_line(text, face, even_font_size(0.75 * height))
        visible = max(1, round(height * between(rng, 0.04, 0.06 + 0.16 * difficulty)))
        start = integer(rng, -height, max(1, width - height))
        part = other[-visible:] if chance(rng, 0.5) else other[:visible]
        rows = slice(0, len(part)) if part.base is not None and chance(rng, 0.5) else slice(height - len(part), height)
        left, right = max(0, start), min(width, start + part.shape[1])
        if right > left:
            out[rows, left:right] = part[:, left - start : right - start]
        return out


def even_font_size(size: float) -> int:
    """Font sizes in steps of two pixels, so that few faces need to be open at once."""
    return max(8, 2 * round(size / 2))


def paint(image: np.ndarray, mask: np.ndarray, color: Color) -> np.ndarray:
    """`color` where `mask` is 255, `image` where it is 0; uint8[H, W, 3]."""
    alpha = cv2.merge([mask] * 3).astype(np.float32) * np.float32(1 / 255)
    return (image + alpha * (np.asarray(color, np.float32) - image)).astype(np.uint8)


def _underline(rng: np.random.Generator, mask: np.ndarray, placement: Placement) -> np.ndarray:
    """A rule under the line, warped as the line is; uint8 as the picture."""
    rows, columns = mask.shape
    thickness = max(1, round(rows * between(rng, 0.03, 0.07)))
    gap = round(rows * between(rng, 0.0, 0.1))
    rule = np.zeros((rows + gap + thickness, columns), np.uint8)
    rule[rows + gap :] = 255
    return warp_ink(rule, placement)


def _shadow(rng: np.random.Generator, image: np.ndarray, ink: np.ndarray) -> np.ndarray:
    max_shift = max(1.0, 0.08 * len(ink))
    shift = np.array([[1, 0, between(rng, -max_shift, max_shift)], [0, 1, between(rng, 0, max_shift)]])
    moved = cv2.warpAffine(ink, shift, ink.shape[::-1])
    soft = cv2.GaussianBlur(moved, (0, 0), between(rng, 0.3, 1.5))
    shade = (0.0, 0.0, 0.0) if chance(rng, 0.7) else random_color(rng)
    return paint(image, (soft * between(rng, 0.3, 0.8)).astype(np.uint8), shade)


def _outline_color(color: Color) -> Color:
    """White around dark letters, black around light ones."""
    return (255.0, 255.0, 255.0) if sum(color) < 384 else (0.0, 0.0, 0.0)
