"""From files to pages to the bytes of an answer, in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, AsyncIterator, Awaitable, Callable, List, Optional, Sequence

from ppocr.errors import InputError
from ppocr.infer.io.writers import Writer, create_writer
from ppocr.serve.metrics import Metrics
from ppocr.serve.pool import WorkerPool
from ppocr.serve.process import PageDone, Work
from ppocr.serve.uploads import RequestOptions

LOOK_SECONDS = 1.0  # between two looks whether the client is still there


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class PageError:
    """A page that could not be read, as it appears in JSON."""

    file: str
    error: str

    def to_dict(self) -> dict[str, Any]:
        return {"file": self.file, "error": self.error}


async def _nobody_leaves() -> bool:
    return False


async def read_pages(
    pool: WorkerPool,
    works: Sequence[Work],
    metrics: Metrics,
    *,
    is_gone: Callable[[], Awaitable[bool]] = _nobody_leaves,
) -> AsyncIterator[PageDone]:
    """The pages of all files, in order; files are read at the same time as far as there are workers.

    Raises:
        ClientGone: `is_gone` said so.
    """
    loop = asyncio.get_running_loop()
    queues: List[asyncio.Queue[Optional[PageDone]]] = [asyncio.Queue() for _ in works]

    def deliver_to(inbox: asyncio.Queue[Optional[PageDone]]) -> Callable[[Optional[PageDone]], None]:
        def deliver(page: Optional[PageDone]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(inbox.put_nowait, page)

        return deliver

    tickets = [pool.submit(work, deliver_to(inbox)) for work, inbox in zip(works, queues)]
    try:
        for inbox in queues:
            while True:
                page = await _next(inbox, is_gone)
                if page is None:
                    break
                if isinstance(page.result, InputError):
                    metrics.page_failed()
                else:
                    metrics.page(page.result.seconds)
                yield page
    finally:
        for ticket in tickets:
            ticket.cancelled.set()


async def _next(inbox: asyncio.Queue[Optional[PageDone]], is_gone: Callable[[], Awaitable[bool]]) -> Optional[PageDone]:
    while True:
        try:
            return await asyncio.wait_for(inbox.get(), LOOK_SECONDS)
        except asyncio.TimeoutError:
            if await is_gone():
                raise ClientGone from None


class Answer:
    """Pages → bytes in one form. What could not be read has its place in JSON; elsewhere it is only counted.

    Attributes:
        pages, errors: so far.
    """

    def __init__(self, form: str, options: RequestOptions):
        self._writer: Writer = create_writer(form, words=options.words, chars=options.chars)
        self._has_errors = form in ("json", "jsonl")
        self.pages = 0
        self.errors: List[str] = []

    def begin(self) -> bytes:
        return self._writer.begin()

    def page(self, done: PageDone) -> bytes:
        if not isinstance(done.result, InputError):
            self.pages += 1
            return self._writer.page(done.result, done.picture)
        error = PageError(done.result.source, done.result.reason)
        self.errors.append(f"{error.file}: {error.error}")
        return self._writer.page(error, None) if self._has_errors else b""  # type: ignore[arg-type]

    def end(self) -> bytes:
        return self._writer.end()
