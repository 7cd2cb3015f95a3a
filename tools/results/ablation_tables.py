"""The parts of docs/ablations.md: each table beside the paper's, how it came about, and the conclusions."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Callable, Dict

from documents import RESULTS

from ppocr.ablation.records import read_record
from ppocr.ablation.report import Results, conclusions_text, note, table_text
from ppocr.ablation.tables import load_table, names


@cache
def results(name: str) -> Results:
    return Results(load_table(name), record(name), record)


@cache
def record(name: str) -> Dict[str, Any]:
    return read_record(RESULTS / f"ablate-{name}.json")


def ablation_tables() -> Dict[str, Callable[[], str]]:
    """`ablation NAME` and `conclusions NAME` of every table."""
    made: Dict[str, Callable[[], str]] = {}
    for name in names():
        made[f"ablation {name}"] = partial(_ablation, name)
        made[f"conclusions {name}"] = partial(_conclusions, name)
    return made


def _ablation(name: str) -> str:
    return f"{table_text(results(name))}\n\n{note(results(name))}"


def _conclusions(name: str) -> str:
    return conclusions_text(results(name))
