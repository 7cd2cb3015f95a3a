"""Classes named by where they are: `my_package.my_module:MyNet`.

A configuration can so use what this package has never heard of. To import a module is to run it, so only names with a
colon do that, and only those that a configuration has where a component's name stands; nothing that a model directory
says is ever imported.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

_FORM = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_import_path(name: Any) -> bool:
    """Whether a name is meant as a place, rightly written or not."""
    return isinstance(name, str) and ":" in name


def load(path: str) -> Any:
    """What stands at `package.module:Name`.

    Modules are looked for where Python looks, then in the working directory. That one stays in `sys.path` if it was
    needed: worker processes must find the module too.

    Raises:
        ImportError: in one sentence, what is missing or what went wrong while the module was run.
    """
    if not _FORM.fullmatch(path):
        raise ImportError("expected package.module:Name")
    name, _, attribute = path.partition(":")
    module = _import(name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        classes = [key for key, value in vars(module).items() if inspect.isclass(value) and value.__module__ == name]
        near = difflib.get_close_matches(attribute, classes, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; it defines {', '.join(classes) or 'no class'}"
        raise ImportError(f"the module {name} ({module.__file__}) has no {attribute!r}{hint}") from None


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever running the module raises
        if not _is_missing(name, error):
            raise ImportError(f"importing {name} failed: {_in_one_line(error)}") from error
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
        importlib.invalidate_caches()
        return _import(name)
    raise ImportError(f"there is no module {name}, neither installed nor in {here}")


def _is_missing(name: str, error: Exception) -> bool:
    """Whether it is the module itself, or a package it lies in, that was not found, and not what it imports."""
    return isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")


def _in_one_line(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else ""
    return f"{type(error).__name__}: {error}{place}"
