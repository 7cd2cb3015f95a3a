"""Is the right text in the right place? The score of a whole OCR system on a page.

End to end as in the ICDAR 2015 competition (task 4) and the PP-OCR paper's F-score: a prediction is right when its
place matches a truth (see `detection`) and both texts are equal after `TextRules`; ignored regions neither help
nor harm. Beside it, figures that tell where a low F comes from: detection alone; bags of characters and words, which
do not care how a line was cut; and the character error rate on the lines whose place matched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Sequence, Tuple

from ppocr.metrics.detection import match_outlines
from ppocr.metrics.score import Score
from ppocr.metrics.text import TOLERANT, LineScore, TextRules, bag_of_characters, bag_of_words, score_lines


class Region(Protocol):
    """A text and its place; `ppocr.data.labels.TextRegion` is one."""

    @property
    def text(self) -> str: ...

    @property
    def points(self) -> Sequence[Tuple[float, float]]: ...

    @property
    def ignore(self) -> bool: ...


@dataclass(frozen=True)
class SystemScore:
    """The scores of one page, or of many: adding pools all counts.

    Attributes:
        end_to_end: texts that are right in the right place.
        detection: right places.
        characters, words: bags of characters and words, predictions in ignored regions left out.
        lines: how well the lines whose place matched were read.
        pages: number of pages.
    """

    end_to_end: Score = field(default_factory=Score)
    detection: Score = field(default_factory=Score)
    characters: Score = field(default_factory=Score)
    words: Score = field(default_factory=Score)
    lines: LineScore = field(default_factory=LineScore)
    pages: int = 0

    def __add__(self, other: SystemScore) -> SystemScore:
        return SystemScore(
            self.end_to_end + other.end_to_end,
            self.detection + other.detection,
            self.characters + other.characters,
            self.words + other.words,
            self.lines + other.lines,
            self.pages + other.pages,
        )


def score_page(
    truths: Sequence[Region], predictions: Sequence[Region], rules: TextRules = TOLERANT, *, iou: float = 0.5
) -> SystemScore:
    """Score one page.

    Args:
        truths: the labelled texts; those with `ignore` do not count.
        predictions: what the system said (their `ignore` is not read).
        rules: when two texts are equal.
        iou: two places match when their intersection over union exceeds this.
    """
    matching = match_outlines(
        [truth.points for truth in truths],
        [prediction.points for prediction in predictions],
        ignored=[truth.ignore for truth in truths],
        iou=iou,
    )
    pairs = [(truths[row].text, predictions[column].text) for row, column in matching.pairs]
    lines = score_lines(pairs, rules)
    true_texts = [truths[index].text for index in matching.truths]
    texts = [predictions[index].text for index in matching.predictions]
    return SystemScore(
        end_to_end=Score(lines.exact, len(matching.predictions), len(matching.truths)),
        detection=matching.score,
        characters=bag_of_characters(true_texts, texts, rules),
        words=bag_of_words(true_texts, texts, rules),
        lines=lines,
        pages=1,
    )
