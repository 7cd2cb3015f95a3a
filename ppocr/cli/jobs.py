"""The work of one command line, in this process or in several: sources → pages → results, in order."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Iterator, NamedTuple, Optional, Sequence, Union

from ppocr.cli.readers import Reader
from ppocr.errors import InputError
from ppocr.infer.io.pdf import Picture, encode_picture
from ppocr.infer.io.sources import DEFAULT_DPI, Page, read_all
from ppocr.infer.io.writers import Result
from ppocr.infer.options import OCROptions
from ppocr.infer.results import OCRResult
from ppocr.ops.images import DEFAULT_MAX_PIXELS


@dataclass(frozen=True)
class Job:
    """What to do to every page; sent as it is to worker processes.

    Attributes:
        reader: makes the reader (`ppocr.cli.readers`); a function at the top of a module.
        options: of the networks.
        dpi, max_pixels: of `ppocr.infer.io.sources`.
        pictures: also return the encoded page.
        draw: folder for drawings.
        texts: whether the drawings have the texts beside the page.
        font: of the drawings.
    """

    reader: Callable[[OCROptions], Reader]
    options: OCROptions
    dpi: float = DEFAULT_DPI
    max_pixels: int = DEFAULT_MAX_PIXELS
    pictures: bool = False
    draw: Optional[str] = None
    texts: bool = True
    font: Optional[str] = None


class Task(NamedTuple):
    """One source: its number, the path or the bytes behind it, the name for results, the name for drawings."""

    number: int
    source: Union[str, bytes]
    name: str
    drawing: str


class Item(NamedTuple):
    """What came of one page of the source of that number."""

    number: int
    result: Union[Result, InputError]
    picture: Optional[Picture] = None


def plan(sources: Sequence[str]) -> list[Task]:
    """Number the sources and give each drawing a name of its own."""
    used: dict[str, int] = {}
    tasks = []
    for number, source in enumerate(sources):
        name = "stdin" if source == "-" else os.path.basename(source) or "page"
        used[name] = used.get(name, 0) + 1
        drawing = name if used[name] == 1 else f"{name}~{used[name]}"
        tasks.append(Task(number, source, source, drawing))
    return tasks


class Runner:
    """Does one job in this process.

    Raises:
        PPOCRError: the models or the font cannot be used.
    """

    def __init__(self, job: Job):
        self._job = job
        self._reader = job.reader(job.options)
        self._drawings = _Drawings(job.draw, font=job.font, texts=job.texts) if job.draw else None

    def run(self, tasks: Iterable[Task]) -> Iterator[Item]:
        """Read the pages of all tasks; an InputError takes the place of what cannot be read.

        Raises:
            PPOCRError: a drawing cannot be made or written.
        """
        # The reader keeps the order but not the pages: they wait here for their results.
        waiting: deque[tuple[Task, Union[Page, InputError]]] = deque()

        def pages() -> Iterator[Union[Page, InputError]]:
            for task in tasks:
                for page in read_all([task.source], dpi=self._job.dpi, max_pixels=self._job.max_pixels):
                    page = _rename(page, task)
                    waiting.append((task, page))
                    yield page

        for result in self._reader(pages()):
            task, page = waiting.popleft()
            picture = None
            if isinstance(page, Page) and isinstance(result, OCRResult):
                if self._drawings:
                    self._drawings.save(task.drawing, page, result)
                if self._job.pictures:
                    picture = encode_picture(page.image, dpi=page.dpi)
            yield Item(task.number, result, picture)


class _Drawings:
    """Saves a drawing of each page in a folder."""

    def __init__(self, folder: str, *, font: Optional[str], texts: bool):
        from ppocr.infer.io.draw import Painter

        self._folder, self._painter, self._texts = Path(folder), Painter(font), texts

    def save(self, name: str, page: Page, result: OCRResult) -> None:
        from ppocr.infer.io.draw import save_picture

        suffix = f".p{page.index + 1}.jpg" if page.index else ".jpg"
        picture = self._painter.draw(page.image, result.lines, beside=self._texts)
        save_picture(self._folder / (name + suffix), picture)


def _rename(page: Union[Page, InputError], task: Task) -> Union[Page, InputError]:
    """Bytes that stand for a file or for standard input get its name back."""
    if not isinstance(task.source, bytes):
        return page
    if isinstance(page, InputError):
        return InputError(task.name, page.reason)
    return Page(task.name, page.index, page.image, page.dpi)
