"""Faces of font files: which characters they really have, read once and kept on disk.

A character counts as covered when the font maps it to a glyph and that glyph has ink (or the character is a space):
some fonts map characters to empty glyphs, and the box for missing ones must never be drawn. Reading this takes a tenth
of a second a font, so the answers are kept on disk.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Sequence

import numpy as np
from PIL import ImageFont

from ppocr.errors import MissingExtraError
from ppocr.parse import parse_json, read_bytes
from ppocr.utils.atomic import replacing_file

logger = logging.getLogger(__name__)

CACHE_VERSION = 2
_PLANES = 0x30000  # Unicode's first three planes: the second of them is empty for us, the third holds rare characters
# Families that write no text although they map letters to something.
_NO_TEXT = ("symbol", "emoji", "icon", "dingbat", "math", "braille", "barcode", "lastresort", "awesome", "music")
_THIN_STYLES = ("hairline", "thin")  # strokes that vanish at the size of a line
_MAX_OPEN_FACES = 512  # half a megabyte each


@dataclass(frozen=True)
class Face:
    """One face of a font file.

    Attributes:
        path, index: the file, and which of its faces.
        family, style: as the font names itself.
        coverage: one bit per character, up to U+2FFFF.
    """

    path: str
    index: int
    family: str
    style: str
    coverage: bytes

    def covers(self, text: str) -> bool:
        """Whether every character of `text` can be drawn."""
        bits = self.coverage
        return all(ord(c) < _PLANES and bits[ord(c) >> 3] >> (ord(c) & 7) & 1 for c in text)

    def open(self, size: int) -> ImageFont.FreeTypeFont:
        """The face at `size` pixels an em; few sizes of few faces stay open."""
        return _open(self.path, self.index, size)


@lru_cache(maxsize=_MAX_OPEN_FACES)
def _open(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    # Basic layout: pictures do not depend on whether the shaping library is installed.
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)


def read_faces(paths: Sequence[Path], cache: Path) -> list[Face]:
    """All faces that can write text, from the cache where the file has not changed since."""
    faces: list[Face] = []
    for path in paths:
        try:
            faces += _read_file(path, cache)
        except OSError as error:
            logger.warning("%s: not a usable font: %s", path, error)
    return [
        face for face in faces
        if not any(word in face.family.lower() for word in _NO_TEXT)
        and not any(word in f"{face.family} {face.style}".lower() for word in _THIN_STYLES)
    ]  # fmt: skip


def _read_file(path: Path, cache: Path) -> list[Face]:
    stat = path.stat()
    identity = f"{CACHE_VERSION} {path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    kept = cache / (hashlib.sha256(identity.encode()).hexdigest()[:24] + ".json")
    try:
        records = parse_json(read_bytes(kept))
    except (OSError, ValueError):
        records = _describe(path)
        # Several processes may read the same font at once, and a cache that cannot be written only costs time.
        with contextlib.suppress(OSError), replacing_file(kept) as temporary:
            temporary.write_text(json.dumps(records), encoding="utf-8")
    return [
        Face(str(path), index, family, style, zlib.decompress(base64.b64decode(bits)))
        for index, family, style, bits in records
    ]


def _describe(path: Path) -> list[tuple[int, str, str, str]]:
    """(index, family, style, packed coverage) of every face of a file; OSError if it is no scalable font."""
    try:
        from fontTools.ttLib import TTCollection, TTFont, TTLibError
    except ImportError as error:
        raise MissingExtraError("Reading fonts", "synth") from error
    try:
        tables = TTCollection(str(path), lazy=True).fonts if path.suffix.lower() in (".ttc", ".otc") else None
        fonts = tables if tables is not None else [TTFont(str(path), lazy=True)]
        records = []
        for index, font in enumerate(fonts):
            face = ImageFont.truetype(str(path), 16, index=index, layout_engine=ImageFont.Layout.BASIC)
            family, style = face.getname()
            bits = _coverage(font.getBestCmap() or {}, face)
            packed = base64.b64encode(zlib.compress(bits, 9)).decode("ascii")
            records.append((index, family or path.stem, style or "", packed))
        return records
    except (TTLibError, struct.error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # what fontTools raises on damaged tables, by version
        raise OSError(f"{type(error).__name__}: {error}") from error


def _coverage(mapped: Iterable[int], face: ImageFont.FreeTypeFont) -> bytes:
    flags = np.zeros(_PLANES, np.uint8)
    for code in mapped:
        if 0x20 <= code < _PLANES and not 0xD800 <= code < 0xF900:  # neither controls nor surrogates nor private use
            left, top, right, bottom = face.getbbox(chr(code))
            flags[code] = chr(code).isspace() or (right > left and bottom > top)
    return np.packbits(flags, bitorder="little").tobytes()
