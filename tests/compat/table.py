"""PaddleOCR's configurations, put together from `configs.yml`, and whether we take them; `python tests/compat/table.py`
prints the counts, with the dictionaries that are here."""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import yaml

from ppocr.config import load_config
from ppocr.data.loader import loader_problems
from ppocr.engine.build import build_model
from ppocr.errors import ConfigError
from ppocr.registry import LOSSES, LR_SCHEDULES, METRICS, OPTIMIZERS, POSTPROCESSES
from ppocr.utils.dictionary import build_charset

TABLE = yaml.safe_load((Path(__file__).with_name("configs.yml")).read_text(encoding="utf-8"))["families"]


def entries(*families: str) -> List[Tuple[str, str]]:
    """(family, file) of each configuration."""
    return [(family, file) for family in families or TABLE for file in TABLE[family]]


def tree(family: str, file: str) -> Dict[str, Any]:
    """A configuration of PaddleOCR."""
    entry = TABLE[family][file]
    config = copy.deepcopy(entry["base"])
    for path, value in (entry.get("set") or {}).items():
        *branch, last = path.split(".")
        node = config
        for key in branch:
            node = node[key]
        node[last] = copy.deepcopy(value)
    return config


def problems_of(family: str, file: str, folder: Path, *, built: Optional[Set[str]] = None) -> List[str]:
    """What keeps us from running a configuration as it is; empty if nothing does. The network is built.

    Args:
        folder: where to write the file.
        built: architectures that were built already and need not be again; this one is added.
    """
    built = set() if built is None else built
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(tree(family, file), sort_keys=False), encoding="utf-8")
    try:
        config = load_config(path)
    except ConfigError as error:
        return list(error.problems)
    problems: List[str] = []
    charset = None
    try:
        charset = build_charset(config)
        architecture = json.dumps(config.plain("Architecture"))
        if architecture not in built:
            build_model(config, charset)
            built.add(architecture)
    except ConfigError as error:
        problems += error.problems
    task = config.at("Architecture.model_type")
    given = {"charset": charset, "max_text_length": 25, "label_list": None, "task": task}
    for section in ("Train", "Eval"):
        problems += loader_problems(config.plain(section), section, given)
    for part, registry in (("Loss", LOSSES), ("Metric", METRICS), ("PostProcess", POSTPROCESSES)):
        here = {"character_dict", "use_space_char"} if part == "PostProcess" else given
        problems += registry.problems(config.plain(part), part, here)
        if part == "Loss" and not registry.problems(config.plain(part), part, here):
            problems += _construct(registry, config.plain(part), part)
    optimizer = config.plain("Optimizer")
    lr = {"name": "Const", **optimizer.pop("lr")}
    problems += OPTIMIZERS.problems(optimizer, "Optimizer", ("parameters",))
    return problems + LR_SCHEDULES.problems(lr, "Optimizer.lr", ("epochs", "steps_per_epoch"))


def _construct(registry: Any, spec: Dict[str, Any], path: str) -> List[str]:
    try:
        registry.build(spec, path)
    except ConfigError as error:
        return list(error.problems)
    return []


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        for family, files in TABLE.items():
            good = 0
            for file, entry in files.items():
                problems = problems_of(family, file, Path(name))
                refused = entry.get("refused")
                good += any(refused in problem for problem in problems) if refused else not problems
                for problem in problems if not refused or not problems else ():
                    print(f"    {file}: {problem}")
            print(f"{family}: {good} of {len(files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
