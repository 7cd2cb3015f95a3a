"""Quality of whole systems against size and, where it was measured, speed; from docs/results/system.json."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict

from documents import ROOT
from system_tables import engines, record, timed, title, total

from ppocr.errors import MissingExtraError
from ppocr.utils.atomic import replacing_file

PICTURE = ROOT / "docs" / "images" / "systems.svg"
OURS = "**ppocr**, "


def points() -> Dict[str, Any]:
    """Label → pages a second of a core, megabytes, each None where unknown, and F with spaces."""
    found = {}
    for name, engine in engines(record()).items():
        ms = timed(record(), name).get("cpu_ms_per_page")
        f = round(total(engine["sets"], "spaces", "end_to_end").f, 4)
        found[title(name, engine)] = [round(1000 / ms, 3) if ms else None, engine.get("megabytes"), f]
    return found


def digest() -> str:
    """What the picture shows, as a few letters that it holds."""
    return "points " + hashlib.sha256(json.dumps(points()).encode("utf-8")).hexdigest()[:16]


def is_current() -> bool:
    """Whether the picture shows today's results."""
    return not engines(record()) or (PICTURE.exists() and digest() in PICTURE.read_text(encoding="utf-8"))


def plot() -> None:
    """Draw `PICTURE`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib

        matplotlib.use("svg")
        from matplotlib import pyplot
    except ImportError as error:
        raise MissingExtraError("the plot", "dev") from error
    pyplot.rcParams.update({"svg.hashsalt": "ppocr", "svg.fonttype": "none", "font.size": 9})
    shown = points()
    columns = [number for number in (0, 1) if any(values[number] for values in shown.values())]
    figure, panels = pyplot.subplots(1, len(columns), figsize=(3 + 3.7 * len(columns), 3.8), sharey=True, squeeze=False)
    for column, axes in zip(columns, panels[0]):
        for number, (name, values) in enumerate(shown.items()):
            style = {"color": f"C{number % 10}", "marker": "o" if name.startswith(OURS) else "s", "zorder": 3, "s": 45}
            known = values[column] is not None
            axes.scatter([values[column]] * known, [values[2]] * known, label=name.replace("*", ""), **style)
        axes.set_xlabel(("pages a second of one core", "MB of weights")[column])
        axes.grid(alpha=0.3)
        if column == 1:
            axes.set_xscale("log")
            axes.set_xticks([2, 3, 5, 10, 20, 30], ["2", "3", "5", "10", "20", "30"])
            axes.minorticks_off()
    panels[0][0].set_ylabel("F end to end, spaces count")
    panels[0][-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    figure.tight_layout()
    with replacing_file(PICTURE) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Description": digest()})
    pyplot.close(figure)
