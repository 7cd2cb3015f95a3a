"""From a probability map to boxes: the post-processing of DB (Liao et al. 2020, section 3.4)."""

from __future__ import annotations

from itertools import repeat
from typing import Iterator, Literal, NamedTuple, Optional

import cv2
import numpy as np
import pyclipper

from ppocr.ops.boxes import crop_size, order_corners
from ppocr.ops.columns import page_order

MIN_SIDE = 3  # pixels of the map: a smaller shrunk region is noise


class Regions(NamedTuple):
    """Text regions of one page, pixels of the page.

    Attributes:
        boxes: float32[N, 4, 2], whole numbers, clockwise from the top-left corner.
        scores: float32[N], mean probability inside the shrunk region.
        polygons: one float32[M, 2] per region with box_type "poly", else None.
    """

    boxes: np.ndarray
    scores: np.ndarray
    polygons: Optional[list[np.ndarray]]

    def in_reading_order(self, order: str = "rows") -> Regions:
        """The same regions, as `ppocr.ops.columns.page_order` puts them."""
        places = page_order(self.boxes, order)
        polygons = None if self.polygons is None else [self.polygons[index] for index in places]
        return Regions(self.boxes[places], self.scores[places], polygons)

    def outlines(self) -> Iterator[tuple[np.ndarray, Optional[np.ndarray]]]:
        """Each region's box and its polygon, if there are polygons."""
        return zip(self.boxes, repeat(None) if self.polygons is None else self.polygons)


