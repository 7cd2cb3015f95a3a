"""Single lines, one below the other → headings, paragraphs and list items."""

from __future__ import annotations

import re
import statistics
import unicodedata
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

from ppocr.infer.layout.blocks import Block, Heading, ListItem, Paragraph
from ppocr.infer.layout.segments import BULLETS, Segment
from ppocr.infer.layout.text import joined_text

HEADING_SIZE = 1.18  # of the running text's size …
HEADING_HEIGHT = 1.12  # … and of its lines' height: type of a fixed width is wide, but no higher
LEVEL_STEP = 1.15  # between the sizes of two levels
MAX_LEVELS = 4
MIN_LETTERS, MAX_HEADING_CHARACTERS = 2, 150
SAME_SIZE = 1.3  # between two lines of one paragraph
SAME_LEFT = 0.8  # of a line's height
SAME_RIGHT = 0.3  # the same, where lines are full
LONG_LINE = 35  # letters, of which Chinese characters are two: shorter lines seldom end for want of room
MAX_INDENT = 4.0  # of a line's height: of a paragraph's first line, or of an item's text behind its marker
MAX_PITCH = 1.22  # of the usual one, between the middles of two lines of one paragraph
LARGEST_PITCH = 3.0  # of a line's height: more is no usual one
MIN_LINES = 4  # of a stretch with a right edge of its own; shorter ones are measured by all of their column
NARROW_COLUMN = 25  # letters
MIN_FULL = 0.5  # of a stretch's lines reach its right edge: otherwise each line is one of its own

_BULLET = re.compile(rf"([{BULLETS}]|[*–—-](?=\s))\s*(?=\S)")
_NUMBER = re.compile(r"(\d{1,3}[.)])\s*(?=[^\W\d_])")
_OTHER_MARKER = re.compile(r"[(（]?([a-z]|\d{1,3}|[一二三四五六七八九十]{1,3})[)）、]\s*\S")
_NUMBERED_HEADING = re.compile(r"((?:\d+|[A-Z])(?:\.\d+)+)\.?\s+[^\W\d_]\D*[^\W_]$")


@dataclass(frozen=True)
class PageStyle:
    """What is usual on a page.

    Attributes:
        size: of the running text.
        headings: sizes of headings, the smallest of each level, from the largest on.
        height: of a line of running text, pixels.
        pitch: from the middle of a line to the next one's, in heights of a line.
        text: all of it.
    """

    size: float
    headings: Tuple[float, ...]
    height: float
    pitch: float
    text: str

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> PageStyle:
        if not segments:
            return cls(1.0, (), 1.0, 1.0, "")
        size = _usual_size(segments)
        height = statistics.median(segment.height for segment in segments if segment.size <= SAME_SIZE * size)
        levels: List[float] = []
        largest = 0.0
        for segment in sorted(segments, key=lambda s: -s.size):
            if not _may_be_heading(segment, size, height):
                continue
            if largest > LEVEL_STEP * segment.size or not levels:
                largest = segment.size
                levels.append(segment.size)
            levels[-1] = segment.size
        neighbours = [pair for pair in zip(segments, segments[1:]) if _are_alike(*pair)]
        pitches = [_pitch(above, below) / height for above, below in neighbours]
        pitch = statistics.median([pitch for pitch in pitches if pitch < LARGEST_PITCH] or [1.0])
        return cls(size, tuple(levels[:MAX_LEVELS]), height, pitch, "\n".join(segment.text for segment in segments))

    def level(self, segment: Segment) -> int:
        """Of a heading; 0 for other lines."""
        if _may_be_heading(segment, self.size, self.height):
            levels = [number for number, size in enumerate(self.headings, 1) if segment.size >= size]
            return levels[0] if levels else MAX_LEVELS
        return min(len(self.headings) + 1, MAX_LEVELS) if _NUMBERED_HEADING.match(segment.text) else 0


