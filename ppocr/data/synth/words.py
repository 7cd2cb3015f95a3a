"""Where words come from: frequency lists of wordfreq, or the user's own files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Mapping, Sequence, Union

import numpy as np

from ppocr.data.synth.chance import Weighted, chance, integer, pick
from ppocr.data.synth.languages import Language, is_ideographic
from ppocr.errors import ConfigError, MissingExtraError
from ppocr.ops.charset import Charset
from ppocr.utils.dictionary import SHIPPED

COMMON_WORDS = 2_000  # at rarity 0
MAX_WORDS = 80_000  # of a list: the rest are mostly names and misspellings
_WORD_TRIES = 8
FREQUENCY_EXPONENT = 0.5  # common words stay common, yet half of all draws are not the top hundred


@cache
def frequency_list(code: str) -> Mapping[str, float]:
    """Words of a language by falling frequency, as wordfreq has them (lower case, without digits).

    Raises:
        MissingExtraError: wordfreq is not installed.
    """
    try:
        import wordfreq
    except ImportError as error:
        raise MissingExtraError("Word lists (or give corpus files of your own)", "synth") from error
    words = wordfreq.get_frequency_dict(code, "best")
    return {word: value for word, value in words.items() if word.isalpha() or not any(map(str.isdigit, word))}


class WordList:
    """Sentences of words that were drawn one by one; they mean nothing, but look like their language.

    Args:
        language: of the words.
        accepts: characters that may occur.
    """

    def __init__(self, language: Language, accepts: frozenset[str]):
        listed = frequency_list(language.code)
        usable = [(word, value**FREQUENCY_EXPONENT) for word, value in listed.items() if accepts.issuperset(word)]
        self._language, self._words = language, Weighted(usable[:MAX_WORDS])
        if not usable:
            raise ConfigError([f"lang: no word of {language.name} can be written with the given characters and fonts"])

    def words(self) -> Sequence[str]:
        return self._words.items

    def text(self, rng: np.random.Generator, length: int, rarity: float = 1.0) -> str:
        """Words until about `length` characters, never more.

        Args:
            rng: of the sample.
            length: characters.
            rarity: 0: of the most frequent words alone; 1: of all.
        """
        first = round(COMMON_WORDS * (MAX_WORDS / COMMON_WORDS) ** rarity)
        start = self._words.draw(rng, first)
        for _ in range(_WORD_TRIES):  # rather a shorter word than a part of one
            if len(start) <= length:
                break
            start = self._words.draw(rng, first)
        drawn = [start]
        gap = " " if self._language.spaced else ""
        room = length - len(drawn[0])
        while room > len(gap):
            word = self._words.draw(rng, first)
            room -= len(word) + len(gap)
            if room < 0:
                break
            drawn.append(word)
        if self._language.code in ("en", "fr", "de"):
            drawn = _cased(drawn, rng)
        return gap.join(drawn)[:length].strip()


class TextLines:
    """Pieces of the user's own files, cut between words where the language has spaces.

    Args:
        paths: UTF-8 text; every line that is not blank counts alike.
        language: of the text.
        accepts: other characters are left out.

    Raises:
        ConfigError: a file that cannot be read, or nothing usable in any.
    """

    def __init__(self, paths: Sequence[Union[str, Path]], language: Language, accepts: frozenset[str]):
        self._spaced = language.spaced
        self._lines: list[str] = []
        for path in paths:
            try:
                text = Path(path).read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError([f"corpus: {path} cannot be read as UTF-8 text: {error}"]) from error
            kept = ("".join(c for c in line if c in accepts or c == " ") for line in text.split("\n"))
            self._lines += [" ".join(line.split()) for line in kept if line.strip()]
        if not self._lines:
            raise ConfigError([f"corpus: nothing in {', '.join(map(str, paths))} can be written in {language.name}"])

    def words(self) -> Sequence[str]:
        """Pieces short enough to stand in one line of text."""
        return [word for line in self._lines for word in (line.split() if self._spaced else [line[:12]])]

    def text(self, rng: np.random.Generator, length: int, rarity: float = 1.0) -> str:
        """A piece of a random line, at most `length` characters; all lines are alike, so `rarity` has no effect."""
        line = pick(rng, self._lines)
        if len(line) <= length:
            return line
        start = integer(rng, 0, len(line) - length)
        if not self._spaced or chance(rng, 0.02):
            return line[start : start + length].strip()
        if start:
            start = line.find(" ", start - 1) + 1 or start
        piece = line[start : start + length + 1]
        whole_words = piece[: piece.rfind(" ")] if len(piece) > length and " " in piece else piece
        return whole_words[:length].strip()


def _cased(words: list[str], rng: np.random.Generator) -> list[str]:
    """Lower case, a capital first, capitals first everywhere, or all capitals."""
    style = rng.random()
    if style < 0.3:
        return words
    if style < 0.57:
        return [words[0].capitalize(), *words[1:]]
    if style < 0.75:
        return [word.capitalize() for word in words]
    return [word.upper() for word in words]


def words_by_character(words: Sequence[str], characters: Sequence[str], most: int = 12) -> dict[str, list[str]]:
    """For each character some words that have it, the most frequent ones first."""
    found: dict[str, list[str]] = {character: [] for character in characters}
    for word in words:
        for character in dict.fromkeys(word):
            known = found.get(character)
            if known is not None and len(known) < most:
                known.append(word)
    return {character: known for character, known in found.items() if known}


def own_dictionary(code: str) -> list[str]:
    """The dictionary of a language that comes with the package."""
    name = "ppocr_keys_v1" if code == "zh" else f"synth_{code}_dict"
    return Charset.from_file(SHIPPED / f"{name}.txt").characters


def belongs(character: str, language: Language) -> bool:
    """Whether a character of a dictionary for many languages may stand in a text of this one."""
    return language.code in ("zh", "ja", "ko") or not is_ideographic(character)
