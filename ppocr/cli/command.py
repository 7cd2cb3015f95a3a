"""What `ocr`, `detect`, `recognize` and `classify` have in common: run a job, write its results, report its errors."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Callable, Iterator, Optional, Sequence, Union

from ppocr.cli import readers
from ppocr.cli.jobs import Item, Job, Runner, plan
from ppocr.cli.main import print_error
from ppocr.cli.options import options_from
from ppocr.cli.output import Output, overwritten_by_drawing
from ppocr.cli.progress import Progress
from ppocr.cli.readers import Reader
from ppocr.errors import InputError, PPOCRError
from ppocr.infer.io.graft import OutputPage, output_page, put_in_original_pages
from ppocr.infer.io.paddleocr_writers import DetResults, SystemResults
from ppocr.infer.io.sources import ReadOptions, expand
from ppocr.infer.io.writers import Writer, create_writer
from ppocr.infer.options import OCROptions
from ppocr.infer.results import OCRResult
from ppocr.infer.runtimes.create import engine_for
from ppocr.utils.cpu import available_cores
from ppocr.utils.overwriting import overwritten_input

logger = logging.getLogger(__name__)

MANY_SOURCES = 4  # with fewer, all threads work on one page after another, and the first result comes sooner
MAX_PAGES_AT_ONCE = 8  # each needs memory for its pages and for one run of the networks
_SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".tsv": "tsv",
    ".hocr": "hocr",
    ".md": "markdown",
    ".pdf": "pdf",
}


def run(args: argparse.Namespace, reader: Callable[[OCROptions], Reader], formats: Sequence[str]) -> int:
    """Run one of the reading commands.

    Args:
        args: of `add_input_arguments`, `add_output_arguments` and `add_model_arguments`.
        reader: of `ppocr.cli.readers`.
        formats: that the command can write; the first is the default.

    Returns:
        The exit status: 0, 1 if something could not be read, 2 for arguments that do not go together.
    """
    form = args.format or _format_of(args.output, formats)
    draw = getattr(args, "draw", None)
    paths = [*args.paths, *args.input]
    sources = expand(paths)
    problem = _usage_problem(args, form, paths) or _overwriting_problem(args.output, draw, sources)
    if problem:
        print_error(PPOCRError(problem))
        return 2
    if draw:
        _make_folder(draw)
    limits = {"max_pixels": args.max_pixels, "max_pages": args.max_pages, "seconds": args.timeout}
    options = options_from(args)
    pdf_text = options.pdf_text if reader is readers.ocr else "skip"
    reading = ReadOptions(dpi=args.dpi, pdf_text=pdf_text, **{name: value for name, value in limits.items() if value})
    detail = {name: getattr(args, name, False) for name in ("words", "chars")}
    job = Job(
        reader=reader,
        options=replace(options, spans=form in ("hocr", "pdf") or any(detail.values())),
        reading=reading,
        seconds=args.timeout,
        pictures=form == "pdf",
        draw=draw,
        texts=reader.__name__ != "detect",
        font=getattr(args, "font", None),
    )
    results = getattr(args, "results", None)
    if results:
        _make_folder(results)
    writer = create_writer(form, **detail)
    return run_job(job, sources, writer=writer, output=args.output, workers=args.workers, results=results)


def run_job(
    job: Job,
    sources: Sequence[str],
    *,
    writer: Writer,
    output: Optional[str] = None,
    workers: Optional[int] = None,
    results: Optional[str] = None,
) -> int:
    """Write the results of every source; what cannot be read is reported on standard error. Returns 0 or 1.

    Args:
        job: what to do with each page.
        sources: of `expand`.
        writer: of the results.
        output: a file; standard output by default.
        workers: processes; None for one, which reads several pages at once where that is faster.
        results: a folder that gets PaddleOCR's file of results too.

    Raises:
        PPOCRError: the models cannot be used, or the output cannot be written.
    """
    progress, failed = Progress(len(sources)), False
    originals: list[OutputPage] = []
    theirs = SystemResults() if job.texts else DetResults()
    document = Output(output, finish=lambda path: _keep_pages(path, originals))
    with document as out, Output(str(Path(results or "") / theirs.file)) as further:
        try:
            for item in _items(job, sources, workers):
                out.open(writer.begin)
                if isinstance(item.result, InputError):
                    progress.hide()
                    print_error(item.result)
                    failed = True
                else:
                    if out.is_terminal:
                        progress.hide()
                    is_written = _write(out, writer, item)
                    failed = not is_written or failed
                    if is_written and job.pictures and isinstance(item.result, OCRResult):
                        originals.append(output_page(item.result, item.picture, upright=job.options.upright))
                    if results:
                        further.open(theirs.begin)
                        failed = not _write(further, theirs, item) or failed
                progress.advance(item.number)
        finally:
            progress.hide()
        out.open(writer.begin)
        out.write(writer.end())
        if results:
            further.open(theirs.begin)
    return 1 if failed else 0


def _items(job: Job, sources: Sequence[str], workers: Optional[int]) -> Iterator[Item]:
    tasks = plan(sources)
    processes = min(workers or 1, len(tasks))
    if processes > 1 or (job.seconds and tasks):  # only a process can be ended at any moment
        from ppocr.cli.workers import run_in_workers

        return run_in_workers(job, tasks, processes)
    options = job.options
    if workers is None and len(tasks) >= MANY_SOURCES and engine_for(options) != "paddle":
        at_once = min(options.threads or available_cores(), MAX_PAGES_AT_ONCE)
        job = dataclasses.replace(job, options=dataclasses.replace(options, pages_at_once=at_once))
    return Runner(job).run(tasks)


def _write(out: Output, writer: Union[Writer, SystemResults, DetResults], item: Item) -> bool:
    """Write a page's result; False if it cannot be put into this form, which is told."""
    try:
        data = writer.page(item.result, item.picture)  # type: ignore[arg-type]  # it is no InputError
    except Exception as error:  # one page must not end the output of the others
        logger.debug("writing a page", exc_info=True)
        name = getattr(item.result, "file", "")
        print_error(InputError(name, f"cannot be written ({type(error).__name__}: {error})"))
        return False
    out.write(data)
    return True


