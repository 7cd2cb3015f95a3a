"""How long a training step takes on a CPU, beside the same step in Paddle's plain modules.

    python tools/benchmark/train_speed.py
    python tools/benchmark/train_speed.py --cases rec-6625 --rounds 5 --threads 2
    python tools/benchmark/train_speed.py --gradients

Network, batch, weights and loss are the same. "plain" is what a user of Paddle writes: the network from `paddle.nn`,
`F.ctc_loss`, `paddle.optimizer.Adam` with `L2Decay`, in a process as Paddle starts it. "ours" is the step of `ppocr
train`. Each runs in a process of its own, and they take turns, so that other work on the machine hits both. Times are
processor time, which other work disturbs less; with more threads than one, time on the clock. Prints Markdown: the
median of a step, its stages, and the ratio with its spread over the rounds (quartiles).

`--gradients` compares instead: how far the gradients of both are from those of the plain network in float64, all
together and for the median parameter, relative to their length.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("forward", "loss", "backward", "optimizer")
TEXT_LENGTH = 25
WARM_UP = 2


class Case(NamedTuple):
    config: str
    shape: Tuple[int, int, int, int]


CASES = {
    "det-320": Case("configs/det/ch_ppocr_mobile_v2.0_det.yml", (8, 3, 320, 320)),
    "det-640": Case("configs/det/ch_ppocr_mobile_v2.0_det.yml", (2, 3, 640, 640)),
    "rec-6625": Case("configs/rec/ch_ppocr_mobile_v2.0_rec.yml", (32, 3, 32, 320)),
    "rec-65": Case("configs/rec/en63_mobile_rec.yml", (32, 3, 32, 320)),
    "rec-v6": Case("configs/rec/slim_rec.yml", (16, 3, 48, 320)),
    "cls": Case("configs/cls/ch_ppocr_mobile_v2.0_cls.yml", (64, 3, 48, 192)),
}


def random_batch(task: str, shape: Tuple[int, int, int, int], classes: int) -> Dict[str, np.ndarray]:
    """A batch as the loader makes it; a tenth of a page is text."""
    generator = np.random.default_rng(0)
    count, _, height, width = shape
    batch: Dict[str, np.ndarray] = {"image": generator.normal(0, 1, shape).astype(np.float32)}
    if task == "det":
        core = np.zeros((count, height, width), np.float32)
        for page in core:
            for _ in range(height * width // 8000):
                y, x = generator.integers(0, height - 12), generator.integers(0, width - 70)
                page[y : y + 12, x : x + 70] = 1
        batch.update(shrink_map=core, shrink_mask=np.ones_like(core))
        batch.update(threshold_map=0.3 + 0.4 * core, threshold_mask=core)
    elif task == "rec":
        batch["label"] = generator.integers(1, classes, (count, TEXT_LENGTH))
        batch["length"] = generator.integers(1, TEXT_LENGTH, count)
    else:
        batch["label"] = generator.integers(0, 2, count)
    return batch


def plain_loss(task: str) -> Callable[[Any, Dict[str, Any]], Any]:
    """The recipes' losses, written as one writes them in Paddle."""
    import paddle
    import paddle.nn.functional as F

    def dice(map_: Any, label: Any, mask: Any) -> Any:
        return 1 - 2 * (map_ * label * mask).sum() / ((map_ * mask).sum() + (label * mask).sum() + 1e-6)

    def det(maps: Any, batch: Dict[str, Any]) -> Any:
        core, mask, area = batch["shrink_map"], batch["shrink_mask"], batch["threshold_mask"]
        threshold = ((maps[:, 1] - batch["threshold_map"]).abs() * area).sum() / (area.sum() + 1e-6)
        return 5 * dice(maps[:, 0], core, mask) + 10 * threshold + dice(maps[:, 2], core, mask)

    def rec(logits: Any, batch: Dict[str, Any]) -> Any:
        columns = paddle.full([logits.shape[0]], logits.shape[1], "int64")
        labels = batch["label"].astype("int32")
        return F.ctc_loss(logits.transpose([1, 0, 2]), labels, columns, batch["length"], reduction="none").mean()

    def cls(logits: Any, batch: Dict[str, Any]) -> Any:
        return F.cross_entropy(logits, batch["label"])

    return {"det": det, "rec": rec, "cls": cls}[task]


class Step:
    """Network, loss and optimiser of a case.

    Args:
        kind: `plain`, `ours`, or `exact`: plain in float64.
        case: which.
        threads: of Paddle's operators.
    """

    def __init__(self, kind: str, case: Case, threads: int):
        import paddle
        from paddle.base import core

        from ppocr.config import load_config
        from ppocr.engine.build import build_charset, build_model
        from ppocr.engine.experiment import Experiment
        from ppocr.engine.trainer import accelerate

        core.set_num_threads(threads)
        self.threads = threads
        config = load_config(str(ROOT / case.config))
        task, charset = config["Architecture"]["model_type"], build_charset(config)
        paddle.seed(0)
        if kind == "ours":
            experiment = Experiment(config)
            self.model = accelerate(experiment.model)
            loss, optimizer = experiment.loss(), experiment.optimizer(1000)
            self.loss = lambda outputs, batch: loss(outputs, batch)["loss"]
            self.update: Callable[[], Any] = lambda: optimizer.update(0)
        else:  # without Experiment, which prepares the process for training
            self.model = build_model(config)
            if kind == "exact":
                weights = {name: tensor.astype("float64") for name, tensor in self.model.state_dict().items()}
                paddle.set_default_dtype("float64")
                self.model = build_model(config)
                self.model.set_state_dict(weights)
            self.loss = plain_loss(task)
            decay = paddle.regularizer.L2Decay(1e-5)
            adam = paddle.optimizer.Adam(1e-3, parameters=self.model.parameters(), weight_decay=decay)
            self.update = lambda: (adam.step(), adam.clear_grad())
        self.model.train()
        classes = charset.num_classes if charset else 2
        arrays = random_batch(task, case.shape, classes)
        if kind == "exact":
            arrays = {name: a.astype(np.float64) if a.dtype == np.float32 else a for name, a in arrays.items()}
        self.batch = {name: paddle.to_tensor(array) for name, array in arrays.items()}

    def times(self) -> List[float]:
        """One step; seconds of each stage."""
        now = time.process_time if self.threads == 1 else time.perf_counter
        moments = [now()]
        outputs = self.model(self.batch["image"])
        moments.append(now())
        loss = self.loss(outputs, self.batch)
        float(loss)  # looked at in every step, so that training stops at a loss that is no number
        moments.append(now())
        loss.backward()
        moments.append(now())
        self.update()
        moments.append(now())
        return [end - begin for begin, end in zip(moments, moments[1:])]

    def gradients(self) -> Dict[str, np.ndarray]:
        self.loss(self.model(self.batch["image"]), self.batch).backward()
        named = self.model.named_parameters()
        return {name: p.grad.numpy().astype(np.float64) for name, p in named if p.grad is not None}


