"""Files and directories that appear whole or not at all, also when the disk fills up or the process is stopped."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Iterator

ABANDONED_SECONDS = 24 * 3600.0  # a hidden temporary older than this belongs to a process that was killed
SWAP_ATTEMPTS = 100  # to put a directory in place while other processes do the same


@contextlib.contextmanager
def replacing_file(target: Path) -> Iterator[Path]:
    """Yields a temporary path beside `target` to write; leaving the block without an error renames it to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_directory(target: Path) -> Iterator[Path]:
    """Yields an empty directory beside `target`; leaving the block without an error makes it `target`.

    What `target` was before is deleted after that. Any number of processes may do this at once: each builds under a
    name of its own, and the last one to finish wins.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())  # mkdtemp makes it private
        _swap(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(new: Path, target: Path) -> None:
    """Rename `new` to `target`. No system can exchange directories portably, so an old one is moved away first."""
    for attempt in range(SWAP_ATTEMPTS):
        try:
            os.rename(new, target)  # replaces nothing but an empty directory
            return
        except OSError as error:
            occupied = error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES)  # the last is what Windows says
            if not occupied or attempt == SWAP_ATTEMPTS - 1:
                raise
        old_place = tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent)
        with old_place as name, contextlib.suppress(FileNotFoundError):  # another process was faster
            os.rename(target, Path(name) / "old")


def _remove_abandoned(target: Path) -> None:
    for path in target.parent.glob(f".{target.name}-*"):
        with contextlib.suppress(OSError):  # somebody else removed it, or it isn't ours to remove
            if path.is_dir() and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path)


def _umask() -> int:
    """The process's file mode mask; the only portable way to read it is to set it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
