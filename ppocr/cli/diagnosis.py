"""What `ppocr doctor` finds out: versions, processor, models and their hashes, caches, and whether engines read."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import cv2
import numpy as np

from ppocr import __version__
from ppocr.errors import ConfigError, ModelError
from ppocr.infer.model_dir import DEFAULT, ModelDir, cache_root, family_roots
from ppocr.infer.runtimes.create import ENGINES
from ppocr.utils.atomic import recover_directories
from ppocr.utils.cache import cache_folder
from ppocr.utils.cpu import available_cores, processor

PACKAGES = (
    "paddlepaddle", "paddlepaddle-gpu", "numpy", "opencv-python-headless", "opencv-python", "opencv-contrib-python",
    "pillow", "pypdfium2", "pyyaml", "onnxruntime", "openvino", "paddle2onnx", "onnx", "paddleslim", "lmdb",
)  # fmt: skip
FEATURES = {  # what we call them → the names that Linux has for them
    "avx2": ("avx2",), "avx512": ("avx512f",), "vnni": ("avx512_vnni", "avx_vnni"),
    "bf16": ("avx512_bf16", "bf16"), "amx": ("amx_tile",),
}  # fmt: skip
TEXT = "Check 2580"
TRIAL_SECONDS = 300.0  # a model that an engine sees for the first time is converted and compared


@dataclass(frozen=True)
class ModelState:
    """A model directory, fetched or shipped. `problem` is empty if it is whole; `hashes`: files whose hash is known."""

    name: str
    bytes: int
    hashes: int
    problem: str = ""


@dataclass(frozen=True)
class Cache:
    """A folder of what can be made or fetched again."""

    path: str
    files: int
    bytes: int


@dataclass(frozen=True)
class Trial:
    """What an engine made of a drawn picture.

    Attributes:
        engine: its name.
        state: `ok`, `not installed` or `failed`.
        text: what was read.
        page_ms, total_ms: milliseconds for the page, and for the whole command.
        problem: why it failed.
    """

    engine: str
    state: str
    text: str = ""
    page_ms: float = 0.0
    total_ms: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All of it; `problems` is what makes the command fail."""

    versions: Dict[str, Optional[str]]
    system: Dict[str, object]
    models: List[ModelState]
    caches: List[Cache]
    engines: List[Trial]
    problems: List[str] = field(default_factory=list)


def diagnose(models: str = DEFAULT) -> Diagnosis:
    """Look at everything, and let each installed engine read a drawn picture with a family of models."""
    states = model_states()
    problems = [state.problem for state in states if state.problem]
    if not states:
        problems.append("no models have been fetched yet: ppocr models fetch tiny")
    trials = [try_engine(engine, models) for engine in ENGINES] if states else []
    problems += [f"engine {trial.engine}: {trial.problem}" for trial in trials if trial.problem]
    return Diagnosis(versions(), system(), states, caches(), trials, problems)


def versions() -> Dict[str, Optional[str]]:
    """Package → version, None where it is not installed."""
    found: Dict[str, Optional[str]] = {"ppocr": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def system() -> Dict[str, object]:
    """Operating system, processor, memory and free disk; None for what this system does not tell."""
    model, flags = processor()
    total, free = _memory()
    folder = next(path for path in (cache_folder(), *cache_folder().parents) if path.exists())
    return {
        "system": platform.platform(),
        "processor": model,
        "features": None if flags is None else [name for name, names in FEATURES.items() if flags & set(names)],
        "cores": os.cpu_count(),
        "cores_to_use": available_cores(),
        "memory_bytes": total,
        "free_memory_bytes": free,
        "free_disk_bytes": shutil.disk_usage(folder).free,
    }


def _memory() -> Tuple[Optional[int], Optional[int]]:
    """Bytes of memory in all, and those that programs could have."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return kilobytes["MemTotal"] * 1024, kilobytes["MemAvailable"] * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None, None


def model_states() -> List[ModelState]:
    """Every model in the cache and in the package, with all of its hashes checked."""
    recover_directories(cache_root())
    found = []
    for path in (path for root in family_roots() for path in sorted(root.glob("[!.]*/*"))):
        if path.is_dir():
            name = f"{path.parent.name}/{path.name}"
            try:
                found.append(ModelState(name, _size(path)[1], len(ModelDir.open(path).hashed)))
            except (ModelError, ConfigError, OSError) as error:
                found.append(ModelState(name, _size(path)[1], 0, str(error)))
    return found


def caches() -> List[Cache]:
    """The folders of the cache."""
    root = cache_folder()
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return [Cache(str(folder), *_size(folder)) for folder in folders]


def _size(folder: Path) -> Tuple[int, int]:
    """How many files there are in a folder, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def try_engine(engine: str, models: str = DEFAULT) -> Trial:
    """Read a drawn picture in a process of its own, as users do: an engine that crashes is told as well."""
    if importlib.util.find_spec(engine) is None:  # the packages are called as the engines are
        return Trial(engine, "not installed")
    with tempfile.TemporaryDirectory(prefix="ppocr-") as folder:
        picture = Path(folder) / "drawn.png"
        picture.write_bytes(cv2.imencode(".png", drawn_picture())[1].tobytes())
        command = [sys.executable, "-m", "ppocr", "ocr", str(picture), "--engine", engine, "--models", models]
        begin = time.perf_counter()
        try:
            done = subprocess.run(
                [*command, "--format", "jsonl"], capture_output=True, text=True, errors="replace",
                timeout=TRIAL_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return Trial(engine, "failed", problem=str(error))
    return _judge(engine, done, 1000 * (time.perf_counter() - begin))


def _judge(engine: str, done: subprocess.CompletedProcess, milliseconds: float) -> Trial:
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        ended = f"ended with status {done.returncode}" if done.returncode > 0 else f"died of signal {-done.returncode}"
        return Trial(engine, "failed", total_ms=milliseconds, problem=f"{ended}: {lines[-1]}")
    page = json.loads(done.stdout)
    text = " ".join(line["text"] for line in page["lines"])
    is_read = "".join(TEXT.split()).lower() in "".join(text.split()).lower()
    problem = "" if is_read else f"read {text!r} where {TEXT!r} is drawn"
    return Trial(engine, "ok" if is_read else "failed", text, 1000 * page["seconds"], milliseconds, problem)


def drawn_picture() -> np.ndarray:
    """`TEXT` in dark letters on light paper, uint8[H, W, 3], BGR."""
    picture = np.full((120, 420, 3), 235, np.uint8)
    cv2.putText(picture, TEXT, (30, 78), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (40, 30, 30), 3, cv2.LINE_AA)
    return picture
