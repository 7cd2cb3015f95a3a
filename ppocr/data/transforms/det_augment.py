"""Random changes of pages; outlines of texts follow the picture.

Each takes `image` (uint8[H, W, 3], BGR) and, once `DetLabelEncode` has run, `polys` (float32[N, P, 2]), `texts` and
`ignore_tags`. Moves are written down as a `view`, see there. A mirrored outline keeps the order of its points and so
runs counter-clockwise.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.data.transforms.imgaug_bridge import ImgaugPages
from ppocr.data.transforms.view import View, move_page, page_size
from ppocr.ops import photometric
from ppocr.ops.warp import about, move_points, rotation, scaling, shear, shift, warp


class IaaAugment:
    """Mirror, turn and scale a page, or whatever else imgaug can do to it. The keys are PaddleOCR's, which since 2.9
    are albumentations' in places.

    Some steps are computed here, together with the moves of other transforms in one resampling:
    `Fliplr`, `HorizontalFlip` (`p`: chance of mirroring left and right),
    `Affine` (`rotate`: [from, to] degrees, clockwise; `shear`: [from, to] degrees, upright strokes lean; `fit_output`:
    let the canvas follow, so that nothing of the page is lost; `p`: chance, 1),
    `Resize` (`size`: [from, to], a factor for both sides; `p`),
    `RandomScale` (`scale_limit`: [from, to], the same factor less 1; `p`).
    The canvas stays otherwise, black where the page was turned away from it, and scales with the page. A list with any
    other step is run by imgaug as a whole (extra `train`).

    Args:
        augmenter_args: steps in order, each `{type: …, args: {…}}`. By default mirroring half of the pages, turning by
            ±10°, and scaling by 0.5 to 3.
    """

    DEFAULT = (
        {"type": "Fliplr", "args": {"p": 0.5}},
        {"type": "Affine", "args": {"rotate": [-10, 10]}},
        {"type": "Resize", "args": {"size": [0.5, 3]}},
    )

    def __init__(self, augmenter_args: Optional[List[Mapping[str, Any]]] = None):
        steps = self.DEFAULT if augmenter_args is None else augmenter_args
        self.moves_only = all(_is_own_step(step) for step in steps)
        self._steps = [_geometry_step(step) for step in steps] if self.moves_only else []
        self._imgaug = None if self.moves_only else ImgaugPages(steps)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if self._imgaug is not None:
            return self._imgaug(sample, rng)
        for step in self._steps:
            if rng.random() < step.chance:
                height, width = page_size(sample)
                sample = move_page(sample, step.move([rng.uniform(*span) for span in step.spans], width, height))
        return sample


class RandomPerspective:
    """Scale, turn, shear and tilt a page about its middle. Keys as PaddleOCR's (PP-OCRv6).

    Args:
        prob: chance of being applied.
        degrees: turned by up to so much either way.
        scale: factor from 1 - scale to 1 + scale.
        shear: in both directions, up to so many degrees either way.
        perspective: tilt, up to so much either way per pixel; 0.001 makes lines 1000 pixels away twice as long.
        fit_output: let the canvas follow, so that nothing of the page is lost; it grows to 1.5 times its sides at most.
        fill_value: colour where the page doesn't reach, BGR.
    """

    MAX_ENLARGEMENT = 1.5
    moves_only = True

    def __init__(
        self,
        prob: float = 0.5,
        degrees: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        perspective: float = 0.0,
        fit_output: bool = True,
        fill_value: Sequence[int] = (0, 0, 0),
    ):
        self.prob, self.degrees, self.scale, self.shear = prob, degrees, scale, shear
        self.perspective, self.fit_output, self.fill_value = perspective, fit_output, tuple(fill_value)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if rng.random() >= self.prob:
            return sample
        height, width = page_size(sample)
        tilt = np.eye(3)
        # A tilt may not bring the page's corners nearer than half the distance, or they would flee to infinity.
        most = min(self.perspective, 0.5 / max(width, height))
        tilt[2, :2] = rng.uniform(-most, most, 2)
        leaning = np.tan(np.radians(rng.uniform(-self.shear, self.shear, 2)))
        turned = rotation(rng.uniform(-self.degrees, self.degrees))
        size = rng.uniform(1 - self.scale, 1 + self.scale)
        matrix = about((width / 2, height / 2), tilt @ shear(*leaning) @ turned @ scaling(size, size))
        view = _fit(matrix, width, height, self.MAX_ENLARGEMENT) if self.fit_output else View(matrix, width, height)
        return move_page(sample, view._replace(fill=self.fill_value))


class ColorJitter:
    """Change brightness, contrast, saturation and hue, in random order. Keys as PaddleOCR's.

    Args:
        brightness, contrast, saturation: factor from 1 - value (at least 0) to 1 + value.
        hue: turn of the colour circle, up to so much either way (1 is once round).
    """

    def __init__(self, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, hue: float = 0.0):
        self._changes = [
            (photometric.brightness, max(0.0, 1 - brightness), 1 + brightness),
            (photometric.contrast, max(0.0, 1 - contrast), 1 + contrast),
            (photometric.saturation, max(0.0, 1 - saturation), 1 + saturation),
            (photometric.hue, -hue, hue),
        ]
        self._changes = [change for change in self._changes if change[1] < change[2]]

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        for number in rng.permutation(len(self._changes)):
            change, low, high = self._changes[number]
            sample["image"] = change(sample["image"], rng.uniform(low, high))
        return sample


class CopyPaste:
    """Paste some texts of another page onto this one, turned at random. Keys as PaddleOCR's.

    Args:
        objects_paste_ratio: how many of the other page's texts, as a part; at least 1, at most 30.
        limit_paste: only where they touch no other text.
    """

    MAX_PASTED, PLACE_TRIES = 30, 50

    def __init__(self, objects_paste_ratio: float = 0.2, limit_paste: bool = True):
        self.objects_paste_ratio, self.limit_paste = objects_paste_ratio, limit_paste

    def __call__(self, sample: Sample, rng: np.random.Generator, other: Callable[[], Optional[Sample]]) -> Sample:
        donor = other()
        if donor is None:
            return sample
        good = np.flatnonzero(~donor["ignore_tags"])
        count = min(self.MAX_PASTED, max(1, int(self.objects_paste_ratio * len(donor["polys"]))))
        sample["image"] = sample["image"].copy()
        for number in rng.permutation(good)[:count]:
            points = self._paste(sample, donor["image"], donor["polys"][number], rng)
            if points is not None:
                sample["polys"] = _append(sample["polys"], points)
                sample["texts"] = [*sample["texts"], donor["texts"][number]]
                sample["ignore_tags"] = np.append(sample["ignore_tags"], False)
        return sample

    def _paste(
        self, sample: Sample, picture: np.ndarray, points: np.ndarray, rng: np.random.Generator
    ) -> Optional[np.ndarray]:
        """Paste what `points` enclose in `picture`; returns where it is now, or None if no place was found."""
        height, width = sample["image"].shape[:2]
        matrix = about(points.mean(axis=0), rotation(rng.uniform(0, 360)))
        turned = move_points(points, matrix)
        low, high = turned.min(axis=0), turned.max(axis=0)
        room = np.array([width, height]) - (high - low)
        if room.min() < 0:
            return None
        for _ in range(self.PLACE_TRIES):
            offset = np.round(rng.uniform(0, room)) - np.floor(low)
            if not (self.limit_paste and _meets(sample["polys"], low + offset, high + offset)):
                moved = (turned + offset).astype(np.float32)
                _draw(sample["image"], picture, shift(*offset) @ matrix, moved)
                return moved
        return None


class _Step(NamedTuple):
    """One step of `IaaAugment`.

    Attributes:
        chance: of being applied.
        spans: (least, greatest) of each amount that is drawn.
        move: (amounts, width, height) → where the page goes.
    """

    chance: float
    spans: Tuple[Tuple[float, float], ...]
    move: Callable[[Sequence[float], int, int], View]


def _flip(_: Sequence[float], width: int, height: int) -> View:
    return View(shift(width, 0) @ scaling(-1, 1), width, height)


def _turn(amounts: Sequence[float], width: int, height: int, *, fit: bool = False) -> View:
    leaning = math.tan(math.radians(amounts[1])) if len(amounts) > 1 else 0.0
    matrix = about((width / 2, height / 2), rotation(amounts[0]) @ shear(leaning, 0))
    return _fit(matrix, width, height, math.inf) if fit else View(matrix, width, height)


def _resize(amounts: Sequence[float], width: int, height: int) -> View:
    new_width, new_height = max(1, round(width * amounts[0])), max(1, round(height * amounts[0]))
    return View(scaling(new_width / width, new_height / height), new_width, new_height)


_Move = Callable[..., View]
_Amounts = Mapping[str, Optional[Tuple[float, float]]]
# Type → what it does, and its amounts: what each is where the step does not say, None if it must.
_GEOMETRY: Mapping[Any, Tuple[_Move, _Amounts]] = {
    "Fliplr": (_flip, {}),
    "HorizontalFlip": (_flip, {}),
    "Affine": (_turn, {"rotate": (0.0, 0.0)}),
    "Resize": (_resize, {"size": None}),
    "RandomScale": (_resize, {"scale_limit": None}),
}
_FURTHER = {"Affine": ("shear", "fit_output")}  # what a step may have besides


def _is_own_step(step: Any) -> bool:
    """Whether a step of `IaaAugment` is one of `_GEOMETRY` with no other arguments than ours."""
    kind: Any = step.get("type") if isinstance(step, Mapping) else None
    arguments = (step.get("args") or {}) if kind in _GEOMETRY else None
    return isinstance(arguments, Mapping) and set(arguments) <= {"p", *_GEOMETRY[kind][1], *_FURTHER.get(kind, ())}


def _geometry_step(step: Any) -> _Step:
    """One of `IaaAugment`'s own steps.

    Raises:
        ValueError: it is not one.
    """
    kind = step["type"]
    move, amounts = _GEOMETRY[kind]
    arguments = dict(step.get("args") or {})
    chance = float(arguments.pop("p", 1.0))
    spans = [_span(kind, key, arguments.get(key, default)) for key, default in amounts.items()]
    if "shear" in arguments:
        spans.append(_span(kind, "shear", arguments["shear"]))
    if arguments.get("fit_output"):
        move = functools.partial(move, fit=True)
    return _Step(chance, tuple(spans or [(0.0, 0.0)]), move)


def _span(kind: str, key: str, value: Any) -> Tuple[float, float]:
    """(least, greatest) of an amount; `scale_limit` is counted from 1, a single number both ways."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = (-value, value) if key == "scale_limit" else (value, value)
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"augmenter_args: {kind} takes `{key}: [from, to]`, came {value!r}")
    base = 1.0 if key == "scale_limit" else 0.0
    return base + float(value[0]), base + float(value[1])


