"""A job: shards of inputs → Parquet files in a folder, which any number of workers may write, killed or not.

    OUTPUT/job.json              what is read, by which models and settings
    OUTPUT/part-000042.parquet   the rows of shard 42; a file that is there is finished
    OUTPUT/manifest.jsonl        a line for each of these files
    OUTPUT/.attempts/42.json     how often shard 42 was begun

A file of results appears whole or not at all, so whoever dies leaves nothing behind but work to do again. A shard
that was begun before is read file by file: the file at which readers keep dying becomes a row with an error.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence

from ppocr.batch.inputs import Item, Shard, shards_of
from ppocr.batch.rows import Row, arrow, row_of, schema
from ppocr.errors import InputError, PPOCRError
from ppocr.infer.io.sources import ReadOptions
from ppocr.infer.options import OCROptions
from ppocr.utils.atomic import replacing_file

MAX_DEATHS = 3  # of readers at the same file; then it is given up
JOB, MANIFEST, ATTEMPTS = "job.json", "manifest.jsonl", ".attempts"
_KEY = b"ppocr"  # in the Parquet files' own metadata

ReadRows = Callable[[Iterable[Item]], Iterator[Row]]


@dataclass(frozen=True)
class Settings:
    """How pages are read; sent to every worker.

    Attributes:
        options: of the networks.
        reading: how files are opened, and how far.
    """

    options: OCROptions = OCROptions(threads=1, spans=False)
    reading: ReadOptions = ReadOptions()


@dataclass(frozen=True)
class Finished:
    """A line of the manifest: one file of results.

    Attributes:
        shard: its number.
        file: its name.
        first: the first input of the shard.
        rows, errors: how many there are.
        seconds: that reading took.
        inputs: hash of what the shard was to read.
    """

    shard: int
    file: str
    first: str
    rows: int
    errors: int
    seconds: float
    inputs: str


class Job:
    """What is to be read, and where the results lie.

    Args:
        output: the folder of results, on a disk that all workers see.
        inputs: paths, folders, patterns and URLs.
        settings: how pages are read.
        files_per_shard: of files that lie by themselves.

    Raises:
        InputError: an input cannot be listed.
        PPOCRError: the folder holds the results of another job.
    """

    def __init__(self, output: Path, inputs: Sequence[str], settings: Settings, *, files_per_shard: int = 256):
        self.output, self.settings = output.absolute(), settings
        self.shards = list(shards_of(inputs, files_per_shard))
        digest = hashlib.sha256()
        for shard in self.shards:
            digest.update(shard.line().encode("utf-8", "surrogatepass") + b"\n")
        self._begin({"inputs": digest.hexdigest(), "shards": len(self.shards), "settings": _plain(settings)})

    def _begin(self, description: Dict[str, Any]) -> None:
        path = self.output / JOB
        if path.is_file():
            before = json.loads(path.read_text(encoding="utf-8"))
            changed = [name for name in description if before.get(name) != description[name]]
            if changed:
                raise PPOCRError(
                    f"{path}: the folder holds the results of another job (other {', '.join(changed)}): "
                    "choose another one, or remove it"
                )
            return
        with replacing_file(path) as temporary:
            temporary.write_text(json.dumps(description, indent=1), encoding="utf-8")

    def left(self) -> List[Shard]:
        """The shards without results; the manifest is made anew from the results that are there."""
        done = {finished.shard for finished in self.close()}
        return [shard for shard in self.shards if shard.number not in done]

    def close(self) -> List[Finished]:
        """Make the manifest anew, in order, and return what it says."""
        done = [finished for finished in map(self._finished, self.shards) if finished]
        with replacing_file(self.output / MANIFEST) as temporary:
            temporary.write_text("".join(map(_line, done)), encoding="utf-8")
        return done

    def tell(self, finished: Finished) -> None:
        """Add a line to the manifest."""
        with (self.output / MANIFEST).open("a", encoding="utf-8") as file:
            file.write(_line(finished))

    def _finished(self, shard: Shard) -> Optional[Finished]:
        """What the results of a shard say of themselves; None where there are none, or those of other inputs."""
        path = part_path(self.output, shard)
        if not path.is_file():
            return None
        try:
            stored = arrow().parquet.read_metadata(path).metadata or {}
            found = Finished(**json.loads(stored[_KEY]))
        except (OSError, ValueError, KeyError, TypeError):  # pyarrow's errors are ValueErrors or OSErrors
            return None
        return found if found.inputs == _digest(shard) else None


def part_path(output: Path, shard: Shard) -> Path:
    return output / f"part-{shard.number:06d}.parquet"


def read_shard(output: Path, shard: Shard, read: ReadRows) -> Finished:
    """Read a shard and write its results; called by workers.

    Args:
        output: the folder of results.
        shard: what to read.
        read: of a `PageReader`.

    Raises:
        OSError: the results cannot be written.
    """
    begin = time.perf_counter()
    attempts = _Attempts(output / ATTEMPTS / f"{shard.number}.json")
    rows = list(_rows(shard, read, attempts))
    finished = Finished(
        shard=shard.number,
        file=part_path(output, shard).name,
        first=shard.paths[0],
        rows=len(rows),
        errors=sum(row["error"] is not None for row in rows),
        seconds=round(time.perf_counter() - begin, 3),
        inputs=_digest(shard),
    )
    pa = arrow()
    table = pa.Table.from_pylist(rows, schema().with_metadata({_KEY: json.dumps(dataclasses.asdict(finished))}))
    with replacing_file(part_path(output, shard)) as temporary:
        pa.parquet.write_table(table, temporary, compression="zstd")
    attempts.forget()
    return finished


def _rows(shard: Shard, read: ReadRows, attempts: _Attempts) -> Iterator[Row]:
    """The rows of a shard: of all files at once, or of one after another if somebody died over it before."""
    try:
        if attempts.is_first:
            yield from read(shard.items())
            return
        for place, item in enumerate(shard.items()):
            if attempts.is_deadly(place):
                reason = f"the process that read it died {MAX_DEATHS} times"
                yield row_of(item.path, None, None, InputError(item.path, reason))
                continue
            attempts.at(place)
            yield from read([item])
    except InputError as error:  # of the tar or Parquet file itself: what it gave so far stands
        yield row_of(shard.paths[0], None, None, error)


class _Attempts:
    """How often a shard was begun, and at which file it was when that ended; kept in a file, since processes die."""

    def __init__(self, path: Path):
        self._path = path
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            self._place, self._deaths = state["place"], {int(place): count for place, count in state["deaths"].items()}
            self.is_first = False
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._place, self._deaths, self.is_first = None, {}, True
        if self._place is not None:
            self._deaths[self._place] = self._deaths.get(self._place, 0) + 1
        self.at(None)

    def is_deadly(self, place: int) -> bool:
        return self._deaths.get(place, 0) >= MAX_DEATHS

    def at(self, place: Optional[int]) -> None:
        """Note that a file is being read."""
        with replacing_file(self._path, durable=False) as temporary:
            temporary.write_text(json.dumps({"place": place, "deaths": self._deaths}), encoding="utf-8")

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


def _line(finished: Finished) -> str:
    return json.dumps(dataclasses.asdict(finished)) + "\n"


def _digest(shard: Shard) -> str:
    return hashlib.sha256(shard.line().encode("utf-8", "surrogatepass")).hexdigest()


def _plain(settings: Settings) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))
