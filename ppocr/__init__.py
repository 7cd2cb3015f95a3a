"""Text in pictures: `from ppocr import OCR; OCR()("photo.jpg")[0].text`.

The names below are imported when they are first used, so that `import ppocr` is free: it loads neither Paddle nor
OpenCV nor NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppocr.errors import InputError, ModelError, PPOCRError
    from ppocr.infer.classifier import TextClassifier
    from ppocr.infer.detector import TextDetector
    from ppocr.infer.options import OCROptions
    from ppocr.infer.pipeline import OCR
    from ppocr.infer.recognizer import TextRecognizer
    from ppocr.infer.results import OCRResult, TextLine
    from ppocr.registry import register

__version__ = "0.1.0"

__all__ = [
    "OCR",
    "OCROptions",
    "OCRResult",
    "TextLine",
    "TextDetector",
    "TextClassifier",
    "TextRecognizer",
    "PPOCRError",
    "InputError",
    "ModelError",
    "register",
    "__version__",
]

_HOMES = {
    "OCR": "ppocr.infer.pipeline",
    "OCROptions": "ppocr.infer.options",
    "OCRResult": "ppocr.infer.results",
    "TextLine": "ppocr.infer.results",
    "TextDetector": "ppocr.infer.detector",
    "TextClassifier": "ppocr.infer.classifier",
    "TextRecognizer": "ppocr.infer.recognizer",
    "PPOCRError": "ppocr.errors",
    "InputError": "ppocr.errors",
    "ModelError": "ppocr.errors",
    "register": "ppocr.registry",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOMES))
