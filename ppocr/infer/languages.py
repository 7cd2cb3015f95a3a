"""Which family reads a language, by PaddleOCR's names for `lang`."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Tuple

from ppocr.errors import ModelError, suggest
from ppocr.infer.model_dir import DEFAULT, families_with

_LATIN = (
    "af", "az", "bs", "ca", "cs", "cy", "da", "de", "es", "et", "eu", "fi", "fr", "ga", "gl", "hr", "hu", "id", "is",
    "it", "ku", "la", "lb", "lt", "lv", "mi", "ms", "mt", "nl", "no", "oc", "pi", "pl", "pt", "qu", "rm", "ro",
    "rs_latin", "sk", "sl", "sq", "sv", "sw", "tl", "tr", "uz", "vi", "french", "german", "latin",
)  # fmt: skip
_CYRILLIC = (
    "rs_cyrillic", "bg", "mn", "abq", "ady", "kbd", "ava", "dar", "inh", "che", "lbe", "lez", "tab", "cyrillic",
)  # fmt: skip
_DEVANAGARI = ("hi", "mr", "ne", "bh", "mai", "ang", "bho", "mah", "sck", "new", "gom", "sa", "bgc", "devanagari")

# Language → the families that read it, the fastest first. `DEFAULT` stands for any.
FAMILIES: Dict[str, Tuple[str, ...]] = {
    **dict.fromkeys(("ch", "en"), (DEFAULT,)),
    **dict.fromkeys(_LATIN, ("slim", "tiny", "small")),
    "chinese_cht": ("slim", "tiny", "small", "v5", "v3_cht"),
    "japan": ("small", "v5", "v3_japan"),
}

# PaddleOCR's `ocr_version` → its families, and the languages that each reads.
VERSIONS: Dict[str, Dict[str, Tuple[str, ...]]] = {
    "PP-OCR": {"mobile": ("ch", "en")},
    "PP-OCRv2": {"mobile": ("ch", "en")},
    "PP-OCRv3": {"v3": ("ch", "en"), "v3_en": ("en",), "v3_japan": ("japan",), "v3_cht": ("chinese_cht",)},
    "PP-OCRv4": {"v4": ("ch", "en")},
    "PP-OCRv5": {"v5": ("ch", "en", "japan", "chinese_cht")},
    "PP-OCRv6": {"tiny": ("ch", "en", "chinese_cht", *_LATIN), "small": tuple(FAMILIES)},
}

# Language → PaddleOCR's recogniser for it. No package carries these.
PADDLEOCR_MODELS: Dict[str, str] = {
    "korean": "korean_PP-OCRv5_mobile_rec",
    **dict.fromkeys(("ru", "be", "uk"), "eslav_PP-OCRv5_mobile_rec"),
    **dict.fromkeys(_CYRILLIC, "cyrillic_PP-OCRv3_mobile_rec"),
    **dict.fromkeys(("ar", "fa", "ug", "ur", "arabic"), "arabic_PP-OCRv3_mobile_rec"),
    **dict.fromkeys(_DEVANAGARI, "devanagari_PP-OCRv3_mobile_rec"),
    **{name: f"{name}_PP-OCRv3_mobile_rec" for name in ("ta", "te", "ka")},
}


def family_of_all(languages: Sequence[str]) -> str:
    """The family that reads several languages at once; names as of `family_of`.

    Raises:
        ModelError: as `family_of`; or each has its family, but no one of those that are there reads all.
    """
    found = [family for family in map(family_of, languages) if family != DEFAULT]
    if not found:
        return DEFAULT
    for family in [*found, *families_with("rec")]:
        if all(DEFAULT in FAMILIES[lang] or family in FAMILIES[lang] for lang in languages):
            return family
    raise ModelError(f"no family of models that is there reads {', '.join(languages)} together")


def family_of(lang: str, *, reads: bool = True, version: Optional[str] = None) -> str:
    """The family for `OCROptions.det`, `.cls` and `.rec`.

    Args:
        lang: PaddleOCR's name of a language.
        reads: whether its recogniser is asked for. Where it is not, any family will do for a language that none reads.
        version: PaddleOCR's `ocr_version` (`PP-OCRv5`); by default any.

    Raises:
        ModelError: there is no such language or version, no weights for it are known, or none of them is there.
    """
    if lang not in FAMILIES and lang not in PADDLEOCR_MODELS:
        known = sorted([*FAMILIES, *PADDLEOCR_MODELS])
        raise ModelError(f"lang {lang!r}: no such language{suggest(lang, known)}")
    if version is not None and version not in VERSIONS:
        raise ModelError(f"ocr_version {version!r}: no such version{suggest(version, VERSIONS)}")
    families = FAMILIES.get(lang, ())
    if version is not None:
        families = tuple(name for name, languages in VERSIONS[version].items() if lang in languages)
    there = families_with("rec")
    family = next((name for name in families if name == DEFAULT or name in there), None)
    if family is not None:
        return family
    if not reads:
        return DEFAULT
    if lang in PADDLEOCR_MODELS:
        raise ModelError(
            f"lang {lang!r}: PaddleOCR's {PADDLEOCR_MODELS[lang]} reads it, but no package carries it: get its "
            "inference directory from PaddleOCR and name that as the recogniser (--rec DIR)"
        )
    if not families:
        raise ModelError(f"lang {lang!r}: there are no weights of {version} for it; leave ocr_version out")
    first, *others = families
    more = f" (or {', '.join(others)})" if others else ""
    raise ModelError(f"lang {lang!r}: its models have not been fetched: ppocr models fetch {first}{more}")
