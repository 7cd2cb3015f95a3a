"""Reading Paddle's `.pdparams` and `.pdopt` files, which are pickles, without running what a stranger put into them.

A pickle is a program: it may call any function by name. Those of weights need four, so only these are let through.
"""

from __future__ import annotations

import _codecs
import collections
import pickle
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np

from ppocr.errors import ModelError

_rebuild_array = np.empty(0).__reduce__()[0]  # in numpy.core before NumPy 2, in numpy._core since
ALLOWED: Dict[tuple, Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _rebuild_array,  # type: ignore[dict-item]
    ("numpy._core.multiarray", "_reconstruct"): _rebuild_array,  # type: ignore[dict-item]
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
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
    arrays = {name: _array(value) for name, value in tree.items() if name not in TABLES}
    wrong = [name for name, array in arrays.items() if not isinstance(name, str) or array.dtype.kind not in "fiub"]
    if wrong:
        raise ModelError(f"{path}: {wrong[0]!r} is no array of numbers")
    return arrays


def _array(value: Any) -> np.ndarray:
    """A tensor is written as an array, or as its name and an array."""
    named = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
    value = value[1] if named else value
    array = value if isinstance(value, np.ndarray) else np.array(value, object)
    return array.astype(np.float32) if array.dtype == np.float16 else array  # half precision is for keeping files small
