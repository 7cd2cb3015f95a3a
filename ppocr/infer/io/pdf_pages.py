"""PDF documents → pages, by PDFium in a process of its own (`pdf_child`) with bounds on memory and time."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ppocr.utils.children import python_program

MAX_BYTES = 1_000_000_000  # of address space of the process, beside twice the document
MAX_SIDE = 65_000  # pixels of a page's side
MAX_DEATHS = 3  # of processes for one document; then the rest of it is given up
MAX_ERRORS = 5  # failing pages of a document that are told one by one; the rest is counted
MAX_IDLE = 4  # processes kept for the next document
OPENING_SECONDS = 60.0  # a document of thousands of pages opens in less than one
EXIT_SECONDS = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What the process is asked for.

    Attributes:
        size: bytes of the document.
        dpi: pixels per inch.
        max_pixels, max_side: pages that exceed them are rendered smaller.
        first, last: 0-based pages, the last one excluded.
        seconds: for a page.
        memory: bytes.
        text: whether the lines of its text layer are wanted: `skip`, `auto` where they can stand for what is seen, or
            `force` wherever there are any.
    """

    size: int
    dpi: float
    max_pixels: int
    first: int
    last: int
    seconds: float
    max_side: int = MAX_SIDE
    memory: int = MAX_BYTES
    text: str = "skip"


class Rendered(NamedTuple):
    """A page.

    Attributes:
        number: 0-based.
        image: uint8[H, W, 3] BGR.
        dpi: it was rendered at.
        characters: of its text layer.
        lines: of its text layer as `pdf_text.Line` has them, if they are wanted and can be used.
    """

    number: int
    image: np.ndarray
    dpi: float
    characters: int = 0
    lines: Optional[Sequence[Tuple[str, Sequence[float], Sequence[Tuple[float, float]]]]] = None


class Failed(NamedTuple):
    """What is wrong with a page or, without a number, with the document; in a few words."""

    number: Optional[int]
    reason: str


def render_pages(
    data: bytes, *, dpi: float, max_pixels: int, first: int, last: int, seconds: float, text: str = "skip"
) -> Iterator[Union[Rendered, Failed]]:
    """Render the pages of a document, one or two ahead of the caller.

    Args:
        data: the file.
        dpi, max_pixels, first, last, seconds, text: of `Request`.

    Yields:
        Pages, and failures in the places of others. A page that crashes PDFium, takes too long or needs too much memory
        costs the process, not the pages after it.
    """
    request = Request(len(data), dpi, max_pixels, first, last, seconds, text=text)
    failures = 0
    for page in _attempts(data, request):
        failures += isinstance(page, Failed) and page.number is not None
        if isinstance(page, Rendered) or page.number is None or failures <= MAX_ERRORS:
            yield page
    if failures > MAX_ERRORS:
        yield Failed(None, f"{failures - MAX_ERRORS} more pages of the PDF cannot be rendered")


def _attempts(data: bytes, request: Request) -> Iterator[Union[Rendered, Failed]]:
    """The pages, with another process after each that died."""
    position, end, is_open = request.first, request.last, False
    for _ in range(MAX_DEATHS):
        renderer: Optional[_Renderer] = None
        try:
            renderer = _take()
            renderer.ask(replace(request, first=position), data)
            count = renderer.count()
            is_open, end = True, min(count, request.last)
            while position < end:
                page = renderer.page(request.seconds)
                position += 1
                yield page
            if count > end:
                yield Failed(None, f"the PDF has {count} pages; only the first {end} were read (--max-pages)")
            _give_back(renderer)
            renderer = None
            return
        except _DocumentError as error:
            if renderer is not None:  # a damaged file has harmed nothing
                _give_back(renderer)
                renderer = None
            yield Failed(None, str(error))
            return
        except _Died as error:
            if not is_open and renderer is not None and renderer.documents > 1:
                continue  # it may have been ended while it waited for us
            if not is_open:
                yield Failed(None, f"the PDF cannot be opened ({error})")
                return
            yield Failed(position, f"page {position + 1} of the PDF cannot be rendered ({error})")
            position += 1
        finally:
            if renderer is not None:
                renderer.close()
    if position < end:
        rest = f"pages {position + 1} to {end} of the PDF"
        yield Failed(None, f"{rest} were given up: the renderer died {MAX_DEATHS} times")


