"""Rows in, rows out: what a worker of any framework calls."""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Iterable, Iterator, List, Optional, Tuple, Union

from ppocr.batch.inputs import Item
from ppocr.batch.rows import COLUMNS, Row, arrow, row_of, schema, sha256_of
from ppocr.errors import InputError
from ppocr.infer.io.sources import Page, ReadOptions, read_all
from ppocr.infer.options import OCROptions
from ppocr.infer.pipeline import OCR


class PageReader:
    """Reads batches of files; the models are loaded once for each object.

    A batch has the column `path`, and may have `bytes`: the content of each file, where it has been read already. It is
    a `pyarrow.Table`, a `pandas.DataFrame`, or a dict of lists, and so is the answer: one row a page (`COLUMNS`). What
    cannot be read becomes a row with an `error`.

        ray.data.read_binary_files(folder, include_paths=True).map_batches(
            PageReader, batch_size=32, batch_format="pyarrow", num_cpus=1, concurrency=8)

    Args:
        options: of the networks; `threads=1` where there is a reader for each core.
        reading: how files are opened, and how far.

    Raises:
        ModelError, ConfigError: a model cannot be used.
    """

    def __init__(self, options: OCROptions = OCROptions(threads=1, spans=False), reading: ReadOptions = ReadOptions()):
        self._ocr, self._reading = OCR(options), reading

    def __call__(self, batch: Any) -> Any:
        """The rows of a batch of files, in the form of the batch."""
        if hasattr(batch, "to_pylist"):
            rows = list(self.rows(_items(batch.to_pylist())))
            return arrow().Table.from_pylist(rows, schema())
        if hasattr(batch, "to_dict"):
            rows = list(self.rows(_items(batch.to_dict("records"))))
            return type(batch)(rows, columns=list(COLUMNS), dtype=object)  # None stays None
        names = [name for name in ("path", "bytes") if name in batch]
        rows = list(self.rows(_items([dict(zip(names, values)) for values in zip(*(batch[name] for name in names))])))
        return {name: [row[name] for row in rows] for name in COLUMNS}

    def map_frames(self, frames: Iterable[Any]) -> Iterator[Any]:
        """For Spark's `mapInPandas`: a `pandas.DataFrame` of rows for each of files."""
        return map(self, frames)

    def rows(self, items: Iterable[Item]) -> Iterator[Row]:
        """The rows of files as they come, in order."""
        # The pipeline keeps the order but not the pages: they wait here for their results.
        waiting: Deque[Tuple[str, Optional[str], Optional[Page]]] = deque()

        def pages() -> Iterator[Union[Page, InputError]]:
            for item in items:
                digest = None
                try:
                    data = item.load()
                except InputError as error:
                    waiting.append((item.path, None, None))
                    yield error
                    continue
                digest = sha256_of(data)
                for page in read_all([data], self._reading):
                    waiting.append((item.path, digest, page if isinstance(page, Page) else None))
                    yield page

        for result in self._ocr.stream(pages()):
            yield row_of(*waiting.popleft(), result)


def _items(records: List[Row]) -> Iterator[Item]:
    for record in records:
        data = record.get("bytes")
        yield Item(str(record["path"]), bytes(data) if isinstance(data, (bytes, bytearray, memoryview)) else None)