class DBPostProcess:
    """Binarise, find the shrunk regions, score them, and grow them back.

    Args:
        thresh: probability above which a pixel is text.
        box_thresh: mean probability below which a region is dropped.
        max_candidates: most regions looked at, the largest ones.
        unclip_ratio: growth by area · ratio / perimeter, which undoes the shrinking of training (equation 10).
        use_dilation: thicken the binary map by one pixel first; joins broken characters.
        score_mode: "fast" scores the region's rectangle, "slow" its exact outline.
        box_type: "quad" for rotated rectangles, "poly" for outlines (curved text).
    """

    def __init__(
        self,
        thresh: float = 0.3,
        box_thresh: float = 0.6,
        max_candidates: int = 1000,
        unclip_ratio: float = 1.5,
        use_dilation: bool = False,
        score_mode: Literal["fast", "slow"] = "fast",
        box_type: Literal["quad", "poly"] = "quad",
    ):
        limits = (("thresh", thresh, 1), ("box_thresh", box_thresh, 1), ("unclip_ratio", unclip_ratio, 99))
        for name, value, most in limits:
            if not 0 <= value <= most:
                raise ValueError(f"{name}: expected a number from 0 to {most}, came {value!r}")
        if max_candidates < 1:
            raise ValueError(f"max_candidates: expected a number above 0, came {max_candidates!r}")
        self.thresh, self.box_thresh = thresh, box_thresh
        self.max_candidates, self.unclip_ratio = max_candidates, unclip_ratio
        self.use_dilation, self.score_mode, self.box_type = use_dilation, score_mode, box_type

    def __call__(self, probability: np.ndarray, height: int, width: int) -> Regions:
        """Regions of one page.

        Args:
            probability: float32[h, w], the shrink map.
            height, width: of the page that the map stands for, pixels.
        """
        boxes, scores, polygons = [], [], []
        to_page = np.array([width / probability.shape[1], height / probability.shape[0]], np.float32)
        for contour in self._contours(probability):
            rectangle = cv2.minAreaRect(contour)
            if min(rectangle[1]) < MIN_SIDE:
                continue
            outline = self._outline(contour, rectangle)
            score = mean_inside(probability, contour[:, 0] if self.score_mode == "slow" else outline)
            if not score >= self.box_thresh:  # a network that gives no numbers finds nothing
                continue
            if self.box_type == "poly":
                outline = self._grow_polygon(outline)
                rectangle = cv2.minAreaRect(outline)
            else:
                rectangle = self._grow_rectangle(rectangle)
            if min(rectangle[1]) < MIN_SIDE + 2:  # grown, a region is larger: a thin one is still noise
                continue
            box = _on_page(cv2.boxPoints(rectangle), to_page, height, width)
            if min(crop_size(box)) <= MIN_SIDE:  # of what the page's borders have left of it
                continue
            boxes.append(box)
            scores.append(score)
            polygons.append(_on_page(outline, to_page, height, width))
        quads = np.stack([order_corners(box) for box in boxes]) if boxes else np.zeros((0, 4, 2), np.float32)
        return Regions(quads, np.array(scores, np.float32), polygons if self.box_type == "poly" else None)

    def _contours(self, probability: np.ndarray) -> list[np.ndarray]:
        """int32[M, 1, 2] outlines of the binary map, the largest `max_candidates`, in the order they were found."""
        binary = cv2.compare(probability, self.thresh, cv2.CMP_GT)  # type: ignore[call-overload]  # takes a scalar too
        if self.use_dilation:
            binary = cv2.dilate(binary, np.ones((2, 2), np.uint8))  # as PaddleOCR's use_dilation
        contours = [
            contour
            for contour in cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]
            if len(contour) > 2  # a point or a line has no area
        ]
        if len(contours) > self.max_candidates:
            areas = np.array([cv2.contourArea(contour) for contour in contours])
            # Stable, so that equal areas are chosen alike each time; then in the order they were found, as without a
            # limit.
            largest = np.sort(np.argsort(-areas, kind="stable")[: self.max_candidates])
            contours = [contours[index] for index in largest]
        return contours

    def _outline(self, contour: np.ndarray, rectangle: tuple) -> np.ndarray:
        """float32[M, 2]: the region's rectangle, or its simplified contour for polygons."""
        if self.box_type == "poly":
            # PaddleOCR's tolerance. With fewer than four points the outline is no usable polygon: take the rectangle.
            simple = cv2.approxPolyDP(contour, 0.002 * cv2.arcLength(contour, True), True)[:, 0]
            if len(simple) >= 4:
                return simple.astype(np.float32)
        return cv2.boxPoints(rectangle)

    def _grow_rectangle(self, rectangle: tuple) -> tuple:
        """The smallest rectangle around an offset rectangle is itself with its sides moved: no clipper needed."""
        centre, (w, h), angle = rectangle
        distance = w * h * self.unclip_ratio / (2 * (w + h))
        return centre, (w + 2 * distance, h + 2 * distance), angle

    def _grow_polygon(self, outline: np.ndarray) -> np.ndarray:
        distance = cv2.contourArea(outline) * self.unclip_ratio / max(cv2.arcLength(outline, True), 1e-6)
        offset = pyclipper.PyclipperOffset()
        offset.AddPath(outline.round().astype(int).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
        grown = [np.array(path, np.float32) for path in offset.Execute(distance)]
        # An outline with a neck may fall apart: keep the main part.
        return max(grown, key=cv2.contourArea, default=outline)


def mean_inside(probability: np.ndarray, outline: np.ndarray) -> float:
    """Mean of float32[h, w] over the pixels of a polygon, its border included.

    Args:
        outline: (x, y) points, float or int [M, 2].
    """
    height, width = probability.shape
    left, top = np.clip(np.floor(outline.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(outline.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    # Only inside the bounding rectangle: a mask of the whole map would take as long for the smallest box as for the
    # page.
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(outline - (left, top)).astype(np.int32)], 1)
    return cv2.mean(probability[top : bottom + 1, left : right + 1], mask)[0]


def _on_page(points: np.ndarray, to_page: np.ndarray, height: int, width: int) -> np.ndarray:
    """Points of the map on the page: scaled, rounded to whole pixels, kept inside."""
    return np.clip((points * to_page).round(), 0, (width, height)).astype(np.float32)

