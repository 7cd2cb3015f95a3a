"""Reading crops whichever way up they lie: the recogniser, and the direction classifier where there is doubt."""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ppocr.infer.classifier import TextClassifier
from ppocr.infer.recognizer import TextRecognizer
from ppocr.infer.stages import Stages
from ppocr.infer.words import Span

MAX_SCORE_LOSS_BY_TURNING = 0.1  # of score: then a crop was right as it lay, whatever the classifier said


class Reading(NamedTuple):
    """What a crop says, how sure the recogniser is, and whether it had to be turned by 180° for that.

    `spans` say where its characters stand in the crop as it was read.
    """

    text: str
    score: float
    turned: bool = False
    spans: Tuple[Span, ...] = ()


class CropReader:
    """Reads the crops of pages.

    The paper classifies every crop before reading it. But text upside down makes no sense to the recogniser, and its
    score says so: crops are read first, the classifier sees the doubtful ones only, and all crops of a page where it
    found one upside down. Crops that it turns are read again, and that reading stands unless it is clearly worse.

    Args:
        recognizer: reads.
        classifier: None reads all crops as they lie.
        doubt: a crop is doubtful when its score is not higher; 1 shows every crop to the classifier.
        stages: where the time goes; by default nobody asks.
    """

    def __init__(
        self,
        recognizer: TextRecognizer,
        classifier: Optional[TextClassifier],
        *,
        doubt: float,
        stages: Optional[Stages] = None,
    ):
        self.recognizer, self.classifier = recognizer, classifier
        self.doubt, self.stages = doubt, stages or Stages()

    def __call__(self, pages: Sequence[Sequence[np.ndarray]]) -> list[list[Reading]]:
        """The readings of each page's crops, uint8[h, w, 3] BGR."""
        crops = [crop for page in pages for crop in page]
        owners = [number for number, page in enumerate(pages) for _ in page]
        readings = self._read(crops)
        if self.classifier is not None:
            doubtful = [i for i, reading in enumerate(readings) if reading.score <= self.doubt]
            turned = self._upside_down(crops, doubtful)
            # Text upside down is rarely alone: a page was scanned upside down. Crops of it that were read with
            # confidence are shown to the classifier as well.
            suspect = {owners[i] for i in turned}
            others = sorted({i for i, owner in enumerate(owners) if owner in suspect}.difference(doubtful))
            turned += self._upside_down(crops, others)
            again = self._read([np.rot90(crops[i], 2) for i in turned])
            for i, reading in zip(turned, again):
                if reading.score > readings[i].score - MAX_SCORE_LOSS_BY_TURNING:
                    readings[i] = reading._replace(turned=True)
        answers: list[list[Reading]] = [[] for _ in pages]
        for owner, reading in zip(owners, readings):
            answers[owner].append(reading)
        return answers

    def _read(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        with self.stages.timed("rec"):
            return [Reading(text, score, False, spans) for text, score, spans in self.recognizer.read(crops)]

    def _upside_down(self, crops: Sequence[np.ndarray], indices: Sequence[int]) -> list[int]:
        """Those of `indices` whose crops the classifier calls upside down."""
        if self.classifier is None or not indices:
            return []
        with self.stages.timed("cls"):
            return [
                i for i, turned in zip(indices, self.classifier.upside_down([crops[i] for i in indices])) if turned
            ]
