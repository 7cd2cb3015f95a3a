"""The predictor chain: detect → order → crop → recognise, turning crops that lie upside down; page after page.

Pages are read in small groups: their crops are pooled, so that the recogniser gets full batches of similar width even
when single pages have few lines.
"""

from __future__ import annotations

import copy
import dataclasses
import logging
import time
from pathlib import Path
from typing import Any, Iterable, Iterator, Optional, Sequence, Union

import numpy as np

from ppocr.errors import InputError, PPOCRError
from ppocr.infer import orientation
from ppocr.infer.classifier import TextClassifier
from ppocr.infer.crops import CropReader, Reading
from ppocr.infer.detector import TextDetector
from ppocr.infer.io.sources import Page, page_error, read_pages
from ppocr.infer.options import OCROptions
from ppocr.infer.recognizer import TextRecognizer
from ppocr.infer.results import OCRResult, TextLine
from ppocr.infer.stages import Stages
from ppocr.ops.boxes import crop_quad
from ppocr.postprocess.db import Regions
from ppocr.utils.in_order import map_in_order
from ppocr.utils.malloc import return_freed_memory

Source = Union[str, Path, bytes, np.ndarray]

logger = logging.getLogger(__name__)

GROUP_PAGES = 16  # pages whose crops are pooled at most …
GROUP_CROPS = 128  # … or until there are this many crops …
GROUP_PIXELS = 10_000_000  # … or the pages hold this many pixels (30 MB)
SMALL_GROUP_PAGES, SMALL_GROUP_PIXELS = 4, 5_000_000  # the same for each of several threads
FREE_SETTINGS = ("order", "orientation", "upright", "drop_score", "spans")  # which no network knows of
TRIM_INTERVAL_PAGES = 48  # pages after which free memory goes back …
TRIM_ABOVE_BYTES = 600_000_000  # … if the process has more than this


@dataclasses.dataclass
class _PageInWork:
    """A page between detection and result."""

    page: Page
    regions: Regions
    crops: list[np.ndarray]
    seconds: float


_Item = Union[_PageInWork, OCRResult, InputError]  # a page in work, one that needs none, or what is wrong with it