def _usual_size(segments: Sequence[Segment]) -> float:
    """The median over all characters: most of a page is running text."""
    ordered = sorted(segments, key=lambda segment: segment.size)
    half = sum(len(segment.text) for segment in segments) / 2
    for segment in ordered:
        half -= len(segment.text)
        if half <= 0:
            return segment.size
    return ordered[-1].size


def _may_be_heading(segment: Segment, size: float, height: float) -> bool:
    if segment.size < HEADING_SIZE * size or segment.height < HEADING_HEIGHT * height:
        return False
    letters = sum(map(str.isalpha, segment.text))
    is_short = len(segment.text) <= MAX_HEADING_CHARACTERS and segment.text[-1] not in ".,;。，；、"
    return letters >= max(MIN_LETTERS, len(segment.text) / 3) and is_short


@dataclass
class _Open:
    """A block that may go on with the next line.

    Attributes:
        segments: its lines.
        level: of a heading, else 0.
        marker: of a list item, else empty.
        is_marked: it begins with a marker of any kind.
    """

    segments: List[Segment]
    level: int = 0
    marker: str = ""
    is_marked: bool = False
    broken: List[bool] = field(default_factory=lambda: [False])  # whether each line was ended on purpose


def text_blocks(segments: Sequence[Segment], style: PageStyle) -> List[Block]:
    """The blocks of a stretch of lines, from top to bottom."""
    found: List[_Open] = []
    for stretch in _stretches(segments, style):
        is_column = len(stretch) >= MIN_LINES and max(_width(line.text) for line in stretch) >= NARROW_COLUMN
        has_edge = is_column or _is_justified(stretch)
        right = _right_edge(stretch if has_edge else segments)
        is_full = [_is_full(line, below, right) for line, below in zip(stretch, [*stretch[1:], None])]
        is_prose = len(stretch) < MIN_LINES or sum(is_full[:-1]) >= MIN_FULL * (len(stretch) - 1)
        joined = [False]
        for line, full in zip(stretch, is_full[:-1]):
            is_long = has_edge or _width(line.text) >= LONG_LINE
            joined.append((is_prose and full and is_long) or line.text.endswith("-"))
        for number, segment in enumerate(stretch):
            begins = number == 0 or (not joined[number] and _is_indented(stretch, joined, number))
            _add(found, segment, style, begins=begins, is_joined=joined[number])
    return _numbered_depths([_finished(block, style) for block in found], found)


def _is_justified(stretch: Sequence[Segment]) -> bool:
    """Whether two long lines end at the same place."""
    ends = sorted((line.right for line in stretch if _width(line.text) >= LONG_LINE), reverse=True)
    return len(ends) > 1 and ends[0] - ends[1] <= SAME_RIGHT * stretch[0].height


def _right_edge(segments: Sequence[Segment]) -> float:
    """Where lines end that are full; a single box that reaches a little further is a mistake."""
    ends = sorted((line.right for line in segments), reverse=True)
    unit = segments[0].height
    if len(ends) > 2 and ends[0] - ends[1] < MAX_INDENT * unit and ends[1] - ends[2] <= SAME_RIGHT * unit:
        return ends[1]
    return ends[0]


def _is_indented(stretch: Sequence[Segment], joined: Sequence[bool], number: int) -> bool:
    """Whether a line stands to the right of the next one, which goes on with it."""
    line, below = stretch[number], stretch[number + 1] if number + 1 < len(stretch) else None
    return below is not None and joined[number + 1] and line.left > below.left + SAME_LEFT * line.height


def _add(found: List[_Open], segment: Segment, style: PageStyle, *, begins: bool, is_joined: bool) -> None:
    """Take one more line: as part of the latest block, or as another one's first, as where it `begins` one for sure."""
    last = found[-1] if found and not begins else None
    level = style.level(segment)
    if level:
        if last is not None and last.level == level:
            last.segments.append(segment)
        else:
            found.append(_Open([segment], level=level))
        return
    marker = _marker(segment.text)
    if marker or _OTHER_MARKER.match(segment.text):
        found.append(_Open([segment], marker=marker, is_marked=True))
    elif last is None or last.level or not _goes_on(last, segment, is_joined=is_joined):
        found.append(_Open([segment]))
    else:
        last.segments.append(segment)
        last.broken.append(not is_joined)


