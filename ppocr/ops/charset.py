"""The character set of a recogniser and its CTC codec: text → class indices → text.

Class 0 is the CTC blank; the characters follow in dictionary order, then the space when it is switched on. As in
PaddleOCR, that last class is there even if the dictionary has a space of its own: the official English, Japanese,
Korean and Latin recognisers have both. Both are read as a space; texts are encoded with the last one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from ppocr.errors import ConfigError
from ppocr.parse import ParseError, read_text

BLANK = 0
SPACE = " "
CACHED_ROWS = 16  # of some thousand classes
REST = "\ufffd"  # a dictionary that holds it reads every character it does not know as "one of the rest"


class Emission(NamedTuple):
    """One character of a reading.

    Attributes:
        text: the dictionary's entry.
        score: its probability where it begins, [0, 1].
        step: its centre on the axis of time steps, weighted by probability; step 0 reaches from 0 to 1.
    """

    text: str
    score: float
    step: float


class Decoded(NamedTuple):
    """What one crop says: the text, the mean probability of its characters (0.0 without any), and these."""

    text: str
    score: float
    characters: Tuple[Emission, ...] = ()


class Charset:
    """Maps characters to classes of a recogniser and back.

    Args:
        characters: the dictionary, one entry each (an entry may have several code points), without blank.
        use_space_char: append the space as the last class.
        lower: texts are encoded in lower case.

    Attributes:
        characters: one for each class from 1 on. This final list, without `use_space_char`, makes the same classes.

    Raises:
        ValueError: an entry that is empty or stands twice; only the space may stand once more, at the end.
    """

    def __init__(self, characters: Sequence[str], use_space_char: bool = False, *, lower: bool = False):
        self.characters, self.lower = list(characters), lower
        fault = _fault(self.characters)
        if fault is not None:
            raise ValueError(f"the dictionary's entry {fault[0]} {fault[1]}")
        if use_space_char:
            self.characters.append(SPACE)
        # of two spaces the last one counts, as in PaddleOCR
        self._index = {character: index for index, character in enumerate(self.characters, start=1)}
        clusters = sorted((entry for entry in self._index if len(entry) > 1), key=len, reverse=True)
        self._entry = re.compile("|".join([*map(re.escape, clusters), "."]), re.DOTALL) if clusters else None

    @classmethod
    def from_file(cls, path: Union[str, Path]) -> Charset:
        """Read a dictionary file: UTF-8, one character a line.

        Raises:
            ConfigError: naming file and line, when it is missing, not UTF-8, or not a dictionary.
        """
        try:
            # Only "\n" ends a line: a dictionary may hold U+3000, U+0085 or U+2028, at which str.splitlines breaks.
            lines = read_text(path).split("\n")
        except (OSError, ParseError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError([f"{path}: not a usable character dictionary: {reason}"]) from error
        characters = [line.rstrip("\r") for line in lines]
        while characters and not characters[-1]:
            characters.pop()
        fault = _fault(characters)
        if fault is not None:
            raise ConfigError([f"{path}:{fault[0]}: a dictionary has one character a line; this one {fault[1]}"])
        return cls(characters)

    @property
    def num_classes(self) -> int:
        """Characters, space included, plus the blank."""
        return len(self.characters) + 1

    def normal(self, text: str) -> str:
        """A text as this set writes it: in lower case with `lower`, else as it is."""
        return text.lower() if self.lower else text

    def unknown(self, text: str) -> str:
        """The characters of `text` outside the dictionary, in order, each once."""
        return "".join(dict.fromkeys(entry for entry in self._entries(text) if entry not in self._index))

    def _entries(self, text: str) -> Sequence[str]:
        """A text cut into entries, each time the longest that fits (a flag, a Tibetan stack), or one character."""
        return self._entry.findall(self.normal(text)) if self._entry else self.normal(text)

    def encode(self, text: str) -> list[int]:
        """Class indices of `text` (no blanks).

        Raises:
            ValueError: characters outside a dictionary without U+FFFD.
        """
        rest = self._index.get(REST)
        indices = [self._index.get(entry, rest) for entry in self._entries(text)]
        if None in indices:
            raise ValueError(f"characters outside the dictionary: {self.unknown(text)!r}")
        return indices  # type: ignore[return-value]

    def decode(self, indices: np.ndarray, probabilities: np.ndarray) -> Decoded:
        """Best-path CTC decoding of one crop: merge repeats, drop blanks.

        Args:
            indices: int[T], the most probable class of each time step.
            probabilities: float32[T], the probability of that class.
        """
        begins = indices != BLANK
        changes = indices[1:] != indices[:-1]
        begins[1:] &= changes
        chosen = indices[begins]
        if not len(chosen):
            return Decoded("", 0.0)
        texts = [self.characters[index - 1] for index in chosen.tolist()]
        scores = probabilities[begins]
        # Sums over runs of equal classes; those of characters begin where `begins` says.
        runs = np.flatnonzero(np.concatenate(([True], changes)))
        steps = np.arange(0.5, len(indices), dtype=np.float32)
        sums = np.add.reduceat(np.stack((probabilities * steps, probabilities)), runs, axis=1)
        weighted, weights = sums[:, begins[runs]]
        centres = weighted / np.maximum(weights, 1e-6)
        characters = tuple(map(Emission, texts, scores.tolist(), centres.tolist()))
        return Decoded("".join(texts), float(scores.mean()), characters)

    def decode_batch(self, scores: np.ndarray, *, logits: bool = False) -> list[tuple[str, float]]:
        """(text, score) of each crop of a batch; arguments as of `read_batch`."""
        return [(decoded.text, decoded.score) for decoded in self.read_batch(scores, logits=logits)]

    def read_batch(self, scores: np.ndarray, *, logits: bool = False) -> list[Decoded]:
        """What each crop of a batch says.

        Args:
            scores: float32[N, T, num_classes], probabilities or logits.
            logits: which of them. Probabilities of logits are computed for the characters found only: softmax over
                thousands of classes costs as much as a small network's convolutions, and most steps are blank.
        """
        indices = scores.argmax(axis=2)
        if logits:
            best = np.zeros(indices.shape, np.float32)
            found = indices != BLANK
            best[found] = _largest_probabilities(scores[found])
        else:
            best = np.take_along_axis(scores, indices[:, :, None], axis=2)[:, :, 0]
        return [self.decode(i, p) for i, p in zip(indices, best)]


def _largest_probabilities(logits: np.ndarray) -> np.ndarray:
    """The largest softmax probability of each row: float32[n] of float32[n, classes].

    A few rows at a time stay in the processor's cache, and OpenCV's exponential is six times as fast as NumPy's.
    """
    largest = np.empty(len(logits), np.float32)
    buffer = np.empty((CACHED_ROWS, logits.shape[1]), np.float32)
    for begin in range(0, len(logits), CACHED_ROWS):
        rows = logits[begin : begin + CACHED_ROWS]
        powers = buffer[: len(rows)]
        np.subtract(rows, rows.max(axis=1, keepdims=True), out=powers)
        cv2.exp(powers, powers)
        largest[begin : begin + len(rows)] = 1.0 / powers.sum(axis=1)
    return largest


def stored_charsets(characters: Sequence[str], use_space_char: Optional[bool]) -> List[Charset]:
    """What the list of characters beside a network may mean, the likeliest first.

    No two meanings have the same number of classes, so the network's own number decides between them:

    - PaddleOCR 3 stores the dictionary alone and does not say whether a space follows (`use_space_char` is None).
    - Our exports store the final list and `use_space_char: false`.
    - Our exports of before stored the dictionary and `use_space_char: true`, and the space followed only a dictionary
      that had none.

    Raises:
        ValueError: the list is no dictionary (see `Charset`).
    """
    final, extended = Charset(characters), Charset(characters, use_space_char=True)
    if use_space_char is None:
        return [extended, final]
    if not use_space_char:
        return [final]
    return [extended, final] if SPACE in characters else [extended]


def _fault(characters: Sequence[str]) -> Optional[Tuple[int, str]]:
    """(number of an entry, from 1, and what is wrong with it), or None for a dictionary."""
    first: dict[str, int] = {}
    for number, character in enumerate(characters, start=1):
        if not character:
            return number, "is empty"
        is_last_space = character == SPACE and number == len(characters)
        if any(code < " " or code == "\x7f" or "\ud800" <= code <= "\udfff" for code in character):
            return number, f"holds a control character: {character!r}"
        if first.setdefault(character, number) != number and not is_last_space:
            return number, f"is {character!r} again, as number {first[character]}"
    return None
