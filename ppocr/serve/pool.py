"""Processes that read, and a thread for each that hands it files: limits its time, replaces it when it dies."""

from __future__ import annotations

import logging
import multiprocessing
import queue
import threading
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Callable, List, Mapping, Optional

from ppocr.errors import InputError, ModelError, PPOCRError
from ppocr.infer.options import OCROptions
from ppocr.serve.process import END, NEXT, READY, STOP, PageDone, Work, main

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 2  # at a page whose worker dies
MAX_DEATHS = 4  # of workers over one file; then the rest of it is given up
LOAD_SECONDS = 300.0  # that loading the models may take
END_SECONDS = 5.0  # that a worker gets to end by itself
RETRY_SECONDS = 2.0  # between two attempts to start a worker

Deliver = Callable[[Optional[PageDone]], None]


@dataclass
class Ticket:
    """A file in the queue or in work.

    Attributes:
        work: the file.
        deliver: is given each page, and None at the end; called from another thread.
        cancelled: nobody wants the rest.
    """

    work: Work
    deliver: Deliver
    cancelled: threading.Event = field(default_factory=threading.Event)


class WorkerPool:
    """Reads files in processes.

    Args:
        readers: name → how it is made; the first is loaded at once, others when they are asked for.
        count: processes.
        page_seconds: that a page may take.
        replaced: is called when a worker had to be replaced.
    """

    def __init__(
        self,
        readers: Mapping[str, OCROptions],
        count: int,
        *,
        page_seconds: float,
        replaced: Callable[[], None] = lambda: None,
    ):
        self._queue: queue.SimpleQueue[Optional[Ticket]] = queue.SimpleQueue()
        self._workers = [_Worker(readers, page_seconds, replaced) for _ in range(count)]
        self._threads: List[threading.Thread] = []

    def start(self) -> None:
        """Load the models.

        Raises:
            PPOCRError: they cannot be used.
        """
        try:
            for worker in self._workers:
                worker.spawn()
            for worker in self._workers:
                worker.wait_ready()
        except BaseException:
            for worker in self._workers:
                worker.kill()
            raise
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), daemon=True, name=f"worker-{number}")
            for number, worker in enumerate(self._workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work, deliver: Deliver) -> Ticket:
        ticket = Ticket(work, deliver)
        self._queue.put(ticket)
        return ticket

    @property
    def waiting(self) -> int:
        """Files that no worker has begun."""
        return self._queue.qsize()

    @property
    def alive(self) -> int:
        return sum(worker.is_alive for worker in self._workers)

    def close(self) -> None:
        """Read what is in the queue, then end."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self, worker: _Worker) -> None:
        while True:
            ticket = self._queue.get()
            if ticket is None:
                worker.end()
                return
            try:
                worker.read(ticket)
            except Exception as error:  # nothing may end the thread: requests would wait for ever
                logger.exception("reading a file")
                ticket.deliver(PageDone(InputError(ticket.work.name, f"cannot be read ({type(error).__name__})")))
            finally:
                ticket.deliver(None)


class _Worker:
    """One process and the pipe to it; used by one thread."""

    def __init__(self, readers: Mapping[str, OCROptions], page_seconds: float, replaced: Callable[[], None]):
        self._readers, self._seconds, self._replaced = readers, page_seconds, replaced
        self._process: Any = None
        self._connection: Optional[Connection] = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def spawn(self) -> None:
        context = multiprocessing.get_context("spawn")  # neither Paddle's threads nor ours survive a fork
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(dict(self._readers), theirs), daemon=True)
        self._process.start()
        theirs.close()  # else the pipe stays open when the worker dies

    def wait_ready(self) -> None:
        """Raises PPOCRError when the models cannot be loaded."""
        assert self._connection is not None
        try:
            message = self._connection.recv() if self._connection.poll(LOAD_SECONDS) else None
        except (EOFError, OSError):
            message = None
        if isinstance(message, PPOCRError):
            raise message
        if message != READY:
            raise ModelError("a worker process ended, or took too long, while it was loading the models")

    def read(self, ticket: Ticket) -> None:
        """Read a file, whatever happens to the process."""
        first = deaths = deaths_here = 0
        while not ticket.cancelled.is_set():
            if not self.is_alive:
                self._replace()
            done = _Progress(first)
            how = self._pages(ticket, done)
            if how is None:
                return
            self.kill()
            if done.next_page > first:
                deaths_here = 0
            deaths, deaths_here, first = deaths + 1, deaths_here + 1, done.next_page
            if deaths_here >= MAX_ATTEMPTS or how == "slow":
                reason = f"took longer than {self._seconds:g} seconds" if how == "slow" else "its worker process died"
                ticket.deliver(PageDone(InputError(ticket.work.name, f"page {first + 1}: {reason}"), None, first + 1))
                first, deaths_here = first + 1, 0
                done.is_lost = done.is_lost or b"%PDF-" not in ticket.work.data[:1024]  # a picture has no further pages
            if deaths >= MAX_DEATHS or done.is_lost:
                return

    def _pages(self, ticket: Ticket, done: _Progress) -> Optional[str]:
        """Hand out pages until the end (None), or until the process "died" or was too "slow"."""
        assert self._connection is not None
        try:
            self._connection.send(replace(ticket.work, first=done.next_page))
            while True:
                if not self._connection.poll(self._seconds):
                    return "slow"
                message = self._connection.recv()
                if message == END:
                    return None
                if isinstance(message, PPOCRError):  # a reader that is loaded later cannot be loaded
                    ticket.deliver(PageDone(InputError(ticket.work.name, str(message))))
                    done.is_lost = True
                    return "died"
                ticket.deliver(message)
                done.next_page = max(done.next_page, message.next_page)
                if ticket.cancelled.is_set():
                    self._connection.send(STOP)
                    return None
                self._connection.send(NEXT)
        except (EOFError, OSError):
            return "died"

    def _replace(self) -> None:
        """A new process for one that is gone; models that were loaded once are there, or come back."""
        while True:
            self._replaced()
            self.kill()
            self.spawn()
            try:
                return self.wait_ready()
            except PPOCRError as error:
                logger.error("a worker cannot be replaced: %s", error)
                time.sleep(RETRY_SECONDS)

    def end(self) -> None:
        if self._connection is not None:
            self._connection.close()  # tells it that nothing more comes
        if self._process is not None:
            self._process.join(END_SECONDS)
        self.kill()

    def kill(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join(END_SECONDS)


@dataclass
class _Progress:
    """The page to go on with, and whether there is no use in it."""

    next_page: int
    is_lost: bool = False
