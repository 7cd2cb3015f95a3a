"""Training of the recogniser with the lines that there are: starts, or goes on from where it was stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

from recipe import entries, logger, read_recipe, split_of, write_lines
from start import CONFIG

WORDS_OF_ONE_SET = 250  # lines of a set that choose checkpoints, at most


def train_recognizer(work: Path, more: Sequence[str] = ()) -> None:
    """Run `ppocr train`; `more` are further settings, `KEY.KEY=VALUE`."""
    shares = shares_of(work, read_recipe()["mix"])
    lists, ratios = [str(path) for path, _ in shares], [str(ratio) for _, ratio in shares]
    settings = [
        f"Global.pretrained_model={work / 'start' / 'rec.pdparams'}",
        f"Train.dataset.label_file_list=[{', '.join(lists)}]",
        f"Train.dataset.ratio_list=[{', '.join(ratios)}]",
        *more,
    ]
    logger.info("%d lists", len(lists))
    _run("train", work, ["--resume"], settings)


def export_recognizer(work: Path, weights: str = "latest") -> None:
    """Run `ppocr export`: the model directory of a checkpoint, `WORK/export/rec`."""
    _run(
        "export",
        work,
        ["--output", str(work / "export" / "rec")],
        [f"Global.pretrained_model={work / 'rec' / weights}"],
    )


def _run(command: str, work: Path, arguments: Sequence[str], settings: Sequence[str]) -> None:
    common = [
        f"Global.save_model_dir={work / 'rec'}",
        f"Eval.dataset.label_file_list=[{pick_list(work)}]",
        f"Eval.dataset.data_dir={work / 'lines'}",
    ]
    call = [sys.executable, "-m", "ppocr", command, "-c", CONFIG, *arguments, "-o", *common, *settings]
    done = subprocess.run(call, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def shares_of(work: Path, mix: Mapping[str, float]) -> List[Tuple[Path, float]]:
    """(list, share of it that an epoch sees), by `mix` and the name of its set; 2.5 times: it is there thrice."""
    shares: List[Tuple[Path, float]] = []
    for path in sorted((work / "lines").glob("**/train.txt")):
        share = mix.get(path.relative_to(work / "lines").parts[0], 1.0)
        shares += [(path, 1.0)] * int(share)
        shares += [(path, round(share % 1, 3))] if share % 1 else []
    return shares


def pick_list(work: Path) -> Path:
    """One list of all sets' lines that choose checkpoints, of each set at most so many, chosen by hash."""
    root, lines = work / "lines", []
    for path in sorted(root.glob("**/pick.txt")):
        folder = path.parent.relative_to(root)
        found: Dict[str, str] = {f"{folder}/{name}": text for name, text in entries(path)}
        share = min(1.0, WORDS_OF_ONE_SET / max(1, len(found)))
        lines += [
            f"{name}\t{text}\n" for name, text in found.items() if split_of(name, {"dev": share, "pick": 0}) == "dev"
        ]
    write_lines(work / "pick.txt", lines)
    return work / "pick.txt"
