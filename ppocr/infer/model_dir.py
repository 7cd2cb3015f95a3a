"""Model directories: where they are, what is in them, and what they say of their own pre- and post-processing."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, List, Literal, Mapping, Optional, Tuple

from ppocr.config import read_yaml, thaw
from ppocr.errors import ConfigError, ModelError
from ppocr.infer.integrity import check_files
from ppocr.registry import POSTPROCESSES, TRANSFORMS
from ppocr.utils.atomic import recover_directories, recover_directory
from ppocr.utils.cache import cache_folder

Kind = Literal["det", "cls", "rec"]
PARAMS = "inference.pdiparams"
ONNX = "inference.onnx"  # graph and weights in one, for the ONNX engines
ONNX_GRAPH = ".graph.onnx"  # suffix in the place of .json: the same program as ONNX, its weights in inference.pdiparams
PROGRAMS = ("inference.json", "inference.pdmodel")  # today's Paddle writes the first, PP-OCR v1-v4 came as the second
DEFAULT = "default"  # in the place of a family: the first of these that is there, else whichever was fetched
PREFERRED = ("slim", "tiny", "mobile", "small")
SHIPPED = Path(__file__).resolve().parents[1] / "models"  # families that the package brings
LOGITS = "inference.logits.json"  # the same graph up to the last softmax, over the same weights; our exports have it
SPEC = "inference.yml"
ATTEMPTS = 5  # to look into a directory while it is being replaced


def cache_root() -> Path:
    """Where fetched models live: `models/` in this package's cache folder."""
    return cache_folder() / "models"


def resolve_model(name: str, kind: Kind) -> Path:
    """The directory of a model: a path as it is, or a family's part; "default" is the first of `PREFERRED` there is.

    A family in the cache is taken rather than one of its name in the package.

    Raises:
        ModelError: neither exists; says how to get it.
    """
    path = Path(name).expanduser()
    recover_directory(path)
    if path.is_dir():
        return path
    recover_directories(cache_root())
    families = families_with(kind)
    for family in families[:1] if name == DEFAULT else [name]:
        for root in family_roots():
            if (root / family / kind).is_dir():
                return root / family / kind
    if name == DEFAULT:  # only where a package leaves out the models that ours brings
        raise ModelError(f"no models have been fetched yet: ppocr models fetch {PREFERRED[1]}")
    if os.sep in name or "/" in name:
        raise ModelError(f"{name}: no such model directory")
    there = f" (there are {', '.join(families)})" if families else ""
    raise ModelError(
        f"{name}: no such model directory, and no family of this name{there}: ppocr models fetch {name}"
    )


def family_roots() -> Tuple[Path, Path]:
    """Where families are looked for: in the cache, then in the package."""
    return cache_root(), SHIPPED


def families_with(kind: Kind) -> list[str]:
    """The families that have this network, fetched or in the package, best first."""
    found = {path.name for root in family_roots() if root.is_dir() for path in root.iterdir() if (path / kind).is_dir()}
    others = sorted(name for name in found.difference(PREFERRED) if not name.startswith("."))  # half-written ones hide
    return [*(name for name in PREFERRED if name in found), *others]


