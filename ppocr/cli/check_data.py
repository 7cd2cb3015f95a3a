"""Check whole data sets: every problem as file:line, and how many of each kind; exit status 1 if there are any.

Give label files (picture<TAB>label), or a configuration, whose Train and Eval sections are then checked against its own
dictionary and greatest length of a text. Pictures are decoded unless --no-pictures is given.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any, Callable, Iterator, List, Optional, Tuple

from ppocr.cli.data_section import section_loader
from ppocr.cli.main import print_error
from ppocr.cli.progress import Progress
from ppocr.cli.streams import show
from ppocr.cli.training import add_override_argument
from ppocr.config import load_config
from ppocr.data.check import Checker, Report, Rules
from ppocr.data.datasets import SimpleDataSet
from ppocr.data.workers import WorkerPool
from ppocr.errors import DataError, LabelError, PPOCRError, printable
from ppocr.ops.charset import Charset
from ppocr.parse import ParseError, parse_json
from ppocr.utils.cpu import available_cores
from ppocr.utils.dictionary import build_charset, read_dictionary

Opener = Callable[[], Tuple[Any, Rules]]  # gives a data set and what its samples must be


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labels", nargs="*", metavar="LABELS", help="label files")
    parser.add_argument("-c", "--config", metavar="FILE", help="check the data of this configuration instead")
    add_override_argument(parser)
    parser.add_argument(
        "--task", choices=("det", "rec", "cls"), help="what the labels are for (default: by their form)"
    )
    parser.add_argument("--root", metavar="DIR", help="where the pictures' paths start (default: each file's folder)")
    parser.add_argument("--dict", metavar="FILE", help="characters that texts may have (default: any)")
    parser.add_argument("--no-space", action="store_true", help="the space is not one of them")
    parser.add_argument("--max-text-length", type=int, metavar="N", help="longest text (default: any)")
    parser.add_argument("--no-pictures", action="store_true", help="check the labels alone")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each core)")


def run(args: argparse.Namespace) -> int:
    if bool(args.labels) == bool(args.config):
        raise PPOCRError("give either label files or -c CONFIG")
    workers = available_cores() if args.workers is None else args.workers
    is_good = True
    for name, open_set in of_config(args) if args.config else of_files(args):
        try:
            dataset, rules = open_set()
        except (LabelError, DataError) as error:  # the other sets can still be checked
            print_error(error)
            is_good = False
            continue
        if not hasattr(dataset, "label"):
            print(f"{name}: makes its own samples; nothing to check")
            continue
        report = check(Checker(dataset, rules), workers)
        print(f"{name}: {summary(report, rules)}")
        is_good = is_good and not report.problems
    return 0 if is_good else 1


def of_files(args: argparse.Namespace) -> Iterator[Tuple[str, Opener]]:
    """(name, how to open it) of each label file."""
    charset = None
    if args.dict:
        charset = Charset(read_dictionary(args.dict), use_space_char=not args.no_space)

    def open_file(name: str) -> Tuple[Any, Rules]:
        dataset = SimpleDataSet([name], data_dir=args.root)
        task = args.task or guess_task(dataset)
        return dataset, Rules(task, charset, args.max_text_length, pictures=not args.no_pictures)

    return ((name, partial(open_file, name)) for name in args.labels)


def of_config(args: argparse.Namespace) -> Iterator[Tuple[str, Opener]]:
    """(name, how to open it) of the sections that have data."""
    config = load_config(args.config, args.opt)
    sections = [name for name in ("Train", "Eval") if config.at(f"{name}.dataset.name") is not None]
    if not sections:
        raise PPOCRError(f"{args.config}: neither Train nor Eval says where data are (dataset.name)")
    rules = Rules(
        task=config.at("Architecture.model_type"),
        charset=build_charset(config),
        max_text_length=config.options.max_text_length,
        label_list=config.plain("PostProcess.label_list") or ("0", "180"),
        pictures=not args.no_pictures,
    )

    def open_section(name: str) -> Tuple[Any, Rules]:
        return section_loader(config, name).pipeline.dataset, rules

    return ((name, partial(open_section, name)) for name in sections)


def guess_task(dataset: SimpleDataSet) -> Any:
    """ "det" if the first label that can be read is a list of regions, else "rec"."""
    for index in range(len(dataset)):
        try:
            _, label = dataset.label(index)
            return "det" if isinstance(parse_json(label), list) else "rec"
        except ParseError:
            return "rec"
        except PPOCRError:
            continue
    return "rec"


def check(checker: Checker, workers: int) -> Report:
    """Check a data set and print its problems as they are found."""
    batches, report = checker.batches(), Report()
    pool: Optional[WorkerPool] = None
    if checker.rules.pictures and workers > 1 and len(batches) > workers:
        pool = WorkerPool(checker, workers)
    made = pool.run(batches, 0) if pool else (checker.batch(batch) for batch in batches)
    progress = Progress(len(checker.dataset))
    try:
        for one in made:
            found: Report = one.arrays["report"]
            report.add(found)
            if found.problems:
                progress.hide()
            for problem in found.problems:
                show(printable(f"{problem.place}: {problem.text}"))
            progress.advance(report.samples)
    finally:
        progress.hide()
        if pool:
            pool.close()
    return report


def summary(report: Report, rules: Rules) -> str:
    """One line: how much was looked at and what was found."""
    parts = [f"{report.samples} samples"]
    if rules.task == "det":
        parts.append(f"{report.texts} texts, {report.ignored} of them ignored")
    if not rules.pictures:
        parts.append("pictures not read")
    kinds: List[str] = [f"{count} {kind}" for kind, count in report.counts().items()]
    lines = len({problem.place for problem in report.problems})
    found = f"{len(report.problems)} problems in {lines} samples: {', '.join(kinds)}" if kinds else "no problems"
    return f"{'; '.join(parts)}; {found}"
