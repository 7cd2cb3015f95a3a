"""Train a network as a configuration describes it.

ppocr train -c rec/ch_ppocr_mobile_v2.0_rec.yml -o Train.dataset.data_dir=lines Global.epoch_num=10
ppocr train -c my.yml -o Global.pretrained_model=mobile        fine-tune the official weights
ppocr train -c my.yml --resume                                 go on where the run was stopped

Several processes: python -m paddle.distributed.launch --nproc_per_node=2 -m ppocr train -c my.yml
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ppocr.cli.training import add_config_arguments, as_line, config_from, start_log
from ppocr.config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the latest checkpoint in Global.save_model_dir, if there is one",
    )


def run(args: argparse.Namespace) -> int:
    from ppocr.engine.checkpoint import has_checkpoint
    from ppocr.engine.train import train

    config = config_from(args)
    latest = Path(config.options.save_model_dir) / "latest"
    if args.resume and has_checkpoint(latest):
        tree = config.to_dict()
        tree.setdefault("Global", {})["checkpoints"] = str(latest)
        config = Config(tree)
    start_log(Path(config.options.save_model_dir))
    best = train(config)
    print(f"best: {as_line(best)}" if best else f"trained: {latest}.pdparams")
    return 0
