"""How good a row is after training: one seed, in a process of its own, so that runs do not disturb one another."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from ppocr.ablation.tables import Table, find_row
from ppocr.config import Config

LATEST = "latest"  # the checkpoint of a run's end


def training_config(table: Table, name: str, *, seed: int, data: Optional[Path], work: Path) -> Config:
    """A row's configuration as it is trained.

    Args:
        table, name: which row.
        seed: of the run.
        data: folder with the table's own folder.
        work: where runs lie, `WORK/TABLE/ROW/SEED`.
    """
    tree = table.config(name, training=True).to_dict()
    options = tree["Global"]
    options.update(seed=seed, save_model_dir=str(run_folder(work, table, name, seed)))
    start = table.rows[name].start
    if start:
        options["pretrained_model"] = str(run_folder(work, *find_row(start), seed) / LATEST)
    if data is not None and table.data:
        folder = data / table.data
        for section, listing in (("Train", "train.txt"), ("Eval", "val.txt")):
            dataset = tree[section]["dataset"]
            dataset.update(data_dir=str(folder), label_file_list=[str(folder / listing)])
    return Config(tree)


def run_folder(work: Path, table: Table, name: str, seed: int) -> Path:
    """Where a run's checkpoints and log are."""
    return work / table.name / name / str(seed)


def train_row(config: Config) -> Dict[str, Any]:
    """Train, then evaluate the weights of the end (not the best ones, which would be chosen by what judges).

    A run that was stopped goes on.

    Returns:
        The metric's results, and `seconds` of this call.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_train, config.to_dict()).result()


def _train(tree: Mapping[str, Any]) -> Dict[str, Any]:
    from ppocr.engine.checkpoint import has_checkpoint
    from ppocr.engine.evaluate import evaluate_config
    from ppocr.engine.train import train

    begin = time.perf_counter()
    latest = Path(tree["Global"]["save_model_dir"]) / LATEST
    settings = dict(tree["Global"])
    if has_checkpoint(latest):
        settings["checkpoints"] = str(latest)
    train(Config({**tree, "Global": settings}))
    judged = Config({**tree, "Global": {**tree["Global"], "pretrained_model": str(latest)}})
    results = evaluate_config(judged)
    return {**results, "seconds": time.perf_counter() - begin}
