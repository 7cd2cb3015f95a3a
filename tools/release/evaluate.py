"""How well recognisers read the held-out lines of each set, as they were cut out by their labels.

    python tools/release/evaluate.py --work ~/.cache/ppocr-release tiny small ~/.cache/ppocr-release/export
    python tools/release/evaluate.py --work … --split pick --limit 300 tiny

For each set and recogniser: lines read without a mistake, spaces counting and not; 1 − edits / characters, spaces
counting; F of the words. Prints Markdown. Lines with characters outside the dictionary are not among them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

from recipe import entries

from ppocr.infer.options import OCROptions
from ppocr.infer.recognizer import TextRecognizer
from ppocr.metrics.score import Score
from ppocr.metrics.text import EXACT, TextRules, bag_of_words, score_lines
from ppocr.ops.images import decode_image

SPACELESS = TextRules(ignore_width=False, ignore_case=False, ignore_spaces=True)
SPACELESS_SETS = ("wildreceipt",)  # their labels have none: words cannot be compared

UPPER_SETS = ("sroie",)  # their labels are in capitals, whatever the picture shows


class Figures(NamedTuple):
    lines: int
    exact: float
    exact_spaceless: float
    characters: float
    words: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="families or model directories of recognisers")
    parser.add_argument("--work", required=True, type=Path, metavar="DIR", help="of make.py")
    parser.add_argument("--split", default="dev", help="dev or pick (default: dev)")
    parser.add_argument("--limit", type=int, default=800, metavar="N", help="lines of a set, chosen by hash (800)")
    parser.add_argument("--sets", nargs="*", metavar="SET", help="these alone")
    parser.add_argument("--engine", default="onnxruntime")
    args = parser.parse_args()
    sets = held_out(args.work, args.split, args.limit)
    sets = {name: lines for name, lines in sets.items() if not args.sets or name in args.sets}
    results = {model: {name: scores(model, lines, args) for name, lines in sets.items()} for model in args.models}
    print(table(results))
    return 0


def held_out(work: Path, split: str, limit: int) -> Dict[str, List[Tuple[Path, str]]]:
    """Set → (picture, text) of its lines."""
    found = {}
    for path in sorted((work / "lines").glob(f"*/{split}.txt")):
        lines = sorted(entries(path), key=lambda line: _shuffled(line[0]))[:limit]
        found[path.parent.name] = [(path.parent / name, text) for name, text in lines]
    return found


def _shuffled(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def scores(model: str, lines: Sequence[Tuple[Path, str]], args: argparse.Namespace) -> Figures:
    """What a recogniser makes of a set."""
    readings = read(model, [path for path, _ in lines], args.engine)
    pairs = [(text, reading) for (_, text), reading in zip(lines, readings)]
    if lines[0][0].parents[1].name in UPPER_SETS:
        pairs = [(text.upper(), reading.upper()) for text, reading in pairs]
    exact, spaceless = score_lines(pairs, EXACT), score_lines(pairs, SPACELESS)
    words = sum((bag_of_words([truth], [reading], EXACT) for truth, reading in pairs), Score())
    return Figures(len(lines), exact.accuracy, spaceless.accuracy, 1 - exact.character_error_rate, words.f)


def read(model: str, paths: Sequence[Path], engine: str) -> List[str]:
    """The texts of pictures; what was read before with the same model is remembered."""
    known: Dict[str, str] = {}
    path = Path(model)
    memory = None if path.is_dir() else paths[0].parents[2].parent / f"read-{model}-{engine}.json"
    if memory is not None and memory.exists():
        known = json.loads(memory.read_text(encoding="utf-8"))
    missing = [path for path in paths if str(path) not in known]
    if missing:
        recognizer = _recognizer(model, engine)
        crops = [next(decode_image(path.read_bytes(), str(path))) for path in missing]
        known.update((str(path), text) for path, (text, _) in zip(missing, recognizer(crops)))
        if memory is not None:
            memory.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
    return [known[str(path)] for path in paths]


_OPEN: Dict[str, TextRecognizer] = {}


def _recognizer(model: str, engine: str) -> TextRecognizer:
    if model not in _OPEN:
        _OPEN[model] = TextRecognizer(OCROptions(rec=model, engine=engine, threads=1))
    return _OPEN[model]


def table(results: Dict[str, Dict[str, Figures]]) -> str:
    """A row a set, a column a recogniser: exact / without spaces / characters / words."""
    names = list(results)
    rows = ["| set | lines | " + " | ".join(Path(name).name for name in names) + " |", "|---" * (len(names) + 2) + "|"]
    for name in results[names[0]]:
        cells = [cell(results[model][name], name) for model in names]
        rows.append(f"| {name} | {results[names[0]][name].lines} | {' | '.join(cells)} |")
    return "\n".join(rows)


def cell(figures: Figures, name: str) -> str:
    if name in SPACELESS_SETS:
        return f"– / {figures.exact_spaceless:.3f} / – / –"
    return f"{figures.exact:.3f} / {figures.exact_spaceless:.3f} / {figures.characters:.3f} / {figures.words:.3f}"


if __name__ == "__main__":
    sys.exit(main())