def _goes_on(block: _Open, segment: Segment, *, is_joined: bool) -> bool:
    """Whether a line belongs to the block above it; one that was ended on purpose ends a paragraph of joined lines."""
    first, last = block.segments[0], block.segments[-1]
    indent = segment.left - (first if len(block.segments) == 1 else last).left
    unit = segment.height
    if block.is_marked:
        return is_joined and abs(segment.left - first.left) <= MAX_INDENT * unit
    if is_joined and len(block.segments) == 1:  # indented, or hanging as in a list of definitions
        return abs(indent) <= MAX_INDENT * unit
    if is_joined:
        return abs(indent) <= SAME_LEFT * unit
    was_joined = len(block.segments) > 1 and not any(block.broken)
    return not was_joined and abs(indent) <= SAME_LEFT * unit


def _stretches(segments: Sequence[Segment], style: PageStyle) -> List[List[Segment]]:
    """Lines of one size without a wider gap between them."""
    found: List[List[Segment]] = []
    for above, segment in zip([None, *segments], segments):
        if above is None or not _are_near(above, segment, style):
            found.append([])
        found[-1].append(segment)
    return found


def _are_near(above: Segment, below: Segment, style: PageStyle) -> bool:
    """By the middles of the boxes: where they begin and end depends on their letters."""
    scale = style.height * max(1.0, (above.size + below.size) / (2 * style.size))
    return _are_alike(above, below) and _pitch(above, below) <= MAX_PITCH * style.pitch * scale


def _pitch(above: Segment, below: Segment) -> float:
    return (below.top + below.bottom - above.top - above.bottom) / 2


def _are_alike(above: Segment, below: Segment) -> bool:
    return below.top > above.top and max(above.size, below.size) <= SAME_SIZE * min(above.size, below.size)


def _is_full(line: Segment, below: Optional[Segment], right: float) -> bool:
    """Whether the next line's first word would not have found room behind this one."""
    if below is None:
        return False
    letter = (line.right - line.left) / len(line.text)
    word = re.split(r"(?<=[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef])|\s", below.text, maxsplit=1)[0]
    return right - line.right < (len(word) + 1) * letter


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _marker(text: str) -> str:
    number = _NUMBER.match(text)
    return "-" if _BULLET.match(text) else number[1] if number else ""


def _finished(block: _Open, style: PageStyle) -> Block:
    lines: List[str] = []
    for segment, is_broken in zip(block.segments, [*block.broken, *[False] * len(block.segments)]):
        if lines and not is_broken:
            lines[-1] = joined_text(lines[-1], segment.text, page=style.text)
        else:
            lines.append(segment.text)
    if block.level:
        return Heading(lines[0], block.level)
    if block.marker:
        begin = _BULLET.match(lines[0]) or _NUMBER.match(lines[0])
        return ListItem(block.marker, lines[0][begin.end() if begin else 0 :], 0)
    return Paragraph(tuple(lines))


def _numbered_depths(blocks: Sequence[Block], opened: Sequence[_Open]) -> List[Block]:
    """The blocks with the depths of list items: by how far each stands to the right of the items above it."""
    found: List[Block] = []
    lefts: List[float] = []
    for block, source in zip(blocks, opened):
        if not isinstance(block, ListItem):
            lefts = []
            found.append(block)
            continue
        segment = source.segments[0]
        while lefts and segment.left < lefts[-1] - SAME_LEFT * segment.height:
            lefts.pop()
        if not lefts or segment.left > lefts[-1] + SAME_LEFT * segment.height:
            lefts.append(segment.left)
        found.append(ListItem(block.marker, block.text, len(lefts) - 1))
    return found
