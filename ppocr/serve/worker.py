"""One process that reads: what it is given, what it has in hand, its time limit, its replacement when it dies."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Callable, Deque, Dict, Mapping, Optional, Protocol

from ppocr.errors import ModelError, PPOCRError
from ppocr.infer.options import OCROptions
from ppocr.serve.process import IDLE, MORE, READY, Done, Ended, Opened, Stop, Work, main
from ppocr.serve.tickets import Ticket

logger = logging.getLogger(__name__)

LOAD_SECONDS = 300.0  # that loading the models may take
END_SECONDS = 5.0  # that a worker gets to end by itself
RETRY_SECONDS = 2.0  # between two attempts to start a worker
DIED = "its worker process died"


class More(Protocol):
    """Gives a further file to read together with one."""

    def __call__(self, work: Work, *, leave_some: bool) -> Optional[Ticket]: ...


class Worker:
    """One process and the pipe to it; used by one thread.

    Args:
        readers: of `ppocr.serve.process.main`.
        more: where further files come from.
        replaced: is called when the process had to be replaced.
    """

    def __init__(self, readers: Mapping[str, OCROptions], more: More, replaced: Callable[[], None]):
        self._readers, self._more, self._replaced = readers, more, replaced
        self._process: Any = None
        self._connection: Optional[Connection] = None
        self._hand: Dict[int, Ticket] = {}  # that the process has
        self._again: Deque[Ticket] = deque()  # that a dead one had

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
        """Read a file, and with it others that wait, whatever happens to the process."""
        self._again = deque([ticket])
        while self._again:
            ticket = self._again.popleft()
            if ticket.cancelled.is_set():
                ticket.end()
                continue
            if not self.is_alive:
                self._replace()
            seconds = ticket.work.reading.seconds
            try:
                is_slow = not self._exchange(ticket, seconds)
            except (EOFError, OSError):
                is_slow = False
            else:
                if not is_slow:
                    continue
            self.kill()
            self._lose(f"took longer than {seconds:g} seconds" if is_slow else DIED)

    def give_up(self, reason: str) -> None:
        """Tell it of everything that is not answered."""
        for ticket in (*self._hand.values(), *self._again):
            ticket.fail(reason)
            ticket.end()
        self._hand.clear()
        self._again.clear()
        self.kill()  # nobody knows what it would say next

    def _exchange(self, first: Ticket, seconds: float) -> bool:
        """Talk until every file is answered; False if nothing was heard for so many seconds.

        Raises:
            EOFError, OSError: the process is gone.
        """
        assert self._connection is not None
        self._hand = {first.work.number: first}
        self._connection.send(first.work)
        while self._connection.poll(seconds):
            message = self._connection.recv()
            if message == IDLE:
                return True
            if message == MORE:
                further = self._more(first.work, leave_some=bool(self._hand))
                if further is not None:
                    self._hand[further.work.number] = further
                self._connection.send(further and further.work)
            elif isinstance(message, PPOCRError):  # a reader that is loaded later cannot be loaded
                self.give_up(str(message))
                return True
            else:
                self._take(message)
        return False

    def _take(self, message: Any) -> None:
        ticket = self._hand[message.number]
        if isinstance(message, Ended):
            del self._hand[message.number]
            return ticket.end()
        if isinstance(message, Opened):
            ticket.opened += 1
        elif isinstance(message, Done):
            ticket.take(message.page)
        if ticket.cancelled.is_set() and not ticket.is_ended:
            ticket.end()
            self._connection.send(Stop(message.number))  # type: ignore[union-attr]
        return None

    def _lose(self, how: str) -> None:
        """See to what a dead process had in hand: the page at fault is told if it can be known, the rest read again."""
        lost, self._hand = list(self._hand.values()), {}
        is_to_blame = len(lost) == 1 and lost[0].opened <= 1
        for ticket in lost:
            ticket.lost(how, is_to_blame=is_to_blame)
        self._again.extendleft(ticket for ticket in reversed(lost) if not ticket.is_ended)

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
