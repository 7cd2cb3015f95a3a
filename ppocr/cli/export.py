"""Write a trained network as a model directory, which `ppocr ocr --det/--cls/--rec DIR` reads.

ppocr export -c my.yml -o Global.pretrained_model=output/best_accuracy --output my_model

Nothing is written if the exported model does not compute the same as the network.
`--format onnx` writes `inference.onnx` for the engines onnxruntime and openvino and for other programs, with
`inference.yml` and a recogniser's `dictionary.txt` beside it.
"""

from __future__ import annotations

import argparse
import json

from ppocr.cli.training import add_config_arguments, config_from, start_log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument("--output", metavar="DIR", help="model directory to write (default: Global.save_inference_dir)")
    parser.add_argument(
        "--format", choices=("paddle", "onnx", "both"), default="paddle",
        help="files to write (default: paddle; the others need ppocr[onnxruntime])",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from ppocr.export.commands import export_config

    start_log()
    more = [] if args.output is None else [f"Global.save_inference_dir={json.dumps(args.output)}"]
    report = export_config(config_from(args, more), form=args.format)
    print(f"{report.directory}: {report.size / 1e6:.2f} MB, {report.quality}")
    return 0
