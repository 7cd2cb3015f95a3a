"""Text detection: a page in, boxes out."""

from __future__ import annotations

import numpy as np

from ppocr.infer.model_dir import open_model
from ppocr.infer.options import OCROptions
from ppocr.infer.runtime import create_runtime
from ppocr.ops.page_image import STRIDE, normalize_planes, resize_page, tile_spans
from ppocr.postprocess.db import Regions

SHAPES = 1  # kernels are shared between pages of one size only; more would take 20 to 100 MB each


class TextDetector:
    """The detector of a model directory.

    Args:
        options: `det`, the engine, and whatever of the detection settings should differ from the directory's.

    Raises:
        ModelError, ConfigError: the directory is missing, incomplete or for another task, or a setting is wrong.
    """

    def __init__(self, options: OCROptions = OCROptions()):
        model = open_model(options.det, "det")
        self.resize = model.transform(
            "DetResizeForTest", {}, limit_side_len=options.limit_side_len, limit_type=options.limit_type
        )
        self.normalize = model.transform("NormalizeImage", {})
        self.postprocess = model.postprocess(
            "DBPostProcess",
            thresh=options.thresh,
            box_thresh=options.box_thresh,
            unclip_ratio=options.unclip_ratio,
            max_candidates=options.max_candidates,
            use_dilation=options.use_dilation,
            score_mode=options.score_mode,
            box_type=options.box_type,
        )
        self.runtime = create_runtime(model, options, shapes=SHAPES)

    def __call__(self, image: np.ndarray) -> Regions:
        """Find the text of a page.

        Args:
            image: uint8[H, W, 3], BGR.
        """
        return self.postprocess(self.probability(image), image.shape[0], image.shape[1])

    def probability(self, image: np.ndarray) -> np.ndarray:
        """float32[h, w]: the shrink map of a page at the network's resolution.

        A page far longer than wide would lose its text when shrunk whole: it is read in overlapping tiles, and the
        tiles' maps are joined in the middle of each overlap, so that a line across a seam stays one region.
        """
        height, width = image.shape[:2]
        if height >= width:
            return self._strip_probability(image)
        # Tiles run down the page; a wide page is the same with the axes swapped, but the picture must not be turned.
        return self._strip_probability(image, across_is_height=True)

    def _strip_probability(self, image: np.ndarray, across_is_height: bool = False) -> np.ndarray:
        axis = 1 if across_is_height else 0  # the long one
        length, across = image.shape[axis], image.shape[1 - axis]
        span = tile_spans(length, across)[0]
        if span == (0, length):
            return self._run(resize_page(image, *self.resize.size(*image.shape[:2])))
        tile = (span[1], across) if axis == 0 else (across, span[1])
        tile_size = self.resize.size(*tile)
        scaled_length = max(tile_size[axis], round(length * tile_size[axis] / span[1] / STRIDE) * STRIDE)
        size = (scaled_length, tile_size[1]) if axis == 0 else (tile_size[0], scaled_length)
        page = resize_page(image, *size)
        joined = np.empty(size, np.float32)
        spans = tile_spans(scaled_length, tile_size[1 - axis], max_ratio=tile_size[axis] / tile_size[1 - axis])
        begin = 0
        for index, (start, stop) in enumerate(spans):
            end = scaled_length if index + 1 == len(spans) else (stop + spans[index + 1][0]) // 2
            part = _slice(axis, start, stop)
            joined[_slice(axis, begin, end)] = self._run(page[part])[_slice(axis, begin - start, end - start)]
            begin = end
        return joined

    def _run(self, page: np.ndarray) -> np.ndarray:
        """The map of one picture whose sides are multiples of 32."""
        batch = np.empty((1, 3, *page.shape[:2]), np.float32)
        settings = self.normalize
        normalize_planes(page, scale=settings.scale, mean=settings.mean, std=settings.std, out=batch[0])
        return self.runtime.run(batch)[0, 0]


def _slice(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(start, stop),)