class OCR:
    """Reads pictures: `OCR()("receipt.jpg")[0].text`.

    One object may be used from several threads; the results are those of calls one after another.

    Args:
        options: all settings.
        overrides: single settings by name (`OCR(cls=None, threads=2)`), replacing those of `options`.

    Raises:
        TypeError: an override is not a setting.
        ModelError, ConfigError: a model cannot be used.
    """

    def __init__(self, options: OCROptions = OCROptions(), **overrides: Any):
        self.options = dataclasses.replace(options, **overrides)
        self.detector = TextDetector(self.options)
        self.classifier = TextClassifier(self.options) if self.options.cls else None
        self.recognizer = TextRecognizer(self.options)
        self.stages = Stages()
        self.read = CropReader(self.recognizer, self.classifier, doubt=self.options.cls_doubt, stages=self.stages)

    def with_settings(self, **changes: Any) -> OCR:
        """The same networks, with other settings of what does not concern them.

        Args:
            changes: of `order`, `orientation`, `upright`, `drop_score` and `spans`.

        Raises:
            TypeError: another setting, or none.
        """
        wrong = sorted(set(changes).difference(FREE_SETTINGS))
        if wrong:
            raise TypeError(
                f"{', '.join(wrong)}: only {', '.join(FREE_SETTINGS)} can be changed without other networks"
            )
        other = copy.copy(self)
        other.options = dataclasses.replace(self.options, **changes)
        other.recognizer = copy.copy(self.recognizer)
        other.recognizer.spans = other.options.spans
        other.read = CropReader(other.recognizer, self.classifier, doubt=self.options.cls_doubt, stages=self.stages)
        return other

    def __call__(self, source: Union[Source, Sequence[Source]]) -> list[OCRResult]:
        """Read one or several sources.

        Args:
            source: a path, the bytes of a file, a picture uint8[H, W] or uint8[H, W, 3|4] (BGR), or a list of these.

        Returns:
            One result per page: a PDF or an animated picture gives several.

        Raises:
            InputError: something cannot be read.
        """
        sources = [source] if isinstance(source, (str, Path, bytes, np.ndarray)) else source
        pages = (page for item in sources for page in read_pages(item, pdf_text=self.options.pdf_text))
        results = []
        for result in self.stream(pages):
            if isinstance(result, InputError):
                raise result
            results.append(result)
        return results

    def stream(self, pages: Iterable[Union[Page, InputError]]) -> Iterator[Union[OCRResult, InputError]]:
        """Read pages as they come, results in the same order; an InputError among them is passed on in its place.

        Whatever goes wrong with one page becomes its InputError, and the others are read.

        Raises:
            ModelError: the models do not fit each other or their character set.
        """
        decoded, threads = self._decoded(pages), self.options.pages_at_once
        finished: Iterable[Iterable[Union[OCRResult, InputError]]] = (
            map_in_order(self._read_group, _groups(decoded, threads), threads) if threads > 1 else self._pooled(decoded)
        )
        pages_since_trim = 0
        for results in finished:
            for result in results:
                yield result
                pages_since_trim += 1
            if pages_since_trim >= TRIM_INTERVAL_PAGES:
                return_freed_memory(TRIM_ABOVE_BYTES)
                pages_since_trim = 0
        return_freed_memory()

    def _pooled(self, pages: Iterable[Union[Page, InputError]]) -> Iterator[Iterator[Union[OCRResult, InputError]]]:
        """The results of one group after another; a group is complete when its pages have enough crops."""
        group: list[_Item] = []
        for page in pages:
            group.append(self._detect_or_tell(page) if isinstance(page, Page) else page)
            if _full(group):
                yield self._finish(group)
                group = []
        yield self._finish(group)

    def _read_group(self, group: Sequence[Union[Page, InputError]]) -> list[Union[OCRResult, InputError]]:
        """A small group from detection to texts, by one of several threads."""
        items = [self._detect_or_tell(page) if isinstance(page, Page) else page for page in group]
        return list(self._finish(items))

    def _decoded(self, pages: Iterable[Union[Page, InputError]]) -> Iterator[Union[Page, InputError]]:
        """The same pages; the time that opening them takes is counted."""
        iterator = iter(pages)
        while True:
            with self.stages.timed("decode"):
                page = next(iterator, None)
            if page is None:
                return
            yield page

    def _detect_or_tell(self, page: Page) -> _Item:
        try:
            return self._detect(page) if page.layer is None else orientation.layer_result(page, self.options)
        except PPOCRError:
            raise
        except Exception as error:
            return page_error(page, error)

    def _detect(self, page: Page) -> _PageInWork:
        begin = time.perf_counter()
        with self.stages.timed("det"):
            probability = self.detector.probability(page.image)
        with self.stages.timed("post"):
            regions = self.detector.postprocess(probability, *page.image.shape[:2]).in_reading_order(self.options.order)
        with self.stages.timed("crop"):
            crops = [crop_quad(page.image, box) for box in regions.boxes]
        return _PageInWork(page, regions, crops, time.perf_counter() - begin)

    def _finish(self, group: Sequence[_Item]) -> Iterator[Union[OCRResult, InputError]]:
        """Read the pooled crops of a group of pages and hand out its results."""
        begin = time.perf_counter()
        in_work = [item for item in group if isinstance(item, _PageInWork)]
        # Beside a large page the detector's memory goes back before the recogniser needs its own: the peak is the
        # larger of the two, not their sum.
        largest = max((item.page.image.size for item in in_work), default=0)
        return_freed_memory(picture=largest)
        try:
            readings: list[Union[Sequence[Reading], InputError]] = [*self.read([item.crops for item in in_work])]
        except PPOCRError:
            raise
        except Exception:  # of one of them
            logger.debug("a group of %d pages is read page by page", len(in_work), exc_info=True)
            readings = [self._read_or_tell(item) for item in in_work]
        # Crops of several pages share batches, so a page's time in the recogniser is its share of the crops.
        per_crop = (time.perf_counter() - begin) / max(1, sum(len(item.crops) for item in in_work))
        answers = iter(readings)
        for item in group:
            if not isinstance(item, _PageInWork):
                yield item
                continue
            answer = next(answers)
            yield answer if isinstance(answer, InputError) else self._upright(item, answer, per_crop)

    def _read_or_tell(self, item: _PageInWork) -> Union[Sequence[Reading], InputError]:
        try:
            return self.read([item.crops])[0]
        except PPOCRError:
            raise
        except Exception as error:
            return page_error(item.page, error)

    def _upright(self, item: _PageInWork, readings: Sequence[Reading], per_crop: float) -> OCRResult:
        """The result of a page; one that seems to lie upside down or on its side is read once more, turned."""
        result = self._result(item, readings, per_crop)
        if self.options.orientation != "auto" or self.classifier is None:
            return result
        before = orientation.votes(item.regions.boxes, readings, self.options.drop_score)
        angle = orientation.suspected_angle(before, len(result.lines))
        turns = angle // 90
        if not turns:
            return result
        try:
            if turns % 2 and orientation.is_vertical_writing(item.page.image, result.lines, turns, self.recognizer):
                return result
            return self._read_turned(item.page, angle, before) or result
        except Exception:  # what was read as it lies is better than nothing
            logger.debug("%s, page %d cannot be read turned", item.page.source, item.page.index + 1, exc_info=True)
            return result

    def _read_turned(self, page: Page, angle: int, before: np.ndarray) -> Optional[OCRResult]:
        """The result of a page set upright; None if it reads worse than as it lies, with the votes `before`."""
        begin = time.perf_counter()
        image = np.ascontiguousarray(np.rot90(page.image, angle // 90))
        item = self._detect(dataclasses.replace(page, image=image))
        readings = self.read([item.crops])[0]
        after = orientation.votes(item.regions.boxes, readings, self.options.drop_score)
        if not orientation.is_confirmed(before, after):
            return None
        upright = dataclasses.replace(self._result(item, readings, 0.0), angle=angle)
        upright = dataclasses.replace(upright, seconds=time.perf_counter() - begin)
        return upright if self.options.upright else orientation.as_stored(upright)

    def _result(self, item: _PageInWork, readings: Sequence[Reading], per_crop: float) -> OCRResult:
        height, width = item.page.image.shape[:2]
        lines = tuple(
            TextLine.of_region(text, score, box, polygon, upside_down=turned, spans=spans)
            for (text, score, turned, spans), (box, polygon) in zip(readings, item.regions.outlines())
            if text and score >= self.options.drop_score
        )
        seconds = item.seconds + per_crop * len(item.crops)
        return OCRResult(item.page.source, item.page.index, width, height, seconds, lines)


def _groups(pages: Iterable[Union[Page, InputError]], threads: int) -> Iterator[list[Union[Page, InputError]]]:
    """Few pages each, and the last of them shared out among the threads, which shall end at about the same time."""
    last: list[Union[Page, InputError]] = []
    for group in _small_groups(pages):
        if last:
            yield last
        last = group
    share = max(1, -(-len(last) // threads))
    for begin in range(0, len(last), share):
        yield last[begin : begin + share]


def _small_groups(pages: Iterable[Union[Page, InputError]]) -> Iterator[list[Union[Page, InputError]]]:
    group: list[Union[Page, InputError]] = []
    for page in pages:
        group.append(page)
        pixels = sum(item.image.size // 3 for item in group if isinstance(item, Page))
        if len(group) >= SMALL_GROUP_PAGES or pixels >= SMALL_GROUP_PIXELS:
            yield group
            group = []
    if group:
        yield group


def _full(group: Sequence[_Item]) -> bool:
    in_work = [item for item in group if isinstance(item, _PageInWork)]
    return (
        len(group) >= GROUP_PAGES
        or sum(len(item.crops) for item in in_work) >= GROUP_CROPS
        or sum(item.page.image.size // 3 for item in in_work) >= GROUP_PIXELS
    )
