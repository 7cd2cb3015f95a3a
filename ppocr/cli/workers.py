"""Several processes doing one job: tasks go out as workers become free, items come back in the order of the tasks."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from multiprocessing.connection import Connection, wait
from typing import Any, Iterator, NamedTuple, Optional, Sequence

from ppocr.cli.jobs import Item, Job, Runner, Task
from ppocr.cli.main import quiet
from ppocr.cli.streams import DEBUG_VARIABLE, start_debug_log
from ppocr.errors import InputError, PPOCRError
from ppocr.utils.cpu import available_cores

# Tasks given to a worker at once: the reader pools the lines of several pages. What a worker had in hand that died is
# given out again one by one and read page by page, so that the page at fault is the only one lost and can be named.
_TASKS_PER_CHUNK = 8
# No worker runs further ahead of the next task to be printed: one huge document must not make the rest pile up.
_TASKS_AHEAD = 64
_MAX_ATTEMPTS = 2  # at a page whose worker dies
_MAX_DEATHS = 6  # of workers over one source; then the rest of it is given up
_LOOK_SECONDS = 1.0  # between two looks at workers that say nothing
_SLACK = 1.25  # of the time for a page: rendering, which is limited too, comes before it


def run_in_workers(job: Job, tasks: Sequence[Task], count: int) -> Iterator[Item]:
    """Like `Runner(job).run(tasks)`, in `count` processes that share the processor's threads.

    Raises:
        PPOCRError: a worker cannot load its models, or cannot write.
    """
    threads = job.options.threads or available_cores()
    options = dataclasses.replace(job.options, threads=max(1, threads // count))
    pool = _Pool(dataclasses.replace(job, options=options), tasks, count)
    try:
        yield from pool.items()
    finally:
        pool.close()


@dataclasses.dataclass
class _Worker:
    """A process and what it has in hand.

    Attributes:
        opened: the page it has opened last of the task in hand, if it got so far.
        heard: when it sent its latest message.
        is_still: it was found stopped by a signal at the latest look.
        end: why we ended it.
    """

    process: Any
    connection: Connection
    is_ready: bool = False
    chunk: list[Task] = dataclasses.field(default_factory=list)
    opened: Optional[int] = None
    heard: float = dataclasses.field(default_factory=time.monotonic)
    is_still: bool = False
    end: str = ""


@dataclasses.dataclass
class _Progress:
    """How far a task is.

    Attributes:
        items: that came and are to be handed out.
        first: page to begin with when the task is given out again.
        errors: items since that page's predecessor; they would come again.
        skip: items to drop, as they came before.
        deaths: of workers over this task, and of those at its present page.
        is_done: nothing more will come.
    """

    items: deque[Item] = dataclasses.field(default_factory=deque)
    first: int = 0
    errors: int = 0
    skip: int = 0
    deaths: int = 0
    deaths_here: int = 0
    is_done: bool = False

    def take(self, item: Item) -> None:
        if self.skip and not item.next_page:
            self.skip -= 1
            return
        self.skip = self.deaths_here = 0
        self.items.append(item)
        self.errors = 0 if item.next_page else self.errors + 1
        self.first = item.next_page or self.first


class _Pool:
    def __init__(self, job: Job, tasks: Sequence[Task], count: int):
        self._job = job
        self._context = multiprocessing.get_context("spawn")  # Paddle's threads do not survive a fork
        self._tasks = {task.number: _Progress() for task in tasks}
        self._next = 0  # the task whose items are handed out
        self._total = len(tasks)
        # Two chunks for each worker at least, so that one slow file does not leave the others idle at the end.
        size = max(1, min(_TASKS_PER_CHUNK, len(tasks) // (2 * count)))
        self._chunks = deque(list(tasks[begin : begin + size]) for begin in range(0, len(tasks), size))
        self._workers = [self._start() for _ in range(min(count, len(self._chunks)))]

    def items(self) -> Iterator[Item]:
        while self._next < self._total:
            self._give_out()
            busy = {worker.connection: worker for worker in self._workers if worker.chunk or not worker.is_ready}
            for connection in wait(list(busy), _LOOK_SECONDS):
                self._listen(busy[connection])  # type: ignore[index]
            self._end_the_silent(list(busy.values()))
            while self._next < self._total:
                task = self._tasks[self._next]
                while task.items:
                    yield task.items.popleft()
                if not task.is_done:
                    break
                del self._tasks[self._next]
                self._next += 1

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.kill()  # it has nothing to put in order, and a stopped one would not hear anything else
        for worker in self._workers:
            worker.process.join(5)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(self._job, theirs), daemon=True)
        process.start()
        theirs.close()  # else the pipe stays open when the worker dies
        return _Worker(process, ours)

    def _give_out(self) -> None:
        for worker in self._workers:
            if not self._chunks or self._chunks[0][0].number >= self._next + _TASKS_AHEAD:
                return
            if worker.is_ready and not worker.chunk:
                worker.chunk = [_with_standard_input(task) for task in self._chunks.popleft()]
                worker.opened, worker.heard = None, time.monotonic()
                with contextlib.suppress(OSError):  # it died meanwhile: `_listen` finds out
                    worker.connection.send(worker.chunk)

    def _listen(self, worker: _Worker) -> None:
        """Take one message of a worker: an Item, a page opened, a task done, "ready", or an error that ends all."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._replace_dead(worker)
            return
        worker.heard = time.monotonic()
        if isinstance(message, Item):
            self._tasks[message.number].take(message)
        elif isinstance(message, PPOCRError):
            raise message
        elif message == "ready":
            worker.is_ready = True
        elif isinstance(message, _Opened):
            worker.opened = message.page
        else:
            if message in self._tasks:  # else it was said before
                self._tasks[message].is_done = True
            worker.chunk = [task for task in worker.chunk if task.number != message]
            worker.opened = None

    def _end_the_silent(self, workers: Sequence[_Worker]) -> None:
        """Kill workers that take too long, or that somebody stopped; `_listen` then finds them dead."""
        now, seconds = time.monotonic(), self._job.seconds
        for worker in workers:
            if worker.end or now - worker.heard < _LOOK_SECONDS:
                continue
            was_still, worker.is_still = worker.is_still, _is_stopped(worker.process.pid)
            if was_still and worker.is_still:  # twice, since Ctrl-Z and fg reach us and them one after another
                worker.end = "was stopped"
            elif seconds and worker.chunk and now - worker.heard > _SLACK * seconds:
                worker.end = f"took longer than {seconds:g} seconds"
            if worker.end:
                worker.process.kill()

    def _replace_dead(self, worker: _Worker) -> None:
        """Replace a dead worker and see to what it had in hand."""
        worker.process.join()
        how = worker.end or _how_it_died(worker.process.exitcode)
        if not worker.is_ready:
            raise PPOCRError(f"a worker process {how} while it was loading the models")
        again = [task for task in worker.chunk if self._is_to_repeat(task, worker, how)]
        for task in reversed(again):
            progress = self._tasks[task.number]
            progress.skip = progress.errors
            self._chunks.appendleft([task._replace(first=progress.first, alone=True)])
        worker.connection.close()
        self._workers[self._workers.index(worker)] = self._start()

    def _is_to_repeat(self, task: Task, worker: _Worker, how: str) -> bool:
        """Whether a dead worker's task is given out again, from a page after the one at fault if that is known."""
        if not task.alone:  # it may have been any of them
            return True
        progress = self._tasks[task.number]
        progress.deaths += 1
        progress.deaths_here += 1
        if progress.deaths_here < _MAX_ATTEMPTS:
            return True
        page = worker.opened
        where = f"page {page + 1}: " if page else ""
        error = InputError(task.name, f"{where}the worker process {how} while reading it")
        progress.take(Item(task.number, error, None, 0 if page is None else page + 1))
        if page is None or progress.deaths >= _MAX_DEATHS:  # nobody knows where to go on, or whether it is worth it
            progress.is_done = True
        return not progress.is_done


