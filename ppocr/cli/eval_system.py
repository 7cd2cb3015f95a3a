"""Score a whole OCR system against labels: the models, or a results file of any engine.

LABELS are label files for detection (picture<TAB>[{"transcription", "points"}, ...]). The score is that of the
ICDAR 2015 end-to-end protocol: a text counts when its place has an IoU above 0.5 with a labelled one
and the texts are equal; ### marks regions that do not count. Texts are compared without regard to width (NFKC), case
and spaces unless the options say otherwise.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Mapping, Optional, Sequence

from ppocr.cli.eval_report import PageReport, SetReport, as_json, as_text
from ppocr.cli.main import print_error
from ppocr.cli.options import add_model_arguments, options_from, unit_interval
from ppocr.cli.progress import Progress
from ppocr.cli.streams import show
from ppocr.data.labels import PageLabel, TextRegion, read_detection_labels
from ppocr.errors import InputError, LabelError, PPOCRError
from ppocr.infer.io.results_file import read_results
from ppocr.infer.results import OCRResult
from ppocr.metrics.system import score_page
from ppocr.metrics.text import EXACT, TextRules
from ppocr.utils.atomic import replacing_file

PATH_TAIL_PARTS = 3  # path components that tell apart pictures of the same name: set/images/1.jpg


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labels", nargs="+", metavar="LABELS", help="label files, each a set of its own in the report")
    parser.add_argument(
        "--results", metavar="FILE", help="score these results (JSON lines, as ocr --format jsonl writes)"
    )
    parser.add_argument("--limit", type=_at_least_one, metavar="N", help="only the first N pages of each set")
    parser.add_argument("--drop-score", type=unit_interval, metavar="X", help="leave out lines read with a lower score")
    rules = parser.add_argument_group("when texts are equal")
    for flag, what in (("nfkc", "full-width and other compatibility forms"), ("ignore-case", "case")):
        rules.add_argument(
            f"--{flag}", action="store_true", default=True, help=f"differences of {what} do not count (default)"
        )
        rules.add_argument(f"--no-{flag}", dest=flag.replace("-", "_"), action="store_false", help="they count")
    rules.add_argument("--no-spaces", action="store_true", default=True, help="spaces do not count (default)")
    rules.add_argument("--spaces", dest="no_spaces", action="store_false", help="they count")
    rules.add_argument("--exact", action="store_true", help="every difference counts")
    parser.add_argument(
        "--iou", type=unit_interval, default=0.5, metavar="X", help="overlap above which places match (0.5)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the report (default: text)")
    parser.add_argument(
        "--report", metavar="DIR", help="write an HTML file for each set there: pages, worst first, with every mistake"
    )
    parser.add_argument(
        "--report-pages", type=_at_least_one, default=50, metavar="N", help="pages shown in it (default: 50)"
    )
    parser.add_argument("--per-page", action="store_true", help="also report every page")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    sets = {name: read_detection_labels(name, check_pictures=False, repair=True)[: args.limit] for name in args.labels}
    pages = [page for labels in sets.values() for page in labels]
    for repair in (repair for page in pages for repair in page.repairs):
        print_error(LabelError(repair))
    begin = time.perf_counter()
    if args.results:
        found = match_results(pages, read_results(args.results), source=args.results)
        seconds = None
    else:
        found = run_models(pages, args)
        seconds = time.perf_counter() - begin
    reports = [
        SetReport(name, [score_label(page, found.get(page.place), args) for page in labels])
        for name, labels in sets.items()
    ]
    rules = rules_from(args)
    if args.report:
        write_reports(Path(args.report), sets, reports, found, args)
    if args.format == "json":
        print(json.dumps(as_json(reports, rules, iou=args.iou, seconds=seconds, per_page=args.per_page), indent=1))
    else:
        show(as_text(reports, per_page=args.per_page, seconds=seconds))
    return 1 if any(report.missing for report in reports) else 0


def rules_from(args: argparse.Namespace) -> TextRules:
    return EXACT if args.exact else TextRules(args.nfkc, args.ignore_case, args.no_spaces)


def write_reports(
    folder: Path,
    sets: Mapping[str, Sequence[PageLabel]],
    reports: Sequence[SetReport],
    found: Mapping[str, OCRResult],
    args: argparse.Namespace,
) -> None:
    """Write `folder/<set>.html` for every set.

    Raises:
        PPOCRError: a file cannot be written.
    """
    from ppocr.cli.html_report import ScoredPage, set_report

    for name, report in zip(report_names(list(sets)), reports):
        pages = [
            ScoredPage(label.picture, label.path, label.regions, predicted(found.get(label.place), args), page.score)
            for label, page in zip(sets[report.labels], report.pages)
        ]
        html = set_report(report.labels, pages, rules_from(args), iou=args.iou, most=args.report_pages)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with replacing_file(folder / f"{name}.html") as path, open(path, "w", encoding="utf-8") as file:
                file.writelines(html)
        except OSError as error:
            raise PPOCRError(f"{folder / name}.html: cannot be written: {error.strerror}") from error


def report_names(labels: Sequence[str]) -> list[str]:
    """A file name for each label file: the folder's and its own (`data/sroie/dev.txt` → `sroie-dev`), each once."""
    names = [f"{Path(label).resolve().parent.name}-{Path(label).stem}" for label in labels]
    return [
        name if names.index(name) == index else f"{name}-{index + 1}" for index, name in enumerate(names)
    ]


