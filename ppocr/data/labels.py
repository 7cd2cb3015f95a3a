"""The two label formats: read, checked, typed. Every mistake is reported with its place, `file:line: reason`.

* detection: `picture<TAB>[{"transcription": "…", "points": [[x, y], …]}, …]`, points in pixels of the picture as
  stored, clockwise from the text's own top-left corner;
* recognition: `picture<TAB>text`.

One picture a line, UTF-8, paths relative to the label file's folder (or to `root`). Blank lines do not count. These are
PaddleOCR's formats; further keys of a region, which its labelling tool writes, are allowed and not read.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union

from shapely.geometry import Polygon

from ppocr.errors import LabelError
from ppocr.ops.charset import Charset
from ppocr.parse import ParseError, parse_json, read_bytes

Point = Tuple[float, float]

IGNORE_TAGS = ("###", "*")  # PaddleOCR's marks for text that cannot be read or shall not count
MAX_LISTED_PROBLEMS = 20
MAX_BYTES = 4_000_000_000  # of a label file: tens of millions of lines
MAX_COORDINATE = 1_000_000  # pixels that a corner may lie from the origin; no picture has a longer side
NO_AREA = "the polygon has no area"

Sample = TypeVar("Sample")


class Fault(NamedTuple):
    """One mistake in a label.

    Attributes:
        kind: what to count it under.
        text: what is wrong.
    """

    kind: str
    text: str


BROKEN_LINE, BROKEN_JSON, WRONG_REGION = "broken line", "broken JSON", "incomplete region"
WRONG_POINTS, CROSSING, FLAT = "wrong points", "crossing polygon", "polygon without area"
EMPTY, TOO_LONG, UNKNOWN = "empty text", "text too long", "characters outside the dictionary"


@dataclass(frozen=True)
class TextRegion:
    """One text of a page.

    Attributes:
        text: its transcription as written in the label.
        points: corners in pixels, clockwise from the text's top-left; at least 4 (3 where a crossing was repaired).
        ignore: whether it neither counts as found nor as missed: marked so (`IGNORE_TAGS`), or without a transcription.
    """

    text: str
    points: Tuple[Point, ...]
    ignore: bool = False


@dataclass(frozen=True)
class PageLabel:
    """One line of a detection label file.

    Attributes:
        picture: as written in the file.
        path: where the picture is.
        regions: may be empty: a page without text.
        place: `file:line`, for messages.
        repairs: what was put right while reading, one sentence each (see `read_detection_labels`).
    """

    picture: str
    path: Path
    regions: Tuple[TextRegion, ...]
    place: str
    repairs: Tuple[str, ...] = ()


@dataclass(frozen=True)
class LineLabel:
    """One line of a recognition label file: a cropped text line and what it says."""

    picture: str
    path: Path
    text: str
    place: str


def read_detection_labels(
    path: Union[str, Path],
    *,
    root: Optional[Union[str, Path]] = None,
    check_pictures: bool = True,
    repair: bool = False,
) -> list[PageLabel]:
    """Read a detection label file.

    Args:
        path: the label file.
        root: folder that the pictures' paths start from; the label file's own by default.
        check_pictures: also require that every picture is there (the file is not opened).
        repair: take the convex hull of a region whose sides cross, ignore one without area, and say so in
            `PageLabel.repairs`, where otherwise it would be an error. Real label sets have such regions; an evaluation
            should go on, a training set should be put right.

    Raises:
        LabelError: one line a problem, `file:line: reason`; the first 20 and how many more.
    """

    def parse(fields: tuple[str, str], place: str, folder: Path) -> PageLabel:
        picture, text = fields
        regions, repairs = _regions(text, repair=repair)
        return PageLabel(picture, folder / picture, regions, place, tuple(f"{place}: {note}" for note in repairs))

    return _read(Path(path), parse, root=root, check_pictures=check_pictures, what="a list of regions")


def read_recognition_labels(
    path: Union[str, Path], *, root: Optional[Union[str, Path]] = None, check_pictures: bool = True
) -> list[LineLabel]:
    """Read a recognition label file. Arguments and errors as for `read_detection_labels`."""

    def parse(fields: tuple[str, str], place: str, folder: Path) -> LineLabel:
        picture, text = fields
        faults = text_faults(text, None, None)
        if faults:
            raise _Problems(faults)
        return LineLabel(picture, folder / picture, text, place)

    return _read(Path(path), parse, root=root, check_pictures=check_pictures, what="the text")


def picture_names(field: str) -> List[str]:
    """The pictures that the first field of a label names: one, or those of a JSON list (`["a.jpg", "b.jpg"]`)."""
    if field.lstrip().startswith("["):
        try:
            names = parse_json(field)
        except ParseError:
            return [field]  # a file's name may begin so
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return names
    return [field] if field.strip() else []


def folder_of_pictures(path: Path, picture: str) -> Path:
    """The folder that the paths of a label file start from: its own, or the one above it.

    PPOCRLabel's `Label.txt` lies among the pictures, and its paths begin with the name of their folder.

    Args:
        path: the label file.
        picture: its first one, as written.
    """
    parent = path.resolve().parent
    above = picture.startswith(f"{parent.name}/") and not (parent / picture).is_file()
    return path.parent / ".." if above and (parent.parent / picture).is_file() else path.parent


def parse_regions(text: str) -> Tuple[TextRegion, ...]:
    """The regions of one page, from the second field of a detection label.

    Raises:
        LabelError: without the place, which the caller knows; all problems, joined by `; `.
    """
    regions, faults = regions_and_faults(text)
    if faults:
        raise LabelError("; ".join(fault.text for fault in faults))
    return regions


def regions_and_faults(text: str) -> Tuple[Tuple[TextRegion, ...], List[Fault]]:
    """The good regions of one page, and what is wrong with the others."""
    try:
        return _regions(text, repair=False)[0], []
    except _Problems as error:
        return error.regions, error.faults


def text_faults(text: str, charset: Optional[Charset], max_text_length: Optional[int]) -> List[Fault]:
    """What keeps a line's text from being learnt; None leaves out that check."""
    if not text.strip():
        return [Fault(EMPTY, "the text is empty; leave pictures without text out")]
    faults = []
    if "\t" in text:
        faults.append(Fault(BROKEN_LINE, f"expected `picture<TAB>text`, found {text.count(chr(9)) + 1} tabs"))
    if max_text_length is not None and len(text) > max_text_length:
        faults.append(Fault(TOO_LONG, f"{len(text)} characters; max_text_length is {max_text_length}: {_short(text)}"))
    if charset is not None:
        try:
            charset.encode(text)
        except ValueError as error:
            faults.append(Fault(UNKNOWN, str(error)))
    return faults


