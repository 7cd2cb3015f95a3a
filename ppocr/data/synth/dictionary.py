"""Character dictionaries of languages, from Unicode, national standards (through Python's codecs) and word frequencies.

* en63: the paper's English set: digits, letters, and U+FFFD for all the rest;
* en, fr, de: ASCII, the marks of European typography, the language's letters, and further Latin letters that make up
  at least a millionth of running text;
* ja: ASCII, kana, marks, the 2,965 kanji of JIS X 0208's first level, and other kanji by their frequency;
* ko: ASCII, marks, the 2,350 syllables of KS X 1001, letters, and other syllables by their frequency.

Chinese has no recipe here: `ppocr_keys_v1.txt` is the official models' list.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import Callable, Dict, Iterable

from ppocr.data.synth.languages import ASCII, LANGUAGES
from ppocr.data.synth.words import frequency_list
from ppocr.ops.charset import REST

MIN_LETTER_FREQUENCY = 1e-6  # share of running text
MIN_KANJI_FREQUENCY = 2e-7
_TYPOGRAPHY = "–—‘’‚“”„«»‹›…•·°§€£¥©®™×÷±²³½¼¾¿¡№"
_EASTERN_MARKS = (
    "–•⋯　、。，．・：；？！「」『』（）［］｛｝〈〉《》【】〔〕“”‘’…‥—～〜ー々〆〇※→←↑"
    "↓○●◎△▲▽▼□■◇◆☆★♪〒￥％＆＠＋－＝／＊＃＜＞"
)


def build_dictionary(name: str) -> list[str]:
    """The characters of `en63` or of a language, in a stable order: ASCII first, then by code point.

    Raises:
        KeyError: there is no recipe of this name.
        MissingExtraError: wordfreq is not installed.
    """
    recipes: Dict[str, Callable[[], Iterable[str]]] = {
        "en63": lambda: [*string.digits, *string.ascii_letters, REST],
        "en": lambda: _european("en"),
        "fr": lambda: _european("fr"),
        "de": lambda: _european("de"),
        "ja": _japanese,
        "ko": _korean,
    }
    return list(recipes[name]())


NAMES = ("en63", "en", "fr", "de", "ja", "ko")


def _european(code: str) -> list[str]:
    frequent = {
        character for character, share in _shares(code).items()
        if share >= MIN_LETTER_FREQUENCY and unicodedata.name(character, "").startswith("LATIN SMALL LETTER")
    }  # fmt: skip
    both_cases = frequent | {upper for upper in map(str.upper, frequent) if len(upper) == 1}
    return _ordered({*_TYPOGRAPHY, *LANGUAGES[code].letters, *both_cases})


def _japanese() -> list[str]:
    first_level = _plane("euc_jp", range(0xB0, 0xD0))
    hiragana = _plane("euc_jp", [0xA4])
    katakana = _plane("euc_jp", [0xA5])
    frequent = {c for c, share in _shares("ja").items() if share >= MIN_KANJI_FREQUENCY and "\u4e00" <= c <= "\u9fff"}
    return _ordered({*_EASTERN_MARKS, *hiragana, *katakana, *first_level, *frequent})


def _korean() -> list[str]:
    syllables = _plane("euc_kr", range(0xB0, 0xC9))
    letters = [c for c in _plane("euc_kr", [0xA4]) if "\u3131" <= c <= "\u3163"]
    frequent = {c for c, share in _shares("ko").items() if share >= MIN_LETTER_FREQUENCY and "\uac00" <= c <= "\ud7a3"}
    return _ordered({*_EASTERN_MARKS, *syllables, *letters, *frequent})


def _plane(codec: str, rows: Iterable[int]) -> list[str]:
    """Characters of the rows of a 94 × 94 national standard; cells that are empty are left out."""
    cells = (bytes((row, cell)).decode(codec, "ignore") for row in rows for cell in range(0xA1, 0xFF))
    return [character for character in cells if len(character) == 1]


def _shares(code: str) -> Dict[str, float]:
    """Part of running text that each character makes up."""
    weights: Dict[str, float] = {}
    for frequency, group in groupby(frequency_list(code).items(), key=itemgetter(1)):  # few words have their own
        for character, count in Counter("".join(word for word, _ in group)).items():
            weights[character] = weights.get(character, 0.0) + count * frequency
    total = sum(weights.values())
    return {character: weight / total for character, weight in weights.items()}


def _ordered(characters: Iterable[str]) -> list[str]:
    """ASCII first, then the others by code point; the space is no entry (`use_space_char` adds it)."""
    return [*sorted(ASCII), *sorted(set(characters) - set(ASCII) - {" ", "\u00a0"})]
