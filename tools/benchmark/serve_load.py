"""Put a server under load and compare it with `ppocr ocr` on the same pages.

    python tools/benchmark/serve_load.py PICTURE … --models tiny --workers 2 --clients 1 8 32 320 --requests 400

Starts `ppocr serve` on a free port of this machine; clients send one picture after another over connections that stay
open. A 503 is an answer, too: the client waits as long as it says and asks again, which counts as one more request. A
request without an answer is lost. Prints pages per second, the median and 95th percentile of the answers' time, and the
memory of the server with its processes (proportional set size) after each round.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

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


def command_rate(args: argparse.Namespace, paths: Sequence[str], pages: int) -> float:
    """Pages per second of `ppocr ocr`, from the first result on, which leaves out loading the models."""
    files = list(itertools.islice(itertools.cycle(paths), pages + 1))
    command = [*PPOCR, "ocr", *files, "--format", "jsonl", "--workers", str(args.workers), *_model_flags(args)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    begin = time.perf_counter()
    count = sum(1 for _ in process.stdout)
    return count / (time.perf_counter() - begin)


def _model_flags(args: argparse.Namespace) -> List[str]:
    return ["--models", args.models, "--engine", args.engine]


def _line(seen: Round, seconds: float) -> str:
    times = sorted(seen.seconds) or [0.0]
    rate, slow = len(seen.seconds) / seconds, times[int(0.95 * (len(times) - 1))]
    return (
        f"{rate:.2f} pages/s, median {statistics.median(times):.2f} s, p95 {slow:.2f} s, "
        f"{seen.refused} refused and asked again, {len(seen.failed)} failed, {len(seen.lost)} lost"
    )


def memory_mb(pid: int) -> float:
    """Proportional set size of a process and all below it."""
    total, waiting = 0, [pid]
    while waiting:
        current = waiting.pop()
        try:
            rollup = Path(f"/proc/{current}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            for task in Path(f"/proc/{current}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, StopIteration):
            continue
    return total / 1024


def main(argv: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--models", default="tiny")
    parser.add_argument("--engine", default="paddle")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 320])
    parser.add_argument("--requests", type=int, default=200, help="of each round")
    parser.add_argument("--no-command", action="store_true", help="leave out the comparison with ppocr ocr")
    args = parser.parse_args(argv)
    pictures = [Path(path).read_bytes() for path in args.pictures]
    process, port = start_server(args)
    try:
        run_round(port, pictures, args.workers, 4 * args.workers)  # models and buffers get warm
        for clients in args.clients:
            seen, seconds = run_round(port, pictures, clients, args.requests)
            sys.stdout.write(f"{clients} clients: {_line(seen, seconds)}, {memory_mb(process.pid):.0f} MB\n")
            for line in (*seen.failed[:3], *seen.lost[:3]):
                sys.stdout.write(f"  {line}\n")
            sys.stdout.flush()
    finally:
        process.terminate()
        sys.stdout.write(f"SIGTERM: exit status {process.wait(120)}\n")
    if not args.no_command:
        rate = command_rate(args, args.pictures, args.requests)
        sys.stdout.write(f"ppocr ocr --workers {args.workers}: {rate:.2f} pages/s\n")


if __name__ == "__main__":
    main()
