"""imgaug's augmenters on pages, named and set up as PaddleOCR's configurations do it.

imgaug 0.4.0 is its last release. It reads `np.sctypes`, gone in NumPy 2, and `np.complex`, gone in NumPy 1.24;
`_import` gives them back before the first import. Nothing else of NumPy is changed.
"""

from __future__ import annotations

import functools
from typing import Any, Mapping, Sequence, Tuple

import numpy as np

from ppocr.data.transforms.basic import Sample
from ppocr.errors import MissingExtraError, suggest

_SEEDS = 2**31  # imgaug takes seeds below this


class ImgaugPages:
    """Runs augmenters one after another on a page and the outlines on it.

    Args:
        steps: `{type: name of a class of imgaug.augmenters, args: {…}}` or `[name, argument, …]` each. As in PaddleOCR
            an argument that is a list means a range: `[0.5, 3]` becomes imgaug's `(0.5, 3)`. Lists further inside stay
            lists, by which imgaug means a choice: `scale: {x: [0.5, 3]}` is 0.5 or 3.

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
            if len(moved.keypoints) == len(points):
                sample["polys"] = moved.to_xy_array().reshape(outlines.shape).astype(np.float32)
            else:  # an augmenter that blackens the whole picture (TotalDropout) takes the points away with it
                sample.update(polys=outlines[:0], texts=[], ignore_tags=sample["ignore_tags"][:0])
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
    if not hasattr(np, "complex"):
        np.complex = complex  # type: ignore[attr-defined]
    try:
        import imgaug.augmenters
    except ImportError as error:
        raise MissingExtraError("IaaAugment with steps beyond Fliplr, Affine and Resize", "train") from error
    return imgaug


def _augmenter(step: Any) -> Any:
    kind, positional, named = _parts(step)
    augmenters = _import().augmenters
    factory = getattr(augmenters, kind, None)
    if not (isinstance(factory, type) and issubclass(factory, augmenters.Augmenter)):
        known = [name for name, value in vars(augmenters).items() if isinstance(value, type)]
        raise ValueError(f"augmenter_args: imgaug has no augmenter {kind!r}{suggest(kind, known)}")
    try:
        return factory(*map(_as_range, positional), **{key: _as_range(value) for key, value in named.items()})
    except Exception as error:  # imgaug checks arguments by assert and by all kinds of exceptions
        given = dict(named) or list(positional)
        raise ValueError(f"augmenter_args: {kind} does not take {given!r}: {error}") from error


def _parts(step: Any) -> Tuple[str, Sequence[Any], Mapping[str, Any]]:
    """Name, positional and named arguments of a step."""
    kind: Any = None
    positional: Sequence[Any] = ()
    named: Any = {}
    if isinstance(step, Mapping):
        kind, named = step.get("type"), step.get("args") or {}
    elif isinstance(step, (list, tuple)) and step:
        kind, positional = step[0], tuple(step[1:])
    if not isinstance(kind, str):
        raise ValueError(f"augmenter_args: expected `type: …` and `args: {{…}}`, came {step!r}")
    if not isinstance(named, Mapping):
        raise ValueError(f"augmenter_args: {kind}: expected a mapping as args, came {named!r}")
    return kind, positional, named


def _as_range(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else value
