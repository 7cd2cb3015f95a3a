"""What is read is never written over: whether an output is one of the inputs, by whatever name or link."""

from __future__ import annotations

import os
import stat
from typing import Iterable, Optional, Tuple

from ppocr.errors import PPOCRError


def refuse_inputs(output: object, inputs: Iterable[object]) -> None:
    """Raises:
    PPOCRError: a command would write onto one of its inputs.
    """
    source = overwritten_input(str(output), map(str, inputs))
    if source is not None:
        raise PPOCRError(f"{output}: is one of the files to read ({source}); name another one to write")


def overwritten_input(output: Optional[str], sources: Iterable[str]) -> Optional[str]:
    """The source that an output would overwrite: the same file by whatever name or link; None if there is none.

    Args:
        output: a file; None for standard output.
        sources: files that are read; `-` is standard input.
    """
    written = _identity(1 if output is None else output)
    if written is None:
        return None
    return next((source for source in sources if _identity(0 if source == "-" else source) == written), None)


def _identity(file: object) -> Optional[Tuple[int, int]]:
    """(device, number) of a regular file, by path or descriptor."""
    try:
        found = os.stat(file)  # type: ignore[arg-type]
    except (OSError, ValueError):  # not there, or no name that a file can have
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
