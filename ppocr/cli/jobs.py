"""The work of one command line, in this process or in several: sources → pages → results, in order."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Iterable, Iterator, NamedTuple, Optional, Sequence, Union

from ppocr.cli.readers import Reader
from ppocr.errors import InputError, PPOCRError
from ppocr.infer.io.pdf import Picture, encode_picture
from ppocr.infer.io.sources import Page, ReadOptions, page_error, read_all
from ppocr.infer.io.writers import Result
from ppocr.infer.options import OCROptions
from ppocr.infer.orientation import shown_picture
from ppocr.infer.results import OCRResult


@dataclass(frozen=True)
class Job:
    """What to do to every page; sent as it is to worker processes.

    Attributes:
        reader: makes the reader (`ppocr.cli.readers`); a function at the top of a module.
        options: of the networks.
        reading: how files are opened, and how far.
        pictures: also return the encoded page.
        seconds: for each page, in worker processes; 0 for as long as it takes.
        draw: folder for drawings.
        texts: whether the drawings have the texts beside the page.
        font: of the drawings.
    """

    reader: Callable[[OCROptions], Reader]
    options: OCROptions
    reading: ReadOptions = ReadOptions()
    pictures: bool = False
    seconds: float = 0.0
    draw: Optional[str] = None
    texts: bool = True
    font: Optional[str] = None


class Task(NamedTuple):
    """One source.

    Attributes:
        number: its place in the command line.
        source: the path or the bytes behind it.
        name: for results.
        drawing: its name for drawings.
        first: 0-based page to begin with.
        alone: each page is read, and its result handed out, before the next one is opened.
    """

    number: int
    source: Union[str, bytes]
    name: str
    drawing: str
    first: int = 0
    alone: bool = False


class Item(NamedTuple):
    """What came of one page.

    Attributes:
        number: of its source.
        result: what was read, or why it was not.
        picture: the encoded page, if the job asks for it.
        next_page: 0-based page after it; 0 where what is wrong is no page.
    """

    number: int
    result: Union[Result, InputError]
    picture: Optional[Picture] = None
    next_page: int = 0


PageOpened = Callable[[Optional[int]], None]


def _ignore(page: Optional[int]) -> None:
    """Nobody asked."""


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

    def run(self, tasks: Iterable[Task], *, page_opened: PageOpened = _ignore) -> Iterator[Item]:
        """Read the pages of all tasks; an InputError takes the place of what cannot be read.

        Args:
            tasks: either all of them `alone` or none.
            page_opened: told the 0-based number of each page before it is read, None for what is no page.

        Raises:
            PPOCRError: a drawing cannot be made or written.
        """
        # The reader keeps the order but not the pages: they wait here for their results.
        waiting: deque[tuple[Task, Union[Page, InputError]]] = deque()

        def pages() -> Iterator[Union[Page, InputError]]:
            for task in tasks:
                for page in read_all([task.source], self._job.reading, first=task.first):
                    page = _rename(page, task)
                    waiting.append((task, page))
                    page_opened(page.index if isinstance(page, Page) else None)
                    yield page

        tasks = list(tasks)
        alone = any(task.alone for task in tasks)
        parts = ([page] for page in pages()) if alone else [pages()]
        for result in (result for part in parts for result in self._reader(part)):
            task, page = waiting.popleft()
            yield self._item(task, page, result)

    def _item(self, task: Task, page: Union[Page, InputError], result: Union[Result, InputError]) -> Item:
        following = page.index + 1 if isinstance(page, Page) else 0
        if not (isinstance(page, Page) and isinstance(result, OCRResult)):
            return Item(task.number, result, None, following)
        try:
            if result.angle:
                image = shown_picture(page.image, result, upright=self._job.options.upright)
                page = replace(page, image=image)
            if self._drawings:
                self._drawings.save(task.drawing, page, result)
            picture = None
            if self._job.pictures:
                picture = encode_picture(page.image, dpi=page.dpi)
                picture = replace(picture, is_document=page.dpi > 0, has_text=page.characters > 0)
        except PPOCRError:  # the folder cannot be written: so will be the next drawings
            raise
        except Exception as error:
            return Item(task.number, page_error(page, error), None, following)
        return Item(task.number, result, picture, following)


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
    return replace(page, source=task.name)
