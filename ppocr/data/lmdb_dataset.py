"""Pictures and labels in LMDB databases, as OCR data sets are often shared: few files instead of millions.

A database holds `num-samples`, and for each sample, counted from 1, the picture file `image-000000001` and the UTF-8
text `label-000000001`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple, Union

import numpy as np

from ppocr.data.datasets import Part, Sample, checked_ratios, locate
from ppocr.data.labels import BROKEN_LINE
from ppocr.data.lmdb_check import check_lmdb
from ppocr.errors import DataError, MissingExtraError, SampleError

COUNT, IMAGE, LABEL = b"num-samples", "image-{:09d}", "label-{:09d}"
INITIAL_MAP_BYTES = 1 << 26  # bytes of a new database; it is doubled as needed
SAMPLES_PER_TRANSACTION = 1000  # samples written in one transaction


class LMDBDataSet:
    """Samples of one or more databases.

    Args:
        data_dir: a database (a folder with `data.mdb`), or a folder with databases anywhere in it.
        ratio_list: for each database, by the names of their folders, the share that an epoch sees; one number for all.

    Raises:
        ValueError: `ratio_list` does not fit.
        DataError: there is no database, or one cannot be read.
        MissingExtraError: the package `lmdb` is not installed.
    """

    def __init__(self, data_dir: str, ratio_list: Union[float, Sequence[float]] = (1.0,)):
        self._folders = sorted(file.parent for file in Path(data_dir).rglob("data.mdb"))
        if not self._folders:
            raise DataError(f"{data_dir}: there is no LMDB database (data.mdb) in it")
        ratios = checked_ratios(ratio_list, len(self._folders), "databases")
        for folder in self._folders:
            check_lmdb(folder)
        self._open: Dict[Path, Any] = {}  # in each process its own
        self.parts = [Part(self._count(folder), ratio) for folder, ratio in zip(self._folders, ratios)]
        self._ends = np.cumsum([part.count for part in self.parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, index: int, rng: np.random.Generator) -> Sample:
        folder, number = self._locate(index)
        picture = self._get(folder, IMAGE.format(number))
        place, label = self.label(index)
        if picture is None:
            raise SampleError(place, f"no entry {IMAGE.format(number)}", "missing picture")
        return {"image": np.frombuffer(picture, np.uint8), "label": label, "place": place}

    def label(self, index: int) -> Tuple[str, str]:
        """(place, label) of a sample, its picture not read.

        Raises:
            SampleError: there is none, or it is not UTF-8.
        """
        folder, number = self._locate(index)
        place = f"{folder}:{number}"
        label = self._get(folder, LABEL.format(number))
        if label is None:
            raise SampleError(place, f"no entry {LABEL.format(number)}", BROKEN_LINE)
        try:
            return place, label.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SampleError(place, f"the label is not UTF-8 (byte {error.start})", BROKEN_LINE) from error

    def _locate(self, index: int) -> Tuple[Path, int]:
        which, row = locate(self._ends, index)
        return self._folders[which], row + 1

    def _count(self, folder: Path) -> int:
        value = self._get(folder, COUNT.decode())
        if value is None or not value.isdigit() or not int(value):
            raise DataError(f"{folder}: `num-samples`: expected a number above 0, came {value!r}")
        return int(value)

    def _get(self, folder: Path, key: str) -> Any:
        if folder not in self._open:
            self._open[folder] = _open(folder, (folder / "data.mdb").stat().st_ino)
        lmdb = import_lmdb()
        try:
            with self._open[folder].begin() as transaction:
                return transaction.get(key.encode())
        except lmdb.Error as error:
            raise DataError(f"{folder}: the database is damaged: {error}") from error

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_open": {}}


@cache
def _open(folder: Path, inode: int) -> Any:
    """A database to read; LMDB must not open one twice in a process, say for `Train` and for `Eval`."""
    lmdb = import_lmdb()
    try:
        return lmdb.open(str(folder), readonly=True, lock=False, readahead=False, meminit=False)
    except lmdb.Error as error:
        raise DataError(f"{folder}: cannot be read as LMDB: {error}") from error


def write_lmdb(folder: Path, samples: Iterable[Tuple[bytes, str]]) -> int:
    """Write (picture file, label) pairs as a database; returns how many there were.

    Args:
        folder: an empty directory.

    Raises:
        OSError: the disk is full or not writable.
        MissingExtraError: the package `lmdb` is not installed.
    """
    lmdb = import_lmdb()
    count, waiting = 0, []
    try:
        with lmdb.open(str(folder), map_size=INITIAL_MAP_BYTES) as database:
            for image, label in samples:
                count += 1
                waiting += [(IMAGE.format(count).encode(), image), (LABEL.format(count).encode(), label.encode())]
                if len(waiting) >= 2 * SAMPLES_PER_TRANSACTION:
                    _put(database, waiting)
                    waiting = []
            _put(database, [*waiting, (COUNT, str(count).encode())])
    except lmdb.Error as error:
        raise OSError(str(error)) from error
    return count


def import_lmdb() -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise MissingExtraError("LMDB", "train") from error
    return lmdb


def _put(database: Any, items: List[Tuple[bytes, bytes]]) -> None:
    lmdb = import_lmdb()
    while True:
        try:
            with database.begin(write=True) as transaction:
                for key, value in items:
                    transaction.put(key, value)
            return
        except lmdb.MapFullError:
            database.set_mapsize(2 * database.info()["map_size"])
