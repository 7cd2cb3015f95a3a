"""Generated parts of documents: what stands between `<!-- table: NAME -->` and `<!-- end of table -->`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Dict, List

from ppocr.errors import PPOCRError, suggest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
END = "<!-- end of table -->"
_PART = re.compile(r"<!-- table: (?P<name>[^>]+?) -->\n(?P<body>.*?)" + re.escape(END), re.DOTALL)
_BEGIN = re.compile(r"<!-- table: [^>]+? -->")


def documents() -> List[Path]:
    """Where generated tables may stand."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(text: str, tables: Dict[str, Callable[[], str]], *, source: str) -> str:
    """A document with every generated part made anew.

    Args:
        text: the document.
        tables: name → what makes its Markdown.
        source: the document's name, for messages.

    Raises:
        PPOCRError: a part has no end, or a name that is none.
    """
    parts = list(_PART.finditer(text))
    for part in parts:
        if part["name"] not in tables:
            line = text.count("\n", 0, part.start()) + 1
            raise PPOCRError(f"{source}:{line}: no table is called {part['name']!r}{suggest(part['name'], tables)}")
        if _BEGIN.search(part["body"]):
            line = text.count("\n", 0, part.start()) + 1
            raise PPOCRError(f"{source}:{line}: the table has no end: write {END} after it")
    if len(parts) != len(_BEGIN.findall(text)):
        raise PPOCRError(f"{source}: a table has no end: write {END} after it")
    return _PART.sub(lambda part: f"<!-- table: {part['name']} -->\n{tables[part['name']]().strip()}\n{END}", text)
