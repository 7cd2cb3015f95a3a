"""Direction classification: which crops lie upside down."""

from __future__ import annotations

import functools
from typing import Sequence

import numpy as np

from ppocr.infer.model_dir import DEFAULT, open_model
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.base import Runtime
from ppocr.infer.runtimes.create import create_runtime
from ppocr.ops.text_image import resize_normalize_pad

SEEN_HEIGHTS = 6  # of a crop: its beginning, so long; longer ones would be squeezed until no letter has its shape


class TextClassifier:
    """The direction classifier of a model directory.

    Args:
        options: `cls`, the engine, `cls_thresh`, and shape and labels for a directory without `inference.yml`.

    Raises:
        ModelError, ConfigError: the directory is missing, incomplete or for another task, or a setting is wrong.
    """

    def __init__(self, options: OCROptions = OCROptions()):
        model = open_model(options.cls or DEFAULT, "cls")
        shape = model.transform("ClsResizeImg", {"image_shape": (3, 48, 192)}, image_shape=options.cls_image_shape)
        self.image_shape = shape.image_shape
        self.decode = model.transform("DecodeImage", {})
        self.postprocess = model.postprocess("ClsPostProcess", label_list=options.cls_label_list)
        self.threshold, self.batch_size = options.cls_thresh, options.cls_batch_size
        self._model, self._options = model, options

    @functools.cached_property
    def runtime(self) -> Runtime:
        """Loaded for the first crop, which takes a tenth of a second: of a page that reads well there is none."""
        return create_runtime(self._model, self._options)

    def __call__(self, crops: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        """(label, probability) of each crop, uint8[h, w, 3] BGR."""
        _, height, width = self.image_shape
        answers: list[tuple[str, float]] = []
        for begin in range(0, len(crops), self.batch_size):
            chosen = crops[begin : begin + self.batch_size]
            batch = np.empty((len(chosen), 3, height, width), np.float32)
            for crop, out in zip(chosen, batch):
                seen = crop[:, : SEEN_HEIGHTS * crop.shape[0]]
                resize_normalize_pad(self.decode.order(seen), height, width, out=out)
            answers += self.postprocess(self.runtime.run(batch))
        return answers

    def upside_down(self, crops: Sequence[np.ndarray]) -> list[bool]:
        """Which crops lie upside down, beyond the threshold."""
        return [label == "180" and score > self.threshold for label, score in self(crops)]
