"""Where a command writes: standard output, or a file that appears when it is complete.

Until then the file's content lies beside it under the name with `.part`, page by page for those who read along. It
stays there when the command is interrupted or the disk is full, so that hours of reading are not lost.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Callable, Iterable, Optional, Sequence, Set, Tuple

from ppocr.cli.main import drop_standard_output, print_error
from ppocr.errors import PPOCRError, printable
from ppocr.utils.atomic import flush_to_disk

PART = ".part"
MAX_PARTS = 1000  # of other runs for the same file that are kept beside it
MAX_NAME_BYTES = 240  # of the file's name within that of its part; file systems allow 255 in all


class Output:
    """Standard output, or a file that is first touched when there is something to write.

    Leaving the block without an error puts the file in place. What is no regular file (`/dev/stdout`, a pipe) is
    written as it is.

    Args:
        path: of the file; None for standard output.
        finish: may write the whole file anew before it is put in place.
    """

    def __init__(self, path: Optional[str], *, finish: Optional[Callable[[Path], None]] = None):
        self._finish = finish
        self._path, self._stream = path, None if path else sys.stdout.buffer
        self._part: Optional[Path] = None
        self._is_begun = self._has_pages = False
        self.is_terminal = path is None and sys.stdout.isatty()

    def open(self, begin: Callable[[], bytes]) -> None:
        """Open the file and write the output's beginning, once.

        Raises:
            PPOCRError: it cannot be written.
        """
        if self._is_begun:
            return
        self._is_begun = True
        if self._stream is None:
            try:
                self._stream, self._part = _create(Path(str(self._path)))
            except OSError as error:
                raise self._error(error) from error
        self._write(begin())

    def write(self, data: bytes) -> None:
        """Write a page.

        Raises:
            PPOCRError: it cannot be written.
        """
        self._write(data)
        self._has_pages = self._has_pages or bool(data)

    def _write(self, data: bytes) -> None:
        if not data or self._stream is None:
            return
        if self.is_terminal:
            data = printable(data.decode("utf-8"), lines=True).encode("utf-8")
        try:
            self._stream.write(data)
            self._stream.flush()  # page by page, for those who read along
        except BrokenPipeError:
            raise
        except OSError as error:
            self._close()
            raise self._error(error) from error

    def _error(self, error: OSError) -> PPOCRError:
        return PPOCRError(f"{self._path or 'standard output'}: cannot be written: {error.strerror}")

    def _close(self) -> None:
        """Let go of what cannot be written, and so cannot be flushed either."""
        if self._path and self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
        else:
            drop_standard_output()
        self._stream = None

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if not self._path:
            return
        try:
            if self._stream is not None:
                self._stream.close()
            if self._part is not None and kind is None:
                if self._finish is not None:
                    self._finish(self._part)
                flush_to_disk(self._part)
                target = Path(os.path.realpath(self._path))
                os.replace(self._part, target)
                flush_to_disk(target.parent)
                self._part = None
        except OSError as error:
            if kind is None:
                raise self._error(error) from error
        finally:
            self._keep_part()

    def _keep_part(self) -> None:
        """After an error: name the part that was written, or remove it if there is no page in it."""
        if self._part is None:
            return
        if self._has_pages:
            print_error(PPOCRError(f"{self._path}: not written; what was read until then is in {self._part}"))
        else:
            with contextlib.suppress(OSError):
                self._part.unlink()


def _create(path: Path) -> Tuple[BinaryIO, Optional[Path]]:
    """A stream to write, and the name of the part that it writes; None for what is no regular file.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():  # of a pipe there is no path that could be renamed
        return open(path, "wb"), None
    target = Path(os.path.realpath(path))  # a link stays, what it points to is written
    mode = None
    if target.exists():
        os.close(os.open(target, os.O_WRONLY))  # says why if it may not be written
        mode = stat.S_IMODE(target.stat().st_mode)
    name = os.fsdecode(os.fsencode(target.name)[:MAX_NAME_BYTES])
    for number in range(1, MAX_PARTS):
        part = target.with_name(f"{name}{PART}{number if number > 1 else ''}")
        with contextlib.suppress(FileExistsError):  # of another run: it may be going on, or have been interrupted
            stream = open(part, "xb")  # noqa: SIM115  # closed by whoever gets it
            if mode is not None:
                part.chmod(mode)
            return stream, part
    raise FileExistsError(17, f"there are {MAX_PARTS} parts of interrupted runs beside it", str(path))


def overwritten_by_drawing(folder: str, drawings: Sequence[str], sources: Iterable[str]) -> Optional[str]:
    """The source that lies where a drawing would be saved; None if there is none.

    Args:
        folder: of the drawings.
        drawings: their names, without the suffixes `.jpg` and, of further pages, `.p2.jpg`.
        sources: files that are read.
    """
    names: Set[str] = set(drawings)
    for source in sources:
        parent, name = os.path.split(os.path.abspath(source))
        stem = name[: -len(".jpg")] if name.endswith(".jpg") else None
        if stem is not None and {stem, re.sub(r"\.p\d+$", "", stem)} & names:
            with contextlib.suppress(OSError):
                if os.path.samefile(parent, folder):
                    return source
    return None
