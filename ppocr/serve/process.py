"""The process that reads pages for the server.

It gets a file, and as soon as that is opened to its end it asks for another one that waits: the lines of all of them
are read together, as `ppocr ocr` does it.
"""

from __future__ import annotations

import contextlib
import signal
from collections import deque
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, Deque, Dict, Iterator, Mapping, NamedTuple, Optional, Set, Tuple, Union

from ppocr.errors import InputError, PPOCRError
from ppocr.infer.io.pdf import Picture, encode_picture
from ppocr.infer.io.sources import Page, ReadOptions, page_error, read_all
from ppocr.infer.options import OCROptions
from ppocr.infer.orientation import shown_picture
from ppocr.infer.pipeline import OCR
from ppocr.infer.results import OCRResult

READY, MORE, IDLE = "ready", "more", "idle"  # models are loaded; another file, please; every file was answered


@dataclass(frozen=True)
class PageOptions:
    """What a request may choose of `OCROptions`; None is what the server has."""

    order: Optional[str] = None
    orientation: Optional[str] = None
    drop_score: Optional[float] = None
    upright: bool = False
    spans: bool = False


@dataclass(frozen=True)
class Work:
    """One file to read.

    Attributes:
        data: its bytes.
        name: for the results.
        reader: which of the server's readers.
        reading: how it is opened.
        options: how its pages are read.
        pictures: whether the encoded pages are wanted, too.
        number: names it in messages.
        first: 0-based page to begin with.
        alone: each page is read, and its result handed out, before the next one is opened.
    """

    data: bytes
    name: str
    reader: str
    reading: ReadOptions = ReadOptions()
    options: PageOptions = PageOptions()
    pictures: bool = False
    number: int = 0
    first: int = 0
    alone: bool = False


class PageDone(NamedTuple):
    """What came of a page; `next_page` is the 0-based number after it, 0 where what is wrong is no page."""

    result: Union[OCRResult, InputError]
    picture: Optional[Picture] = None
    next_page: int = 0


class Opened(NamedTuple):
    """A page of a file is open and will be read."""

    number: int


class Done(NamedTuple):
    """A page of a file was read."""

    number: int
    page: PageDone


class Ended(NamedTuple):
    """Every page of a file was handed out."""

    number: int


class Stop(NamedTuple):
    """To the process: nobody wants the rest of a file."""

    number: int


def main(readers: Mapping[str, OCROptions], connection: Connection) -> None:
    """Say READY; then to each `Work` Opened and Done for its pages, Ended, and IDLE when that was the last one.

    MORE asks for a further `Work` of the same kind; the answer None means that there is none. A PPOCRError that is sent
    says why no model could be loaded.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # they may reach the whole group; the server decides
        signal.signal(number, signal.SIG_IGN)
    loaded: Dict[str, OCR] = {}
    with contextlib.suppress(EOFError, ConnectionError):  # the server is gone
        try:
            first = next(iter(readers))
            loaded[first] = OCR(readers[first])
            connection.send(READY)
            session = Session(connection)
            while True:
                work = session.receive()
                if work.reader not in loaded:
                    loaded[work.reader] = OCR(readers[work.reader])
                changes = {name: value for name, value in asdict(work.options).items() if value is not None}
                session.read(work, loaded[work.reader].with_settings(**changes))
        except PPOCRError as error:
            connection.send(error)


class Session:
    """Reads files that come one by one over a connection."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._stopped: Set[int] = set()
        # The reader keeps the order but not the pages: they wait here for their results. None ends a file.
        self._waiting: Deque[Tuple[Work, Union[Page, InputError, None]]] = deque()

    def receive(self) -> Any:
        """The next message that is no Stop."""
        while True:
            message = self._connection.recv()
            if not isinstance(message, Stop):
                return message
            self._stopped.add(message.number)

    def read(self, work: Work, ocr: OCR) -> None:
        """Read a file and those that wait behind it."""
        pages = self._pages(work)
        parts = ([page] for page in pages) if work.alone else [pages]
        for result in (result for part in parts for result in ocr.stream(part)):
            owner, page = self._waiting.popleft()
            self._connection.send(Done(owner.number, _finished(owner, page, result)))  # type: ignore[arg-type]
            self._tell_ends()
        self._stopped.clear()
        self._connection.send(IDLE)

    def _pages(self, work: Optional[Work]) -> Iterator[Union[Page, InputError]]:
        while work is not None:
            for page in read_all([work.data], work.reading, first=work.first):
                if self._is_stopped(work.number):
                    break
                page = _named(page, work)
                self._waiting.append((work, page))
                self._connection.send(Opened(work.number))
                yield page
            self._waiting.append((work, None))
            self._tell_ends()
            if work.alone:
                return
            self._connection.send(MORE)
            work = self.receive()

    def _is_stopped(self, number: int) -> bool:
        while self._connection.poll():  # nothing else comes unasked
            self._stopped.add(self._connection.recv().number)
        return number in self._stopped

    def _tell_ends(self) -> None:
        while self._waiting and self._waiting[0][1] is None:
            self._connection.send(Ended(self._waiting.popleft()[0].number))


def _named(page: Union[Page, InputError], work: Work) -> Union[Page, InputError]:
    if isinstance(page, InputError):
        return InputError(work.name, page.reason)
    return replace(page, source=work.name)


def _finished(work: Work, page: Union[Page, InputError], result: Union[OCRResult, InputError]) -> PageDone:
    """The result with the picture, if that is wanted."""
    if isinstance(page, InputError):
        return PageDone(result)
    picture = None
    if work.pictures and isinstance(result, OCRResult):
        try:
            image = shown_picture(page.image, result, upright=work.options.upright)
            picture = encode_picture(image, dpi=page.dpi)
        except Exception as error:
            result = page_error(page, error)
    return PageDone(result, picture, page.index + 1)
