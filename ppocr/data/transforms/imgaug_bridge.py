"""imgaug's augmenters on pages, named and set up as PaddleOCR's configurations do it.

imgaug 0.4.0 is its last release. It reads `np.sctypes`, which NumPy 2 no longer has; `_import` gives it back before the
first import. Nothing else of NumPy is changed.
"""

from __future__ import annotations

import functools
from typing import Any, List, Mapping, Sequence

import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.errors import MissingExtraError
from ppocr.registry import suggest

_SEEDS = 2**31  # imgaug takes seeds below this


class ImgaugPages:
    """Runs augmenters one after another on a page and the outlines on it.

    Args:
        steps: `{type: name of a class of imgaug.augmenters, args: {…}}` each. Lists in `args` mean ranges, as in
            PaddleOCR: `[0.5, 3]` becomes imgaug's `(0.5, 3)`.

    Raises:
        MissingExtraError: imgaug is not installed.
        ValueError: imgaug has no such augmenter, or it does not take these arguments.
    """

    def __init__(self, steps: Sequence[Any]):
        self._sequence = _import().augmenters.Sequential([_augmenter(step) for step in steps])

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Augment uint8[H, W, 3] under `image` and float32[N, K, 2] (x, y) under `polys`, where there are some."""
        keypoints = _import().augmentables.kps
        # All that is random comes from here, so that a sample does not depend on which process makes it.
        self._sequence.seed_(int(rng.integers(_SEEDS)))
        fixed = self._sequence.to_deterministic()  # the picture and its outlines move alike
        height, width = sample["image"].shape[:2]
        sample["image"] = np.ascontiguousarray(fixed.augment_image(sample["image"]))
        outlines = sample.get("polys")
        if outlines is not None and outlines.size:
            points = [keypoints.Keypoint(x=x, y=y) for x, y in outlines.reshape(-1, 2).tolist()]
            moved = fixed.augment_keypoints(keypoints.KeypointsOnImage(points, shape=(height, width, 3)))
            sample["polys"] = moved.to_xy_array().reshape(outlines.shape).astype(np.float32)
        return sample


@functools.cache
def _import() -> Any:
    if not hasattr(np, "sctypes"):
        kinds = {
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64],
        }
        np.sctypes = kinds  # type: ignore[attr-defined]
    try:
        import imgaug.augmenters
    except ImportError as error:
        raise MissingExtraError("IaaAugment with steps beyond Fliplr, Affine and Resize", "train") from error
    return imgaug


def _augmenter(step: Any) -> Any:
    kind = step.get("type") if isinstance(step, Mapping) else None
    if not isinstance(kind, str):
        raise ValueError(f"augmenter_args: expected `type: …` and `args: {{…}}`, came {step!r}")
    arguments = step.get("args") or {}
    if not isinstance(arguments, Mapping):
        raise ValueError(f"augmenter_args: {kind}: expected a mapping as args, came {arguments!r}")
    augmenters = _import().augmenters
    factory = getattr(augmenters, kind, None)
    if not (isinstance(factory, type) and issubclass(factory, augmenters.Augmenter)):
        known = [name for name, value in vars(augmenters).items() if isinstance(value, type)]
        raise ValueError(f"augmenter_args: imgaug has no augmenter {kind!r}{suggest(kind, known)}")
    try:
        return factory(**{key: _as_range(value) for key, value in arguments.items()})
    except Exception as error:  # imgaug checks arguments by assert and by all kinds of exceptions
        raise ValueError(f"augmenter_args: {kind} does not take {dict(arguments)!r}: {error}") from error


def _as_range(value: Any) -> Any:
    """Lists as tuples, mappings entry by entry (`translate_percent: {x: [-0.1, 0.1]}`)."""
    if isinstance(value, Mapping):
        return {key: _as_range(item) for key, item in value.items()}
    items: List[Any] = list(value) if isinstance(value, (list, tuple)) else []
    return tuple(items) if items else value
