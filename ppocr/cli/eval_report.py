"""The report of `ppocr eval-system`: a table for people, or JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Iterable, Optional, Sequence

from ppocr.metrics.score import Score
from ppocr.metrics.system import SystemScore
from ppocr.metrics.text import TextRules


@dataclass(frozen=True)
class PageReport:
    """One page: its name in the labels, its score, and whether it had no result."""

    picture: str
    score: SystemScore
    missing: bool


@dataclass(frozen=True)
class SetReport:
    """One label file."""

    labels: str
    pages: Sequence[PageReport]

    @property
    def total(self) -> SystemScore:
        return sum((page.score for page in self.pages), SystemScore())

    @property
    def missing(self) -> list[str]:
        return [page.picture for page in self.pages if page.missing]


def as_text(reports: Sequence[SetReport], *, per_page: bool = False, seconds: Optional[float] = None) -> str:
    """One row a set, a total for several sets, and a row a page if wanted; figures are shares of 1."""
    names = [report.labels for report in reports] + ["total"]
    if per_page:
        names += ["  " + page.picture for report in reports for page in report.pages]
    width = max(map(len, names))
    lines = [
        f"{'':<{width}}         end to end            detection             bags of          matched lines",
        f"{'set':<{width}}  pages    P      R      F      P      R    Hmean   chars  words    right    CER",
    ]
    for report in reports:
        if per_page:
            lines += [_row(f"  {page.picture}", width, page.score, missing=page.missing) for page in report.pages]
        lines.append(_row(report.labels, width, report.total))
        if report.missing:
            lines.append(f"{'':<{width}}  {len(report.missing)} of these pages had no result and count as empty")
    if len(reports) > 1:
        lines.append(_row("total", width, _total(reports)))
    if seconds:
        count = _total(reports).pages
        lines.append(
            f"{count} pages in {seconds:.1f} s, {count / seconds:.2f} pages/s with the models loaded in that time"
        )
    return "\n".join(lines)


def as_json(
    reports: Sequence[SetReport],
    rules: TextRules,
    *,
    iou: float,
    seconds: Optional[float] = None,
    per_page: bool = False,
) -> dict[str, Any]:
    """The same figures with their counts."""
    sets = []
    for report in reports:
        entry = {"labels": report.labels, **_figures(report.total), "missing": report.missing}
        if per_page:
            entry["per_page"] = [
                {"picture": page.picture, "missing": page.missing, **_figures(page.score)} for page in report.pages
            ]
        sets.append(entry)
    answer: dict[str, Any] = {
        "rules": {**dataclasses.asdict(rules), "iou": iou},
        "sets": sets,
        "total": _figures(_total(reports)),
    }
    if seconds is not None:
        answer["seconds"] = round(seconds, 3)
    return answer


def _total(reports: Iterable[SetReport]) -> SystemScore:
    return sum((report.total for report in reports), SystemScore())


def _row(name: str, width: int, score: SystemScore, *, missing: bool = False) -> str:
    places = [
        score.end_to_end.precision,
        score.end_to_end.recall,
        score.end_to_end.f,
        score.detection.precision,
        score.detection.recall,
        score.detection.f,
        score.characters.f,
        score.words.f,
    ]
    figures = " ".join(f"{value:6.4f}" for value in places)
    lines = f"{score.lines.accuracy:8.4f} {score.lines.character_error_rate:6.4f}"
    return f"{name:<{width}}  {score.pages:5d} {figures} {lines}{'  no result' if missing else ''}"


def _figures(score: SystemScore) -> dict[str, Any]:
    return {
        "pages": score.pages,
        "end_to_end": _shares(score.end_to_end),
        "detection": _shares(score.detection),
        "characters": _shares(score.characters),
        "words": _shares(score.words),
        "matched_lines": {
            "lines": score.lines.lines,
            "right": score.lines.exact,
            "accuracy": round(score.lines.accuracy, 6),
            "edits": score.lines.edits,
            "characters": score.lines.characters,
            "character_error_rate": round(score.lines.character_error_rate, 6),
        },
    }


def _shares(score: Score) -> dict[str, Any]:
    return {
        "precision": round(score.precision, 6),
        "recall": round(score.recall, 6),
        "f": round(score.f, 6),
        **dataclasses.asdict(score),
    }
