"""Processes that make batches ahead of the training loop.

Batch number k of an epoch goes to worker k mod n, and answers are read in the same order: no queue, no lock, and
nothing depends on which worker is faster. A worker may be `BATCHES_AHEAD` batches in front. Arrays come back in shared
memory, the rest through a pipe; when the parent dies, however suddenly, its end of the pipe closes and the worker ends
too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
import weakref
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Protocol, Sequence, Tuple

import cv2
import numpy as np

from ppocr.data.pipeline import LoadedBatch
from ppocr.data.samplers import Batch
from ppocr.errors import DataError, PPOCRError

BATCHES_AHEAD = 2  # batches that a worker has in hand or ready; each has its own piece of shared memory
ALIGNMENT_BYTES = 64  # bytes
SHUTDOWN_SECONDS = 5  # seconds that a worker has to end


class BatchMaker(Protocol):
    """What workers run: a `Pipeline`, or a `Checker`. It must pickle."""

    def batch(self, batch: Batch, epoch: int) -> LoadedBatch: ...


class PackedBatch(NamedTuple):
    """A `LoadedBatch` whose arrays lie in shared memory.

    Attributes:
        memory: its name.
        layout: of each array its name, type, shape and first byte.
        made: the rest.
    """

    memory: str
    layout: List[Tuple[str, str, Tuple[int, ...], int]]
    made: LoadedBatch


class WorkerPool:
    """`count` processes that make batches.

    Args:
        maker: sent to each worker once.
        count: of processes, at least 1.
    """

    def __init__(self, maker: BatchMaker, count: int):
        context = multiprocessing.get_context("spawn")  # Paddle's and OpenCV's threads do not survive a fork
        self._processes: List[Any] = []
        self._connections: List[Connection] = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(maker, theirs), daemon=True, name="ppocr-loader")
            process.start()
            theirs.close()  # else the pipe stays open when the worker dies
            self._processes.append(process)
            self._connections.append(ours)
        self._memories: Dict[Tuple[int, int], SharedMemory] = {}
        # Also when nobody calls `close`: at garbage collection or at the interpreter's end.
        self._finalizer = weakref.finalize(self, _close, self._processes, self._connections, self._memories)

    def run(self, batches: Sequence[Batch], epoch: int) -> Iterator[LoadedBatch]:
        """Make batches, in order. Only one run at a time.

        Raises:
            DataError: as `Pipeline.batch`, or when a worker died.
        """
        ahead = BATCHES_AHEAD * len(self._processes)
        given = taken = 0
        try:
            while taken < len(batches):
                while given < min(len(batches), taken + ahead):
                    self._give(given, batches[given], epoch)
                    given += 1
                number, taken = taken, taken + 1  # counted before it is awaited: its answer may be an error
                yield self._unpack(number, self._take(number))
        finally:
            # Whoever stopped early may start again: answers that are under way must not be taken for those of the next
            # run.
            if self._finalizer.alive:
                for number in range(taken, given):
                    with contextlib.suppress(PPOCRError):
                        self._take(number)

    def close(self) -> None:
        """End the workers."""
        self._finalizer()

    def _give(self, number: int, batch: Batch, epoch: int) -> None:
        worker, slot = self._place(number)
        with contextlib.suppress(OSError):  # it died: `_take` finds out
            self._connections[worker].send((batch, epoch, slot))

    def _take(self, number: int) -> PackedBatch:
        worker, _ = self._place(number)
        try:
            answer = self._connections[worker].recv()
        except (EOFError, OSError) as error:
            self._processes[worker].join(SHUTDOWN_SECONDS)
            code = self._processes[worker].exitcode
            self.close()
            how = f"ended with status {code}" if code is None or code >= 0 else f"died of {signal.Signals(-code).name}"
            raise DataError(
                f"a worker process of the loader {how}; if memory ran out, set fewer loader.num_workers or a smaller "
                "loader.batch_size_per_card"
            ) from error
        if isinstance(answer, PPOCRError):
            raise answer
        return answer

    def _place(self, number: int) -> Tuple[int, int]:
        """(worker, piece of its memory) of a batch: a piece is written again when its batch has been taken."""
        turn, worker = divmod(number, len(self._processes))
        return worker, turn % BATCHES_AHEAD

    def _unpack(self, number: int, packed: PackedBatch) -> LoadedBatch:
        place = self._place(number)
        memory = self._memories.get(place)
        if packed.layout and (memory is None or memory.name != packed.memory):
            if memory is not None:
                memory.close()
            memory = self._memories[place] = SharedMemory(packed.memory)
        arrays = dict(packed.made.arrays)
        # A copy, since the worker writes the next batch into the same memory.
        for name, kind, shape, begin in packed.layout:
            arrays[name] = np.ndarray(shape, kind, memory.buf, begin).copy()  # type: ignore[union-attr]
        return packed.made._replace(arrays=arrays)


def _close(processes: List[Any], connections: List[Connection], memories: Dict[Any, SharedMemory]) -> None:
    for connection in connections:
        connection.close()
    for process in processes:
        process.join(SHUTDOWN_SECONDS)
        if process.is_alive():
            process.terminate()
            process.join(SHUTDOWN_SECONDS)
    for memory in memories.values():
        memory.close()


def _work(maker: BatchMaker, connection: Connection) -> None:
    """What a worker does until its pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    cv2.setNumThreads(0)  # the workers are the threads
    slots = [_Slot() for _ in range(BATCHES_AHEAD)]
    try:
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                batch, epoch, slot = connection.recv()
                connection.send(_answer(maker, batch, epoch, slots[slot]))
    finally:
        for slot in slots:
            slot.free()


