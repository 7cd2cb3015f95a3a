"""Measure a network on the pictures of the configuration's Eval section.

ppocr eval -c my.yml -o Global.pretrained_model=output/best_accuracy
"""

from __future__ import annotations

import argparse

from ppocr.cli.training import add_config_arguments, as_line, config_from, start_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from ppocr.engine.evaluate import evaluate_config

    start_log()
    print(as_line(evaluate_config(config_from(args))))
    return 0
