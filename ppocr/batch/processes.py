"""A job by processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Iterator, Optional, Sequence, Union

from ppocr.batch.inputs import Shard
from ppocr.batch.job import Finished, Job, read_shard
from ppocr.errors import PPOCRError

MAX_DEATHS_AT_START = 3  # of processes that have not read anything yet, one after another


def run_in_processes(job: Job, shards: Sequence[Shard], count: int) -> Iterator[Finished]:
    """Read shards in `count` processes; one that dies is replaced, and its shard read again.

    Raises:
        PPOCRError: the models cannot be loaded, or the results not be written.
    """
    pool = _Pool(job, shards, count)
    try:
        yield from pool.run()
    finally:
        pool.close()


@dataclass
class _Worker:
    """A process and what it has in hand; `is_ready` once it has loaded its models."""

    process: Any
    connection: Connection
    shard: Optional[Shard] = None
    is_ready: bool = False


class _Pool:
    def __init__(self, job: Job, shards: Sequence[Shard], count: int):
        self._job, self._waiting = job, deque(shards)
        self._context = multiprocessing.get_context("spawn")  # Paddle's threads do not survive a fork
        self._deaths = 0
        self._workers = [self._start() for _ in range(min(count, len(shards)))]

    def run(self) -> Iterator[Finished]:
        while self._workers:
            for connection in wait([worker.connection for worker in self._workers]):
                worker = next(worker for worker in self._workers if worker.connection is connection)
                try:
                    message = worker.connection.recv()
                except (EOFError, OSError):
                    self._replace(worker)
                    continue
                if isinstance(message, Exception):
                    raise message
                if isinstance(message, Finished):
                    worker.shard = None
                    yield message
                worker.is_ready, self._deaths = True, 0
                self._give(worker)

    def _give(self, worker: _Worker) -> None:
        """The next shard; without any, the process ends."""
        worker.shard = self._waiting.popleft() if self._waiting else None
        with contextlib.suppress(OSError):  # it died: the next wait says so
            worker.connection.send(worker.shard)
        if worker.shard is None:
            worker.process.join()
            worker.connection.close()
            self._workers.remove(worker)

    def _replace(self, worker: _Worker) -> None:
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        if worker.shard is not None:
            self._waiting.appendleft(worker.shard)
        if not worker.is_ready:
            self._deaths += 1
            if self._deaths >= MAX_DEATHS_AT_START:
                raise PPOCRError(
                    f"{self._deaths} processes died while they loaded the models (exit {worker.process.exitcode})"
                )
        if self._waiting:
            self._workers.append(self._start())

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, self._job.output, self._job.settings)
        process = self._context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        theirs.close()  # so that its death is seen as the end of the pipe
        return _Worker(process, ours)

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.connection.close()


def _work(connection: Connection, output: Any, settings: Any) -> None:
    """The life of a process: load the models, then read shards until there are no more."""
    from ppocr.batch.reader import PageReader

    with contextlib.suppress(KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        try:
            reader = PageReader(settings.options, settings.reading)
            connection.send("ready")
            while True:
                shard: Union[Shard, None] = connection.recv()
                if shard is None:
                    return
                connection.send(read_shard(output, shard, reader.rows))
        except (PPOCRError, OSError) as error:
            connection.send(error if isinstance(error, PPOCRError) else PPOCRError(f"{output}: {error}"))
