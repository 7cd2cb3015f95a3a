"""Measure which convolutions can spare filters, on the pictures of `Eval`; the base for pruning.

ppocr prune-sensitivity -c my.yml -o Global.pretrained_model=output/best_accuracy --output found.json --target-size 0.54

Each measurement is saved at once; a run that was stopped goes on where it was. With a target it then chooses the ratios
that reach it at the least loss, measuring cuts in several layers together, and prints lines for `Slim.Prune.ratios`.
Training with `Slim.Prune.sensitivity` and the same target chooses the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence

from ppocr.cli.training import add_config_arguments, config_from, start_log

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_arguments(parser)
    parser.add_argument("--output", required=True, type=Path, metavar="JSON", help="what was measured; it may exist")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the losses (needs matplotlib)")
    parser.add_argument("--ratios", type=float, nargs="+", default=RATIOS, metavar="R", help="shares of filters to try")
    parser.add_argument(
        "--skip", nargs="+", default=[], metavar="PATTERN", help="layers to leave alone (backbone.conv*)"
    )
    parser.add_argument("--max-batches", type=int, metavar="N", help="measure on the first N batches of Eval")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--target-size", type=float, metavar="SHARE", help="of the bytes that shall remain (0.54)")
    target.add_argument("--target-flops", type=float, metavar="SHARE", help="of the multiplications that shall remain")


def run(args: argparse.Namespace) -> int:
    from ppocr.slim.commands import measure_layers

    start_log()
    target = {"size": args.target_size, "flops": args.target_flops}
    found = measure_layers(
        config_from(args), args.output, ratios=args.ratios, skip=args.skip, max_batches=args.max_batches,
        target=target if any(target.values()) else None, log=_log,
    )  # fmt: skip
    if args.plot is not None:
        draw(found.losses, args.plot)
    if found.ratios is not None:
        print("Slim:\n  Prune:\n    ratios:")
        for name, ratio in found.ratios.items():
            print(f"      {name}: {ratio}")
        left = f"{found.size:.0%} of the bytes and {found.flops:.0%} of the multiplications"
        print(f"# leaves {left}; {found.lost:.0%} of the score is lost before training")
    return 0


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def draw(losses: Mapping[str, Mapping[float, float]], path: Path) -> None:
    """One line a layer, loss over ratio.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    from ppocr.errors import MissingExtraError

    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("--plot", "slim") from error
    figure = Figure(figsize=(10, 0.22 * len(losses) + 4), layout="constrained")
    axes: Any = figure.subplots()
    for name, rows in losses.items():
        ratios: Sequence[float] = sorted(rows)
        axes.plot([0, *ratios], [0, *(rows[ratio] for ratio in ratios)], marker=".", label=name[: -len(".weight")])
    axes.set(xlabel="share of the filters taken", ylabel="share of the score lost")
    axes.legend(fontsize="xx-small", ncols=2, loc="upper left", bbox_to_anchor=(0, -0.1))
    figure.savefig(path, dpi=150)
