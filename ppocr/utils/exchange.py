"""Exchanging two directories in one step, which Python's library does not offer."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

AT_FDCWD = -100  # Linux: paths are relative to the current folder
RENAME_EXCHANGE = 2  # Linux, renameat2(2)
RENAME_SWAP = 2  # macOS, renamex_np(2)
CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)  # the file system or the kernel does not offer it


def exchange(one: Path, other: Path) -> bool:
    """Let two names of one file system trade places, so that nobody ever finds one of them missing.

    Returns:
        False, with nothing done, where the system cannot do that or one of them is gone.

    Raises:
        OSError: not allowed.
    """
    try:
        library = ctypes.CDLL(None, use_errno=True)
        paths = os.fsencode(one), os.fsencode(other)
        if sys.platform.startswith("linux"):
            failed = library.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE)
        elif sys.platform == "darwin":
            failed = library.renamex_np(*paths, RENAME_SWAP)
        else:
            return False
    except (TypeError, OSError, AttributeError):  # Windows has no such library, older C libraries no such function
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in CANNOT or number == errno.ENOENT:
        return False
    raise OSError(number, os.strerror(number), str(other))