class _DocumentError(Exception):
    """The document cannot be rendered at all."""


class _Died(Exception):
    """The process ended, or was ended."""


class _Renderer:
    """A process that renders."""

    def __init__(self) -> None:
        child = Path(__file__).with_name("pdf_child.py")
        self._process = subprocess.Popen(
            [python_program(), str(child), *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # PDFium's notes about damaged files
            start_new_session=True,  # Ctrl-C is for us; it ends when its standard input does
        )
        self._is_late = False
        self.documents = 0  # that it was given

    def ask(self, request: Request, data: bytes) -> None:
        self.documents += 1
        try:
            self._stdin.write(json.dumps(asdict(request)).encode() + b"\n")
            self._stdin.write(data)
            self._stdin.flush()
        except OSError:
            raise _Died(self._how()) from None

    def head(self, seconds: float) -> dict[str, Any]:
        """The next message."""
        timer = threading.Timer(seconds, self._kill)
        timer.daemon = True
        timer.start()
        try:
            head = json.loads(self._read(int.from_bytes(self._read(4), "big")))
        finally:
            timer.cancel()
        if "error" in head and "page" not in head:
            raise _DocumentError(head["error"])
        return head

    def count(self) -> int:
        """Pages of the document that it was asked for."""
        return self.head(OPENING_SECONDS)["count"]

    def page(self, seconds: float) -> Union[Rendered, Failed]:
        head = self.head(seconds)
        if "error" in head:
            logger.debug("page %d: %s", head["page"] + 1, head["error"])
            return Failed(head["page"], f"page {head['page'] + 1} of the PDF cannot be rendered")
        height, width = head["height"], head["width"]
        pixels = np.frombuffer(self._read(height * width * 3), np.uint8)
        image = pixels.reshape(height, width, 3)
        return Rendered(head["page"], image, head["dpi"], head["characters"], head["lines"])

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what it did not read cannot be flushed
                    stream.close()
        self._process.wait()

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _read(self, count: int) -> bytearray:
        """Writable, so that pages may be changed in place."""
        data = bytearray(count)
        view, position = memoryview(data), 0
        while position < count:
            got = self._process.stdout.readinto(view[position:])  # type: ignore[union-attr]
            if not got:
                raise _Died(self._how())
            position += got
        return data

    def _kill(self) -> None:
        self._is_late = True
        self._process.kill()

    def _how(self) -> str:
        code = self._process.wait()
        if self._is_late:
            return "it took too long"
        if code < 0 and -code in list(signal.Signals):
            return f"the renderer died of {signal.Signals(-code).name}, or needed more than {MAX_BYTES / 1e9:g} GB"
        return f"the renderer ended with status {code}"


_idle: list[_Renderer] = []  # starting a process takes as long as rendering a page
_lock = threading.Lock()


def _take() -> _Renderer:
    with _lock:
        while _idle:
            renderer = _idle.pop()
            if renderer.is_alive:
                return renderer
            renderer.close()
    try:
        return _Renderer()
    except OSError as error:
        raise _DocumentError(f"no process can be started to render the PDF: {error.strerror}") from error


def _give_back(renderer: _Renderer) -> None:
    with _lock:
        if len(_idle) < MAX_IDLE:
            _idle.append(renderer)
            return
    renderer.close()


@atexit.register
def _close_all() -> None:
    while _idle:
        _idle.pop().close()


def _forget() -> None:
    """After a fork: the processes are our parent's, and the lock may be held by a thread that is not here."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
