"""Say what is installed, whether the models are whole, and whether each engine reads: what a bug report needs.

Nothing is fetched or changed. The exit status is 1 if something is wrong; engines that are not installed are not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from pathlib import Path
from typing import Iterator

from ppocr.cli.diagnosis import Diagnosis, diagnose
from ppocr.infer.model_dir import DEFAULT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument(
        "--models", metavar="FAMILY", default=DEFAULT,
        help="family that the engines read with (default: slim, which is in the package)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    diagnosis = diagnose(args.models)
    if args.json:
        print(json.dumps(dataclasses.asdict(diagnosis), indent=1))
    else:
        print("\n".join(lines_of(diagnosis)).replace(str(Path.home()) + os.sep, f"~{os.sep}"))
    return 1 if diagnosis.problems else 0


def lines_of(diagnosis: Diagnosis) -> Iterator[str]:
    """The report as people read it."""
    yield "versions"
    yield "  " + ", ".join(f"{name} {version}" for name, version in diagnosis.versions.items() if version)
    about = diagnosis.system
    yield "system"
    yield f"  {about['system']}"
    features = about["features"]
    told = "features unknown" if features is None else " ".join(map(str, features)) or "none of the features"  # type: ignore[call-overload]
    yield f"  {about['processor']}: {told}; {about['cores_to_use']} of {about['cores']} cores"
    memory, free, disk = (_megabytes(about[f"{name}_bytes"]) for name in ("memory", "free_memory", "free_disk"))
    yield f"  memory {memory}, free {free}; free disk {disk}"
    yield "models"
    for model in diagnosis.models:
        whole = f"whole, {model.hashes} hashes" if model.hashes else "whole (no hashes: sizes and shapes checked)"
        yield f"  {model.name}: {_megabytes(model.bytes)}, {model.problem or whole}"
    yield "caches"
    for cache in diagnosis.caches:
        yield f"  {cache.path}: {cache.files} files, {_megabytes(cache.bytes)}"
    yield "engines"
    for trial in diagnosis.engines:
        read = f"ok, read {trial.text!r} in {trial.page_ms:.0f} ms ({trial.total_ms:.0f} ms with start-up)"
        yield f"  {trial.engine}: {trial.problem or (read if trial.state == 'ok' else trial.state)}"
    yield "problems" if diagnosis.problems else "nothing is wrong"
    for problem in diagnosis.problems:
        yield f"  {problem}"


def _megabytes(count: object) -> str:
    return f"{count / 1e6:,.1f} MB" if isinstance(count, int) else "unknown"
