"""Programs that we start and wait for."""

from __future__ import annotations

import ctypes
import multiprocessing.spawn
import os
import signal
import sys
from typing import Any, Callable

_PR_SET_PDEATHSIG = 1  # of Linux's prctl.h


def python_program() -> str:
    """The Python that runs scripts of ours in processes of their own; `multiprocessing.set_executable` says another."""
    return os.fsdecode(multiprocessing.spawn.get_executable() or sys.executable)


def tied_to_us() -> dict[str, Any]:
    """Arguments of `subprocess.run` by which the program ends when the thread that started it does, even by SIGKILL.

    Without them, what a killed process was waiting for goes on alone: a download, for minutes. Linux has this;
    elsewhere they are none.
    """
    return {"preexec_fn": _die_with_parent()} if sys.platform == "linux" else {}


def _die_with_parent() -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork, after which little is safe to do
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) and None