def _answer(maker: BatchMaker, batch: Batch, epoch: int, slot: _Slot) -> Any:
    """A `PackedBatch`, or the error to raise in the parent."""
    try:
        return slot.pack(maker.batch(batch, epoch))
    except PPOCRError as error:
        return error
    except Exception:
        return DataError(f"a worker process of the loader failed:\n{traceback.format_exc()}")


class _Slot:
    """A piece of shared memory that grows to the largest batch."""

    def __init__(self) -> None:
        self._memory: Optional[SharedMemory] = None

    def pack(self, made: LoadedBatch) -> PackedBatch:
        arrays = {name: value for name, value in made.arrays.items() if isinstance(value, np.ndarray)}
        layout, size = [], 0
        for name, array in arrays.items():
            layout.append((name, array.dtype.str, array.shape, size))
            # Rounded up, so that each array begins at a full cache line.
            size += -(-array.nbytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        if self._memory is None or self._memory.size < size:
            self.free()
            self._memory = _reserve(max(size, ALIGNMENT_BYTES))
        if self._memory is None:
            return PackedBatch("", [], made)  # all through the pipe: slower, but it arrives
        for name, kind, shape, begin in layout:
            np.ndarray(shape, kind, self._memory.buf, begin)[...] = arrays[name]
        rest = {name: value for name, value in made.arrays.items() if name not in arrays}
        return PackedBatch(self._memory.name, layout, made._replace(arrays=rest))

    def free(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory.unlink()
            self._memory = None


def _reserve(size: int) -> Optional[SharedMemory]:
    """Shared memory of `size` bytes, or None where there is too little.

    Containers often have 64 MB of it. Linux says so only when it is written, by killing the process (SIGBUS), unless
    the pages are asked for beforehand.
    """
    try:
        memory = SharedMemory(create=True, size=size)
    except OSError:
        return None
    file = Path("/dev/shm") / memory.name
    if file.exists():
        try:
            with open(file, "r+b") as handle:
                os.posix_fallocate(handle.fileno(), 0, size)
        except OSError:
            memory.close()
            memory.unlink()
            return None
    return memory
