"""How good a network is on labelled pictures, task by task, batch by batch.

Each metric only counts and adds, so the counts of several processes can be added up too (`counts`, `set_counts`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ppocr.metrics.detection import match_outlines
from ppocr.metrics.score import Score
from ppocr.metrics.text import LineScore, TextRules, score_lines
from ppocr.ops.charset import Charset


class Metric(ABC):
    """Counts over batches.

    Attributes:
        main_indicator: name of the result by which networks are compared; larger is better.
    """

    main_indicator: str
    indicators: Tuple[str, ...]

    def __init__(self, main_indicator: str):
        if main_indicator not in self.indicators:
            raise ValueError(f"main_indicator: expected one of {', '.join(self.indicators)}, came {main_indicator!r}")
        self.main_indicator = main_indicator
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget all batches."""

    @abstractmethod
    def add(self, predictions: Sequence[Any], batch: Mapping[str, Any]) -> None:
        """Compare a batch's predictions, as the post-processing gives them, with its labels."""

    @abstractmethod
    def counts(self) -> np.ndarray:
        """What was counted, float64[k]."""

    @abstractmethod
    def set_counts(self, counts: np.ndarray) -> None:
        """Put other counts in place, such as the sum over all processes."""

    @abstractmethod
    def results(self) -> Dict[str, float]:
        """Indicator → value in [0, 1]."""


class DetMetric(Metric):
    """Precision, recall and Hmean by the ICDAR 2015 protocol (see `ppocr.metrics.detection`).

    Args:
        main_indicator: "hmean", "precision" or "recall".
        iou: a region is found when it overlaps one that was labelled by more than this.
    """

    indicators = ("precision", "recall", "hmean")

    def __init__(self, main_indicator: str = "hmean", iou: float = 0.5):
        super().__init__(main_indicator)
        self.iou = iou

    def reset(self) -> None:
        self._score = Score()

    def add(self, predictions: Sequence[Any], batch: Mapping[str, Any]) -> None:
        """
        Args:
            predictions: of each page the post-processing's regions, with `boxes` float32[n, 4, 2] or `polygons`.
            batch: with `polys` (float32[m, P, 2] a page, the page's own pixels) and `ignore_tags` (bool[m] a page).
        """
        for regions, polys, ignored in zip(predictions, batch["polys"], batch["ignore_tags"]):
            found = regions.boxes if regions.polygons is None else regions.polygons
            self._score += match_outlines(polys, found, ignored=ignored, iou=self.iou).score

    def counts(self) -> np.ndarray:
        return np.array([self._score.matched, self._score.predicted, self._score.expected], np.float64)

    def set_counts(self, counts: np.ndarray) -> None:
        self._score = Score(*(int(count) for count in counts))

    def results(self) -> Dict[str, float]:
        return {"precision": self._score.precision, "recall": self._score.recall, "hmean": self._score.f}


class RecMetric(Metric):
    """Share of lines read without a mistake, and similarity of the texts (1 − normalised edit distance).

    Args:
        charset: from the builder; it turns the labels' class indices back into text.
        main_indicator: "acc" or "norm_edit_dis".
        ignore_space: spaces don't count, as in PaddleOCR.
        is_filter: only letters and digits count, and case does not.
    """

    indicators = ("acc", "norm_edit_dis")

    def __init__(
        self, charset: Charset, main_indicator: str = "acc", ignore_space: bool = True, is_filter: bool = False
    ):
        super().__init__(main_indicator)
        self.charset, self.is_filter = charset, is_filter
        self.rules = TextRules(ignore_width=False, ignore_case=is_filter, ignore_spaces=ignore_space)

    def reset(self) -> None:
        self._score = LineScore()

    def add(self, predictions: Sequence[Any], batch: Mapping[str, Any]) -> None:
        """
        Args:
            predictions: (text, score) of each crop.
            batch: with `label` (or `label_ctc`), int64[N, L], and `length`, int64[N].
        """
        labels = batch["label_ctc"] if "label_ctc" in batch else batch["label"]
        characters = self.charset.characters
        truths = [
            "".join(characters[index - 1] for index in row[:length]) for row, length in zip(labels, batch["length"])
        ]
        pairs = [(self._filtered(truth), self._filtered(text)) for truth, (text, _) in zip(truths, predictions)]
        self._score += score_lines(pairs, self.rules)

    def _filtered(self, text: str) -> str:
        return "".join(filter(str.isalnum, text)) if self.is_filter else text

    def counts(self) -> np.ndarray:
        score = self._score
        return np.array([score.lines, score.exact, score.edits, score.characters, score.similarity_sum], np.float64)

    def set_counts(self, counts: np.ndarray) -> None:
        lines, exact, edits, characters = (int(count) for count in counts[:4])
        self._score = LineScore(lines, exact, edits, characters, float(counts[4]))

    def results(self) -> Dict[str, float]:
        return {"acc": self._score.accuracy, "norm_edit_dis": self._score.mean_similarity}


class ClsMetric(Metric):
    """Share of crops whose direction is predicted right.

    Args:
        label_list: the directions in the order of the network's classes; from the builder.
        main_indicator: "acc".
    """

    indicators = ("acc",)

    def __init__(self, label_list: Optional[List[str]] = None, main_indicator: str = "acc"):
        super().__init__(main_indicator)
        self.label_list = [str(label) for label in label_list or ("0", "180")]

    def reset(self) -> None:
        self._right = self._all = 0

    def add(self, predictions: Sequence[Any], batch: Mapping[str, Any]) -> None:
        """
        Args:
            predictions: (label, probability) of each crop.
            batch: with `label`, int64[N], the number of the direction.
        """
        self._all += len(predictions)
        self._right += sum(name == self.label_list[truth] for (name, _), truth in zip(predictions, batch["label"]))

    def counts(self) -> np.ndarray:
        return np.array([self._right, self._all], np.float64)

    def set_counts(self, counts: np.ndarray) -> None:
        self._right, self._all = (int(count) for count in counts)

    def results(self) -> Dict[str, float]:
        return {"acc": self._right / self._all if self._all else 0.0}
