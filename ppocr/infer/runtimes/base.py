"""What every engine offers: one input, one output, NumPy in and out."""

from __future__ import annotations

from typing import Any, Callable, Protocol

import numpy as np


class Runtime(Protocol):
    """Whatever runs a model directory. `run` may be called from several threads.

    Attributes:
        few_shapes: whether each new shape of input costs memory or time, so that callers should keep to few.
    """

    few_shapes: bool

    def run(self, batch: np.ndarray, use: Callable[[np.ndarray], Any] = np.array) -> Any:
        """Run the network.

        Args:
            batch: float32[N, 3, H, W].
            use: is given the network's float32 output, which is the engine's own buffer: it may change once `use` has
                returned. A recogniser's output is large, and need not be copied to be decoded.

        Returns:
            What `use` returned; by default an array of the caller's own.
        """
        ...


def error_line(error: Exception) -> str:
    """The telling line of an engine's error, which comes with a C++ traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "Error:" in line), lines[0] if lines else type(error).__name__)
