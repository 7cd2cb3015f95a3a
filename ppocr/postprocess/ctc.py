"""From class probabilities of a CTC recogniser to texts."""

from __future__ import annotations

from typing import List, Optional

import numpy as np

from ppocr.errors import ModelError
from ppocr.ops.charset import Charset, Decoded, stored_charsets


class CTCLabelDecode:
    """Best-path decoding.

    Args:
        character_dict: the characters, without blank.
        use_space_char: whether a space follows them as the last class; None where that is not known. The number of
            classes that the network gives decides between the meanings of the list (`stored_charsets`).

    Attributes:
        characters: that texts may have, by the likeliest meaning.
    """

    def __init__(self, character_dict: Optional[List[str]] = None, use_space_char: Optional[bool] = None):
        charsets = stored_charsets(character_dict or [], use_space_char)
        self._entries = len(character_dict or [])
        self._charsets = {charset.num_classes: charset for charset in charsets}
        self.characters = charsets[0].characters

    def __call__(self, scores: np.ndarray, *, logits: bool = False) -> list[tuple[str, float]]:
        """(text, score) of each crop.

        Args:
            scores: float32[N, T, C], probabilities or logits.
            logits: which of them.

        Raises:
            ModelError: C is not the character set's number of classes; texts would be gibberish.
        """
        return self.charset(scores.shape[2]).decode_batch(scores, logits=logits)

    def read(self, scores: np.ndarray, *, logits: bool = False) -> list[Decoded]:
        """The same with where each character stands; arguments and errors as above."""
        return self.charset(scores.shape[2]).read_batch(scores, logits=logits)

    def charset(self, num_classes: int) -> Charset:
        """The characters of a network with so many classes.

        Raises:
            ModelError: the list cannot mean so many.
        """
        if num_classes not in self._charsets:
            raise ModelError(
                f"the recogniser gives {num_classes} classes, but its character set makes "
                f"{' or '.join(map(str, self._charsets))} ({self._entries} characters, the blank, and the space if it "
                "is switched on): another dictionary, or the space switched wrongly (use_space_char)"
            )
        return self._charsets[num_classes]
