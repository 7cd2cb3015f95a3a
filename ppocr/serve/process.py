"""The process that reads pages for the server: one file at a time, a page whenever it is asked for one."""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Dict, Iterator, Mapping, NamedTuple, Optional, Union

from ppocr.errors import InputError, PPOCRError
from ppocr.infer.io.pdf import Picture, encode_picture
from ppocr.infer.io.sources import ReadOptions, page_error, read_all
from ppocr.infer.options import OCROptions
from ppocr.infer.orientation import as_stored, shown_picture
from ppocr.infer.pipeline import OCR
from ppocr.infer.results import OCRResult

READY, NEXT, STOP, END = "ready", "next", "stop", "end"


@dataclass(frozen=True)
class Work:
    """One file to read.

    Attributes:
        data: its bytes.
        name: for the results.
        reader: which of the server's readers.
        reading: how it is opened.
        pictures: whether the encoded pages are wanted, too.
        upright: whether boxes are wanted in the upright picture.
        first: 0-based page to begin with.
    """

    data: bytes
    name: str
    reader: str
    reading: ReadOptions = ReadOptions()
    pictures: bool = False
    upright: bool = False
    first: int = 0


class PageDone(NamedTuple):
    """What came of a page; `next_page` is the 0-based number after it, 0 where what is wrong is no page."""

    result: Union[OCRResult, InputError]
    picture: Optional[Picture] = None
    next_page: int = 0


def main(readers: Mapping[str, OCROptions], connection: Connection) -> None:
    """Answer READY, then to each `Work` its pages, one for each NEXT, and END; a STOP ends it earlier.

    A PPOCRError that is sent says why no model could be loaded.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # they may reach the whole group; the server decides
        signal.signal(number, signal.SIG_IGN)
    loaded: Dict[str, OCR] = {}
    with contextlib.suppress(EOFError, ConnectionError):  # the server is gone
        try:
            first = next(iter(readers))
            loaded[first] = OCR(readers[first], upright=True)
            connection.send(READY)
            while True:
                _answer(connection.recv(), readers, loaded, connection)
        except PPOCRError as error:
            connection.send(error)


def _answer(work: Work, readers: Mapping[str, OCROptions], loaded: Dict[str, OCR], connection: Connection) -> None:
    if work.reader not in loaded:
        loaded[work.reader] = OCR(readers[work.reader], upright=True)
    for page in _pages(work, loaded[work.reader]):
        connection.send(page)
        if connection.recv() == STOP:
            return
    connection.send(END)


def _pages(work: Work, ocr: OCR) -> Iterator[PageDone]:
    for page in read_all([work.data], work.reading, first=work.first):
        if isinstance(page, InputError):
            yield PageDone(InputError(work.name, page.reason))
            continue
        page = replace(page, source=work.name)
        (result,) = ocr.stream([page])
        if isinstance(result, OCRResult) and result.angle:
            if work.upright:
                page = replace(page, image=shown_picture(page.image, result, upright=True))
            else:
                result = as_stored(result)
        picture = None
        if work.pictures and isinstance(result, OCRResult):
            try:
                picture = encode_picture(page.image, dpi=page.dpi)
            except Exception as error:
                result = page_error(page, error)
        yield PageDone(result, picture, page.index + 1)
