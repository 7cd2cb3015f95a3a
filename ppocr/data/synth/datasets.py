"""Synthetic data sets for YAML files: made while training, never twice the same.

```yaml
Train:
  dataset:
    name: SynthLines
    length: 200000            # samples an epoch
    lang: [zh, en]
    difficulty: [0.0, 0.9]    # each sample draws its own; one number for all alike
    backgrounds: photos/      # optional
    transforms: [ {DecodeImage: }, {CTCLabelEncode: }, … ]
```

A sample depends on (seed, epoch, index) and the fonts that are installed, not on the worker that makes it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ppocr.data.labels import TextRegion
from ppocr.data.synth.chance import between
from ppocr.data.synth.directions import DirectionGenerator
from ppocr.data.synth.lines import LineGenerator, Materials, Sources
from ppocr.data.synth.pages import PageGenerator
from ppocr.ops.charset import Charset

Range = Union[float, List[float]]
Lang = Union[str, List[str]]
Corpus = Mapping[str, List[str]]


class SynthLines:
    """Lines of text for a recogniser.

    Args:
        length: samples an epoch.
        lang: code or codes of languages (zh, en, fr, de, ja, ko), each as often as the others.
        difficulty: 0 (clean print) to 1 (hard scene text), or [least, most].
        height: of the pictures, pixels; best the network's.
        vertical: share of vertical text, turned a quarter, at difficulty 1 where the language writes so.
        fonts: folders or files; the system's fonts by default.
        backgrounds: folder of photos without text.
        corpus: language code → text files to write from, instead of word lists.
        charset: of the recogniser; only its characters are written, and all that a font has get their turn.
        max_text_length: characters.

    Raises:
        ConfigError: a language, font, folder or file that is not there.
        MissingExtraError: the extra `synth` is not installed.
        ValueError: numbers out of range.
    """

    def __init__(
        self,
        length: int,
        lang: Lang = "zh,en",
        difficulty: Range = (0.0, 1.0),  # type: ignore[assignment]
        height: int = 32,
        vertical: float = 0.06,
        fonts: Optional[List[str]] = None,
        backgrounds: Optional[str] = None,
        corpus: Optional[Corpus] = None,
        charset: Optional[Charset] = None,
        max_text_length: int = 25,
    ):
        self._length, self._difficulty = checked_length(length), checked_range(difficulty)
        materials = _materials(lang, fonts, backgrounds, corpus, charset)
        self._generator = LineGenerator(materials, height=height, longest=max_text_length, vertical=vertical)

    def __len__(self) -> int:
        return self._length

    def read(self, index: int, rng: np.random.Generator) -> Dict[str, Any]:
        """`image` uint8[height, W, 3] BGR, `label` the text, `place` the number of the sample."""
        made = self._generator.make(rng, difficulty=between(rng, *self._difficulty), turn=index)
        return {"image": made.image, "label": made.text, "place": f"synthetic line {index}"}


class SynthDirections:
    """Lines for the direction classifier, half of them upside down. Arguments as for `SynthLines`."""

    def __init__(
        self,
        length: int,
        lang: Lang = "zh,en",
        difficulty: Range = (0.0, 1.0),  # type: ignore[assignment]
        height: int = 48,
        vertical: float = 0.2,
        fonts: Optional[List[str]] = None,
        backgrounds: Optional[str] = None,
        corpus: Optional[Corpus] = None,
    ):
        self._length, self._difficulty = checked_length(length), checked_range(difficulty)
        materials = _materials(lang, fonts, backgrounds, corpus, None)
        self._generator = DirectionGenerator(materials, height=height, vertical=vertical)

    def __len__(self) -> int:
        return self._length

    def read(self, index: int, rng: np.random.Generator) -> Dict[str, Any]:
        """`image` uint8[height, W, 3] BGR, `label` "0" or "180", `place` the number of the sample."""
        made = self._generator.make(rng, difficulty=between(rng, *self._difficulty))
        return {"image": made.image, "label": made.direction, "place": f"synthetic line {index}"}


class SynthPages:
    """Pages for a detector.

    Args:
        length: samples an epoch.
        lang: code or codes of languages.
        difficulty: 0 (flat, clean) to 1 (photographed, spoiled), or [least, most].
        size: [height, width] of the pages, pixels.
        kinds: of `ppocr.data.synth.pages.KINDS`; all by default.
        fonts, backgrounds, corpus: as for `SynthLines`.

    Raises:
        ConfigError, MissingExtraError, ValueError: as for `SynthLines`.
    """

    def __init__(
        self,
        length: int,
        lang: Lang = "zh,en",
        difficulty: Range = (0.0, 1.0),  # type: ignore[assignment]
        size: Sequence[int] = (960, 960),
        kinds: Optional[List[str]] = None,
        fonts: Optional[List[str]] = None,
        backgrounds: Optional[str] = None,
        corpus: Optional[Corpus] = None,
    ):
        self._length, self._difficulty = checked_length(length), checked_range(difficulty)
        if len(size) != 2:
            raise ValueError(f"size: expected [height, width], came {list(size)}")
        materials = _materials(lang, fonts, backgrounds, corpus, None)
        self._generator = PageGenerator(materials, size=(size[0], size[1]), kinds=kinds)

    def __len__(self) -> int:
        return self._length

    def read(self, index: int, rng: np.random.Generator) -> Dict[str, Any]:
        """`image` uint8[H, W, 3] BGR, `label` the page's `TextRegion`s, `place` the number of the page."""
        made = self._generator.make(rng, difficulty=between(rng, *self._difficulty))
        label = [
            TextRegion(region.text, tuple((float(x), float(y)) for x, y in region.quad)) for region in made.regions
        ]
        return {"image": made.image, "label": label, "place": f"synthetic page {index}"}


def _materials(
    lang: Lang, fonts: Optional[List[str]], backgrounds: Optional[str], corpus: Optional[Corpus],
    charset: Optional[Charset],
) -> Materials:  # fmt: skip
    characters = None if charset is None else charset.characters
    return Materials(Sources(tuple(split(lang)), fonts, corpus or {}, characters, backgrounds))


def checked_length(length: int) -> int:
    if length < 1:
        raise ValueError(f"length: expected 1 or more, came {length}")
    return length


def checked_range(difficulty: Range) -> Tuple[float, float]:
    """(least, most) of a difficulty: one number stands for both."""
    ends = tuple(difficulty) if isinstance(difficulty, (list, tuple)) else (difficulty, difficulty)
    if len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= 1:
        raise ValueError(f"difficulty: expected a number from 0 to 1 or [least, most], came {difficulty!r}")
    return float(ends[0]), float(ends[1])


def split(lang: Lang) -> List[str]:
    """Language codes of a list, or of text with commas."""
    return [code.strip() for code in lang.split(",")] if isinstance(lang, str) else list(lang)
