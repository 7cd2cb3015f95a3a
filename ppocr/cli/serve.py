"""Read over HTTP, and show a page for browsers. Needs the extra `serve`: pip install 'ppocr[serve]'.

Stops at Ctrl-C or SIGTERM when what is being read has been answered. What clients send stays in memory; nothing of it
is logged.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Dict, Optional

from ppocr.cli.options import add_model_arguments, at_least_one, options_from, seconds, unit_interval
from ppocr.errors import PPOCRError
from ppocr.infer.options import OCROptions
from ppocr.utils.cpu import available_cores

KEY_VARIABLE = "PPOCR_API_KEY"
MIN_KEY_CHARACTERS = 16
LOCAL = ("127.0.0.1", "::1", "localhost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="(default: 8000; 0 for a free one)")
    parser.add_argument("--workers", type=at_least_one, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument(
        "--languages",
        nargs="+",
        default=[],
        metavar="NAME",
        help="further fetched families or languages to choose from",
    )
    group = parser.add_argument_group("limits")
    group.add_argument("--max-requests", type=at_least_one, default=64, metavar="N", help="at once (default: 64)")
    group.add_argument("--max-body", type=at_least_one, default=64, metavar="MB", help="of a request (default: 64)")
    group.add_argument("--max-memory", type=at_least_one, default=512, metavar="MB", help="of all (default: 512)")
    group.add_argument("--max-pixels", type=at_least_one, default=100_000_000, metavar="N", help="of a picture")
    group.add_argument("--max-pages", type=at_least_one, default=1_000, metavar="N", help="of a file")
    group.add_argument("--timeout", type=seconds, default=60.0, metavar="SECONDS", help="for a page (default: 60)")
    group.add_argument(
        "--keep", type=seconds, default=3_600.0, metavar="SECONDS", help="results of jobs (default: 3600)"
    )
    group.add_argument(
        "--grace", type=seconds, default=30.0, metavar="SECONDS", help="to end what is being read (default: 30)"
    )
    parser.add_argument(
        "--api-key-file", metavar="FILE", help=f"requests must show the key in it (or in ${KEY_VARIABLE})"
    )
    parser.add_argument(
        "--drop-score", type=unit_interval, metavar="X", help="leave out lines with a lower score (default: 0.5)"
    )
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        from ppocr.serve.server import serve
        from ppocr.serve.settings import ServeSettings
    except ImportError as error:
        raise PPOCRError(f"ppocr serve needs {error.name}: pip install 'ppocr[serve]'") from error
    key = _key(args.api_key_file)
    if key is None and args.host not in LOCAL:
        print(f"ppocr: anybody who reaches {args.host} may use this server: give --api-key-file", file=sys.stderr)
    settings = ServeSettings(
        readers=_readers(args),
        workers=args.workers,
        api_key=key,
        max_requests=args.max_requests,
        max_body_bytes=args.max_body * 1_000_000,
        max_bytes=max(args.max_memory, args.max_body) * 1_000_000,
        max_pixels=args.max_pixels,
        max_pages=args.max_pages,
        page_seconds=args.timeout,
        job_seconds=args.keep,
    )
    _log_to_standard_error()
    try:
        serve(settings, host=args.host, port=args.port, grace_seconds=args.grace)
    except OSError as error:
        raise PPOCRError(f"{args.host}:{args.port}: {error.strerror or error}") from error
    return 0


def _readers(args: argparse.Namespace) -> Dict[str, OCROptions]:
    """The default reader, and one for each further language; workers share the processor's threads."""
    from ppocr.infer.languages import family_of
    from ppocr.infer.model_dir import resolve_model

    options = options_from(args)
    options = replace(options, threads=max(1, (options.threads or available_cores()) // args.workers))
    readers = {args.lang or args.models: options}
    for name in args.languages:
        try:
            resolve_model(name, "rec")
            family = name
        except PPOCRError:
            family = family_of(name)
        readers[name] = replace(options, det=family, rec=family, cls=family if options.cls else None)
    return readers


def _key(path: Optional[str]) -> Optional[str]:
    """The key of the file, else of the environment; None without either."""
    key = os.environ.get(KEY_VARIABLE) or None
    if path is not None:
        try:
            key = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise PPOCRError(f"{path}: cannot be read: {error}") from error
    if key is not None and len(key) < MIN_KEY_CHARACTERS:
        raise PPOCRError(f"the API key has {len(key)} characters; {MIN_KEY_CHARACTERS} are the least")
    return key


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name, level in (("ppocr.serve", logging.INFO), ("uvicorn", logging.WARNING)):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(level)
