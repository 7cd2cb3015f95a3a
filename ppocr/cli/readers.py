"""What each command does to pages: a reader is made once from the options (this loads the models) and then given pages.

Readers are top-level functions, so that worker processes can be told which one to make.
"""

from __future__ import annotations

import logging
import time
from itertools import islice
from typing import Callable, Iterable, Iterator, Sequence, Union

import numpy as np

from ppocr.errors import InputError, PPOCRError
from ppocr.infer.io.sources import Page, page_error
from ppocr.infer.io.writers import Result
from ppocr.infer.options import OCROptions
from ppocr.infer.results import CropResult, DirectionResult, OCRResult, TextLine
from ppocr.utils.in_order import map_in_order

logger = logging.getLogger(__name__)

Pages = Iterable[Union[Page, InputError]]
Results = Iterator[Union[Result, InputError]]  # one for each page, in order, errors in their places
Reader = Callable[[Pages], Results]

_CROPS_PER_GROUP = 64  # read together, so that batches can be filled with crops of similar width


def ocr(options: OCROptions) -> Reader:
    """Find and read the text of pages."""
    from ppocr.infer.pipeline import OCR

    return OCR(options).stream


def detect(options: OCROptions) -> Reader:
    """Find the text of pages; the lines of the results have empty texts."""
    from ppocr.infer.detector import TextDetector

    detector = TextDetector(options)

    def find(page: Page) -> OCRResult:
        begin = time.perf_counter()
        height, width = page.image.shape[:2]
        regions = detector(page.image).in_reading_order(options.order)
        lines = tuple(
            TextLine.of_region("", score, box, polygon)
            for score, (box, polygon) in zip(regions.scores, regions.outlines())
        )
        return OCRResult(page.source, page.index, width, height, time.perf_counter() - begin, lines)

    def find_or_tell(page: Union[Page, InputError]) -> Union[Result, InputError]:
        return _or_error(find, page) if isinstance(page, Page) else page

    return lambda pages: map_in_order(find_or_tell, pages, options.pages_at_once)


def recognize(options: OCROptions) -> Reader:
    """Read crops, each a page of its own; with a classifier, those that lie upside down are turned."""
    from ppocr.infer.classifier import TextClassifier
    from ppocr.infer.crops import CropReader
    from ppocr.infer.recognizer import TextRecognizer

    classifier = TextClassifier(options) if options.cls is not None else None
    reader = CropReader(TextRecognizer(options), classifier, doubt=options.cls_doubt)

    def read(crops: list[np.ndarray]) -> list[tuple[str, float]]:
        return [(text, score) for ((text, score, *_),) in reader([[crop] for crop in crops])]

    return lambda pages: _in_groups(pages, read, CropResult, options.pages_at_once)


def classify(options: OCROptions) -> Reader:
    """Tell how crops lie."""
    from ppocr.infer.classifier import TextClassifier

    classifier = TextClassifier(options)
    return lambda pages: _in_groups(pages, classifier, DirectionResult, options.pages_at_once)


def _or_error(read: Callable[[Page], Result], page: Page) -> Union[Result, InputError]:
    """What a page says, or why it cannot be read."""
    try:
        return read(page)
    except PPOCRError:
        raise
    except Exception as error:
        return page_error(page, error)


def _in_groups(
    pages: Pages,
    read: Callable[[list[np.ndarray]], list[tuple[str, float]]],
    record: Callable[[str, str, float], Result],
    threads: int,
) -> Results:
    def one(page: Page) -> Result:
        return record(page.source, *read([page.image])[0])

    def finish(group: Sequence[Union[Page, InputError]]) -> Sequence[Union[Result, InputError]]:
        crops = [page.image for page in group if isinstance(page, Page)]
        try:
            answers = iter(read(crops))
        except PPOCRError:
            raise
        except Exception:  # of one of them
            logger.debug("%d crops are read one by one", len(crops), exc_info=True)
            return [_or_error(one, page) if isinstance(page, Page) else page for page in group]
        return [page if isinstance(page, InputError) else record(page.source, *next(answers)) for page in group]

    iterator = iter(pages)
    groups = iter(lambda: list(islice(iterator, _CROPS_PER_GROUP)), [])
    return (result for results in map_in_order(finish, groups, threads) for result in results)
