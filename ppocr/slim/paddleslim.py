"""Importing PaddleSlim 2.6.0, its last release, from the time of Paddle 2.6. Its algorithms still work.

Its package imports others that neither pruning nor quantization uses (`zmq`, `pkg_resources`, …), and its metadata ask
for OpenCV 4.6. So it is installed without them (`ppocr.slim.install`), and empty modules stand in for those that are
missing while it is imported. It also calls `np.product`, gone in NumPy 2.

`tests/contract/test_slim_compat.py` fails when one of these is no longer so.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from typing import Any, Iterator

import numpy as np

from ppocr.errors import SlimError
from ppocr.slim.install import COMMAND, folder

UNUSED = (  # what PaddleSlim imports, and what neither FPGM nor QAT ever calls
    "zmq", "six", "requests", "decorator", "pkg_resources", "scipy", "scipy.stats", "matplotlib", "matplotlib.pyplot",
    "matplotlib.backends", "matplotlib.backends.backend_pdf", "tqdm", "sklearn", "sklearn.cluster",
)  # fmt: skip


def paddleslim(module: str) -> Any:
    """A module of PaddleSlim, e.g. `"dygraph.prune.fpgm_pruner"`.

    Raises:
        SlimError: PaddleSlim is not installed, or has no such module.
    """
    own = str(folder())
    if own not in sys.path:
        sys.path.append(own)  # at the end: a PaddleSlim installed elsewhere goes first
    if not hasattr(np, "product"):
        np.product = np.prod  # type: ignore[attr-defined]
    with _stand_ins():
        try:
            return importlib.import_module(f"paddleslim.{module}")
        except ImportError as error:
            raise SlimError(f"PaddleSlim 2.6.0 is needed and cannot be imported ({error}): run {COMMAND}") from error


class _Hollow(types.ModuleType):
    """A module whose every attribute is another one; to be called as well (`matplotlib.use`), and false (`six.PY2`)."""

    __path__ = ()  # type: ignore[assignment]  # a package without files

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Hollow(f"{self.__name__}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> _Hollow:
        return self

    def __bool__(self) -> bool:
        return False


@contextlib.contextmanager
def _stand_ins() -> Iterator[None]:
    """Empty modules in place of those of `UNUSED` that are not installed; gone afterwards."""
    missing = []
    for name in UNUSED:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
            sys.modules[name] = _Hollow(name)
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)