def _fit(matrix: np.ndarray, width: int, height: int, most: float) -> View:
    """Shift the result to the canvas's corner, and shrink it to at most `most` times the page's sides."""
    corners = move_points(np.array([[0, 0], [width, 0], [width, height], [0, height]]), matrix)
    low, extent = corners.min(axis=0), np.ptp(corners, axis=0)
    factor = min(1.0, most * width / extent[0], most * height / extent[1])
    new_width, new_height = (max(1, math.ceil(side * factor)) for side in extent)
    return View(scaling(factor, factor) @ shift(-low[0], -low[1]) @ matrix, new_width, new_height)


def _append(polys: np.ndarray, points: np.ndarray) -> np.ndarray:
    """One more outline; the shorter ones repeat their last point."""
    count = max(polys.shape[1], len(points))
    grown = [np.concatenate([outline, outline[-1:].repeat(count - len(outline), axis=0)]) for outline in polys]
    last = np.concatenate([points, points[-1:].repeat(count - len(points), axis=0)])
    return np.stack([*grown, last]).astype(np.float32)


def _meets(polys: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether the bounding rectangle of any outline overlaps the rectangle from `low` to `high`."""
    if not len(polys):
        return False
    return bool(((polys.max(axis=1) > low) & (polys.min(axis=1) < high)).all(axis=1).any())


def _draw(page: np.ndarray, picture: np.ndarray, matrix: np.ndarray, outline: np.ndarray) -> None:
    """Copy what will lie inside `outline` from `picture`, moved by `matrix`, onto `page`."""
    left, top = np.floor(outline.min(axis=0)).astype(int).clip(0)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int)
    window = page[top:bottom, left:right]
    height, width = window.shape[:2]
    if not height or not width:
        return
    moved = warp(picture, shift(-left, -top) @ matrix, width, height)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [(outline - (left, top)).round().astype(np.int32)], 255)
    cv2.copyTo(moved, mask, window)
