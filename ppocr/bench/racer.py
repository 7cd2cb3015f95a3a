"""Race engines: the same pages, the same CPUs, the same number of threads, turn by turn.

Each engine is a persistent process with its models loaded (see `protocol.py`), pinned to the same CPUs. After the
warm-up the engines run A B C A B C …, one at a time, so that a machine that slows down slows all of them, and speeds
are compared inside a round.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

CHAIN = Path(__file__).with_name("chain.py")  # this project's runner


@dataclass(frozen=True)
class Pass:
    """One engine's answer to one list of pages.

    Attributes:
        seconds: of wall time.
        pages: how many.
        peak_rss_mb: of the engine's processes so far, MiB.
        cpu_seconds: of processor time.
        results: the pages, if they were asked for.
        stages: seconds of each stage, of engines that tell.
        latencies: seconds of each page, if they were read one by one.
    """

    seconds: float
    pages: int
    peak_rss_mb: float
    cpu_seconds: float = 0.0
    results: List[Dict[str, Any]] = field(default_factory=list)
    stages: Dict[str, float] = field(default_factory=dict)
    latencies: List[float] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """Pages per second."""
        return self.pages / self.seconds


class Racer:
    """One engine's process. A context manager: leaving it ends the process.

    Args:
        name: in tables.
        command: starts it.
        cpus: it is pinned to (Linux); none for any.
        threads: that libraries are told by environment variables; the command tells the engine.

    Attributes:
        about: what it said of itself.
        start_seconds: from its start until its models were loaded.

    Raises:
        RuntimeError: it did not start; its last words are in the message.
    """

    def __init__(self, name: str, command: Sequence[str], *, cpus: Sequence[int], threads: int):
        self.name, self.command = name, list(command)
        begin = time.perf_counter()
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in close
        environment = dict(os.environ, PYTHONIOENCODING="utf-8", PYTHONUNBUFFERED="1")
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
            environment[variable] = str(threads)
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            text=True,
            encoding="utf-8",
            preexec_fn=_pin(cpus),
        )
        self.about = self._receive()
        self.start_seconds = time.perf_counter() - begin

    def __enter__(self) -> Racer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, images: Sequence[str], *, results: bool = False, alone: bool = False) -> Pass:
        """One pass over `images`.

        Args:
            images: paths.
            results: also return the texts.
            alone: one page after the other, as if each were asked for by itself.

        Raises:
            RuntimeError: the engine died or answered something else; its last words are in the message.
        """
        assert self._process.stdin is not None
        try:
            request = {"images": list(images), "results": results, "alone": alone}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(self._exit_message()) from None
        pages: List[Dict[str, Any]] = []
        while True:
            answer = self._receive()
            if answer.get("done"):
                stages, cpu = answer.get("stages") or {}, answer.get("cpu_seconds") or 0.0
                latencies = answer.get("latencies") or []
                return Pass(answer["seconds"], answer["pages"], answer["peak_rss_mb"], cpu, pages, stages, latencies)
            pages.append(answer)

    def close(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def _receive(self) -> Dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._exit_message())
        return json.loads(line)

    def _exit_message(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        last_words = "".join(self._errors.readlines()[-8:]).strip()
        return f"{self.name} ended with status {code}: {shlex.join(self.command)}\n{last_words}"


def _pin(cpus: Sequence[int]) -> Optional[Callable[[], None]]:
    """What a child does before it starts: stay on `cpus` (Linux; elsewhere nothing)."""
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return None
    return lambda: os.sched_setaffinity(0, set(cpus))


def spread(items: Sequence[str], limit: Optional[int]) -> List[str]:
    """`limit` items at even distances, in order; all of them without a limit."""
    if not limit or limit >= len(items):
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]


def race(
    racers: Sequence[Racer], images: Sequence[str], *, passes: int, pause: float, tell: Callable[[str], None]
) -> Dict[str, List[Pass]]:
    """`passes` rounds in which every racer runs once, in turn; `tell` is given a line for each run."""
    rounds: Dict[str, List[Pass]] = {racer.name: [] for racer in racers}
    for number in range(passes):
        for racer in racers:
            time.sleep(pause)  # let the threads of the one before go to sleep
            lap = racer.run(images)
            rounds[racer.name].append(lap)
            tell(f"round {number + 1}/{passes}  {racer.name:<16} {lap.speed:6.2f} pages/s")
    return rounds


def summary(rounds: Dict[str, List[Pass]], reference: str) -> Dict[str, Dict[str, Any]]:
    """Engine → its figures. `ratio`: speed(engine) / speed(reference) in the same round; `cpu_ratio`: of times."""
    table = {}
    for name, laps in rounds.items():
        speeds = [lap.speed for lap in laps]
        ratios = [lap.speed / base.speed for lap, base in zip(laps, rounds[reference])]
        table[name] = {
            "pages_per_second": {"median": statistics.median(speeds), "min": min(speeds), "max": max(speeds)},
            "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)},
            "cpu_ms_per_page": statistics.median(1000 * lap.cpu_seconds / lap.pages for lap in laps),
            "cpu_ratio": statistics.median(
                lap.cpu_seconds / max(base.cpu_seconds, 1e-9) for lap, base in zip(laps, rounds[reference])
            ),
            "peak_rss_mb": max(lap.peak_rss_mb for lap in laps),
            "stages": mean_stages(laps),
        }
    return table


def mean_stages(laps: Sequence[Pass]) -> Dict[str, float]:
    """Milliseconds per page of each stage, over all passes, for engines that tell."""
    pages = sum(lap.pages for lap in laps)
    names = list(dict.fromkeys(stage for lap in laps for stage in lap.stages))
    return {stage: 1000 * sum(lap.stages.get(stage, 0.0) for lap in laps) / pages for stage in names}


def table_text(table: Dict[str, Dict[str, Any]], reference: str) -> str:
    """The summary as lines for a person."""
    wide = max(18, *(len(name) + 2 for name in table))
    head = f"{'engine':<{wide}}{'pages/s':>9}{'min':>8}{'max':>8}   {'× ' + reference:>12}{'spread':>16}"
    lines = [f"{head}{'CPU ms':>9}{'ratio':>7}{'peak MiB':>10}"]
    for name, row in sorted(table.items(), key=lambda item: -item[1]["pages_per_second"]["median"]):
        speed, ratio = row["pages_per_second"], row["ratio"]
        span = f"{ratio['min']:.2f} – {ratio['max']:.2f}"
        lines.append(
            f"{name:<{wide}}{speed['median']:>9.2f}{speed['min']:>8.2f}{speed['max']:>8.2f}   "
            f"{ratio['median']:>12.2f}{span:>16}{row['cpu_ms_per_page']:>9.0f}{row['cpu_ratio']:>7.2f}"
            f"{row['peak_rss_mb']:>10.0f}"
        )
    for name, row in table.items():
        if row["stages"]:
            stages = "  ".join(f"{stage} {value:.1f}" for stage, value in row["stages"].items())
            lines.append(f"{name}, ms per page: {stages}")
    return "\n".join(lines)
