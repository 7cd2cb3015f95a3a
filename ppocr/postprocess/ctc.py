"""From class probabilities of a CTC recogniser to texts."""

from __future__ import annotations

from typing import List, Optional

import numpy as np

from ppocr.errors import ModelError
from ppocr.ops.charset import Charset


class CTCLabelDecode:
    """Best-path decoding.

    Args:
        character_dict: the characters, without blank.
        use_space_char: whether the space is the last class.
    """

    def __init__(self, character_dict: Optional[List[str]] = None, use_space_char: bool = True):
        self.charset = Charset(character_dict or [], use_space_char)

    def __call__(self, scores: np.ndarray, *, logits: bool = False) -> list[tuple[str, float]]:
        """(text, score) of each crop.

        Args:
            scores: float32[N, T, C], probabilities or logits.
            logits: which of them.

        Raises:
            ModelError: C is not the character set's number of classes; texts would be gibberish.
        """
        if scores.shape[2] != self.charset.num_classes:
            raise ModelError(
                f"the recogniser gives {scores.shape[2]} classes, but its character set makes "
                f"{self.charset.num_classes} ({len(self.charset.characters)} characters + blank): another dictionary, "
                "or the space switched wrongly (use_space_char)"
            )
        return self.charset.decode_batch(scores, logits=logits)
