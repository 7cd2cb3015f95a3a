"""Which family reads a language, by PaddleOCR's names for `lang`."""

from __future__ import annotations

from typing import Tuple

from ppocr.errors import ModelError
from ppocr.infer.model_dir import DEFAULT, families_with

_LATIN = (
    "af", "az", "bs", "ca", "cs", "cy", "da", "de", "es", "et", "eu", "fi", "fr", "ga", "gl", "hr", "hu", "id", "is",
    "it", "ku", "la", "lb", "lt", "lv", "mi", "ms", "mt", "nl", "no", "oc", "pi", "pl", "pt", "qu", "rm", "ro",
    "rs_latin", "sk", "sl", "sq", "sv", "sw", "tl", "tr", "uz", "vi", "french", "german", "latin",
)  # fmt: skip

# Language → the families that read it, the fastest first. `DEFAULT` stands for any.
FAMILIES = {
    **dict.fromkeys(("ch", "en"), (DEFAULT,)),
    **dict.fromkeys(("chinese_cht", *_LATIN), ("slim", "tiny", "small")),
    "japan": ("small",),
}


def family_of(lang: str) -> str:
    """The family for `OCROptions.det`, `.cls` and `.rec`.

    Raises:
        ModelError: no weights for the language are known, or none of them is there.
    """
    families: Tuple[str, ...] = FAMILIES.get(lang, ())
    if not families:
        known = ", ".join(sorted(FAMILIES))
        raise ModelError(
            f"lang {lang!r}: no weights for it can be fetched; there are some for {known}. "
            "Name a model directory of your own instead"
        )
    for family in families:
        if family == DEFAULT or family in families_with("rec"):
            return family
    raise ModelError(f"lang {lang!r}: its models have not been fetched: ppocr models fetch {families[0]}")
