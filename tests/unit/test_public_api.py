"""What users import, pinned: a change here is a change for them."""

import inspect
import re
from pathlib import Path

import pytest

import ppocr

PUBLIC = {
    "OCR": "class", "OCROptions": "class", "OCRResult": "class", "TextLine": "class", "TextDetector": "class",
    "TextClassifier": "class", "TextRecognizer": "class", "PPOCRError": "class", "InputError": "class",
    "ModelError": "class", "register": "function", "__version__": "str",
}  # fmt: skip


def test_the_names():
    assert sorted(ppocr.__all__) == sorted(PUBLIC)
    for name, kind in PUBLIC.items():
        assert inspect.isclass(getattr(ppocr, name)) == (kind == "class")
        assert name in dir(ppocr)


def test_the_fields_of_results():
    assert list(inspect.signature(ppocr.OCRResult).parameters) == [
        "file",
        "page",
        "width",
        "height",
        "seconds",
        "lines",
        "angle",
        "is_layer",
    ]
    assert list(inspect.signature(ppocr.TextLine).parameters) == ["text", "score", "box", "polygon", "spans"]


def test_the_first_options():
    parameters = inspect.signature(ppocr.OCROptions).parameters
    wanted = {"det": "default", "cls": "default", "rec": "default", "threads": 0, "drop_score": 0.5}
    assert {name: parameters[name].default for name in wanted} == wanted


def test_all_is_static_for_type_checkers():
    """`from ppocr import OCR` must be understood without running `__getattr__`."""
    source = Path(ppocr.__file__).read_text(encoding="utf-8")
    block = source[source.index("if TYPE_CHECKING") : source.index("__version__")]
    for name in set(PUBLIC) - {"__version__"}:
        assert re.search(rf"\b{name}\b", block)


def test_other_names_are_missing():
    with pytest.raises(AttributeError, match="no attribute 'OCRX'"):
        _ = ppocr.OCRX


def test_the_chain_reads_whatever_it_is_given(ink_family, tmp_path):
    import cv2
    import numpy as np

    image = np.full((100, 300, 3), 255, np.uint8)
    image[30:60, 30:230] = 0
    path = tmp_path / "页.png"
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    ocr = ppocr.OCR(ink_family)
    for source, file in ((path, str(path)), (str(path), str(path)), (path.read_bytes(), ""), (image, "")):
        (result,) = ocr(source)
        assert (result.file, result.text) == (file, "2")
    assert [result.text for result in ocr([path, image, image[..., 0]])] == ["2"] * 3
    assert ocr([]) == []
    with pytest.raises(ppocr.InputError, match="gone"):
        ocr([path, "gone"])
