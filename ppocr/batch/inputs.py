"""What the user names → shards: files, folders, patterns, tar files, Parquet files, and the same in object stores.

A shard is what one worker reads at once, and becomes one file of results. Nothing is opened here but lists of files and
the footers of Parquet files, so a million files are planned in seconds.
"""

from __future__ import annotations

import json
import os
import re
import tarfile
from dataclasses import dataclass
from typing import Any, BinaryIO, Iterator, NamedTuple, Optional, Sequence, Tuple

from ppocr.batch.rows import arrow
from ppocr.errors import InputError, MissingExtraError
from ppocr.infer.io.sources import MAX_FILE_BYTES, SUFFIXES, expand, load_file

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
PARQUET_SUFFIX = ".parquet"
PATH_COLUMNS = ("path", "file", "filename", "name", "id", "__key__")
BYTES_COLUMNS = ("bytes", "image", "content", "data", "pdf")


class Item(NamedTuple):
    """One file: its name in the results, its content where that has been read already, or why it cannot be."""

    path: str
    data: Optional[bytes] = None
    problem: str = ""

    def load(self) -> bytes:
        """Its content.

        Raises:
            InputError: it cannot be read.
        """
        if self.problem:
            raise InputError(self.path, self.problem)
        if self.data is not None:
            return self.data
        if not URL.match(self.path):
            return load_file(self.path)
        try:
            with _open(self.path) as file:
                data: bytes = file.read(MAX_FILE_BYTES + 1)
        except InputError:
            raise
        except Exception as error:  # whatever a store's client raises
            raise InputError(self.path, f"cannot be read ({type(error).__name__}: {error})") from error
        if len(data) > MAX_FILE_BYTES:
            raise InputError(self.path, f"it is larger than {MAX_FILE_BYTES / 1e6:g} MB")
        return data


@dataclass(frozen=True)
class Shard:
    """What one worker reads at once.

    Attributes:
        number: its place in the job, from 0.
        kind: "files", "tar" or "parquet".
        paths: the files; one tar or Parquet file.
        group: row group of the Parquet file.
    """

    number: int
    kind: str
    paths: Tuple[str, ...]
    group: int = 0

    def items(self) -> Iterator[Item]:
        """Its files, one after another.

        Raises:
            InputError: its tar or Parquet file cannot be read.
        """
        if self.kind == "files":
            return map(Item, self.paths)
        read = _tar_items if self.kind == "tar" else _parquet_items
        return _told(self.paths[0], read(self.paths[0], self.group))

    def line(self) -> str:
        """What tells it from other shards, as one line of JSON."""
        return json.dumps([self.number, self.kind, self.group, *self.paths])


def shards_of(inputs: Sequence[str], files_per_shard: int) -> Iterator[Shard]:
    """The shards of a job, always the same for the same inputs.

    Args:
        inputs: paths, folders, patterns and URLs.
        files_per_shard: of files that lie by themselves; each tar file and each row group of a Parquet file is a shard.

    Raises:
        InputError: a folder or store cannot be listed, or a Parquet file has no footer.
    """
    number, waiting = 0, []
    for path in _listed(inputs):
        name = path.lower()
        if name.endswith(TAR_SUFFIXES):
            yield Shard(number, "tar", (path,))
            number += 1
        elif name.endswith(PARQUET_SUFFIX):
            for group in range(_row_groups(path)):
                yield Shard(number, "parquet", (path,), group)
                number += 1
        else:
            waiting.append(path)
            if len(waiting) == files_per_shard:
                yield Shard(number, "files", tuple(waiting))
                number, waiting = number + 1, []
    if waiting:
        yield Shard(number, "files", tuple(waiting))