def _keep_pages(pdf: Path, pages: Sequence[OutputPage]) -> None:
    """Pages of PDF documents stay as they are in the searchable PDF; where they cannot, that is told."""
    for source, why in put_in_original_pages(pdf, pages):
        print_error(InputError(source or str(pdf), f"pages of PDF documents were written as pictures: {why}"))


def _make_folder(path: str) -> None:
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PPOCRError(f"{path}: cannot be made a folder: {error.strerror}") from error


def _format_of(output: Optional[str], formats: Sequence[str]) -> str:
    form = _SUFFIXES.get(os.path.splitext(output or "")[1].lower(), formats[0])
    return form if form in formats else formats[0]


def _usage_problem(args: argparse.Namespace, form: str, paths: Sequence[str]) -> Optional[str]:
    if not paths:
        return "no PATH: name pictures, PDFs or folders, or - for standard input"
    if form == "pdf" and not args.output and sys.stdout.isatty():
        return "--format pdf writes no text: give --output FILE or redirect it"
    if args.output and os.path.isdir(args.output):
        return f"--output {args.output}: is a folder; name a file"
    if args.output and not os.path.isdir(os.path.dirname(args.output) or "."):
        return f"--output {args.output}: its folder does not exist"
    return None


def _overwriting_problem(output: Optional[str], draw: Optional[str], sources: Sequence[str]) -> Optional[str]:
    """What is read is never written over."""
    source = overwritten_input(output, sources)
    if source is not None:
        where = f"--output {output}" if output else "standard output"
        return f"{where}: is one of the files to read ({source}); name another one to write"
    if draw:
        read = [*sources, *([output] if output else [])]
        source = overwritten_by_drawing(draw, [task.drawing for task in plan(sources)], read)
        if source is not None:
            return f"--draw {draw}: a drawing would be saved as {source}, which is in use; name another folder"
    return None
