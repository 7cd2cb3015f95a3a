"""Quality of whole systems against speed and size, drawn from docs/results/system.json."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Tuple

from documents import ROOT
from system_tables import cpu_ms, engines, record, title, total

from ppocr.errors import MissingExtraError
from ppocr.utils.atomic import replacing_file

PICTURE = ROOT / "docs" / "images" / "systems.svg"
OURS = "**ppocr**, "


def points() -> Dict[str, Any]:
    """Label → pages a second of a core, megabytes (None where unknown), F with spaces."""
    found = {}
    for name, engine in engines(record()).items():
        sets = engine["sets"]
        f = round(total(sets, "spaces", "end_to_end").f, 4)
        found[title(name, engine)] = [round(1000 / cpu_ms(sets), 3), engine.get("megabytes"), f]
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
    figure, (speed, size) = pyplot.subplots(1, 2, figsize=(10.5, 4.2), sharey=True)
    for column, axes, label in ((0, speed, "pages a second of one core"), (1, size, "MB of weights")):
        known = [(name, values) for name, values in points().items() if values[column] is not None]
        for name, values in known:
            own = name.startswith(OURS)
            axes.scatter(values[column], values[2], color="tab:red" if own else "tab:gray", zorder=3)
        _label(axes, [(name.replace("*", ""), values[column], values[2]) for name, values in known])
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
        axes.margins(x=0.12, y=0.12)
    size.set_xscale("log")
    size.set_xticks([3, 5, 10, 20, 30], ["3", "5", "10", "20", "30"])
    size.minorticks_off()
    speed.set_ylabel("F end to end, spaces count")
    figure.tight_layout()
    with replacing_file(PICTURE) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Description": digest()})
    pyplot.close(figure)


def _label(axes: Any, places: List[Tuple[str, float, float]]) -> None:
    """Names above the points, to the side where there is room."""
    middle = (min(x for _, x, _ in places) + max(x for _, x, _ in places)) / 2
    for name, x, y in places:
        left = x > middle
        axes.annotate(
            name, (x, y), xytext=(-5 if left else 5, 4), textcoords="offset points", ha="right" if left else "left"
        )
