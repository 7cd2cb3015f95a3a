"""Several processes doing one job: tasks go out as workers become free, items come back in the order of the tasks."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import sys
from collections import deque
from multiprocessing.connection import Connection, wait
from typing import Any, Iterator, Optional, Sequence

from ppocr.cli.jobs import Item, Job, Runner, Task
from ppocr.cli.main import quiet
from ppocr.cli.streams import DEBUG_VARIABLE, start_debug_log
from ppocr.errors import InputError, PPOCRError
from ppocr.utils.cpu import available_cores

# Tasks given to a worker at once: the reader pools the lines of several pages. What a crashed worker had in hand is
# given out again one by one, so that the file at fault is the only one lost and can be named.
_TASKS_PER_CHUNK = 8
# No worker runs further ahead of the next task to be printed: one huge document must not make the rest pile up.
_TASKS_AHEAD = 64


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
    """A process and what it has in hand."""

    process: Any
    connection: Connection
    is_ready: bool = False
    chunk: list[Task] = dataclasses.field(default_factory=list)


class _Pool:
    def __init__(self, job: Job, tasks: Sequence[Task], count: int):
        self._job = job
        self._context = multiprocessing.get_context("spawn")  # Paddle's threads do not survive a fork
        self._items: dict[int, deque[Item]] = {task.number: deque() for task in tasks}
        self._received = {task.number: 0 for task in tasks}  # items that came, to be skipped when a task is repeated
        self._skip: dict[int, int] = {}
        self._done: set[int] = set()
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
            for connection in wait(list(busy)):
                self._listen(busy[connection])  # type: ignore[index]
            while self._next < self._total:
                ready = self._items[self._next]
                while ready:
                    yield ready.popleft()
                if self._next not in self._done:
                    break
                del self._items[self._next]
                self._next += 1

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
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
                with contextlib.suppress(OSError):  # it died meanwhile: `_listen` finds out
                    worker.connection.send(worker.chunk)

    def _listen(self, worker: _Worker) -> None:
        """Take one message of a worker: an Item, the number of a finished task, "ready", or an error that ends all."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._replace_dead(worker)
            return
        if isinstance(message, Item):
            self._take(message)
        elif isinstance(message, PPOCRError):
            raise message
        elif message == "ready":
            worker.is_ready = True
        else:
            self._finish(worker, message)

    def _take(self, item: Item) -> None:
        if self._skip.get(item.number, 0):
            self._skip[item.number] -= 1
            return
        self._received[item.number] += 1
        self._items[item.number].append(item)

    def _finish(self, worker: _Worker, number: int) -> None:
        self._done.add(number)
        worker.chunk = [task for task in worker.chunk if task.number != number]

    def _replace_dead(self, worker: _Worker) -> None:
        """Replace a dead worker and see to what it had in hand."""
        worker.process.join()
        how = _how_it_died(worker.process.exitcode)
        if not worker.is_ready:
            raise PPOCRError(f"a worker process {how} while it was loading the models")
        if len(worker.chunk) == 1:
            (task,) = worker.chunk
            self._take(Item(task.number, InputError(task.name, f"the worker process {how} while reading it")))
            self._done.add(task.number)
        else:
            # Items of these tasks that have arrived already will come a second time, and are passed over then.
            self._skip.update({task.number: self._received[task.number] for task in worker.chunk})
            self._chunks.extendleft([task] for task in reversed(worker.chunk))
        worker.connection.close()
        self._workers[self._workers.index(worker)] = self._start()


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
    for item in runner.run(chunk):
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


def _how_it_died(code: Optional[int]) -> str:
    if code is not None and -code in list(signal.Signals):
        return f"died of {signal.Signals(-code).name}"
    return f"ended with status {code}"
