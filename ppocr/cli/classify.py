"""Tell which cropped lines lie upside down: label 0 (upright) or 180, with its probability."""

from __future__ import annotations

import argparse

from ppocr.cli import command, readers
from ppocr.cli.options import add_input_arguments, add_model_arguments, add_output_arguments

FORMATS = ("tsv", "jsonl", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    add_output_arguments(parser, FORMATS, draw=False)
    add_model_arguments(parser, ("cls",))


def run(args: argparse.Namespace) -> int:
    return command.run(args, readers.classify, FORMATS)
