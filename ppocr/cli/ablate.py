"""Measure a table of variants: what each row costs, and how good it is after the same short training.

ppocr ablate list                                       the tables
ppocr ablate direction_augmentation --cost-only         parameters, MB, multiplications, CPU ms: no training
ppocr ablate direction_augmentation --data strips       trains row by row, seed by seed; goes on where it was stopped

Results are kept in OUTPUT/ablate-TABLE.json after every row. Rows whose configuration changed are measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ppocr.ablation.tables import Table, digest, load_table, names
from ppocr.cli.options import at_least_one
from ppocr.cli.training import start_log
from ppocr.errors import ConfigError

EVERYTHING = "all"
LISTING = "list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="names, files, `all` or `list`")
    parser.add_argument("--cost-only", action="store_true", help="no training")
    parser.add_argument("--budget", type=float, metavar="MINUTES", help="start no run after that (default: no limit)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with the tables' own: train.txt and val.txt")
    parser.add_argument("--seeds", type=at_least_one, metavar="N", help="only the first N seeds of each row")
    parser.add_argument("--rows", nargs="+", default=[], metavar="ROW", help="train only these")
    parser.add_argument("--turns", type=at_least_one, default=15, metavar="N", help="times each network is timed (15)")
    parser.add_argument(
        "--output", type=Path, default=Path("docs/results"), metavar="DIR", help="results (default: docs/results)"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("output/ablations"), metavar="DIR", help="runs (default: output/ablations)"
    )


def run(args: argparse.Namespace) -> int:
    if args.tables == [LISTING]:
        for name in names():
            table = load_table(name)
            print(f"{name:<26}{len(table.rows):>3} rows  {table.title}")
        return 0
    chosen = names() if args.tables == [EVERYTHING] else args.tables
    tables = [load_table(name) for name in chosen]
    _check_arguments(args, tables)
    start_log()
    deadline = time.monotonic() + 60 * args.budget if args.budget is not None else None
    for table in tables:
        _measure_cost(table, args)
    done = [True if args.cost_only else _train_rows(table, args, deadline) for table in tables]
    for table in tables:
        print(f"{table.title}\n\n{_text(table, args)}\n")
    return 0 if all(done) else 1


def _text(table: Table, args: argparse.Namespace) -> str:
    """The table and its conclusions as docs/ablations.md shows them."""
    from ppocr.ablation.records import read_record
    from ppocr.ablation.report import Results, conclusions_text, table_text

    results = Results(table, _record(table, args)[1], lambda name: read_record(args.output / f"ablate-{name}.json"))
    return f"{table_text(results)}\n\n{conclusions_text(results)}"


def _check_arguments(args: argparse.Namespace, tables: List[Table]) -> None:
    """Raises:
    ConfigError: an argument does not fit the tables.
    """
    known = [name for table in tables for name in table.rows]
    problems = [
        f"--rows {name}: there is no such row; there are {', '.join(known)}" for name in args.rows if name not in known
    ]
    if not args.cost_only and args.data is None:
        problems.append("--data: missing; say where the pictures to train on are, or --cost-only")
    for table in tables if args.data and not args.cost_only else ():
        for listing in ("train.txt", "val.txt"):
            if table.data and not (args.data / table.data / listing).is_file():
                problems.append(f"--data {args.data}: there is no {table.data}/{listing}, which {table.name} needs")
    if problems:
        raise ConfigError(problems)


def _record(table: Table, args: argparse.Namespace) -> Tuple[Path, Dict[str, Any]]:
    from ppocr.ablation.records import read_record

    path = args.output / f"ablate-{Path(table.name).stem}.json"
    record = read_record(path)
    record.update(kind="ablation", table=table.name)
    record.setdefault("rows", {})
    for name in table.rows:
        record["rows"].setdefault(name, {})
    return path, record


def _measure_cost(table: Table, args: argparse.Namespace) -> None:
    """All rows at once, since they are timed by turns; nothing if all are known."""
    from ppocr.ablation.cost import measure_rows
    from ppocr.ablation.records import about, command_line, write_record

    path, record = _record(table, args)
    digests = {name: digest(table.config(name), list(table.shape_of(name))) for name in table.rows}
    known = {name: record["rows"][name].get("cost", {}).get("digest") for name in table.rows}
    if known == digests:
        return
    costs = measure_rows(table, turns=args.turns, tell=_tell)
    for name, cost in costs.items():
        record["rows"][name]["cost"] = {"digest": digests[name], **dataclasses.asdict(cost)}
    record["cost"] = {"command": command_line("ppocr", sys.argv[1:]), "turns": args.turns, **about()}
    write_record(path, record)


def _train_rows(table: Table, args: argparse.Namespace, deadline: Optional[float]) -> bool:
    """Seed by seed, all rows of one before the next, so that whatever is there when time is over can be compared.

    Returns:
        Whether all runs are done.
    """
    from ppocr.ablation.quality import train_row, training_config
    from ppocr.ablation.records import about, command_line, write_record

    for name, seed in _runs(table, args):
        path, record = _record(table, args)
        config = training_config(table, name, seed=seed, data=args.data, work=args.work)
        fingerprint = digest(table.config(name, training=True))
        runs = record["rows"][name].setdefault("runs", {})
        if runs.get(str(seed), {}).get("digest") == fingerprint:
            continue
        if deadline is not None and time.monotonic() > deadline:
            _tell(f"{table.name}: the budget is used up before {name}, seed {seed}")
            return False
        _tell(f"{table.name} {name}, seed {seed}")
        results = train_row(config)
        runs[str(seed)] = {"digest": fingerprint, **results}
        record["quality"] = {
            "command": command_line("ppocr", sys.argv[1:]),
            "score": table.score,
            **_sizes(table, args),
            **about(),
        }
        write_record(path, record)
        _tell(f"{table.name} {name}, seed {seed}: {table.score} {results[table.score]:.4f}")
    return True


def _runs(table: Table, args: argparse.Namespace) -> Iterator[Tuple[str, int]]:
    for seed in table.seeds[: args.seeds]:
        for name, row in table.rows.items():
            if row.train and not row.like and (not args.rows or name in args.rows):
                yield name, seed


def _sizes(table: Table, args: argparse.Namespace) -> Dict[str, int]:
    """How many samples teach and judge."""
    if not table.data:
        return {}
    lists = {"train": "train.txt", "val": "val.txt"}
    return {
        split: sum(1 for line in (args.data / table.data / name).open(encoding="utf-8") if line.strip())
        for split, name in lists.items()
    }


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
