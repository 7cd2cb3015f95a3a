"""The fonts at hand: where they are, and which of them can write a given text in a given language."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Iterable, Optional, Sequence, Union

import cv2
import numpy as np

from ppocr.data.synth.chance import chance, pick
from ppocr.data.synth.faces import Face, read_faces
from ppocr.data.synth.ink import draw_line
from ppocr.data.synth.languages import ASCII, Language, is_ideographic, is_shaped_for
from ppocr.errors import ConfigError
from ppocr.utils.cache import cache_folder

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_EASTERN = "的の가"
_FONT_TRIES = 6  # random fonts tried for a text before all are looked through
_LATIN_SHAPES = "aeghknrstEGMRS"
_MIN_SIMILARITY = 0.5  # correlation of a face's letters with those that are usual
_MIN_FACES = 8  # faces among which none is unusual


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
        self.by_language = {language.code: faces_for(language, self.faces) for language in languages}
        missing = [language for language in languages if not self.by_language[language.code]]
        if missing:
            where = "the system" if folders is None else ", ".join(map(str, folders))
            raise ConfigError([
                f"fonts: none of {len(self.faces)} faces of {where} can write {language.name}; "
                f"name a folder that has one, or install e.g. {' '.join(language.packages[:2])}"
                for language in missing
            ])  # fmt: skip
        self._common_faces, self._all = {}, {}
        for language in languages:
            faces = self.by_language[language.code]
            home = [face for face in faces if is_shaped_for(face.family, language, at_home=True)]
            self._common_faces[language.code] = _families(language, _common_faces(home or faces, language))
            self._all[language.code] = _families(language, faces)

    def choose(self, text: str, language: str, rng: np.random.Generator, *, rarity: float = 1.0) -> Optional[Face]:
        """A face that has every character of `text`: first a family is drawn, then one of its faces.

        Args:
            text: to be written.
            language: its code.
            rng: of the sample.
            rarity: 0: no unusual letters (handwriting, brushes), no shapes of another region; 1: everything.

        Returns:
            None when no font for the language has them all.
        """
        families = self._all[language] if chance(rng, rarity) else self._common_faces[language]
        for _ in range(_FONT_TRIES):
            face = pick(rng, pick(rng, families))
            if face.covers(text):
                return face
        able = [face for face in self.by_language[language] if face.covers(text)]
        return pick(rng, able) if able else None

    def drawable(self, characters: Iterable[str], language: str) -> list[str]:
        """Those of `characters` that some font for the language has."""
        faces = self.by_language[language]
        return [character for character in characters if any(face.covers(character) for face in faces)]


def faces_for(language: Language, faces: Sequence[Face]) -> list[Face]:
    """Faces that can write a language's common characters, and don't shape them for another language."""
    needed = ASCII + language.letters
    return [face for face in faces if face.covers(needed) and is_shaped_for(face.family, language)]


def _common_faces(faces: Sequence[Face], language: Language) -> list[Face]:
    """Faces whose letters look like most faces' letters: handwriting, brushes and the thinnest strokes are left out."""
    if len(faces) < _MIN_FACES:
        return list(faces)
    letters = [letter for letter in language.letters if is_ideographic(letter)][:14] or _LATIN_SHAPES
    shapes = np.array([[_shape(face, letter) for letter in letters] for face in faces])
    typical = np.median(shapes, axis=0)
    typical /= np.linalg.norm(typical, axis=1, keepdims=True) + 1e-6
    alike = (shapes * typical).sum(axis=2).mean(axis=1)
    return [face for face, value in zip(faces, alike) if value >= _MIN_SIMILARITY] or list(faces)


def _shape(face: Face, letter: str) -> np.ndarray:
    """A letter's ink on a 16 × 16 grid, float32[256], mean 0 and length 1."""
    ink = cv2.resize(draw_line(letter, face, 28), (16, 16), interpolation=cv2.INTER_AREA).ravel().astype(np.float32)
    ink -= ink.mean()
    return ink / (np.linalg.norm(ink) + 1e-6)


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
    """`fonts/` in this package's cache folder."""
    return cache_folder() / "fonts"
