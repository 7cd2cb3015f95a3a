"""What is written: words, sentences, numbers and codes of each language, with every character getting its turn."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Optional, Sequence, Union

import numpy as np

from ppocr.data.synth import patterns
from ppocr.data.synth.chance import between, chance, integer, pick
from ppocr.data.synth.fonts import FontLibrary
from ppocr.data.synth.languages import Language
from ppocr.data.synth.words import TextLines, WordList, belongs, own_dictionary, words_by_character
from ppocr.ops.charset import REST

BALANCED_LINE_INTERVAL = 5  # every fifth line is built around a character whose turn it is
PATTERN_SHARE = 0.25  # share of numbers, dates, prices, … among the others
_BRACKETS = {
    "zh": ("（）", "()", "《》", "“”", "【】", "「」", "〈〉", "[]"),
    "ja": ("「」", "『』", "（）", "()", "【】", "〈〉"),
    "ko": ("()", "[]", "“”", "‘’", "<>"),
    "fr": ("()", "«»", "[]", "“”"), "de": ("()", "„“", "[]", "«»"), "en": ("()", "[]", '""', "“”", "''", "{}"),
}  # fmt: skip
_LATIN_ENDINGS = ".,;:!?"
_ENDINGS = {"zh": "，。、；：？！…,.:", "ja": "、。！？…", "ko": ".,?!:"}
_EASTERN = ("zh", "ja", "ko")


class Corpus:
    """Texts of several languages.

    Args:
        languages: that are written.
        fonts: a character that no font for the language has is never written.
        characters: of the recogniser's dictionary (None: each language's own); others are never written, and all of
            these are, in turn. If U+FFFD is among them, which stands for all the rest, others are written too.
        files: language code → text files to take sentences from, instead of word lists.

    Raises:
        ConfigError: files that cannot be read, or nothing that can be written.
        MissingExtraError: word lists are needed and wordfreq is not installed.
    """

    def __init__(
        self,
        languages: Sequence[Language],
        fonts: FontLibrary,
        *,
        characters: Optional[Sequence[str]] = None,
        files: Optional[Mapping[str, Sequence[Union[str, Path]]]] = None,
    ):
        self._codes = [language.code for language in languages]
        self._sources: dict[str, Union[WordList, TextLines]] = {}
        self._turns: dict[str, list[str]] = {}
        self._with: dict[str, dict[str, list[str]]] = {}
        for language in languages:
            wanted = _alphabet(language, characters)
            drawable = fonts.drawable(wanted, language.code)
            accepts = frozenset(drawable)
            own = (files or {}).get(language.code)
            source = TextLines(own, language, accepts) if own else WordList(language, accepts)
            self._sources[language.code] = source
            self._turns[language.code] = [character for character in drawable if not character.isspace()]
            self._with[language.code] = words_by_character(source.words(), drawable)
        self._accepts = {code: frozenset(turn) | {" "} for code, turn in self._turns.items()}
        self._has_space = characters is None or " " in characters

    def turns(self, code: str) -> Sequence[str]:
        """The characters that get their turn in this language."""
        return self._turns[code]

    def line(
        self, rng: np.random.Generator, code: str, *, longest: int, rarity: float = 1.0, turn: Optional[int] = None
    ) -> str:
        """One line of text, 1 to `longest` characters.

        Args:
            rng: of the sample.
            code: the language.
            longest: characters.
            rarity: 0: frequent words, plain numbers; 1: everything.
            turn: number of the line; every fifth is built around character `turn // 5` of the alphabet. None: never.
        """
        if turn is not None and turn % BALANCED_LINE_INTERVAL == 0:
            turns = self._turns[code]
            return self._around(turns[turn // BALANCED_LINE_INTERVAL % len(turns)], rng, code, longest)
        for _ in range(8):
            if chance(rng, PATTERN_SHARE):
                made = patterns.make(rng, code, rarity)
            else:
                made = self._written(rng, code, longest, rarity)
            text = self.clean(made, code)
            if 0 < len(text) <= longest:
                return text
        return self.sentence(rng, code, longest, rarity)

    def sentence(self, rng: np.random.Generator, code: str, length: int, rarity: float = 1.0) -> str:
        """Running text, as near below `length` characters as words allow."""
        for _ in range(8):
            text = self.clean(self._sources[code].text(rng, length, rarity), code)
            if text:
                return text
        return pick(rng, self._turns[code])

    def word(self, rng: np.random.Generator, code: str, longest: int = 8) -> str:
        """One to three words, as labels and table cells have."""
        return self.sentence(rng, code, integer(rng, 2, longest))

    def pattern(self, rng: np.random.Generator, code: str, kind: str = "") -> str:
        """A number, date, price, … (`patterns.MAKERS` has the kinds), or what can be written of it."""
        maker = patterns.MAKERS[kind] if kind else patterns.make
        return self.clean(maker(rng, code), code) or pick(rng, self._turns[code])

    def clean(self, text: str, code: str) -> str:
        """`text` without what cannot be written, single spaces (or none, for a dictionary that has none)."""
        accepts = self._accepts[code]
        kept = "".join(character for character in text if character in accepts)
        return ("" if not self._has_space else " ").join(kept.split())

    def _written(self, rng: np.random.Generator, code: str, longest: int, rarity: float) -> str:
        """Words with what stands around them: punctuation, brackets, numbers, a second language."""

        def words(length: int) -> str:
            return self._sources[code].text(rng, length, rarity)

        length, gap = _length(rng, longest), "" if code in ("zh", "ja") else " "
        text = words(length)
        if chance(rng, 0.1):
            number = patterns.make(rng, code, rarity)
            return (text + gap + number if chance(rng, 0.5) else number + gap + text)[:longest]
        if not chance(rng, 0.45 * rarity):
            return text
        style, ending = rng.random(), pick(rng, _ENDINGS.get(code, _LATIN_ENDINGS))
        if style < 0.2:
            pair = pick(rng, _BRACKETS[code])
            return ((words(max(2, length // 2)) if chance(rng, 0.5) else "") + pair[0] + text + pair[1])[:longest]
        if style < 0.4 and length > 4:
            return words(length // 2) + ending + gap + text
        if style < 0.65 and code in _EASTERN:
            return self._mixed(text, rng, code)[:longest]
        return text + ending

    def _mixed(self, text: str, rng: np.random.Generator, code: str) -> str:
        """A Latin word or code within an eastern text."""
        english = self._sources.get("en")
        guest = english.text(rng, integer(rng, 2, 10)) if english is not None else patterns.code(rng, code)
        place = integer(rng, 0, len(text))
        gap = " " if chance(rng, 0.25) else ""
        return text[:place].rstrip() + gap + guest + gap + text[place:].lstrip()

    def _around(self, character: str, rng: np.random.Generator, code: str, longest: int) -> str:
        """A text with `character` in it: words that have it, or the character among other words."""
        known = self._with[code].get(character)
        known_word = pick(rng, known) if known else ""
        middle = known_word if known and len(known_word) <= longest else character
        room = max(_length(rng, longest), min(longest, len(middle) + 3)) - len(middle)
        if room < 2:
            return middle
        other = self.sentence(rng, code, room)
        gap = " " if code not in ("zh", "ja") and known and self._has_space and len(other) < room else ""
        return other + gap + middle if chance(rng, 0.5) else middle + gap + other


def _alphabet(language: Language, characters: Optional[Sequence[str]]) -> list[str]:
    own = own_dictionary(language.code)
    if characters is None:
        return own
    single = [character for character in characters if len(character) == 1]
    if REST in single:
        return own
    return [character for character in single if belongs(character, language)]


def _length(rng: np.random.Generator, longest: int) -> int:
    """Characters of a line: often a word or two, else anything up to `longest`."""
    return integer(rng, 1, min(8, longest)) if chance(rng, 0.5) else round(between(rng, min(4, longest), longest))