class Worker:
    """A process with one `Step`; does one at a time, when told."""

    def __init__(self, kind: str, name: str, threads: int):
        command = [sys.executable, __file__, "--worker", kind, "--cases", name, "--threads", str(threads)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if kind != "ours":
            environment.pop("MKL_DEBUG_CPU_TYPE", None)
        pipes: Dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.name = f"{kind} {name}"
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)
        self.ask("")

    def ask(self, order: str) -> Any:
        """The answer to `step` or `gradients FILE`; to nothing, once the worker is ready."""
        assert self.process.stdin is not None and self.process.stdout is not None
        if order:
            self.process.stdin.write(order + "\n")
            self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("answer "):
                return json.loads(line[len("answer ") :])
        raise RuntimeError(f"the process for {self.name} stopped")

    def close(self) -> None:
        self.process.communicate("")


def serve(kind: str, name: str, threads: int) -> None:
    """What a worker's process does."""
    step = Step(kind, CASES[name], threads)
    print("answer true", flush=True)
    for line in sys.stdin:
        order, _, path = line.strip().partition(" ")
        answer: Any = True
        if order == "step":
            answer = step.times()
        else:
            arrays: Dict[str, Any] = dict(step.gradients())
            np.savez(path, **arrays)
        print(f"answer {json.dumps(answer)}", flush=True)


def race(name: str, rounds: int, threads: int) -> Tuple[np.ndarray, np.ndarray]:
    """Seconds of each stage, float64[rounds, 4], of plain and ours."""
    workers = [Worker(kind, name, threads) for kind in ("plain", "ours")]
    times: List[List[List[float]]] = [[], []]
    for turn in range(rounds + WARM_UP):
        for number, worker in enumerate(workers):
            answer = worker.ask("step")
            if turn >= WARM_UP:
                times[number].append(answer)
    for worker in workers:
        worker.close()
    return np.array(times[0]), np.array(times[1])


def distances(name: str) -> Dict[str, Tuple[float, float]]:
    """How far gradients are from float64: kind → (all together, median parameter)."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("exact", "plain", "ours"):
            worker, path = Worker(kind, name, 1), Path(folder) / f"{kind}.npz"
            worker.ask(f"gradients {path}")
            worker.close()
            found[kind] = dict(np.load(path))
    exact = found.pop("exact")
    length = {key: float(np.linalg.norm(value)) for key, value in exact.items()}
    total = float(np.linalg.norm(list(length.values())))
    result = {}
    for kind, gradients in found.items():
        off = {key: float(np.linalg.norm(gradients[key] - exact[key])) for key in exact}
        # Shifts before a normalisation have no effect, hence no gradient but rounding: they are left out
        each = [off[key] / length[key] for key in exact if length[key] > 1e-6 * total]
        result[kind] = (float(np.linalg.norm(list(off.values()))) / total, statistics.median(each))
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1, help="of Paddle's operators; Paddle's own default is 1")
    parser.add_argument("--gradients", action="store_true")
    parser.add_argument("--worker", choices=["plain", "ours", "exact"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        serve(args.worker, args.cases[0], args.threads)
    elif args.gradients:
        print("| case | plain, all (median parameter) | ours |\n|---|---|---|")
        for name in args.cases:
            cells = [f"{total:.1e} ({middle:.1e})" for total, middle in distances(name).values()]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
    else:
        print(f"| case, batch | | ms a step | pictures/s | {' | '.join(STAGES)} | ratio |\n|---|---|" + "---|" * 7)
        for name in args.cases:
            report(name, *race(name, args.rounds, args.threads))
    return 0


def report(name: str, plain: np.ndarray, ours: np.ndarray) -> None:
    ratios = np.percentile(plain.sum(axis=1) / ours.sum(axis=1), [50, 25, 75])
    shape = CASES[name].shape
    what = f"{name}, {'×'.join(map(str, shape))}"
    ratio = f"**{ratios[0]:.1f}** ({ratios[1]:.1f}–{ratios[2]:.1f})"
    for who, times, last in (("plain", plain, ""), ("ours", ours, ratio)):
        total, stages = np.median(times.sum(axis=1)), 1000 * np.median(times, axis=0)
        cells = [f"{1000 * total:.0f}", f"{shape[0] / total:.1f}", *(f"{stage:.0f}" for stage in stages), last]
        print(f"| {what} | {who} | {' | '.join(cells)} |", flush=True)
        what = ""


if __name__ == "__main__":
    raise SystemExit(main())
