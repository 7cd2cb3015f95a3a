"""A table's results beside the paper's as Markdown, and which of the paper's conclusions they confirm."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, Optional, Sequence

from ppocr.ablation.tables import Conclusion, Table

MB, MS = "MB", "ms"  # columns that need no training; smaller is better
TIME_NOISE = 0.06  # of a time: so much do rows differ that are the same network
SIGMAS = 2.0  # standard errors that a difference must exceed
NOTHING = "–"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """What was measured of a table.

    Args:
        table: what was to be measured.
        record: its results file.
        find: name of a table → its results file, for rows that share another table's training.
    """

    table: Table
    record: Record
    find: Callable[[str], Record]

    def cost(self, row: str) -> Mapping[str, Any]:
        return self.record.get("rows", {}).get(row, {}).get("cost", {})

    def scores(self, row: str) -> List[float]:
        """The quality of each seed."""
        record, name = self.record, row
        like = self.table.rows[row].like
        if like:
            other, _, name = like.partition(".")
            record = self.find(other)
        runs = record.get("rows", {}).get(name, {}).get("runs", {})
        return [run[self.table.score] for _, run in sorted(runs.items())]

    def deviation(self) -> Optional[float]:
        """Standard deviation between seeds, pooled over the rows; None without two seeds of any."""
        several = [scores for scores in map(self.scores, self.table.rows) if len(scores) > 1]
        if not several:
            return None
        freedom = sum(len(scores) - 1 for scores in several)
        return math.sqrt(sum(statistics.variance(scores) * (len(scores) - 1) for scores in several) / freedom)

    def value(self, row: str, column: str) -> Optional[float]:
        """The figure of a column: the mean over seeds, megabytes, or milliseconds."""
        if column == MB and self.cost(row):
            return self.cost(row)["stored_bytes"] / 1e6
        if column == MS and self.cost(row):
            return self.cost(row)["cpu_ms"]["min"]
        scores = self.scores(row) if column == self.table.score else []
        return statistics.mean(scores) if scores else None


def table_text(results: Results) -> str:
    """One row a variant: its cost, its quality, and the paper's figures."""
    table = results.table
    score = "Hmean" if table.score == "hmean" else "accuracy"
    head = ["", "parameters", "MB", "multiplications", "CPU ms", score, f"paper: {score}", "MB", "ms"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in table.rows.items():
        cost = results.cost(name)
        cells = [row.title]
        if cost:
            ms, first = cost["cpu_ms"]["min"], results.value(next(iter(table.rows)), MS)
            ratio = f" (× {ms / first:.2f})" if first and ms != first else ""
            cells += [
                _millions(cost["parameters"]), f"{cost['stored_bytes'] / 1e6:.2f}", _millions(cost["multiplications"]),
                f"{ms:.1f}{ratio}",
            ]  # fmt: skip
        else:
            cells += [NOTHING] * 4
        cells += [_quality(results.scores(name)), share(row.paper.get(table.score)), *_given(row.paper, (MB, MS))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def conclusions_text(results: Results) -> str:
    """One line a conclusion of the paper, with both figures and the verdict."""
    lines = ["| the paper concludes | paper | here | |", "|---|---|---|---|"]
    for conclusion in results.table.conclusions:
        rows = results.table.rows
        given = [rows[name].paper.get(conclusion.by) for name in (conclusion.better, conclusion.worse)]
        paper = [str(value) if conclusion.by in (MB, MS) and value is not None else share(value) for value in given]
        ours = [results.value(name, conclusion.by) for name in (conclusion.better, conclusion.worse)]
        unit = f" {conclusion.by}" if conclusion.by in (MB, MS) else ""
        pairs = [_pair(paper, unit), _pair([_figure(value, conclusion.by) for value in ours], unit)]
        lines.append(f"| {conclusion.text} | {' | '.join(pairs)} | {verdict(results, conclusion)} |")
    return "\n".join(lines)


def verdict(results: Results, conclusion: Conclusion) -> str:
    """Whether a conclusion holds here."""
    better, worse = (results.value(name, conclusion.by) for name in (conclusion.better, conclusion.worse))
    if better is None or worse is None:
        return "not trained" if conclusion.by == results.table.score else "not measured"
    if conclusion.by == MB:
        return "holds" if better < worse else "does not hold"
    if conclusion.by == MS:
        gain, noise = 1 - better / worse, TIME_NOISE
    else:
        deviation = results.deviation()
        if deviation is None:
            return "one seed: cannot be judged"
        counts = [len(results.scores(name)) for name in (conclusion.better, conclusion.worse)]
        gain, noise = better - worse, SIGMAS * deviation * math.sqrt(sum(1 / count for count in counts))
    if abs(gain) <= noise:
        return f"noise does not allow to say (± {100 * noise:.1f} {'%' if conclusion.by == MS else 'points'})"
    return "holds" if gain > 0 else "does not hold"


def note(results: Results) -> str:
    """How the figures came about, in sentences."""
    record, table = results.record, results.table
    parts = [table.about.strip()] if table.about else []
    cost = record.get("cost")
    if cost:
        parts.append(
            f"CPU ms: processor time of one thread, the least of {cost['turns']} or more turns, Paddle "
            f"{cost['paddle']}, {cost['processor']}; × compares with the first row ({cost['date']})."
        )
    quality = record.get("quality")
    deviation = results.deviation()
    if quality:
        recipe = table.recipe.get("Global", {}).get("epoch_num")
        parts.append(
            f"Trained on {quality['train']:,} samples for {recipe} epochs, judged by {quality['val']:,} others "
            f"({quality['date']})."
        )
    if deviation is not None:
        parts.append(f"Standard deviation between seeds: {100 * deviation:.2f} points.")
    return " ".join(parts)


def _quality(scores: Sequence[float]) -> str:
    if not scores:
        return "not trained"
    if len(scores) == 1:
        return f"{share(scores[0])} (one seed)"
    return f"{share(statistics.mean(scores))} ({share(min(scores))}–{share(max(scores))}, {len(scores)} seeds)"


def _figure(value: Optional[float], column: str) -> str:
    if value is None:
        return NOTHING
    return share(value) if column not in (MB, MS) else f"{value:.2f}" if column == MB else f"{value:.1f}"


def share(value: Any, digits: int = 4) -> str:
    """.9212 as papers write shares; other figures as they are."""
    if value is None:
        return NOTHING
    return f"{value:.{digits}f}".lstrip("0") if isinstance(value, float) and value < 1 else str(value)


def _given(paper: Mapping[str, Any], columns: Sequence[str]) -> List[str]:
    return [str(paper[column]) if column in paper else NOTHING for column in columns]


def _pair(figures: Sequence[str], unit: str) -> str:
    return f"{figures[0]} against {figures[1]}{unit}" if NOTHING not in figures else NOTHING


def _millions(count: int) -> str:
    """1.25 M, 16.3 M, 4,281 M."""
    millions = count / 1e6
    return f"{millions:,.0f} M" if millions >= 1000 else f"{millions:.3g} M"
