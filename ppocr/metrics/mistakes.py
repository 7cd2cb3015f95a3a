"""What went wrong on a page: which texts were missed, cut, merged, invented or misread, and how.

The places are matched as `ppocr.metrics.detection` does for the score; what has no partner is looked at again: a truth
that several predictions share was cut, a prediction that lies over several truths merged them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Iterator, List, Sequence, Tuple

import numpy as np
import shapely
from rapidfuzz.distance import Levenshtein

from ppocr.metrics.detection import match_outlines, polygons
from ppocr.metrics.system import Region
from ppocr.metrics.text import TOLERANT, TextRules

KINDS = ("right", "spaces", "form", "look-alikes", "misread", "cut", "merged", "missed", "invented")
SHARE = 0.5  # of the smaller shape's area that must lie in the other one to say that it is a part of it

# Characters that look alike in many fonts; those of a group are taken for one another.
LOOK_ALIKES = (
    "0OoQD〇○", "1lI|!iJ丨", "2Zz", "5Ss$", "6bG", "8B&", "9gq", "Cc(", "Kk", "Pp", "Uu", "Vvy", "Ww", "Xx×", "mn",
    ".,·:;、。'`’‘", "-—–_一~", "\"“”″", "/／\\", "(（[【", ")）]】", "日曰目", "土士", "未末", "己已巳", "人入八",
    "口囗", "千干", "大太犬", "ヘへ", "ーー一", "力カ", "工エ", "二ニ", "夕タ", "卜ト",
)  # fmt: skip
_GROUPS = [frozenset(group) for group in LOOK_ALIKES]


@dataclass(frozen=True)
class Mistake:
    """One text of a page and what became of it.

    Attributes:
        kind: of `KINDS`: read right; only spaces differ; only width or case differ; only characters that look alike;
            otherwise misread; cut into several or merged with others; missed; invented, where nothing is labelled.
        expected, read: the texts; empty where there is none. Of what was cut or merged all texts, divided by " | ".
        truths, predictions: indices of the outlines.
    """

    kind: str
    expected: str
    read: str
    truths: Tuple[int, ...]
    predictions: Tuple[int, ...]


def page_mistakes(
    truths: Sequence[Region], predictions: Sequence[Region], rules: TextRules = TOLERANT, *, iou: float = 0.5
) -> List[Mistake]:
    """Everything on a page that counts, `right` included; arguments as of `ppocr.metrics.system.score_page`."""
    true_outlines, outlines = [truth.points for truth in truths], [prediction.points for prediction in predictions]
    matching = match_outlines(true_outlines, outlines, ignored=[truth.ignore for truth in truths], iou=iou)
    found = []
    for row, column in matching.pairs:
        expected, read = truths[row].text, predictions[column].text
        found.append(Mistake(kind_of(expected, read, rules), expected, read, (row,), (column,)))
    rows = sorted(set(matching.truths) - {row for row, _ in matching.pairs})
    columns = sorted(set(matching.predictions) - {column for _, column in matching.pairs})
    inside = _parts(polygons([true_outlines[row] for row in rows]), polygons([outlines[column] for column in columns]))
    left_rows, left_columns = set(range(len(rows))), set(range(len(columns)))
    for kind, groups in (("cut", inside), ("merged", inside.T)):
        for one, others in enumerate(groups):
            many = np.flatnonzero(others)
            pair = ([one], many) if kind == "cut" else (many, [one])
            if len(many) > 1 and left_rows.issuperset(pair[0]) and left_columns.issuperset(pair[1]):
                left_rows.difference_update(pair[0])
                left_columns.difference_update(pair[1])
                chosen = [rows[i] for i in pair[0]], [columns[i] for i in pair[1]]
                found.append(_group(kind, truths, predictions, *chosen))
    found += [_group("missed", truths, predictions, [rows[i]], []) for i in sorted(left_rows)]
    found += [_group("invented", truths, predictions, [], [columns[i]]) for i in sorted(left_columns)]
    return found


def _group(
    kind: str, truths: Sequence[Region], predictions: Sequence[Region], rows: Sequence[int], columns: Sequence[int]
) -> Mistake:
    expected, read = (
        " | ".join(regions[index].text for index in chosen)
        for regions, chosen in ((truths, rows), (predictions, columns))
    )
    return Mistake(kind, expected, read, tuple(rows), tuple(columns))


def _parts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """bool[len(first), len(second)]: whether one shape lies mostly in the other."""
    if not (len(first) and len(second)):
        return np.zeros((len(first), len(second)), bool)
    common = shapely.area(shapely.intersection(first[:, None], second[None]))
    smaller = np.minimum(shapely.area(first)[:, None], shapely.area(second)[None])
    return common > SHARE * np.maximum(smaller, 1e-9)


def kind_of(expected: str, read: str, rules: TextRules = TOLERANT) -> str:
    """How two texts of the same place differ: the first of `KINDS` that says it all."""
    if rules.apply(expected) == rules.apply(read):
        return "right"
    if "".join(expected.split()) == "".join(read.split()):
        return "spaces"
    if TOLERANT.apply(expected) == TOLERANT.apply(read):
        return "form"
    pairs = list(differences(rules.apply(expected), rules.apply(read)))
    if all(_look_alike(first, second) for first, second in pairs):
        return "look-alikes"
    return "misread"


def differences(expected: str, read: str) -> Iterator[Tuple[str, str]]:
    """(character expected, character read) of every edit; "" for one that is missing or too much."""
    for edit in Levenshtein.editops(expected, read):
        yield (
            expected[edit.src_pos] if edit.tag != "insert" else "",
            read[edit.dest_pos] if edit.tag != "delete" else "",
        )


def _look_alike(first: str, second: str) -> bool:
    plain = {unicodedata.normalize("NFKC", first), unicodedata.normalize("NFKC", second), first, second}
    return any({first, second} <= group for group in _GROUPS) or any(plain <= group for group in _GROUPS)
