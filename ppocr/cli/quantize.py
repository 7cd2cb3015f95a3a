"""Store a trained network with 8-bit weights, without training; pictures show the ranges of its layers' inputs.

ppocr quantize -c det/ch_ppocr_mobile_v2.0_det.yml -o Global.pretrained_model=output/best_accuracy \\
    --pictures pages/ --output det_int8

A detector calibrates on pages. A recogniser or classifier does on crops, or on pages with --detector. `--execution
auto` computes in whole numbers where that is faster on this processor and agrees with the float network, else in float.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ppocr.cli.training import add_config_arguments, config_from, start_log

PAGES, CROPS = 32, 256  # more change the ranges little


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument("--pictures", required=True, nargs="+", metavar="PATH", help="files, folders or documents")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="model directory to write")
    parser.add_argument("--detector", metavar="DIR", help="a detector, or a family, that finds crops on the pictures")
    parser.add_argument("--max-pictures", type=int, metavar="N", help=f"at most ({PAGES} pages, {CROPS} crops)")
    parser.add_argument(
        "--execution", choices=("auto", "int8", "float"), default="auto",
        help="how the written model computes (default: auto, the faster one that agrees)",
    )  # fmt: skip
    parser.add_argument("--float-layers", nargs="+", default=[], metavar="PATTERN", help="layers that compute in float")


def run(args: argparse.Namespace) -> int:
    import itertools

    from ppocr.infer.io.sources import expand, read_pages
    from ppocr.slim.commands import quantize_trained

    start_log()
    config = config_from(args)
    every = (page.image for source in expand(args.pictures) for page in read_pages(source))
    usual = PAGES if args.detector or config.at("Architecture.model_type") == "det" else CROPS
    pages = list(itertools.islice(every, args.max_pictures or usual))
    report = quantize_trained(
        config, args.output, pages, detector=args.detector, execution=args.execution, float_layers=args.float_layers
    )
    print(f"{report.directory}: {report.size / 1e6:.2f} MB, {report.quality}")
    return 0
