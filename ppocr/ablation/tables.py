"""What `configs/ablations/*.yml` declare: a base configuration, and how each row differs from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ppocr.config import Config, find_config, lay_over, outline_problems, read_yaml, thaw
from ppocr.errors import ConfigError, suggest
from ppocr.signature import signature_problems

FOLDER = "ablations"


@dataclass(frozen=True)
class Row:
    """One variant.

    Attributes:
        title: in the table.
        settings: laid over the base configuration.
        recipe: laid over it, too, where it is trained.
        overlay: a configuration laid over it before that, such as `slim/pact.yml`.
        base, shape: in place of the table's.
        like: `TABLE.ROW` whose training this row shares; it is not trained again.
        start: `TABLE.ROW` from whose weights training starts, seed by seed.
        train: False for rows whose quality is not measured.
        paper: column → the paper's figure.
    """

    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    overlay: Optional[str] = None
    base: Optional[str] = None
    shape: Optional[Sequence[int]] = None
    like: Optional[str] = None
    start: Optional[str] = None
    train: bool = True
    paper: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Conclusion:
    """What the paper says of two rows.

    Attributes:
        text: in a sentence.
        better, worse: rows.
        by: the column that shows it.
    """

    text: str
    better: str
    worse: str
    by: str


@dataclass(frozen=True)
class Table:
    """One comparison.

    Attributes:
        name: of its file.
        title: for people.
        base: a configuration's name.
        rows: name → row.
        score: which of the metric's results is the quality.
        recipe: laid over every row where it is trained: the equal budget.
        data: folder below `--data` with `train.txt` and `val.txt`.
        seeds: of the runs of each row.
        shape: of the input whose cost is measured, [N, C, H, W].
        conclusions: the paper's.
        about: what a reader should know of the data and the budget.
    """

    name: str
    title: str
    base: str
    rows: Mapping[str, Row]
    score: str
    shape: Sequence[int]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    data: Optional[str] = None
    seeds: Sequence[int] = (0,)
    conclusions: Sequence[Conclusion] = ()
    about: str = ""

    def shape_of(self, name: str) -> Sequence[int]:
        """[N, C, H, W] of the input whose cost is measured."""
        return self.rows[name].shape or self.shape

    def config(self, name: str, *, training: bool = False) -> Config:
        """The configuration of a row.

        Args:
            name: of the row.
            training: with the recipe of the reduced budget.

        Raises:
            ConfigError: the base or the overlay cannot be read, or the result has unknown sections.
        """
        row = self.rows[name]
        tree = thaw(read_yaml(find_config(row.base or self.base)))
        if row.overlay:
            lay_over(tree, read_yaml(find_config(row.overlay)))
        lay_over(tree, row.settings)
        if training:
            lay_over(tree, self.recipe)
            lay_over(tree, row.recipe)
        problems = outline_problems(tree)
        if problems:
            raise ConfigError([f"{FOLDER}/{self.name}.yml, row {name}: {problem}" for problem in problems])
        return Config(tree)


def digest(config: Config, *more: object) -> str:
    """A few letters that change when the configuration does: results of another one are measured again."""
    text = json.dumps([config.to_dict(), *map(str, more)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def find_row(reference: str) -> Tuple[Table, str]:
    """The table and the row that `TABLE.ROW` names.

    Raises:
        ConfigError: there is no such table or row.
    """
    table_name, _, row = reference.partition(".")
    table = load_table(table_name)
    if row not in table.rows:
        raise ConfigError([f"{reference}: there is no row {row!r} in {table_name}{suggest(row, table.rows)}"])
    return table, row


def names() -> List[str]:
    """The tables that the package brings."""
    return sorted(path.stem for path in _folder().glob("*.yml"))


def load_table(name: str) -> Table:
    """A table by its name, or by the path of a file that declares one.

    Raises:
        ConfigError: there is none, or everything wrong with it, each with its key.
    """
    path = Path(name) if name.endswith((".yml", ".yaml")) else _folder() / f"{name}.yml"
    if not path.is_file():
        raise ConfigError([f"{name}: no table of this name{suggest(name, names())}"])
    tree = read_yaml(path)
    problems: List[str] = []
    rows = {key: _build(Row, spec, f"rows.{key}", problems) for key, spec in _mapping(tree, "rows", problems).items()}
    conclusions = [
        _build(Conclusion, spec, f"conclusions.{number}", problems)
        for number, spec in enumerate(tree.get("conclusions") or ())
    ]
    rest = {key: value for key, value in tree.items() if key not in ("rows", "conclusions")}
    given: Dict[str, Any] = {"name": path.stem, "rows": rows, "conclusions": conclusions}
    problems += signature_problems(Table, rest, "", label="a table", given=given)
    if not problems:
        problems += _unknown_rows(rows, conclusions)
    if problems:
        raise ConfigError([f"{path}: {problem.lstrip('.')}" for problem in problems])
    return Table(**rest, **given)


def _folder() -> Path:
    """Where the shipped tables are: beside the other configurations."""
    return find_config("slim/pact.yml").parents[1] / FOLDER


def _mapping(tree: Mapping[str, Any], key: str, problems: List[str]) -> Dict[str, Any]:
    value = tree.get(key)
    if isinstance(value, dict) and value:
        return value
    problems.append(f"{key}: expected a mapping of names, came {value!r}")
    return {}


def _build(kind: Any, spec: Any, path: str, problems: List[str]) -> Any:
    """A row or conclusion; None if there are problems, which are added."""
    if not isinstance(spec, Mapping):
        problems.append(f"{path}: expected a mapping, came {spec!r}")
        return None
    found = signature_problems(kind, spec, path, label=kind.__name__.lower())
    problems += found
    return None if found else kind(**spec)


def _unknown_rows(rows: Mapping[str, Row], conclusions: Sequence[Conclusion]) -> List[str]:
    named: List[Tuple[str, str]] = []
    for number, conclusion in enumerate(conclusions):
        named += [
            (f"conclusions.{number}.better", conclusion.better),
            (f"conclusions.{number}.worse", conclusion.worse),
        ]
    return [f"{place}: there is no row {name!r}{suggest(name, rows)}" for place, name in named if name not in rows]
