"""Put a server under load and compare it with `ppocr ocr` on the same pages, by turns.

    python tools/benchmark/serve_load.py PICTURE … --models slim --clients 1 8 32 320 --turns 3

Starts `ppocr serve` on a free port of this machine; clients send one picture after another over connections that stay
open. A 503 is an answer, too: the client waits as long as it says and asks again, which counts as one more request. A
request without an answer is lost. Prints pages per second, the median and 95th percentile of the answers' time, the
memory of the server with its processes (proportional set size) after each round, and processor seconds a page.

After each round the command reads as many of the same pages; the ratios are of pages per second, and of processor
seconds, which other work on the machine disturbs less. The command's time to load its models is left out: it is what
the command takes for blank pictures, one for each worker.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np

SECONDS = 600.0  # that an answer may take
PPOCR = [sys.executable, "-c", "from ppocr.cli.main import main; raise SystemExit(main())"]


@dataclass
class Round:
    """What the clients of one round saw."""

    seconds: List[float] = field(default_factory=list)
    refused: int = 0
    failed: List[str] = field(default_factory=list)
    lost: List[str] = field(default_factory=list)


def client(port: int, pictures: Iterator[bytes], lock: threading.Lock, seen: Round) -> None:
    """Send pictures until there are no more."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    while True:
        with lock:
            picture = next(pictures, None)
        if picture is None:
            return connection.close()
        begin = time.perf_counter()
        while True:
            try:
                status, wait, body = _ask(connection, picture)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with lock:
                    seen.lost.append(f"{type(error).__name__}: {error}")
                break
            if status != 503:
                with lock:
                    seen.seconds.append(time.perf_counter() - begin)
                    if status != 200:
                        seen.failed.append(f"{status}: {body[:100]!r}")
                break
            with lock:
                seen.refused += 1
            time.sleep(wait)


def _ask(connection: http.client.HTTPConnection, picture: bytes) -> Tuple[int, float, bytes]:
    connection.request("POST", "/ocr", picture, {"Content-Type": "application/octet-stream"})
    answer = connection.getresponse()
    return answer.status, float(answer.headers.get("Retry-After") or 0), answer.read()


def run_round(port: int, pictures: Sequence[bytes], clients: int, requests: int) -> Tuple[Round, float]:
    """The answers to so many requests, and how long they took together."""
    source, lock, seen = itertools.islice(itertools.cycle(pictures), requests), threading.Lock(), Round()
    threads = [threading.Thread(target=client, args=(port, source, lock, seen)) for _ in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen, time.perf_counter() - begin


def start_server(args: argparse.Namespace) -> Tuple[subprocess.Popen[str], int]:
    """A server that listens, and its port."""
    command = [*PPOCR, "serve", "--port", "0", "--workers", str(args.workers), *_model_flags(args)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "listening at" in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()  # or it stands still at a full pipe
            return process, int(line.rpartition(":")[2])
    raise SystemExit("the server did not start")


def run_command(args: argparse.Namespace, paths: Sequence[str]) -> Tuple[float, float]:
    """Seconds and processor seconds of `ppocr ocr`."""
    command = [*PPOCR, "ocr", *paths, "--format", "jsonl", "--workers", str(args.workers), *_model_flags(args)]
    begin, before = time.perf_counter(), _children_seconds()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin, _children_seconds() - before


def command_costs(args: argparse.Namespace, paths: Sequence[str], pages: int) -> Tuple[float, float]:
    """Seconds and processor seconds of a page, without loading the models."""
    with tempfile.TemporaryDirectory() as folder:
        blank = str(Path(folder) / "blank.png")
        cv2.imwrite(blank, np.zeros((32, 32, 3), np.uint8))
        loading = run_command(args, [blank] * args.workers)
    reading = run_command(args, list(itertools.islice(itertools.cycle(paths), pages)))
    return (reading[0] - loading[0]) / pages, (reading[1] - loading[1]) / pages


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _model_flags(args: argparse.Namespace) -> List[str]:
    return ["--models", args.models, "--engine", args.engine]


def _line(seen: Round, seconds: float) -> str:
    times = sorted(seen.seconds) or [0.0]
    rate, slow = len(seen.seconds) / seconds, times[int(0.95 * (len(times) - 1))]
    return (
        f"{rate:.2f} pages/s, median {statistics.median(times):.2f} s, p95 {slow:.2f} s, "
        f"{seen.refused} refused and asked again, {len(seen.failed)} failed, {len(seen.lost)} lost"
    )


def processes(pid: int) -> List[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:  # it grows meanwhile
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def memory_mb(pid: int) -> float:
    """Proportional set size of a process and all below it."""
    total = 0
    for process in processes(pid):
        with contextlib.suppress(OSError, StopIteration):
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def processor_seconds(pid: int) -> Tuple[float, float]:
    """Of a process, and of all below it."""
    running = []
    for process in processes(pid):
        with contextlib.suppress(OSError):
            times = [(task / "schedstat").read_text().split() for task in Path(f"/proc/{process}/task").iterdir()]
            running.append(sum(int(fields[0]) for fields in times) / 1e9)
    return running[0], sum(running[1:])


def main(argv: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--models", default="slim")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 320])
    parser.add_argument("--requests", type=int, default=200, help="of each round")
    parser.add_argument("--turns", type=int, default=1, help="rounds with each number of clients")
    parser.add_argument("--no-command", action="store_true", help="leave out the comparison with ppocr ocr")
    args = parser.parse_args(argv)
    pictures = [Path(path).read_bytes() for path in args.pictures]
    process, port = start_server(args)
    ratios: Dict[int, List[Tuple[float, float]]] = {clients: [] for clients in args.clients}
    try:
        run_round(port, pictures, args.workers, 4 * args.workers)  # models and buffers get warm
        for _, clients in itertools.product(range(args.turns), args.clients):
            before = processor_seconds(process.pid)
            seen, seconds = run_round(port, pictures, clients, args.requests)
            own, workers = ((b - a) / args.requests for a, b in zip(before, processor_seconds(process.pid)))
            print(f"{clients} clients: {_line(seen, seconds)}, {memory_mb(process.pid):.0f} MB,", end=" ")
            print(f"processor {own * 1e3:.1f} + {workers * 1e3:.1f} ms a page", flush=True)
            for line in (*seen.failed[:3], *seen.lost[:3]):
                print(f"  {line}")
            if not args.no_command:
                wall, processor = command_costs(args, args.pictures, args.requests)
                ratios[clients].append((wall * len(seen.seconds) / seconds, processor / (own + workers)))
                print(f"  ppocr ocr: {1 / wall:.2f} pages/s, processor {processor * 1e3:.1f} ms a page;", end=" ")
                print("ratio {:.2f}, of processor seconds {:.2f}".format(*ratios[clients][-1]), flush=True)
    finally:
        process.terminate()
        print(f"SIGTERM: exit status {process.wait(120)}")
    for clients, found in ratios.items():
        for kind, values in zip(("pages/s", "processor"), zip(*found)):
            low, middle, high = min(values), statistics.median(values), max(values)
            print(f"{clients} clients, server / command, {kind}: median {middle:.2f} ({low:.2f} … {high:.2f})")


if __name__ == "__main__":
    main()
