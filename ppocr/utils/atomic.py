"""Files and directories that appear whole or not at all, also when the disk fills up or the process is killed.

Everything is written under a hidden name beside the target, flushed to the disk, and then renamed. At every moment the
target is what it was before or what it becomes, whoever reads it and whatever stops the writer.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path
from typing import Iterator

from ppocr.utils.exchange import exchange

ABANDONED_SECONDS = 24 * 3600.0  # a hidden temporary older than this belongs to a process that was killed
SWAP_ATTEMPTS = 100  # to put a directory in place while other processes do the same
MANY_FILES = 1000  # beyond which the whole system is told to write what it holds back, which is faster
LONGEST_NAME = 200  # bytes of the target's name in that of a temporary; file systems allow 255 in all
NEW = ".new-"  # in the name of what is being written; eight random characters follow, as tempfile makes them
OLD = ".old-"  # in the name of a directory that was moved away for a moment; eight follow


@contextlib.contextmanager
def replacing_file(target: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yields a temporary path beside `target` to write; leaving the block without an error renames it to `target`.

    An older file's permissions are kept. A symbolic link is replaced, not what it points to.

    Args:
        target: the file to write; its folder is made.
        durable: let what was written reach the disk first; caches can do without.

    Raises:
        OSError: the disk is full, or the file or its folder not writable; `target` is as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = _mode(target)
    handle, name = tempfile.mkstemp(prefix=_prefix(target), dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)  # mkstemp makes it private
        if durable:
            flush_to_disk(temporary)
        os.replace(temporary, target)
        if durable:
            flush_to_disk(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_directory(target: Path) -> Iterator[Path]:
    """Yields an empty directory beside `target`; leaving the block without an error makes it `target`.

    What `target` was before is deleted after that. Any number of processes may do this at once: each builds under a
    name of its own, and the last one to finish wins.

    Raises:
        OSError: the disk is full or not writable, or `target` is a file; it is as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    recover_directory(target)
    _remove_abandoned(target)
    temporary = Path(tempfile.mkdtemp(prefix=_prefix(target), dir=target.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())  # mkdtemp makes it private
        _flush_below(temporary)
        _put_in_place(temporary, target)
        flush_to_disk(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # after an exchange it holds what `target` was


def recover_directory(target: Path) -> None:
    """Bring `target` back if a process was killed while it was being replaced, where directories cannot be exchanged.

    Whoever finds a directory missing calls this and looks again.
    """
    if os.path.lexists(target) or not target.parent.is_dir():
        return
    moved = [path for path in target.parent.iterdir() if path.name.startswith(f".{target.name}{OLD}")]
    for path in sorted(moved, key=_age):
        with contextlib.suppress(OSError):  # another process was faster
            os.rename(path, target)
            return


def recover_directories(folder: Path) -> None:
    """`recover_directory` for all that is in a folder."""
    if folder.is_dir():
        hidden = [path.name for path in folder.iterdir() if path.name.startswith(".") and OLD in path.name]
        for name in hidden:
            recover_directory(folder / name[1:].rpartition(OLD)[0])


def flush_to_disk(path: Path) -> None:
    """Let a file's content, or a directory's names, reach the disk.

    Raises:
        OSError: the disk is full or broken; some file systems say so only now.
    """
    if path.is_symlink() or (os.name == "nt" and path.is_dir()):  # Windows cannot open directories
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # file systems that cannot
            raise
    finally:
        os.close(handle)


def _flush_below(directory: Path) -> None:
    paths = [Path(folder, name) for folder, _, files in os.walk(directory) for name in (*files, ".")]
    if len(paths) > MANY_FILES and hasattr(os, "sync"):
        os.sync()
        return
    for path in paths:
        flush_to_disk(path)


def _put_in_place(new: Path, target: Path) -> None:
    """Rename `new` to `target`, by an exchange where there is an older one and the system can do that at once.

    Elsewhere the older one is moved away first. If the process is killed right then, `recover_directory` brings it
    back: it is deleted only when there is a `target` again.
    """
    moved: list[Path] = []
    try:
        for attempt in range(SWAP_ATTEMPTS):
            try:
                os.rename(new, target)  # replaces nothing but an empty directory
                return
            except OSError as error:
                occupied = error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES)  # the last is what Windows says
                if not occupied or attempt == SWAP_ATTEMPTS - 1:
                    raise
            if target.is_dir() and exchange(new, target):
                return
            old = target.with_name(f".{target.name}{OLD}{uuid.uuid4().hex[:8]}")
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                os.rename(target, old)
                moved.append(old)
    finally:
        recover_directory(target)
        for old in moved:
            shutil.rmtree(old, ignore_errors=True)


def _remove_abandoned(target: Path) -> None:
    for path in target.parent.iterdir():
        with contextlib.suppress(OSError):  # somebody else removed it, or it isn't ours to remove
            ours = path.name[:-8] in (_prefix(target), f".{target.name}{OLD}")
            if ours and path.is_dir() and _age(path) > ABANDONED_SECONDS:
                shutil.rmtree(path)


def _age(path: Path) -> float:
    """Seconds since a directory was changed; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime
    return 0.0


def _prefix(target: Path) -> str:
    """How the names of the temporaries of `target` begin."""
    return f".{os.fsdecode(os.fsencode(target.name)[:LONGEST_NAME])}{NEW}"


def _mode(target: Path) -> int:
    """The permissions of the file that will be `target`.

    Raises:
        PermissionError: it is there and may not be written.
    """
    try:
        mode = target.lstat().st_mode & 0o777
    except OSError:
        return 0o666 & ~_umask()
    if target.is_symlink():
        return 0o666 & ~_umask()
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    return mode


def _umask() -> int:
    """The process's file mode mask; the only portable way to read it is to set it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
