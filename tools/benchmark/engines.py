"""How long each engine computes for the bare networks of a family, on one thread.

    python tools/benchmark/engines.py --models mobile tiny

Processor time, not time on the clock: other processes disturb it less. The engines take turns, and each figure is the
least of `--rounds`. Prints a table in Markdown, milliseconds.
"""

from __future__ import annotations

import argparse
import time
from typing import Dict, List, Tuple

import numpy as np

from ppocr import OCROptions, PPOCRError
from ppocr.infer.model_dir import open_model
from ppocr.infer.runtimes.base import Runtime
from ppocr.infer.runtimes.create import create_runtime

ENGINES = (("paddle", "fp32"), ("paddle", "bf16"), ("openvino", "fp32"), ("openvino", "bf16"), ("onnxruntime", "fp32"))


def networks(family: str) -> List[Tuple[str, Tuple[int, int, int, int], Dict[str, Runtime]]]:
    """(what, input shape, column → runtime) of each network; engines that cannot run it are told and left out."""
    found = []
    for kind in ("det", "rec", "cls"):
        model = open_model(family, kind)
        height = 48 if kind == "cls" else 0
        if kind == "rec":
            height = model.transform("RecResizeImg", {}).image_shape[1]
        shape = {"det": (1, 3, 960, 1280), "rec": (8, 3, height, 320), "cls": (16, 3, height, 192)}[kind]
        runtimes = {}
        for engine, precision in ENGINES:
            options = OCROptions(engine=engine, precision=precision, threads=1)
            try:
                runtimes[f"{engine} {precision}"] = create_runtime(model, options, logits=kind == "rec")
            except PPOCRError as error:
                print(f"{family} {kind}, {engine} {precision}: {error}")
        found.append((f"{family} {kind} {'×'.join(map(str, shape))}", shape, runtimes))
    return found


def measure(shape: Tuple[int, int, int, int], runtimes: Dict[str, Runtime], rounds: int) -> Dict[str, float]:
    """column → least milliseconds of processor time for a batch."""
    batch = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    best = dict.fromkeys(runtimes, float("inf"))
    for turn in range(rounds + 2):  # the first two warm up
        for name, runtime in runtimes.items():
            begin = time.process_time()
            runtime.run(batch)
            if turn > 1:
                best[name] = min(best[name], 1000 * (time.process_time() - begin))
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["mobile", "tiny"], metavar="FAMILY")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    columns = [" ".join(engine) for engine in ENGINES]
    print("| network, input | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for family in args.models:
        for what, shape, runtimes in networks(family):
            times = measure(shape, runtimes, args.rounds)
            cells = [f"{times[name]:.1f}" if name in times else "–" for name in columns]
            print(f"| {what} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
