"""Processes that read, and a thread for each that hands it files."""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import replace
from typing import Callable, List, Mapping

from ppocr.infer.options import OCROptions
from ppocr.serve.process import Work
from ppocr.serve.tickets import Deliver, Ticket, TicketQueue
from ppocr.serve.worker import Worker

logger = logging.getLogger(__name__)


class WorkerPool:
    """Reads files in processes.

    Args:
        readers: name → how it is made; the first is loaded at once, others when they are asked for.
        count: processes.
        replaced: is called when a worker had to be replaced.
    """

    def __init__(self, readers: Mapping[str, OCROptions], count: int, *, replaced: Callable[[], None] = lambda: None):
        self._queue = TicketQueue(count)
        self._workers = [Worker(readers, self._queue.like, replaced) for _ in range(count)]
        self._threads: List[threading.Thread] = []
        self._numbers = itertools.count()

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
        """Queue a file; `deliver` gets its pages, then None."""
        ticket = Ticket(replace(work, number=next(self._numbers)), deliver)
        self._queue.put(ticket)
        return ticket

    @property
    def waiting(self) -> int:
        """Files that no worker has begun."""
        return len(self._queue)

    @property
    def alive(self) -> int:
        return sum(worker.is_alive for worker in self._workers)

    def close(self) -> None:
        """Read what is in the queue, then end."""
        self._queue.close()
        for thread in self._threads:
            thread.join()

    def _run(self, worker: Worker) -> None:
        while True:
            ticket = self._queue.take()
            if ticket is None:
                worker.end()
                return
            try:
                worker.read(ticket)
            except Exception as error:  # nothing may end the thread: requests would wait for ever
                logger.exception("reading a file")
                worker.give_up(f"cannot be read ({type(error).__name__})")
