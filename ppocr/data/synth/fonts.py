"""Fonts: where they are, which characters they really have, and which of them can write a given text.

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
import os
import subprocess
import sys
import tempfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterable, Optional, Sequence, Union

import numpy as np
from PIL import ImageFont

from ppocr.data.synth.chance import pick
from ppocr.data.synth.languages import ASCII, Language, is_ideographic, is_shaped_for
from ppocr.errors import ConfigError, MissingExtraError

logger = logging.getLogger(__name__)

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
CACHE_VERSION = 2
_PLANES = 0x30000  # Unicode's first three planes: the second of them is empty for us, the third holds rare characters
# Families that write no text although they map letters to something.
_NO_TEXT = ("symbol", "emoji", "icon", "dingbat", "math", "braille", "barcode", "lastresort", "awesome", "music")
_FAINT = ("hairline", "thin")  # strokes that vanish at the size of a line
_EASTERN = "的の가"
_TRIES = 6  # random fonts tried for a text before all are looked through
_OPEN_FACES = 192


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


@lru_cache(maxsize=_OPEN_FACES)
def _open(path: str, index: int, size: int) -> ImageFont.FreeTypeFont:
    # Basic layout: pictures do not depend on whether the shaping library is installed.
    return ImageFont.truetype(path, size, index=index, layout_engine=ImageFont.Layout.BASIC)


class FontLibrary:
    """The fonts of some folders, or of the system, by language.

    Args:
        languages: that will be written.
        folders: of fonts, with all below them; files may be named too. None: the system's fonts.
        cache: folder for what was read from fonts; None: `fonts/` in the cache of this package.

    Raises:
        ConfigError: no folder, or no font for one of the languages; it names packages to install.
        MissingExtraError: fontTools is not installed.
    """

    def __init__(
        self,
        languages: Sequence[Language],
        folders: Optional[Sequence[Union[str, Path]]] = None,
        *,
        cache: Optional[Union[str, Path]] = None,
    ):
        paths = system_fonts() if folders is None else fonts_in(folders)
        self.faces = read_faces(paths, Path(cache) if cache is not None else default_cache())
        self.by_language = {language.code: _faces_for(language, self.faces) for language in languages}
        missing = [language for language in languages if not self.by_language[language.code]]
        if missing:
            where = "the system" if folders is None else ", ".join(map(str, folders))
            raise ConfigError([
                f"fonts: none of {len(self.faces)} faces of {where} can write {language.name}; "
                f"name a folder that has one, or install e.g. {' '.join(language.packages[:2])}"
                for language in missing
            ])  # fmt: skip
        self._families = {language.code: _families(language, self.by_language[language.code]) for language in languages}

    def choose(self, text: str, language: str, rng: np.random.Generator) -> Optional[Face]:
        """A face that has every character of `text`: first a family is drawn, then one of its faces.

        Returns:
            None when no font for the language has them all.
        """
        families = self._families[language]
        for _ in range(_TRIES):
            face = pick(rng, pick(rng, families))
            if face.covers(text):
                return face
        able = [face for face in self.by_language[language] if face.covers(text)]
        return pick(rng, able) if able else None

    def drawable(self, characters: Iterable[str], language: str) -> list[str]:
        """Those of `characters` that some font for the language has."""
        faces = self.by_language[language]
        return [character for character in characters if any(face.covers(character) for face in faces)]


def _faces_for(language: Language, faces: Sequence[Face]) -> list[Face]:
    needed = ASCII + language.letters
    return [face for face in faces if face.covers(needed) and is_shaped_for(face.family, language)]


def _families(language: Language, faces: Sequence[Face]) -> list[list[Face]]:
    """Faces by family. In a Latin language all families made for Chinese, Japanese and Korean count as one."""
    is_latin = not any(map(is_ideographic, language.letters))
    families = defaultdict(list)
    for face in faces:
        is_guest = is_latin and any(map(face.covers, _EASTERN))
        families["" if is_guest else face.family].append(face)
    return list(families.values())


def system_fonts() -> list[Path]:
    """Font files that fontconfig knows, or those in the usual folders where there is no fontconfig."""
    try:
        listing = subprocess.run(["fc-list", "--format", "%{file}\\n"], capture_output=True, check=True, text=True)
        return sorted({Path(line) for line in listing.stdout.splitlines() if line.lower().endswith(SUFFIXES)})
    except (OSError, subprocess.CalledProcessError):
        usual = [
            "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "C:/Windows/Fonts",
            "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts",
        ]  # fmt: skip
        return fonts_in([folder for folder in map(os.path.expanduser, usual) if os.path.isdir(folder)])


def fonts_in(folders: Sequence[Union[str, Path]]) -> list[Path]:
    """Font files named by `folders` or below them, sorted.

    Raises:
        ConfigError: a folder that is not there.
    """
    found: set[Path] = set()
    for folder in map(Path, folders):
        if not folder.exists():
            raise ConfigError([f"fonts: {folder} does not exist"])
        files = folder.rglob("*") if folder.is_dir() else [folder]
        found.update(file for file in files if file.suffix.lower() in SUFFIXES)
    return sorted(found)


def default_cache() -> Path:
    """`fonts/` under `$PPOCR_HOME`, else under this package's folder in the platform's cache."""
    home = os.environ.get("PPOCR_HOME")
    if home:
        return Path(home).expanduser() / "fonts"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "ppocr/fonts"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ppocr/fonts"


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
        and not any(word in f"{face.family} {face.style}".lower() for word in _FAINT)
    ]  # fmt: skip


def _read_file(path: Path, cache: Path) -> list[Face]:
    stat = path.stat()
    identity = f"{CACHE_VERSION} {path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    kept = cache / (hashlib.sha256(identity.encode()).hexdigest()[:24] + ".json")
    try:
        records = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        records = _describe(path)
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            _write(kept, json.dumps(records))
    return [
        Face(str(path), index, family, style, zlib.decompress(base64.b64decode(bits)))
        for index, family, style, bits in records
    ]


def _write(path: Path, text: str) -> None:
    """Appear whole or not at all: several processes may read the same font at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


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
    except (TTLibError, KeyError, ValueError, AttributeError) as error:  # what fontTools raises on damaged tables
        raise OSError(f"{type(error).__name__}: {error}") from error


def _coverage(mapped: Iterable[int], face: ImageFont.FreeTypeFont) -> bytes:
    flags = np.zeros(_PLANES, np.uint8)
    for code in mapped:
        if 0x20 <= code < _PLANES and not 0xD800 <= code < 0xF900:  # neither controls nor surrogates nor private use
            left, top, right, bottom = face.getbbox(chr(code))
            flags[code] = chr(code).isspace() or (right > left and bottom > top)
    return np.packbits(flags, bitorder="little").tobytes()
