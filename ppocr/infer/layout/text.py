"""Lines of running text joined to one: hyphens at their ends, and scripts without spaces."""

from __future__ import annotations

import re
import unicodedata

# After the hyphen of a word that is left out: `Ein- und Ausgabe`.
_CONJUNCTIONS = frozenset({"und", "oder", "bzw.", "sowie", "and", "or", "et", "ou", "y", "o", "e", "en", "of"})
_HYPHEN = re.compile(r"[^\W\d_][-‐\u00ad]$")


def joined_text(first: str, second: str, *, page: str = "") -> str:
    """Two lines as one.

    A hyphen after a letter goes when a small letter follows, unless the word stands on the page with it, or the hyphen
    is for a word left out (`Ein- und Ausgabe`). Chinese and Japanese are joined without a space.

    Args:
        page: all its text.
    """
    if not first or not second:
        return first or second
    if _HYPHEN.search(first):
        last, following = first.split()[-1], second.split()[0]
        with_hyphen = last[:-1] + "-" + following.rstrip(".,;:!?)")
        if following in _CONJUNCTIONS:
            return f"{first} {second}"
        if not second[0].islower() or with_hyphen in page:
            return first + second
        return first[:-1] + second
    return first + ("" if _is_unspaced(first[-1]) or _is_unspaced(second[0]) else " ") + second


def _is_unspaced(character: str) -> bool:
    """Whether it belongs to a script without spaces between words; Korean has them."""
    wide = unicodedata.east_asian_width(character) in "WF"
    return wide and not unicodedata.name(character, "").startswith("HANGUL")
