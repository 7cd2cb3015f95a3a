"""Lines of the labelled sets, cut out as `ppocr crop-words` does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, Mapping, Tuple

from recipe import LineWriter, charset, entries, split_of, write_lines

from ppocr.cli.crop_words import words_of
from ppocr.data.labels import read_detection_labels
from ppocr.ops.images import decode_image

LEAST_SIDE = 8  # pixels of a crop


def cut_pages(data: Path, work: Path, name: str, recipe: Mapping[str, Any]) -> None:
    """The regions of a set of pages."""
    spec = recipe["pages"][name]
    suffix = ".upper.txt" if spec.get("upper") else ".txt"
    writer = LineWriter(work / "lines" / name, recipe["height"], charset(), suffix=suffix)
    for path, split in _lists(spec):
        for page in read_detection_labels(str(data / path), check_pictures=False, repair=True):
            part = split or split_of(f"{name}/{page.picture}", _shares(spec, recipe))
            for crop, text in words_of(page, LEAST_SIDE):
                writer.add(part, crop, text)
    writer.close()


def copy_lines(data: Path, work: Path, name: str, recipe: Mapping[str, Any]) -> None:
    """The lines of a set that is cut already."""
    spec = recipe["lines"][name]
    writer = LineWriter(work / "lines" / name, recipe["height"], charset())
    for path, split in _lists(spec):
        for picture, text in entries(data / path):
            part = split or split_of(f"{name}/{picture}", _shares(spec, recipe))
            file = (data / path).parent / picture
            writer.add(part, next(decode_image(file.read_bytes(), str(file))), text)
    writer.close()


def list_dev_pages(data: Path, work: Path, name: str, recipe: Mapping[str, Any]) -> None:
    """`WORK/pages/NAME.txt`: the labels of a set's held-out pages, for `ppocr eval-system`."""
    rows = [f"{path}\t{labels}\n" for path, labels, split in each_page(data, name, recipe) if split == "dev"]
    write_lines(work / "pages" / f"{name}.txt", rows)


def each_page(data: Path, name: str, recipe: Mapping[str, Any]) -> Iterator[Tuple[Path, str, str]]:
    """(picture, labels as they are written, split) of a set's pages."""
    spec = recipe["pages"][name]
    for path, split in _lists(spec):
        for picture, labels in entries(data / path):
            part = split or split_of(f"{name}/{picture}", _shares(spec, recipe))
            yield ((data / path).parent / picture).resolve(), labels, part


def _lists(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label file, its split, "" where its pages are shared out)."""
    return [(path, "") for path in spec.get("lists", ())] + [(path, "dev") for path in spec.get("dev", ())]


def _shares(spec: Mapping[str, Any], recipe: Mapping[str, Any]) -> Mapping[str, float]:
    """A set that has a list to report on loses nothing else to it."""
    shares = spec.get("shares", recipe["shares"])
    return {**shares, "dev": 0.0} if spec.get("dev") else shares
