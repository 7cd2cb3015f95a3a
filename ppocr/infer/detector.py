"""Text detection: a page in, boxes out."""

from __future__ import annotations

import numpy as np

from ppocr.infer.model_dir import open_model
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.create import create_runtime
from ppocr.ops.page_image import STRIDE, normalize_planes, resize_page, tile_spans
from ppocr.postprocess.db import Regions
from ppocr.utils.malloc import LARGE_PICTURE_BYTES, MemoryNeed, return_freed_memory

SHARED_KERNEL_SHAPES = 1  # kernels are shared between pages of one size only; more would take 20 to 100 MB each
MAX_TILE_PIXELS = 2_000_000  # larger pages are cut into tiles …
MAX_TILE_PIXELS_OF_LARGE_PICTURE = 800_000  # … smaller ones where the picture itself takes much memory …
MAX_TILE_SIDE = 8192  # pixels; Paddle's kernels fail above 32,768 …
TILE_OVERLAP_PIXELS = 128  # … which share so many pixels with the next one
MAX_SIDE_RATIO = 3  # pages longer than so many times their width are not shrunk to fit whole
RUN_BYTES_PER_PIXEL = 170  # bytes of a run for each pixel of its input: 150, and what lies between them
RECENT_RUNS = 16  # runs; the memory of each is free for the next of the same shape


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
        self.decode = model.transform("DecodeImage", {})
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
        self.runtime = create_runtime(model, options, shapes=SHARED_KERNEL_SHAPES)
        self._need = MemoryNeed(RECENT_RUNS)

    def __call__(self, image: np.ndarray) -> Regions:
        """Find the text of a page.

        Args:
            image: uint8[H, W, 3], BGR.
        """
        return self.postprocess(self.probability(image), image.shape[0], image.shape[1])

    def probability(self, image: np.ndarray) -> np.ndarray:
        """float32[h, w]: the shrink map of a page at the network's resolution.

        A long page, or a very large picture, is read in overlapping tiles, which needs less memory. The tiles' maps are
        joined in the middle of each overlap, so that a line across a seam stays one region.
        """
        page = self.decode.order(resize_page(image, *self._size(*image.shape[:2])))
        axis = int(page.shape[1] > page.shape[0])  # the long one
        across = page.shape[1 - axis]
        # A tile keeps the page's width and is at least three overlaps long, or the overlaps would be most of the work.
        largest = MAX_TILE_PIXELS_OF_LARGE_PICTURE if image.size >= LARGE_PICTURE_BYTES else MAX_TILE_PIXELS
        longest = max(min(largest // across, MAX_TILE_SIDE) // STRIDE, 3 * TILE_OVERLAP_PIXELS // STRIDE) * STRIDE
        spans = tile_spans(page.shape[axis], longest, overlap=TILE_OVERLAP_PIXELS)
        # Each map is cut in the middle of the overlap, as far as possible from both tiles' edges, where the network
        # sees padding instead of the page.
        ends = [(stop + start) // 2 for (_, stop), (start, _) in zip(spans, spans[1:])] + [page.shape[axis]]
        parts, begin = [], 0
        for (start, stop), end in zip(spans, ends):
            tile = page[_slice(axis, start, stop)]
            need = self._need.bytes_for(tile.shape, RUN_BYTES_PER_PIXEL * tile.shape[0] * tile.shape[1])
            return_freed_memory(need=need, picture=image.size)
            parts.append(self._run(tile)[_slice(axis, begin - start, end - start)])
            begin = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width at which the network sees a page.

        One far longer than wide would lose its text when shrunk whole: it is scaled as a part of it would be.
        """
        across = min(height, width)
        part = max(MAX_SIDE_RATIO * across, 4 * STRIDE)
        if max(height, width) <= part:
            return self.resize.size(height, width)
        # Scale a part three times as long as wide, and let the whole page have that scale along its long side.
        if height > width:
            scaled = self.resize.size(part, width)
            return max(scaled[0], round(height * scaled[0] / part / STRIDE) * STRIDE), scaled[1]
        scaled = self.resize.size(height, part)
        return scaled[0], max(scaled[1], round(width * scaled[1] / part / STRIDE) * STRIDE)

    def _run(self, page: np.ndarray) -> np.ndarray:
        """The map of one picture whose sides are multiples of 32."""
        batch = np.empty((1, 3, *page.shape[:2]), np.float32)
        settings = self.normalize
        normalize_planes(page, scale=settings.scale, mean=settings.mean, std=settings.std, out=batch[0])
        return self.runtime.run(batch)[0, 0]


def _slice(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(start, stop),)
