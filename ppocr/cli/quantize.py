"""Store a trained network with 8-bit weights, without training; pictures show the ranges of its layers' inputs.

ppocr quantize -c det/ch_ppocr_mobile_v2.0_det.yml -o Global.pretrained_model=output/best_accuracy \\
    --pictures pages/ --output det_int8

A detector calibrates on pages. A recogniser or classifier does on crops, or on pages with --detector. `--execution
auto` computes in whole numbers where that is faster on this processor and agrees with the float network, else in float.
Without `--pictures` the pictures are those of `Train`.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np

from ppocr.cli.training import add_config_arguments, config_from, start_log
from ppocr.config import Config
from ppocr.errors import ConfigError

PAGES, CROPS = 32, 256  # more change the ranges little


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument("--pictures", nargs="+", metavar="PATH", help="files, folders or documents (default: Train's)")
    parser.add_argument("--output", metavar="DIR", help="model directory to write (default: Global.save_inference_dir)")
    parser.add_argument("--detector", metavar="DIR", help="a detector, or a family, that finds crops on the pictures")
    parser.add_argument("--max-pictures", type=int, metavar="N", help=f"at most ({PAGES} pages, {CROPS} crops)")
    parser.add_argument(
        "--execution", choices=("auto", "int8", "float"), default="auto",
        help="how the written model computes (default: auto, the faster one that agrees)",
    )  # fmt: skip
    parser.add_argument("--float-layers", nargs="+", default=[], metavar="PATTERN", help="layers that compute in float")


def run(args: argparse.Namespace) -> int:
    from ppocr.slim.commands import quantize_trained

    start_log()
    config = config_from(args)
    output = args.output or config.options.save_inference_dir
    if not output:
        raise ConfigError(["--output: missing, and so is Global.save_inference_dir; name the model directory to write"])
    usual = PAGES if args.detector or config.at("Architecture.model_type") == "det" else CROPS
    count = args.max_pictures or usual
    pages = list(_given(args.pictures, count) if args.pictures else training_pictures(config, count))
    report = quantize_trained(
        config, Path(output), pages, detector=args.detector, execution=args.execution, float_layers=args.float_layers
    )
    print(f"{report.directory}: {report.size / 1e6:.2f} MB, {report.quality}")
    return 0


def _given(paths: Sequence[str], count: int) -> Iterator[np.ndarray]:
    from ppocr.infer.io.sources import expand, read_pages

    every = (page.image for source in expand(paths) for page in read_pages(source))
    return itertools.islice(every, count)


def training_pictures(config: Config, count: int) -> Iterator[np.ndarray]:
    """At most `count` pictures of `Train`, spread evenly over it, as they are before any transform: uint8[H, W, 3] BGR.

    Raises:
        ConfigError, LabelError: `Train` does not say which, or they are not there.
        SampleError, InputError: one cannot be read.
    """
    from ppocr.cli.data_section import section_loader
    from ppocr.ops.images import decode_image

    dataset = section_loader(config, "Train").pipeline.dataset
    taken = min(count, len(dataset))
    for number in range(taken):
        sample = dataset.read(number * len(dataset) // taken, np.random.default_rng(number))
        image = sample["image"]
        yield image if image.ndim == 3 else next(decode_image(image.tobytes(), sample["place"]))