class _Problems(Exception):
    """What is wrong with one line of a file; the reader adds the place."""

    def __init__(self, faults: List[Fault], regions: Tuple[TextRegion, ...] = ()):
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults, self.regions = faults, regions


def _read(
    path: Path,
    parse: Callable[[tuple[str, str], str, Path], Sample],
    *,
    root: Optional[Union[str, Path]],
    check_pictures: bool,
    what: str,
) -> list[Sample]:
    """Parse every line, gathering all problems of the file before raising."""
    folder = Path(root) if root is not None else None
    samples: list[Sample] = []
    problems: list[str] = []
    for number, line in _lines(path):
        place = f"{path}:{number}"
        picture, tab, rest = line.partition("\t")
        if not tab or not picture.strip():
            problems.append(f"{place}: expected `picture<TAB>{what}`, came {_short(line)}")
            continue
        folder = folder or folder_of_pictures(path, picture)
        try:
            samples.append(parse((picture, rest), place, folder))
        except _Problems as error:
            problems += [f"{place}: {fault.text}" for fault in error.faults]
        if check_pictures and not (folder / picture).is_file():
            problems.append(f"{place}: no picture at {folder / picture}")
    if not samples and not problems:
        problems.append(f"{path}: the file has no labels")
    if problems:
        more = len(problems) - MAX_LISTED_PROBLEMS
        tail = [f"… and {more} more problems"] if more > 0 else []
        raise LabelError(problems[:MAX_LISTED_PROBLEMS] + tail)
    return samples


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(1-based number, text) of every line that is not blank; CR LF and a byte-order mark are fine."""
    try:
        data = read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise LabelError(f"{path}: cannot be read: {error.strerror}") from error
    for number, raw in enumerate(data.split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise LabelError(f"{path}:{number}: not UTF-8 (byte {error.start}); save the file as UTF-8") from error
        if line.strip():
            yield number, line


def _regions(text: str, *, repair: bool) -> tuple[tuple[TextRegion, ...], list[str]]:
    """The regions of one page, and what had to be repaired."""
    try:
        records = parse_json(text)
    except ParseError as error:
        raise _Problems([Fault(BROKEN_JSON, error.problem)]) from error
    if not isinstance(records, list):
        raise _Problems([Fault(BROKEN_JSON, f"expected a list of regions, came {_short(text)}")])
    regions: list[TextRegion] = []
    faults: list[Fault] = []
    repairs: list[str] = []
    for index, record in enumerate(records):
        name = f"region {index}"
        try:
            text_of, points = _fields(record)
        except _Problems as error:
            faults += [Fault(kind, f"{name}: {problem}") for kind, problem in error.faults]
            continue
        fault = polygon_fault(points)
        ignore = text_of in IGNORE_TAGS or not text_of.strip() or fault == NO_AREA
        if fault and not repair:
            faults.append(Fault(FLAT if fault == NO_AREA else CROSSING, f"{name} {_short(text_of)}: {fault}"))
            continue
        if fault == NO_AREA:
            repairs.append(f"{name} {_short(text_of)}: {fault}; it was ignored")
        elif fault:
            points = tuple((x, y) for x, y in Polygon(points).convex_hull.exterior.coords[:-1])
            repairs.append(f"{name} {_short(text_of)}: {fault}; its convex hull was taken")
        regions.append(TextRegion(text_of, points, ignore))
    if faults:
        raise _Problems(faults, tuple(regions))
    return tuple(regions), repairs


def _fields(record: Any) -> tuple[str, tuple[Point, ...]]:
    """Transcription and points of one region as they came."""
    if not isinstance(record, dict):
        wanted = '{"transcription": …, "points": …}'
        raise _Problems([Fault(WRONG_REGION, f"expected {wanted}, came {_short(json.dumps(record))}")])
    faults = [Fault(WRONG_REGION, f"has no {key!r}") for key in ("transcription", "points") if key not in record]
    if "transcription" in record and not isinstance(record["transcription"], str):
        faults.append(Fault(WRONG_REGION, f"transcription: expected a string, came {record['transcription']!r}"))
    points = record.get("points", [])
    if not isinstance(points, list) or not all(_is_point(point) for point in points):
        faults.append(Fault(WRONG_POINTS, f"points: expected a list of [x, y], came {_short(json.dumps(points))}"))
    elif "points" in record and len(points) < 4:
        faults.append(Fault(WRONG_POINTS, f"points: expected 4 or more, came {len(points)}"))
    if faults:
        raise _Problems(faults)
    return record["transcription"], tuple((float(x), float(y)) for x, y in points)


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in value)
        and all(math.isfinite(part) and abs(part) <= MAX_COORDINATE for part in value)
    )


def polygon_fault(points: Sequence[Point]) -> str:
    """What keeps `points` from enclosing an area (`""` if nothing does): sides that cross, or no area at all."""
    polygon = Polygon(points)
    if polygon.convex_hull.area < 1e-6:
        return NO_AREA
    return "" if polygon.is_valid else "sides of the polygon cross"


def _short(text: str) -> str:
    """`text` quoted and cut, for a message."""
    return repr(text if len(text) <= 40 else text[:37] + "…")
