"""Reading Paddle's `.pdparams` and `.pdopt` files, which are pickles, without running what a stranger put into them.

A pickle is a program: it may call any function by name. Those of weights need four, so only these are let through.
"""

from __future__ import annotations

import _codecs
import collections
import pickle
import re
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import numpy as np

from ppocr.errors import ModelError


class _Kind:
    """Stands for a dtype: NumPy's own, set to a damaged state, crashes the process."""

    def __init__(self, code: Any, *_: Any):
        self.code, self.state = code, ()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def dtype(self) -> Optional[np.dtype]:
        """None for what are no numbers."""
        order = self.state[1] if self.state else "="
        if not (isinstance(self.code, str) and _NUMBERS.fullmatch(self.code) and order in ("<", ">", "=", "|")):
            return None
        return np.dtype(self.code).newbyteorder(order)  # type: ignore[arg-type]


class _Stored:
    """Stands for an array, for the same reason."""

    def __init__(self, *_: Any):
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> np.ndarray:
        _, shape, kind, by_columns, data = self.state
        dtype = kind.dtype() if isinstance(kind, _Kind) else None
        if dtype is None or not isinstance(data, (bytes, str)):
            return np.array(0, object)
        data = data.encode("latin1") if isinstance(data, str) else data  # of Python 2
        return (
            (np.frombuffer(data, dtype) if data else np.empty(0, dtype))
            .reshape(shape, order="F" if by_columns else "C")
            .copy(order="K")
        )


_NUMBERS = re.compile("[<>|=]?(b1|[iu][1248]|f[248])")
ALLOWED: Dict[tuple, Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Stored,  # NumPy 2 calls it numpy._core
    ("numpy._core.multiarray", "_reconstruct"): _Stored,
    ("numpy", "ndarray"): _Stored,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _codecs.encode,  # how bytes are written in pickles that Python 2 could read
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("builtins", "tuple"): tuple,
}
TABLES = ("StructuredToParameterName@@", "LR_Scheduler", "master_weights")  # what Paddle adds that is no array


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it calls {module}.{name}, which no weights need")
        return ALLOWED[module, name]


def read_arrays(path: Path) -> Dict[str, np.ndarray]:
    """The arrays of a `.pdparams` or `.pdopt`, of any Paddle 2 or 3, by name.

    Raises:
        ModelError: there is no such file, it is damaged, or it holds something else than arrays of numbers.
    """
    try:
        with path.open("rb") as file:
            tree = _Unpickler(file, encoding="latin1").load()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise ModelError(f"{path}: not a file of weights: {error}") from error
    if not isinstance(tree, dict):
        raise ModelError(f"{path}: expected names and arrays, found {type(tree).__name__}")
    try:
        arrays = {name: _array(value) for name, value in tree.items() if name not in TABLES}
    except (ValueError, TypeError, IndexError, MemoryError) as error:
        raise ModelError(f"{path}: not a file of weights: {error}") from error
    wrong = [name for name, array in arrays.items() if not isinstance(name, str) or array.dtype.kind not in "fiub"]
    if wrong:
        raise ModelError(f"{path}: {wrong[0]!r} is no array of numbers")
    return arrays


def _array(value: Any) -> np.ndarray:
    """A tensor is written as an array, or as its name and an array."""
    named = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
    value = value[1] if named else value
    array = value.array() if isinstance(value, _Stored) else np.array(0, object)
    return array.astype(np.float32) if array.dtype == np.float16 else array  # half precision is for keeping files small
