"""Files that wait for a worker, and how far each of them is."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Callable, Deque, Optional

from ppocr.errors import InputError
from ppocr.serve.process import PageDone, Work

MAX_ATTEMPTS = 2  # at a page whose worker dies
MAX_DEATHS = 4  # of workers over one file; then the rest of it is given up

Deliver = Callable[[Optional[PageDone]], None]


@dataclass(eq=False)
class Ticket:
    """A file in the queue or in work.

    Attributes:
        work: what is left of the file.
        deliver: is given each page, and None at the end; called from another thread.
        cancelled: nobody wants the rest.
        is_ended: None was delivered.
        opened: pages that are open and not handed out.
        errors: that were handed out since `work.first`; they would come again.
        skip: errors to drop, as they came before.
        deaths: of workers over this file, and of those at its present page.
    """

    work: Work
    deliver: Deliver
    cancelled: threading.Event = field(default_factory=threading.Event)
    is_ended: bool = False
    opened: int = 0
    errors: int = 0
    skip: int = 0
    deaths: int = 0
    deaths_here: int = 0

    def take(self, page: PageDone) -> None:
        """Hand out a page, unless nobody wants it any more."""
        if self.is_ended:
            return
        self.opened = max(0, self.opened - 1)
        if self.skip and not page.next_page:
            self.skip -= 1
            return
        self.skip = self.deaths_here = 0
        self.errors = 0 if page.next_page else self.errors + 1
        self.work = replace(self.work, first=page.next_page or self.work.first)
        self.deliver(page)

    def fail(self, reason: str, next_page: int = 0) -> None:
        self.take(PageDone(InputError(self.work.name, reason), None, next_page))

    def end(self) -> None:
        if not self.is_ended:
            self.is_ended = True
            self.deliver(None)

    def lost(self, how: str, *, is_to_blame: bool) -> None:
        """Its worker is gone. Decide whether it is read again, page by page, and from which page.

        Args:
            how: what is told of the page.
            is_to_blame: no other page can have been the cause.
        """
        self.opened, self.skip = 0, self.errors
        page = self.work.first
        if is_to_blame:
            self.deaths, self.deaths_here = self.deaths + 1, self.deaths_here + 1
            if self.deaths_here >= MAX_ATTEMPTS or how.startswith("took"):  # slow once, slow again
                self.skip = 0
                self.fail(f"page {page + 1}: {how}", page + 1)
                if b"%PDF-" not in self.work.data[:1024]:  # a picture has no further pages
                    self.end()
        if self.deaths >= MAX_DEATHS:
            self.end()
        self.work = replace(self.work, alone=True)


class TicketQueue:
    """Tickets in the order in which they came.

    Args:
        takers: how many take from it.
    """

    def __init__(self, takers: int):
        self._takers = takers
        self._tickets: Deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._tickets)

    def put(self, ticket: Ticket) -> None:
        with self._changed:
            self._tickets.append(ticket)
            self._changed.notify()

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def take(self) -> Optional[Ticket]:
        """Wait for the next ticket; None when the queue is closed and empty."""
        with self._changed:
            while True:
                self._drop_cancelled()
                if self._tickets:
                    return self._tickets.popleft()
                if self._is_closed:
                    return None
                self._changed.wait()

    def like(self, work: Work, *, leave_some: bool) -> Optional[Ticket]:
        """The next ticket if it can be read together with a file: by the same reader, with the same options.

        Args:
            work: the file.
            leave_some: one for each taker, so that nobody stands still when its pages are read.
        """
        with self._changed:
            self._drop_cancelled()
            if len(self._tickets) <= (self._takers if leave_some else 0):
                return None
            found = self._tickets[0].work
            same = (found.reader, found.options, found.reading.seconds) == (
                work.reader,
                work.options,
                work.reading.seconds,
            )
            return self._tickets.popleft() if same else None

    def _drop_cancelled(self) -> None:
        while self._tickets and self._tickets[0].cancelled.is_set():
            self._tickets.popleft().end()
