"""`ppocr eval-system --report DIR`: one HTML file a set, worst pages first, with what went wrong drawn on each page.

A file needs nothing beside itself: pictures are in it, scaled down. Every text of labels and results is escaped.
"""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from ppocr.errors import InputError
from ppocr.infer.io.sources import Page, read_pages
from ppocr.metrics.mistakes import KINDS, Mistake, differences, page_mistakes
from ppocr.metrics.score import Score
from ppocr.metrics.system import Region, SystemScore
from ppocr.metrics.text import TextRules

MAX_SIDE = 1400  # pixels of the pictures in a report
JPEG_QUALITY = 80
MAX_CONFUSIONS = 24
COLOURS = {"right": "#2a2", "missed": "#d11", "cut": "#d11", "merged": "#d11", "invented": "#15d"}  # others: orange
MISREAD = "#e80"
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1300px; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: .5em 0 } td, th { padding: .15em .7em; text-align: left }
td, th { vertical-align: top } tr:nth-child(even) td { background: #f4f4f4 } .number { text-align: right }
section { border-top: 2px solid #ccc } figure { margin: 0; position: relative }
img, svg { width: 100%; display: block } svg { position: absolute; inset: 0 }
polygon { fill: transparent; stroke-width: 2; vector-effect: non-scaling-stroke }
del { background: #fbb } ins { background: #bdf } i { font-style: normal; padding: 0 .4em; border-radius: 3px }
i { color: #fff; white-space: nowrap } .texts { max-height: 80vh; overflow: auto }
.page { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1em; align-items: start }
@media (max-width: 800px) { .page { display: block } }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } del { background: #822 }
  tr:nth-child(even) td { background: #222 } ins { background: #258; color: #fff } }
"""


@dataclass(frozen=True)
class ScoredPage:
    """One page of a set, as the report needs it.

    Attributes:
        picture: its name in the labels.
        path: of the file.
        truths, predictions: outlines with texts.
        score: of the page.
    """

    picture: str
    path: Path
    truths: Sequence[Region]
    predictions: Sequence[Region]
    score: SystemScore


def set_report(name: str, pages: Sequence[ScoredPage], rules: TextRules, *, iou: float, most: int) -> Iterator[str]:
    """The HTML of one set, piece by piece: figures, kinds of mistakes, confusions, then the pages, worst first.

    Args:
        name: of the label file.
        pages: all of them.
        rules: when texts are equal.
        iou: above which places match.
        most: how many pages are shown; the figures count all.
    """
    mistakes = [page_mistakes(page.truths, page.predictions, rules, iou=iou) for page in pages]
    total = sum((page.score for page in pages), SystemScore())
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(name)}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style><h1>{escape(name)}</h1>'
    yield f"<p>{len(pages)} pages. {_figures(total)}</p>"
    yield from _kinds(mistakes)
    yield from _confusions((mistake for page in mistakes for mistake in page), rules)
    order = sorted(range(len(pages)), key=lambda index: _badness(pages[index].score))
    shown = order[:most]
    yield f"<h2>Pages, worst first{f' (the first {len(shown)})' if len(shown) < len(pages) else ''}</h2>"
    yield "<p>Green: right. Orange: read otherwise. Red: missed, cut or merged, drawn as labelled. Blue: invented.</p>"
    for index in shown:
        yield from _page(pages[index], mistakes[index], rules)
    yield "</html>\n"


def _badness(score: SystemScore) -> Tuple[float, float]:
    return score.end_to_end.f, score.characters.f


def _figures(score: SystemScore) -> str:
    named: List[Tuple[str, Score]] = [
        ("end to end", score.end_to_end), ("detection", score.detection),
        ("characters", score.characters), ("words", score.words),
    ]  # fmt: skip
    return ", ".join(f"{name} F {value.f:.3f}" for name, value in named)


def _kinds(mistakes: Sequence[Sequence[Mistake]]) -> Iterator[str]:
    counts = Counter(mistake.kind for page in mistakes for mistake in page)
    every = max(1, sum(counts.values()))
    yield "<h2>Kinds</h2><table><tr><th>kind<th>texts<th>share"
    for kind in KINDS:
        yield f'<tr><td>{_label(kind)}<td class="number">{counts[kind]}<td class="number">{counts[kind] / every:.1%}'
    yield "</table>"


def _confusions(mistakes: Iterable[Mistake], rules: TextRules) -> Iterator[str]:
    pairs = Counter(
        pair
        for mistake in mistakes
        if len(mistake.truths) == len(mistake.predictions) == 1 and mistake.kind != "right"
        for pair in differences(rules.apply(mistake.expected), rules.apply(mistake.read))
    )
    yield "<h2>Characters that were confused</h2><table><tr><th>expected<th>read<th>times"
    for (expected, read), times in pairs.most_common(MAX_CONFUSIONS):
        yield f'<tr><td>{_shown(expected)}<td>{_shown(read)}<td class="number">{times}'
    yield "</table>"


def _shown(character: str) -> str:
    return {"": "nothing", " ": "a space"}.get(character, escape(character))


def _page(page: ScoredPage, mistakes: Sequence[Mistake], rules: TextRules) -> Iterator[str]:
    yield f"<section><h3>{escape(page.picture)}</h3><p>{_figures(page.score)}</p><div class=page><figure>"
    image = _picture(page.path)
    if image is None:
        yield "<p>The picture cannot be read.</p></figure>"
    else:
        yield f'<img alt="" loading="lazy" src="{_data_uri(image)}">'
        yield f'<svg viewBox="0 0 {image.shape[1]} {image.shape[0]}">'
        yield from (_outline(page, mistake) for mistake in mistakes)
        yield "</svg></figure>"
    yield '<div class="texts"><table><tr><th><th>expected<th>read'
    for mistake in sorted(mistakes, key=lambda mistake: mistake.kind == "right"):
        expected, read = _marked(mistake, rules)
        yield f"<tr><td>{_label(mistake.kind)}<td>{expected}<td>{read}"
    yield "</table></div></div></section>"


def _outline(page: ScoredPage, mistake: Mistake) -> str:
    chosen = [page.truths[i] for i in mistake.truths] or [page.predictions[i] for i in mistake.predictions]
    title = escape(f"{mistake.kind}: {mistake.expected or '–'} → {mistake.read or '–'}")
    polygons = ""
    for region in chosen:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in region.points)
        polygons += f'<polygon points="{points}" stroke="{_colour(mistake.kind)}"><title>{title}</title></polygon>'
    return polygons


def _marked(mistake: Mistake, rules: TextRules) -> Tuple[str, str]:
    """Both texts with what differs marked; as they are compared, if they differ in that form alone."""
    if mistake.kind == "right" or not (mistake.truths and mistake.predictions):
        return escape(mistake.expected), escape(mistake.read)
    first, second = mistake.expected, mistake.read
    if mistake.kind not in ("spaces", "form"):
        first, second = rules.apply(first), rules.apply(second)
    expected, read = [[(character, False) for character in text] for text in (first, second)]
    for edit in Levenshtein.editops(first, second):
        if edit.tag != "insert":
            expected[edit.src_pos] = (first[edit.src_pos], True)
        if edit.tag != "delete":
            read[edit.dest_pos] = (second[edit.dest_pos], True)
    return _tagged(expected, "del"), _tagged(read, "ins")


def _tagged(characters: Sequence[Tuple[str, bool]], tag: str) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" if marked else escape(text) for text, marked in characters)


def _label(kind: str) -> str:
    return f'<i style="background: {_colour(kind)}">{kind}</i>'


def _colour(kind: str) -> str:
    return COLOURS.get(kind, MISREAD)


def _picture(path: Path) -> Optional[np.ndarray]:
    try:
        page = next(iter(read_pages(str(path))), None)
    except InputError:
        return None
    return page.image if isinstance(page, Page) else None


def _data_uri(image: np.ndarray) -> str:
    """A picture as the file shows it; outlines keep the coordinates of the whole one."""
    scale = min(1.0, MAX_SIDE / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
