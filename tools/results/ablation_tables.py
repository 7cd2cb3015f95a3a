"""The parts of docs/ablations.md: each table beside the paper's, how it came about, and the conclusions."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, Callable, Dict

from documents import RESULTS

from ppocr.ablation.records import read_record
from ppocr.ablation.report import Results, conclusions_text, note, table_text
from ppocr.ablation.tables import load_table, names


@lru_cache(maxsize=None)
def results(name: str) -> Results:
    return Results(load_table(name), record(name), record)


@lru_cache(maxsize=None)
def record(name: str) -> Dict[str, Any]:
    return read_record(RESULTS / f"ablate-{name}.json")


def ablation_tables() -> Dict[str, Callable[[], str]]:
    """`ablation NAME` and `conclusions NAME` of every table."""
    made: Dict[str, Callable[[], str]] = {}
    for name in names():
        made[f"ablation {name}"] = partial(_ablation, name)
        made[f"conclusions {name}"] = lambda name=name: conclusions_text(results(name))
    return made


def _ablation(name: str) -> str:
    return f"{table_text(results(name))}\n\n{note(results(name))}"
