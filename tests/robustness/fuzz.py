"""`make fuzz`: changed files for all that reads files of strangers (`surfaces`); what is no documented error is kept.

    python tests/robustness/fuzz.py --seconds 600 [--surface yaml …] [--jobs 2] [--seed 1] [--keep build/fuzz]

Each surface runs in a process of its own, which is started again when an input crashes it. Its time begins after
the first inputs, which import what reading needs.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Sequence

SLOW_SECONDS = 10.0  # of our process's time for an input of kilobytes
FIRST = 10  # inputs before the time begins: they import what reading needs
HANG_SECONDS = 600.0  # after its time was over
MAX_BYTES = 4_000_000_000
MAX_CRASHES = 20
MEMORY = "/dev/shm"  # opening a file takes microseconds there
NAMES = ("pictures", "pdf", "yaml", "inference.yml", "labels", "checkpoints", "lmdb", "wheels", "overrides")


def main() -> int:
    """Fuzz; the exit status is 1 if anything undocumented was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--surface", nargs="+")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each surface")
    parser.add_argument("--inputs", type=int, default=10**9, help="for each surface at most")
    parser.add_argument("--jobs", type=int, default=1, help="surfaces at a time")
    parser.add_argument("--seed", type=int, default=None, help="default: the time")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/fuzz"), help="folder for inputs with undocumented ends"
    )
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.surface[0], args.seed, args.seconds, args.inputs, args.keep)
        return 0
    seed = int(time.time()) if args.seed is None else args.seed
    args.keep.mkdir(parents=True, exist_ok=True)
    found = False
    with ThreadPoolExecutor(args.jobs) as pool:
        for report in pool.map(
            lambda name: _fuzz_one(name, args.seconds, args.inputs, seed, args.keep), args.surface or NAMES
        ):
            print(json.dumps(report), flush=True)
            found = found or bool(report["undocumented"])
    return 1 if found else 0


def _fuzz_one(name: str, seconds: float, inputs: int, seed: int, keep: Path) -> Dict[str, Any]:
    total: Dict[str, Any] = {"surface": name, "seed": seed, "inputs": 0, "read": 0, "refused": 0, "undocumented": []}
    end, crashes = time.monotonic() + seconds, 0
    while time.monotonic() < end and total["inputs"] < inputs and crashes < MAX_CRASHES:
        with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
            left = (max(1.0, end - time.monotonic()), inputs - total["inputs"])
            ended = _run_worker(name, seed + total["inputs"] + crashes, left, folder)
            report = json.loads(Path(folder, "report").read_text()) if Path(folder, "report").exists() else {}
            for key in ("inputs", "read", "refused"):
                total[key] += report.get(key, 0)
            found = report.get("undocumented", [])
            if ended:
                crashes += 1
                found.append({"error": ended, "input": Path(folder, "current").read_bytes().hex()})
            for one in found:
                path = keep / f"{name}-{abs(hash(one['input'])) % 10**12}"
                path.write_bytes(bytes.fromhex(one["input"]))
                total["undocumented"].append({"error": one["error"], "file": str(path)})
    return total


def _run_worker(name: str, seed: int, left: Sequence[float], folder: str) -> str:
    """How the worker died, or nothing."""
    command = [sys.executable, __file__, "--work", "--surface", name, "--seed", str(seed), "--keep", folder]
    command += ["--seconds", str(left[0]), "--inputs", str(left[1])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=left[0] + HANG_SECONDS, errors="replace")
    except subprocess.TimeoutExpired:
        return "hung"
    return "" if done.returncode == 0 else f"status {done.returncode}: {done.stderr[-2000:]}"


def work(name: str, seed: int, seconds: float, inputs: int, folder: Path) -> None:
    """Feed one surface until the time is over; the report is written again and again."""
    faulthandler.enable()
    sys.path.insert(0, str(Path(__file__).parent))
    from surfaces import SURFACES

    surface = SURFACES[name]()
    _limit_memory()
    scratch = Path(tempfile.mkdtemp(dir=folder))
    report: Dict[str, Any] = {"inputs": 0, "read": 0, "refused": 0, "undocumented": []}
    seen, end, told = set(), float("inf"), 0.0
    while time.monotonic() < end and report["inputs"] < inputs:
        data = surface.make(random.Random(f"{seed} {report['inputs']}"))
        (folder / "current").write_bytes(data)
        begin, error = time.process_time(), ""
        report["inputs"] += 1
        try:
            surface.read(data, scratch)
            report["read"] += 1
        except surface.errors as refused:
            report["refused"] += 1
            steering = any(unicodedata.category(one) in ("Cc", "Cs") for one in str(refused).replace("\n", ""))
            error = f"unprintable: {refused!r}" if steering else ""
        except BaseException as undocumented:
            error = "".join(traceback.format_exception(type(undocumented), undocumented, undocumented.__traceback__))
        if time.process_time() - begin > SLOW_SECONDS:
            error = f"slow: {time.process_time() - begin:.0f} s"
        place = "".join(error.splitlines()[-3:])
        if error and place not in seen and len(seen) < 50:
            seen.add(place)
            report["undocumented"].append({"error": error[-3000:], "input": data.hex()})
        if report["inputs"] == FIRST:
            end = time.monotonic() + seconds
        if error or time.monotonic() - told > 0.5:
            told = time.monotonic()
            _write(folder / "report", report)
    _write(folder / "report", report)


def _write(path: Path, report: Dict[str, Any]) -> None:
    """Whole or not at all: the process may die at any input."""
    path.with_suffix(".new").write_text(json.dumps(report))
    os.replace(path.with_suffix(".new"), path)


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))


if __name__ == "__main__":
    raise SystemExit(main())
