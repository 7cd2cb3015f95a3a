"""What the generator knows of each language: its script, its sample alphabet, and Debian's packages of fonts for it."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Sequence, Tuple

from ppocr.errors import ConfigError, suggest

# Printable ASCII: every dictionary has it, and every font for text should.
ASCII = string.ascii_letters + string.digits + string.punctuation


@dataclass(frozen=True)
class Language:
    """A language that can be generated.

    Attributes:
        code: as on the command line and in YAML.
        name: for people.
        letters: beyond ASCII's, that a font must have to be used for this language.
        spaced: whether spaces stand between words.
        regions: words of family names that mean this language's shapes of Chinese characters ("Noto Sans CJK SC"); the
            first two mean the most usual ones.
        packages: Debian's packages with fonts for it.
    """

    code: str
    name: str
    letters: str
    spaced: bool
    regions: Tuple[str, ...] = ()
    packages: Tuple[str, ...] = ()


_LATIN_PACKAGES = (
    "fonts-liberation2", "fonts-dejavu", "fonts-freefont-ttf", "fonts-crosextra-carlito", "fonts-crosextra-caladea",
    "fonts-roboto", "fonts-open-sans", "fonts-lato", "fonts-inconsolata", "fonts-comic-neue", "fonts-courier-prime",
    "fonts-sil-gentiumplus", "fonts-dosis", "fonts-play", "fonts-karla", "fonts-vollkorn", "fonts-roboto-slab",
)  # fmt: skip

LANGUAGES = {
    language.code: language
    for language in (
        Language(
            "zh", "Chinese", "的一是在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那"
            "得于着下自之年过发后作里，。、；：？！（）《》“”",
            spaced=False, regions=("SC", "CN", "TC", "TW", "HK"),
            packages=(
                "fonts-noto-cjk", "fonts-wqy-microhei", "fonts-wqy-zenhei", "fonts-arphic-ukai", "fonts-arphic-uming",
                "fonts-arphic-gkai00mp", "fonts-arphic-gbsn00lp", "fonts-lxgw-wenkai", "fonts-smiley-sans",
                "fonts-cns11643-kai",
            ),
        ),
        Language("en", "English", "", spaced=True, packages=_LATIN_PACKAGES),
        Language("fr", "French", "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ«»’", spaced=True, packages=_LATIN_PACKAGES),
        Language("de", "German", "äöüßÄÖÜ„“", spaced=True, packages=_LATIN_PACKAGES),
        Language(
            "ja", "Japanese", "あいうえおかがきぎくけこさしすせそたちつてとなにのはひふへほまみむめもやゆよらりるれろ"
            "わをんアイウエオカキクケコ日一国人年大本中出三時行二月分、。「」",
            spaced=False, regions=("JP", "JA"),
            packages=(
                "fonts-noto-cjk", "fonts-ipaexfont", "fonts-takao", "fonts-vlgothic", "fonts-mplus", "fonts-klee",
                "fonts-sawarabi-gothic", "fonts-sawarabi-mincho", "fonts-motoya-l-maruberi", "fonts-reggae",
            ),
        ),
        Language(
            "ko", "Korean", "가나다라마바사아자차카타파하이의를은는에고지기서한도로어시그을정수일대인스전있했",
            spaced=True, regions=("KR", "KO"),
            packages=(
                "fonts-noto-cjk", "fonts-nanum", "fonts-nanum-extra", "fonts-unfonts-core", "fonts-baekmuk",
                "fonts-naver-d2coding", "fonts-woowa-bm",
            ),
        ),
    )
}  # fmt: skip

_REGION_TAGS = frozenset(tag for language in LANGUAGES.values() for tag in language.regions)


def find_languages(codes: Sequence[str]) -> list[Language]:
    """The languages of `codes`.

    Raises:
        ConfigError: codes that are unknown, or none at all.
    """
    problems = [f"lang: {code!r} is not known{suggest(code, LANGUAGES)}" for code in codes if code not in LANGUAGES]
    if problems or not codes:
        raise ConfigError(problems or [f"lang: name at least one of {', '.join(LANGUAGES)}"])
    return [LANGUAGES[code] for code in dict.fromkeys(codes)]


def is_shaped_for(family: str, language: Language, *, at_home: bool = False) -> bool:
    """Whether a family's name does not claim the Chinese characters of another language (or region, `at_home`)."""
    tags = _REGION_TAGS.intersection(family.upper().split())
    regions = language.regions[:2] if at_home else language.regions
    return not tags or not language.regions or bool(tags.intersection(regions))


def is_ideographic(character: str) -> bool:
    """Whether a character fills a square: Chinese characters, kana and Hangul, and their punctuation."""
    code = ord(character)
    return 0x2E80 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7FF or 0xF900 <= code <= 0xFAFF or 0xFF00 <= code <= 0xFFEF
