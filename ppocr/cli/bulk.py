"""Read very many pages into Parquet files, one row a page (docs/scale.md).

Needs the extra `bulk`, and with --ray the extra `ray`.
INPUT is a picture, PDF, folder, glob pattern, tar file, Parquet file with a column of bytes, or a URL of these
(s3://…). Started again with the same arguments, it goes on where it was stopped or killed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Iterator

from ppocr.cli.options import add_model_arguments, at_least_one, options_from, unit_interval
from ppocr.cli.progress import Progress
from ppocr.cli.streams import show
from ppocr.errors import PPOCRError
from ppocr.infer.io.sources import DEFAULT_DPI, DEFAULT_MAX_PIXELS, ReadOptions
from ppocr.utils.cpu import available_cores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="what to read")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder of the results")
    parser.add_argument("--workers", type=at_least_one, metavar="N", help="processes or actors (default: one a core)")
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="by actors of a Ray cluster (auto, HOST:PORT), or of one started here (local)"
    )
    parser.add_argument(
        "--shard-files", type=at_least_one, default=256, metavar="N", help="files a file of results (default: 256)"
    )
    parser.add_argument(
        "--dpi", type=at_least_one, default=int(DEFAULT_DPI), help="resolution for PDF pages (default: 144)"
    )
    parser.add_argument("--max-pixels", type=at_least_one, default=DEFAULT_MAX_PIXELS, metavar="N", help="of a picture")
    parser.add_argument("--max-pages", type=at_least_one, default=10_000, metavar="N", help="of a file")
    parser.add_argument(
        "--drop-score", type=unit_interval, metavar="X", help="leave out lines with a lower score (default: 0.5)"
    )
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ppocr.batch.job import Finished, Job, Settings
    from ppocr.batch.on_ray import run_on_ray
    from ppocr.batch.processes import run_in_processes

    reading = ReadOptions(dpi=args.dpi, max_pixels=args.max_pixels, max_pages=args.max_pages)
    options = replace(options_from(args), spans=False, threads=args.threads or 1)
    output = Path(args.output)
    try:
        job = Job(output, args.inputs, Settings(options, reading), files_per_shard=args.shard_files)
        left = job.left()
        count = args.workers or (None if args.ray else available_cores())
        if args.ray:
            done: Iterator[Finished] = run_on_ray(job, left, args.ray, count) if left else iter(())
        else:
            done = run_in_processes(job, left, count or 1)
        progress = Progress(len(left))
        try:
            for number, finished in enumerate(done):
                job.tell(finished)
                progress.advance(number)
        finally:
            progress.hide()
        finished_all = job.close()
    except OSError as error:
        raise PPOCRError(f"{output}: {error.strerror or error}") from error
    rows, errors = (sum(getattr(item, name) for item in finished_all) for name in ("rows", "errors"))
    show(f"{output}: {rows} rows in {len(finished_all)} files, {len(left)} of them new; {errors} could not be read")
    return 1 if errors else 0