def _listed(inputs: Sequence[str]) -> Iterator[str]:
    suffixes = (*SUFFIXES, *TAR_SUFFIXES, PARQUET_SUFFIX)
    for name in inputs:
        if URL.match(name):
            yield from _listed_url(name, suffixes)
            continue
        name = os.path.abspath(name)  # workers may have another working directory
        if os.path.isdir(name):
            yield from sorted(
                os.path.join(folder, file)
                for folder, _, files in os.walk(name)
                for file in files
                if file.lower().endswith((*TAR_SUFFIXES, PARQUET_SUFFIX))
            )
        found = expand([name])
        if not (found == [name] and os.path.isdir(name)):  # which holds packed files alone
            yield from found


def _listed_url(url: str, suffixes: Tuple[str, ...]) -> Iterator[str]:
    system, path = _file_system(url)
    protocol = url.partition("://")[0]
    try:
        if any(sign in path for sign in "*?["):
            found = sorted(system.glob(path))
        elif system.isfile(path):
            found = [path]
        else:
            found = sorted(name for name in system.find(path) if name.lower().endswith(suffixes))
    except Exception as error:  # whatever a store's client raises
        raise InputError(url, f"cannot be listed ({type(error).__name__}: {error})") from error
    if not found:
        raise InputError(url, "nothing to read is there")
    for name in found:
        yield name if URL.match(name) else f"{protocol}://{name.lstrip('/') if protocol != 'file' else name}"


def _file_system(url: str) -> Tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtraError("reading from object stores", "bulk") from error
    try:
        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:  # the package for this kind of store, or no such kind
        raise InputError(url, f"{error}") from error
    return system, path


def _open(path: str) -> BinaryIO:
    """A file or an object of a store, to be read; the network's and the disk's errors are the caller's."""
    if not URL.match(path):
        return open(path, "rb")
    system, name = _file_system(path)
    opened: BinaryIO = system.open(name, "rb")
    return opened


def _told(path: str, items: Iterator[Item]) -> Iterator[Item]:
    """The same items; whatever goes wrong between them is told with the name of the file."""
    try:
        yield from items
    except InputError:
        raise
    except Exception as error:  # of tarfile, pyarrow, the disk, a store's client
        raise InputError(path, f"cannot be read ({type(error).__name__}: {error})") from error


def _tar_items(path: str, _: int) -> Iterator[Item]:
    """Pictures and documents in a tar file, read from end to end without being unpacked."""
    with _open(path) as file, tarfile.open(fileobj=file, mode="r|*") as archive:
        for member in archive:
            if not member.isfile() or os.path.splitext(member.name)[1].lower() not in SUFFIXES:
                continue
            name = f"{path}/{member.name}"
            content = archive.extractfile(member)
            if member.size > MAX_FILE_BYTES or content is None:
                yield Item(name, problem=f"it is larger than {MAX_FILE_BYTES / 1e6:g} MB")
            else:
                yield Item(name, content.read())


def _parquet_items(path: str, group: int) -> Iterator[Item]:
    """Files in a column of bytes, or of structs of `bytes` and `path` as data sets have them."""
    parquet = arrow().parquet
    with _open(path) as file:
        reader = parquet.ParquetFile(file)
        names = reader.schema_arrow.names
        data = next((name for name in BYTES_COLUMNS if name in names), None)
        label = next((name for name in PATH_COLUMNS if name in names), None)
        if data is None:
            raise InputError(
                path, f"expected a column named one of {', '.join(BYTES_COLUMNS)}, came {', '.join(names)}"
            )
        columns = [name for name in (data, label) if name]
        number = 0
        for batch in reader.iter_batches(batch_size=16, row_groups=[group], columns=columns):
            for row in batch.to_pylist():
                value: Any = row[data]
                name = row[label] if label else None
                if isinstance(value, dict):
                    value, name = value.get("bytes"), name or value.get("path")
                yield Item(f"{path}/{name or f'{group}.{number}'}", bytes(value or b""))
                number += 1


def _row_groups(path: str) -> int:
    parquet = arrow().parquet
    try:
        with _open(path) as file:
            return int(parquet.ParquetFile(file).metadata.num_row_groups)
    except InputError:
        raise
    except Exception as error:  # of pyarrow, the disk, a store's client
        raise InputError(path, f"cannot be read ({type(error).__name__}: {error})") from error
