"""What a row costs, which needs no training: parameters, stored bytes, multiplications, processor time."""

from __future__ import annotations

import dataclasses
import functools
import logging
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence

import numpy as np

from ppocr.ablation.tables import Table
from ppocr.config import Config
from ppocr.engine.experiment import Experiment
from ppocr.export.export import export_model
from ppocr.export.quantized import export_quantized
from ppocr.infer.model_dir import PARAMS, PROGRAMS
from ppocr.infer.runtimes.base import Runtime
from ppocr.infer.runtimes.paddle import PaddleRuntime
from ppocr.slim.cost import measure
from ppocr.utils.timing import times_by_turns

logger = logging.getLogger(__name__)

WARM_UP = 2  # runs that do not count
TIMED_MS = 3000.0  # of the slowest network: small ones take more turns, since each is more easily disturbed
MOST_TURNS = 20  # times as many turns


@dataclass(frozen=True)
class RowCost:
    """A network's prediction.

    Attributes:
        parameters: numbers it has.
        stored_bytes: of the exported weights, `inference.pdiparams`.
        multiplications: for the table's input.
        cpu_ms: processor time of that input on one thread, Paddle Inference: least, median and greatest.
    """

    parameters: int
    stored_bytes: int
    multiplications: int
    cpu_ms: Mapping[str, float]


def measure_rows(table: Table, *, turns: int, tell: Callable[[str], None]) -> Dict[str, RowCost]:
    """The cost of every row of a table; the rows take turns, so that a busy moment hits all alike.

    Args:
        table: its rows are built with fresh weights.
        turns: how often each network is timed.
        tell: given a line for each row.
    """
    costs: Dict[str, RowCost] = {}
    runtimes: Dict[str, Runtime] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in table.rows:
            directory = Path(folder, name)
            costs[name] = _build(table.config(name), directory, table.shape_of(name))
            runtimes[name] = _runtime(directory)
            mb = costs[name].stored_bytes / 1e6
            tell(f"{table.name} {name}: {costs[name].multiplications / 1e6:.1f} M multiplications, {mb:.2f} MB")
        times = _times(runtimes, {name: table.shape_of(name) for name in table.rows}, turns)
    spans = {name: {"min": min(t), "median": statistics.median(t), "max": max(t)} for name, t in times.items()}
    return {name: dataclasses.replace(cost, cpu_ms=spans[name]) for name, cost in costs.items()}


def _build(config: Config, directory: Path, shape: Sequence[int]) -> RowCost:
    """Export a row's network with fresh weights."""
    quantized = config.at("Slim.Quantize") is not None
    if quantized:  # its quantizers are no part of what is exported
        tree = config.to_dict()
        tree["Slim"] = {key: value for key, value in tree["Slim"].items() if key != "Quantize"}
        config = Config(tree)
    experiment = Experiment(config)
    cost = measure(experiment.model, shape)
    if quantized:
        export_quantized(experiment.model, config, directory, execution="float")
    else:
        # Fresh weights read nothing, so texts cannot be compared; with a check, rounding may grow as it does on noise.
        export_model(experiment.model, config, directory, check=lambda written: None)
    return RowCost(cost.parameters, (directory / PARAMS).stat().st_size, cost.flops, {})


def _runtime(directory: Path) -> Runtime:
    program = next(directory / name for name in PROGRAMS if (directory / name).exists())
    return PaddleRuntime(program, directory / PARAMS, threads=1)


def _times(runtimes: Mapping[str, Any], shapes: Mapping[str, Sequence[int]], turns: int) -> Dict[str, List[float]]:
    """Milliseconds of processor time of each turn."""
    random = np.random.default_rng(0)
    batches = {name: random.uniform(-1, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    work = {name: functools.partial(runtime.run, batches[name]) for name, runtime in runtimes.items()}
    longest = max(each[-1] for each in times_by_turns(work, WARM_UP).values())
    return times_by_turns(work, max(turns, min(turns * MOST_TURNS, round(TIMED_MS / longest))))
