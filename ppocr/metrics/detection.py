"""Are the places right? Matching of outlines as in the ICDAR 2015 competition.

Karatzas et al. 2015, "ICDAR 2015 Competition on Robust Reading", as the competition's own script decides: a prediction
that lies by more than half of its area in one ignored region is left out; of the rest, a prediction and a truth match
when their intersection over union exceeds 0.5; each is matched at most once. The script takes the first partner in
file order; here the largest overlap goes first, so that the score does not depend on the order. For truths that do
not overlap one another the two are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np
import shapely

from ppocr.metrics.score import Score

Outline = Sequence[Sequence[float]]  # corners [x, y] in order, pixels


@dataclass(frozen=True)
class Matching:
    """Which prediction belongs to which truth on one page.

    Attributes:
        pairs: (index of truth, index of prediction), best overlap first.
        truths: indices of the truths that count.
        predictions: indices of the predictions that count: not in an ignored region.
    """

    pairs: Tuple[Tuple[int, int], ...]
    truths: Tuple[int, ...]
    predictions: Tuple[int, ...]

    @property
    def score(self) -> Score:
        return Score(len(self.pairs), len(self.predictions), len(self.truths))


def match_outlines(
    truths: Sequence[Outline],
    predictions: Sequence[Outline],
    *,
    ignored: Optional[Sequence[bool]] = None,
    iou: float = 0.5,
    ignored_share: float = 0.5,
) -> Matching:
    """Match the predictions of one page to its truths, one to one.

    Args:
        truths, predictions: outlines in the same pixels; crossing sides are taken as their convex hull.
        ignored: for each truth, whether it is a region that does not count; none by default.
        iou: two outlines match when their intersection over union exceeds this.
        ignored_share: a prediction does not count when more than this share of its area lies in one ignored region.

    Raises:
        ValueError: `ignored` is not as long as `truths`.
    """
    flags = np.zeros(len(truths), bool) if ignored is None else np.asarray(ignored, bool)
    if len(flags) != len(truths):
        raise ValueError(f"{len(truths)} truths, but {len(flags)} ignore flags")
    true_shapes, shapes = polygons(truths), polygons(predictions)
    common = _intersections(true_shapes, shapes)
    hidden = (common[flags] > ignored_share * shapely.area(shapes)).any(axis=0)
    overlap = _over_union(common, true_shapes, shapes)
    overlap[flags] = 0
    overlap[:, hidden] = 0
    return Matching(
        pairs=_best_first(overlap, iou),
        truths=tuple(np.flatnonzero(~flags).tolist()),
        predictions=tuple(np.flatnonzero(~hidden).tolist()),
    )


def polygons(outlines: Sequence[Outline]) -> np.ndarray:
    """Outlines as an array of valid shapely polygons, object[len(outlines)]."""
    shapes = np.empty(len(outlines), object)
    for index, outline in enumerate(outlines):
        shapes[index] = shapely.Polygon(outline) if len(outline) > 2 else shapely.Polygon()
    invalid = ~shapely.is_valid(shapes)
    shapes[invalid] = shapely.convex_hull(shapes[invalid])
    return shapes


def _intersections(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Area in common of every pair, float64[len(first), len(second)]."""
    areas = np.zeros((len(first), len(second)))
    if areas.size:
        rows, columns = shapely.STRtree(second).query(first, predicate="intersects")
        areas[rows, columns] = shapely.area(shapely.intersection(first[rows], second[columns]))
    return areas


def _over_union(common: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersections divided by unions; 0 for two shapes without area."""
    return common / np.maximum(shapely.area(first)[:, None] + shapely.area(second)[None] - common, 1e-9)


def _best_first(overlap: np.ndarray, threshold: float) -> Tuple[Tuple[int, int], ...]:
    """One-to-one pairs above the threshold, taking the largest overlap that is still free again and again."""
    rows, columns = np.nonzero(overlap > threshold)
    order = np.lexsort((columns, rows, -overlap[rows, columns]))
    pairs: list[Tuple[int, int]] = []
    used_rows: set[int] = set()
    used_columns: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist()):
        if row not in used_rows and column not in used_columns:
            used_rows.add(row)
            used_columns.add(column)
            pairs.append((row, column))
    return tuple(pairs)
