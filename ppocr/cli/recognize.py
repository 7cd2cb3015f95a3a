"""Read already cropped lines of text, one picture each."""

from __future__ import annotations

import argparse

from ppocr.cli import command, readers
from ppocr.cli.options import add_input_arguments, add_model_arguments, add_output_arguments

FORMATS = ("text", "jsonl", "json", "tsv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    add_output_arguments(parser, FORMATS, draw=False)
    add_model_arguments(parser, ("cls", "rec"))
    parser.set_defaults(cls="none")  # crops are usually upright, and a wrong turn spoils them


def run(args: argparse.Namespace) -> int:
    return command.run(args, readers.recognize, FORMATS)