@dataclass(frozen=True)
class ModelDir:
    """An inference model on disk.

    Attributes:
        path: the directory.
        program, params: graph and weights; both are `inference.onnx` in a directory that has no Paddle files.
        logits: graph that stops before the softmax over the classes, where there is one.
        spec: contents of `inference.yml`; empty for a directory without it.
        hashed: names of the files that have the hash with which they were written.
        state: of the files when they were checked; see `is_current`.
    """

    path: Path
    program: Path
    params: Path
    logits: Optional[Path]
    spec: Mapping[str, Any] = field(repr=False)
    hashed: Tuple[str, ...] = field(repr=False, default=())
    state: Tuple[Any, ...] = field(repr=False, default=())

    @classmethod
    def open(cls, path: Path) -> ModelDir:
        """Look into a directory and check that its files are those that were written.

        Raises:
            ModelError: a file is missing or damaged.
            ConfigError: `inference.yml` is not YAML.
        """
        for _ in range(ATTEMPTS):
            before = _state(path)
            try:
                model = cls._open(path, before)
            except (ModelError, ConfigError):
                if _state(path) == before:
                    raise
            else:
                if model.is_current():
                    return model
        raise ModelError(f"{path}: is being replaced all the time; try again")

    @classmethod
    def _open(cls, path: Path, state: Tuple[Any, ...]) -> ModelDir:
        program = next((path / name for name in PROGRAMS if (path / name).is_file()), None)
        if program is None and not (path / PARAMS).is_file() and (path / ONNX).is_file():
            hashed = check_files(path, path / SPEC, [], path / ONNX)
            spec = read_yaml(path / SPEC) if (path / SPEC).is_file() else {}
            return cls(path, path / ONNX, path / ONNX, None, spec, hashed, state)
        if program is None or not (path / PARAMS).is_file():
            held = ", ".join(sorted(item.name for item in path.iterdir())[:8]) or "nothing"
            raise ModelError(f"{path}: not a model directory: needs {' or '.join(PROGRAMS)} and {PARAMS}, holds {held}")
        logits = path / LOGITS if (path / LOGITS).is_file() else None
        hashed = check_files(path, path / SPEC, [program, *([logits] if logits else [])], path / PARAMS)
        spec = read_yaml(path / SPEC) if (path / SPEC).is_file() else {}
        return cls(path, program, path / PARAMS, logits, spec, hashed, state)

    def is_current(self) -> bool:
        """Whether the files are still those that were checked, and not others that took their place."""
        return _state(self.path) == self.state

    def section(self, name: str) -> Mapping[str, Any]:
        """A part of `inference.yml` that is a mapping; empty where there is none.

        Raises:
            ConfigError: it is something else.
        """
        return _mapping(self.spec.get(name), f"{self.path / SPEC}: {name}")

    def transform(self, name: str, default: Optional[Mapping[str, Any]], **overrides: Any) -> Any:
        """Build one step of `PreProcess.transform_ops`.

        Args:
            name: of the transform.
            default: its settings where the directory does not say; None if it must say or be overridden.
            overrides: settings that replace the directory's, unless None.

        Raises:
            ModelError: the directory does not say and there is no default.
            ConfigError: unknown or wrong settings.
        """
        where = f"{self.path / SPEC}: PreProcess"
        steps = self.section("PreProcess").get("transform_ops") or []
        if not isinstance(steps, (list, tuple)) or not all(isinstance(step, Mapping) for step in steps):
            raise ConfigError([f"{where}.transform_ops: expected a list of mappings, came {steps!r}"])
        found = next((_mapping(step[name], f"{where}.{name}") for step in steps if name in step), default)
        settings = {**(found or {}), **_given(overrides)}
        if found is None and not settings:
            raise ModelError(f"{self.path}: no {SPEC} says {name}: give it as an option")
        return TRANSFORMS.build_named(name, settings, f"{self.path / SPEC}: PreProcess.{name}")

    def postprocess(self, name: str, **overrides: Any) -> Any:
        """Build `PostProcess`, with `overrides` that are not None replacing the directory's settings.

        Raises:
            ModelError: the directory holds a model for another task.
            ConfigError: unknown or wrong settings.
        """
        where = f"{self.path / SPEC}: PostProcess"
        settings = thaw(self.section("PostProcess") or {"name": name})
        if settings.get("name") != name:
            raise ModelError(f"{where}: expected {name}, came {settings.get('name')!r}: a model for another task?")
        return POSTPROCESSES.build({**settings, **_given(overrides)}, where)


def open_model(name: str, kind: Kind) -> ModelDir:
    """`resolve_model`, then `ModelDir.open`; a broken `inference.yml` is a ModelError too."""
    path = resolve_model(name, kind)
    try:
        return ModelDir.open(path)
    except ConfigError as error:
        raise ModelError(error.problems) from error


def _state(path: Path) -> Tuple[Any, ...]:
    """Changes when the directory or one of its model's files is replaced or written."""
    found: List[Any] = []
    with contextlib.suppress(OSError):
        found.append(path.stat().st_ino)
    for name in (*PROGRAMS, PARAMS, LOGITS, ONNX, SPEC):
        with contextlib.suppress(OSError):
            entry = (path / name).stat()
            found.append((name, entry.st_ino, entry.st_size, entry.st_mtime_ns))
    return tuple(found)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    """The mapping itself; an empty one in the place of nothing."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError([f"{where}: expected a mapping, came {value!r}"])
    return value


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}