def predicted(result: Optional[OCRResult], args: argparse.Namespace) -> list[TextRegion]:
    """The lines of a page that count; none without a result."""
    lines = result.lines if result else ()
    return [TextRegion(line.text, line.box) for line in lines if line.score >= (args.drop_score or 0.0)]


def score_label(label: PageLabel, result: Optional[OCRResult], args: argparse.Namespace) -> PageReport:
    """Score one page; without a result it counts as a page on which nothing was found."""
    score = score_page(label.regions, predicted(result, args), rules_from(args), iou=args.iou)
    return PageReport(label.picture, score, not result)


def run_models(pages: Sequence[PageLabel], args: argparse.Namespace) -> dict[str, OCRResult]:
    """Read the pictures; those that cannot be read are reported on standard error and are not in the answer."""
    from ppocr.infer.io.sources import read_all
    from ppocr.infer.pipeline import OCR

    ocr = OCR(options_from(args))
    paths = list(dict.fromkeys(str(page.path) for page in pages))
    progress = Progress(len(paths))
    read: dict[str, OCRResult] = {}
    for done, result in enumerate(ocr.stream(read_all(paths)), start=1):
        if isinstance(result, InputError):
            progress.hide()
            print_error(result)
        elif not result.page:  # labels describe the first frame
            read[result.file] = result
        progress.advance(min(done, len(paths)))
    progress.hide()
    return {page.place: read[str(page.path)] for page in pages if str(page.path) in read}


def match_results(pages: Sequence[PageLabel], results: Sequence[OCRResult], *, source: str) -> dict[str, OCRResult]:
    """Find each labelled page's result: by its path, else by the end of the path where that leaves no doubt.

    Args:
        pages: the labels of all sets.
        results: what an engine said; pages beyond the first of a file are left out.
        source: the results file's name, for messages.

    Returns:
        `PageLabel.place` → result; pages without a result are reported on standard error and are not in it.

    Raises:
        LabelError: two results for one picture, or results that fit no label at all.
    """
    first_pages = [result for result in results if not result.page]
    by_path = {Path(result.file).resolve(): result for result in first_pages}
    if len(by_path) < len(first_pages):
        twice, _ = Counter(Path(result.file).resolve() for result in first_pages).most_common(1)[0]
        raise LabelError(f"{source}: more than one result for {twice}")
    found = {page.place: by_path[page.path.resolve()] for page in pages if page.path.resolve() in by_path}
    used = {result.file for result in found.values()}
    for length in range(PATH_TAIL_PARTS, 0, -1):
        labels = _by_tail([(page.path, page) for page in pages if page.place not in found], length)
        spare = _by_tail([(Path(result.file), result) for result in first_pages if result.file not in used], length)
        for tail in labels.keys() & spare.keys():
            found[labels[tail].place] = spare[tail]
            used.add(spare[tail].file)
    missing = [page.picture for page in pages if page.place not in found]
    if len(missing) == len(pages):
        example = f"; it has {first_pages[0].file}, for example" if first_pages else ", which is empty"
        raise LabelError(f"no page of the labels is in {source}{example}")
    if missing:
        names = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        print_error(PPOCRError(f"{len(missing)} of {len(pages)} pages have no result and count as empty: {names}"))
    return found


def _at_least_one(text: str) -> int:
    if int(text) < 1:
        raise ValueError
    return int(text)


_at_least_one.__name__ = "number of pages"  # argparse's "invalid … value" says it


def _by_tail(items: Sequence[tuple], length: int) -> dict:
    """Last `length` components of the path → item, for tails that only one item has."""
    tails = [path.parts[-length:] for path, _ in items]
    counts = Counter(tails)
    return {tail: item for tail, (_, item) in zip(tails, items) if counts[tail] == 1 and len(tail) == length}
