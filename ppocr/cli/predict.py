"""Predict pictures with the weights of a training run, before any export.

ppocr predict -c my.yml -o Global.pretrained_model=output/best_accuracy Global.infer_img=pictures/

prints a line for each picture: its regions as JSON, or its text or direction and the score.
"""

from __future__ import annotations

import argparse

from ppocr.cli.streams import show
from ppocr.cli.training import add_config_arguments, config_from, start_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument("--task", choices=("det", "rec", "cls"), help="refuse a configuration of another task")


def run(args: argparse.Namespace) -> int:
    from ppocr.engine.predict import predict_pictures

    start_log()
    for line in predict_pictures(config_from(args), task=args.task):
        show(line)
    return 0
