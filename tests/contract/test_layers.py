"""Who may import whom: the rooms of the package form layers, so that each can be read, tested and used alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ppocr

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ppocr"

LEAVES = {"errors", "parse"}  # which every room may import

# Room → the rooms it may import, besides itself and the leaves. A dotted name allows that part of a room alone.
ALLOWED = {
    "errors": set(),
    "parse": set(),
    "signature": set(),
    "import_path": set(),
    "registry": {"signature", "import_path"},
    "config": {"registry"},
    "ops": set(),
    "utils": {"config", "ops"},
    "data": {"registry", "ops", "utils"},
    "postprocess": {"ops"},
    "metrics": {"ops"},
    "modeling": {"registry", "utils"},
    "losses": {"registry"},
    "optimizer": {"registry"},
    "slim": {"registry", "utils"},
    "infer": {"config", "registry", "ops", "utils", "data.transforms", "postprocess"},
    "engine": {
        "config", "registry", "ops", "utils", "data", "postprocess", "metrics", "modeling", "losses", "optimizer",
        "slim", "infer",
    },
    "export": {"config", "registry", "ops", "utils", "data", "postprocess", "modeling", "slim", "infer", "engine"},
    "slim.commands": {"config", "ops", "utils", "slim", "infer", "engine", "export"},
    "official": {"config", "registry", "ops", "utils", "modeling", "infer", "engine", "export"},
    "ablation": {"config", "registry", "signature", "utils", "slim", "infer", "engine", "export"},
    "cli": {
        "config", "registry", "ops", "utils", "data", "metrics", "infer", "engine", "export", "official",
        "slim.commands", "serve", "bench", "ablation", "batch",
    },
    "batch": {"infer", "utils"},
    "bench": {"infer"},
    "serve": {"infer"},
    "paddleocr": {"registry", "ops", "infer"},
    "ocrmypdf": {"ops", "infer"},
    "tools": {
        "config", "ops", "utils", "data", "metrics", "slim", "bench", "cli", "engine", "export", "infer",
        "official", "ablation", *ppocr.__all__,
    },
}  # fmt: skip


def rooms_imported(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Modules of ours that a file imports anywhere in it (`"ops.boxes"`), functions and type checking included."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*parents, *([base] if base else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return {name[len("ppocr.") :] for name in found if name.startswith("ppocr.")}


def is_allowed(imported: str, room: str) -> bool:
    if imported.startswith("__"):  # ppocr.__version__
        return True
    allowed = {room, *LEAVES, *ALLOWED[room]}
    home = room_of(imported)
    if "." in home:  # a part with rules of its own is open to those that name it
        return home in allowed
    return any(imported == other or imported.startswith(other + ".") for other in allowed)


def room_of(module: str) -> str:
    """The entry of `ALLOWED` that a module of ours belongs to: the longest, since a part of a room may have its own."""
    homes = [room for room in ALLOWED if (module + ".").startswith(room + ".")]
    return max(homes, key=len, default=module.split(".")[0])


def files():
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.parent == PACKAGE and path.stem in ("__init__", "__main__"):
            continue  # the public API: lazy, and checked by its own test
        yield pytest.param(path, module, room_of(module[len("ppocr.") :]), id=module)
    for path in sorted((ROOT / "tools").rglob("*.py")):
        yield pytest.param(path, f"tools.{path.stem}", "tools", id=str(path.relative_to(ROOT)))


@pytest.mark.parametrize(("path", "module", "room"), files())
def test_imports_stay_within_the_layers(path, module, room):
    assert room in ALLOWED, f"{path} opens a new room: say in this test what it may import"
    imported = rooms_imported(
        path.read_text(encoding="utf-8"), module.removesuffix(".__init__"), is_package=path.stem == "__init__"
    )
    wrong = sorted(name for name in imported if not is_allowed(name, room))
    assert not wrong, (
        f"{module} imports {', '.join(wrong)}; {room} may import {sorted(ALLOWED[room]) or 'nothing of ours'}"
    )


def test_layers_have_no_cycle():
    def below(room: str, seen: tuple[str, ...] = ()) -> set[str]:
        assert room not in seen, f"cycle: {' → '.join((*seen, room))}"
        direct = {other.split(".")[0] for other in ALLOWED[room]}
        return direct.union(*(below(other, (*seen, room)) for other in direct))

    assert "engine" not in below("infer")
    assert "modeling" not in below("infer")


def test_the_check_sees_every_form_of_import():
    source = """
import ppocr.modeling.model as m
from ppocr.ops import boxes
from .. import engine
from ..infer.det import TextDetector
from . import layers
def lazily():
    from ppocr.config import Config
import numpy
"""
    absolute = {"modeling.model", "ops.boxes", "config.Config"}
    assert rooms_imported(source, "ppocr.modeling.model") == {
        *absolute, "engine", "infer.det.TextDetector", "modeling.layers",
    }  # fmt: skip
    assert rooms_imported(source, "ppocr.modeling", is_package=True) == {
        *absolute, "engine", "infer.det.TextDetector", "modeling.layers",
    }  # fmt: skip
