"""Whether a program reads the same texts as `ppocr ocr`, and how fast it is beside it.

    python tools/benchmark/deployed.py PICTURES --models slim --turns 3 \\
        --command 'build/cpp/ppocr-cpp --models {models} --output {output} --threads 1'

The program gets the pictures at the end of its command, and writes one line of JSON a picture as `--format jsonl` does.
Turns: ours, theirs, ours, theirs … Each ratio is theirs / ours of one turn: time on the clock, start included, and
processor time, which other processes disturb less. Exits with 1 when fewer than `--least` of the lines are the same.
Both programs should decode and resize with the same version of OpenCV: others round the corners of some boxes
differently.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from ppocr.infer.io.sources import expand
from ppocr.infer.model_dir import resolve_model

OURS = f"{shlex.quote(sys.executable)} -m ppocr ocr --models {{family}} --format jsonl --output {{output}}"


def run(command: str, family: str, pictures: Sequence[str], output: Path) -> Tuple[float, float]:
    """Seconds on the clock and of processor time.

    Raises:
        subprocess.CalledProcessError: the program failed; an exit status of 1 says that a picture could not be read.
    """
    names = {"family": family, "models": str(resolve_model(family, "det").parent), "output": str(output)}
    parts = shlex.split(command.format(**{name: shlex.quote(value) for name, value in names.items()}))
    before, begin = os.times(), time.perf_counter()
    done = subprocess.run([*parts, *pictures], check=False)
    seconds, after = time.perf_counter() - begin, os.times()
    if done.returncode not in (0, 1):
        raise subprocess.CalledProcessError(done.returncode, parts)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, spent


def texts(path: Path) -> Dict[str, List[str]]:
    """File → its lines."""
    records = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {record["file"]: [line["text"] for line in record["lines"]] for record in records}


def same_lines(ours: Dict[str, List[str]], theirs: Dict[str, List[str]]) -> Tuple[int, int, List[str]]:
    """(lines that are the same in the same order, all lines, what differs); of two readings the longer one counts."""
    same, lines, differences = 0, 0, []
    for file in sorted({*ours, *theirs}):
        a, b = ours.get(file, []), theirs.get(file, [])
        matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
        same += sum(block.size for block in matcher.get_matching_blocks())
        lines += max(len(a), len(b))
        for kind, begin, end, first, last in matcher.get_opcodes():
            if kind != "equal":
                differences.append(f"{file}: {a[begin:end]} → {b[first:last]}")
    return same, lines, differences


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", help="files, folders or patterns")
    parser.add_argument(
        "--command", required=True, help="with {output} and {models}, the folder of the family {family}"
    )
    parser.add_argument("--ours", default=OURS, help=f"what it is compared with (default: {OURS})")
    parser.add_argument("--models", default="slim", metavar="FAMILY")
    parser.add_argument("--turns", type=int, default=1, metavar="N")
    parser.add_argument(
        "--least", type=float, default=0.999, metavar="X", help="of the lines are the same (default: 0.999)"
    )
    args = parser.parse_args(arguments)
    pictures = expand(args.pictures)
    clock, processor = [], []
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "ours.jsonl", Path(folder) / "theirs.jsonl"
        for turn in range(args.turns):
            ours, theirs = (run(c, args.models, pictures, o) for c, o in zip((args.ours, args.command), outputs))
            clock.append(theirs[0] / ours[0])
            processor.append(theirs[1] / ours[1])
            print(
                f"turn {turn + 1}: ours {ours[0]:.1f} s ({ours[1]:.1f} s of processor time), "
                f"theirs {theirs[0]:.1f} s ({theirs[1]:.1f} s)", flush=True,
            )  # fmt: skip
        same, lines, differences = same_lines(*map(texts, outputs))
    print("\n".join(differences))
    for name, ratios in (("clock", clock), ("processor", processor)):
        print(f"{name}: theirs / ours {statistics.median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f})")
    share = same / max(1, lines)
    print(f"{len(pictures)} pictures: {same} of {lines} lines are the same ({100 * share:.2f} %)")
    return 0 if share >= args.least else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
