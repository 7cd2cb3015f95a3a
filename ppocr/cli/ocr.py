"""Read the text of pictures (PNG, JPEG, BMP, WebP, TIFF, GIF: every frame) and PDF documents (every page).

Results are described in docs/results.md. What cannot be read is reported on standard error; the rest is read
nevertheless, and the exit status is 1.
"""

from __future__ import annotations

import argparse

from ppocr.cli import command, readers
from ppocr.cli.options import add_input_arguments, add_model_arguments, add_output_arguments, unit_interval
from ppocr.infer.io.writers import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    add_output_arguments(parser, FORMATS, draw=True)
    parser.add_argument(
        "--drop-score", type=unit_interval, metavar="X", help="leave out lines with a lower score (default: 0.5)"
    )
    parser.add_argument(
        "--order",
        choices=("rows", "columns", "auto"),
        help="of the lines: rows across the page (default), columns, or auto: columns of running text, rows elsewhere",
    )
    parser.add_argument(
        "--orientation",
        choices=("auto", "off"),
        help="auto: pages upside down or on their side are read upright (default); needs the direction classifier",
    )
    parser.add_argument(
        "--upright",
        action="store_true",
        default=None,
        help="boxes, drawings and PDF of such pages in the upright picture",
    )
    parser.add_argument(
        "--pdf-text",
        choices=("auto", "force", "skip"),
        help="text that PDF pages hold: auto takes it where it can stand for what is seen (default), force wherever"
        " there is any, skip reads every page as a picture",
    )
    parser.add_argument("--words", action="store_true", help="JSON: each line's words, with their boxes")
    parser.add_argument("--chars", action="store_true", help="JSON: each line's characters, with their boxes")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    return command.run(args, readers.ocr, FORMATS)
