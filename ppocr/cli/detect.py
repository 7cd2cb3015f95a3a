"""Find where text is, without reading it: results as of `ppocr ocr`, with empty texts and the scores of the boxes."""

from __future__ import annotations

import argparse

from ppocr.cli import command, readers
from ppocr.cli.options import add_input_arguments, add_model_arguments, add_output_arguments

FORMATS = ("jsonl", "json", "tsv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_input_arguments(parser)
    add_output_arguments(parser, FORMATS, draw=True)
    add_model_arguments(parser, ("det",))


def run(args: argparse.Namespace) -> int:
    return command.run(args, readers.detect, FORMATS)