class _Opened(NamedTuple):
    """A worker is about to read this page."""

    page: Optional[int]


def _work(job: Job, connection: Connection) -> None:
    """What a worker process does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    quiet()
    if os.environ.get(DEBUG_VARIABLE):
        start_debug_log()
    with contextlib.suppress(EOFError, ConnectionError):  # the parent is gone or has closed the pipe
        try:
            runner = Runner(job)
            connection.send("ready")
            while True:
                _do_chunk(runner, connection.recv(), connection)
        except PPOCRError as error:
            connection.send(error)


def _do_chunk(runner: Runner, chunk: Sequence[Task], connection: Connection) -> None:
    begun: Optional[int] = None
    for item in runner.run(chunk, page_opened=lambda page: connection.send(_Opened(page))):
        if begun is not None and item.number != begun:
            connection.send(begun)
        begun = item.number
        connection.send(item)
    for task in chunk:
        connection.send(task.number)  # the last one, and any that had no pages


def _with_standard_input(task: Task) -> Task:
    """Workers have no standard input of their own."""
    if task.source != "-":
        return task
    return task._replace(source=sys.stdin.buffer.read())


def _is_stopped(pid: int) -> bool:
    """Whether a child was stopped by a signal (SIGSTOP) and not continued."""
    try:
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    except (AttributeError, ChildProcessError):  # Windows has no such thing; or it ended
        return False


def _how_it_died(code: Optional[int]) -> str:
    if code is not None and -code in list(signal.Signals):
        return f"died of {signal.Signals(-code).name}"
    return f"ended with status {code}"
