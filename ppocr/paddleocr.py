"""PaddleOCR's Python interface over `ppocr.OCR`: `from ppocr.paddleocr import PaddleOCR, TextSystem`.

Settings carry PaddleOCR's names, of its release 2 (`det_db_thresh`) or 3 (`text_det_thresh`). What a setting changes is
done; one that cannot be done is refused; one that only concerns other hardware or logging is ignored.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import logging
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ppocr.errors import InputError, PPOCRError, suggest
from ppocr.infer.io.draw import Painter, save_picture
from ppocr.infer.io.sources import Page, read_pages
from ppocr.infer.languages import family_of
from ppocr.infer.options import OCROptions
from ppocr.infer.orientation import shown_picture
from ppocr.infer.pipeline import OCR, Source
from ppocr.infer.results import OCRResult, TextLine

logger = logging.getLogger(__name__)
Sources = Union[Source, Sequence[Source]]

_OPTIONS = {  # PaddleOCR's name (release 2; release 3) → field of OCROptions
    "det_model_dir": "det", "text_detection_model_dir": "det",
    "rec_model_dir": "rec", "text_recognition_model_dir": "rec",
    "cls_model_dir": "cls", "textline_orientation_model_dir": "cls",
    "det_limit_side_len": "limit_side_len", "text_det_limit_side_len": "limit_side_len",
    "det_limit_type": "limit_type", "text_det_limit_type": "limit_type",
    "det_db_thresh": "thresh", "text_det_thresh": "thresh",
    "det_db_box_thresh": "box_thresh", "text_det_box_thresh": "box_thresh",
    "det_db_unclip_ratio": "unclip_ratio", "text_det_unclip_ratio": "unclip_ratio",
    "det_db_score_mode": "score_mode", "det_box_type": "box_type", "use_dilation": "use_dilation",
    "rec_image_shape": "rec_image_shape", "rec_char_dict_path": "rec_char_dict_path",
    "use_space_char": "use_space_char", "rec_batch_num": "rec_batch_size",
    "text_recognition_batch_size": "rec_batch_size", "cls_batch_num": "cls_batch_size",
    "textline_orientation_batch_size": "cls_batch_size", "cls_image_shape": "cls_image_shape",
    "cls_thresh": "cls_thresh", "drop_score": "drop_score", "text_rec_score_thresh": "drop_score",
    "cpu_threads": "threads", "precision": "precision", "engine": "engine",
}  # fmt: skip
_IGNORED = {
    "use_gpu", "use_xpu", "use_npu", "use_mlu", "gpu_mem", "gpu_id", "show_log", "enable_mkldnn", "ir_optim",
    "use_tensorrt", "device", "mkldnn_cache_capacity", "enable_hpi", "max_text_length", "max_batch_size", "benchmark",
    "type", "image_dir",
}  # fmt: skip
# Setting → the values that are what we do.
_ONLY: Dict[str, Tuple[Any, ...]] = {
    "use_doc_unwarping": (False, None),
    "det_algorithm": ("DB", None), "rec_algorithm": ("CRNN", "SVTR_LCNet", None), "page_num": (0, None),
    "binarize": (False, None), "invert": (False, None), "save_crop_res": (False, None),
}  # fmt: skip
_DIRECTIONS = ("use_angle_cls", "use_textline_orientation", "use_doc_orientation_classify")
_SWITCHES = (*_DIRECTIONS, "lang", "ocr_version", "return_word_box")


def options_of(settings: Mapping[str, Any]) -> OCROptions:
    """The options that PaddleOCR's settings mean. Without a switch for it the direction classifier is off.

    `use_doc_orientation_classify` needs no network of its own: pages are set upright by what their lines show, the
    direction of each among it, so lines that lie upside down are turned then, too.

    Raises:
        TypeError: there is no such setting.
        ValueError: it cannot have this value here.
        ModelError: no fetched models read `lang`.
    """
    values: Dict[str, Any] = {}
    for name, value in settings.items():
        if name in _ONLY:
            if value not in _ONLY[name]:
                raise ValueError(f"{name}={value!r}: not available here; only {_ONLY[name][0]!r}")
        elif name in _OPTIONS:
            if value is not None:
                values[_OPTIONS[name]] = value
        elif name not in _IGNORED and name not in _SWITCHES:
            known = [*_OPTIONS, *_ONLY, *_SWITCHES]
            raise TypeError(f"PaddleOCR has no setting {name!r} here{suggest(name, known)}")
    for name in ("rec_image_shape", "cls_image_shape"):
        if isinstance(values.get(name), str):
            values[name] = tuple(int(number) for number in values[name].split(","))
    lang, version = settings.get("lang"), settings.get("ocr_version")
    family = family_of(lang or "ch", reads="rec" not in values, version=version) if lang or version else None
    for kind in ("det", "cls", "rec"):
        if family is not None:
            values.setdefault(kind, family)
    if not any(settings.get(name) for name in _DIRECTIONS):
        values["cls"] = None
    upright = bool(settings.get("use_doc_orientation_classify"))
    return OCROptions(orientation="auto" if upright else "off", upright=upright, **values)


def clash() -> Optional[str]:
    """A sentence if PaddleOCR 2 is installed beside us: it imports a package `ppocr` too, and would find this one."""
    try:
        version = importlib.metadata.version("paddleocr")
    except importlib.metadata.PackageNotFoundError:
        return None
    spec = importlib.util.find_spec("paddleocr")
    folders = spec.submodule_search_locations if spec else None
    if not any((Path(folder) / "ppocr").is_dir() for folder in folders or ()):
        return None
    return (
        f"paddleocr {version} is installed here too. It has a package `ppocr` of its own, so one of the two finds the "
        "other's modules: install them in separate environments, or paddleocr 3, which has none"
    )


class PaddleOCR:
    """Reads pictures as PaddleOCR's class of this name does.

    Args:
        settings: PaddleOCR's, by name.

    Raises:
        TypeError, ValueError, ModelError, ConfigError: see `options_of` and `OCR`.
    """

    def __init__(self, **settings: Any):
        problem = clash()
        if problem:
            logger.warning("%s", problem)
        self.settings = settings
        self.reader = OCR(options_of(settings))
        self._other: Optional[OCR] = None  # the last reader that `predict` made for settings of its own

    def ocr(self, img: Sources, det: bool = True, rec: bool = True, cls: bool = True) -> List[Any]:
        """Release 2's answer: a list for each page, empty where there is no text.

        Args:
            img: a path, bytes, a picture uint8[H, W, 3] BGR, or a list of these.
            det: find the text; without it each picture is a crop of one line.
            rec: read it.
            cls: turn lines that lie upside down, if the reader was made with `use_angle_cls`.

        Returns:
            For each page, with `det` and `rec`: `[box, (text, score)]` a line; with `det` alone: boxes `[[x, y] × 4]`;
            with `rec` alone: `(text, score)`; with `cls` alone: `(label, score)`.

        Raises:
            InputError: something cannot be read.
            ValueError: nothing is to be done.
        """
        if not (det or rec or cls):
            raise ValueError("det, rec and cls are all False: nothing to do")
        pages = [page for source in _listed(img) for page in read_pages(source)]
        if det and rec:
            results = _results(self.reader, pages)
            return [[[_points(line), (line.text, line.score)] for line in result.lines] for result in results]
        if det:
            found = [self.reader.detector(page.image).in_reading_order() for page in pages]
            return [[box.tolist() for box in regions.boxes] for regions in found]
        crops = [page.image for page in pages]
        if rec:
            classifier = self.reader.classifier if cls else None
            turned = classifier.upside_down(crops) if classifier and crops else [False] * len(crops)
            upright = [crop[::-1, ::-1] if turn else crop for crop, turn in zip(crops, turned)]
            return [[answer] for answer in self.reader.recognizer(upright)]
        if self.reader.classifier is None:
            raise ValueError("cls alone needs PaddleOCR(use_angle_cls=True)")
        return [[answer] for answer in self.reader.classifier(crops)]

    def predict(self, input: Sources, **settings: Any) -> List[Prediction]:
        """Release 3's answer, one for each page.

        Args:
            input: as `img` of `ocr`.
            settings: of this call, in place of those that the reader was made with; None leaves them. Another value
                loads the networks anew, once for calls with the same one.

        Raises:
            InputError: something cannot be read.
            TypeError, ValueError, ModelError, ConfigError: as of the constructor.
        """
        return list(self.predict_iter(input, **settings))

    def predict_iter(self, input: Sources, **settings: Any) -> Iterator[Prediction]:
        """The same, page by page."""
        wanted = {**self.settings, **{name: value for name, value in settings.items() if value is not None}}
        reader = self._reader_for(options_of(wanted))
        pages = [page for source in _listed(input) for page in read_pages(source)]
        for result, page in zip(_results(reader, pages), pages):
            image = shown_picture(page.image, result, upright=reader.options.upright)
            prediction = Prediction(result, image, words=bool(wanted.get("return_word_box")))
            if reader.options.upright:
                prediction.add_orientation()
            yield prediction

    def _reader_for(self, options: OCROptions) -> OCR:
        if options == self.reader.options:
            return self.reader
        if self._other is None or self._other.options != options:
            self._other = OCR(options)
        return self._other


class TextSystem:
    """The chain of PaddleOCR 2's `tools.infer.predict_system`.

    Args:
        args: its settings, as attributes (`argparse.Namespace`).
        settings: the same by name, and those that replace them.
    """

    def __init__(self, args: Any = None, **settings: Any):
        self.reader = OCR(options_of({**(vars(args) if args is not None else {}), **settings}))

    def __call__(
        self, img: np.ndarray, cls: bool = True
    ) -> Tuple[List[np.ndarray], List[Tuple[str, float]], Dict[str, float]]:
        """Boxes float32[4, 2], (text, score) of each, and seconds (`all`) of a page, uint8[H, W, 3] BGR."""
        (result,) = self.reader(img)
        boxes = [np.array(line.box, np.float32) for line in result.lines]
        return boxes, [(line.text, line.score) for line in result.lines], {"all": result.seconds}


class Prediction(Mapping[str, Any]):
    """One page of `PaddleOCR.predict`: a mapping with PaddleOCR 3's keys, and what its results can do.

    Keys: `input_path`, `page_index`, `dt_polys`, `rec_polys`, `rec_texts`, `rec_scores`, `rec_boxes`. With `words` also
    `text_word`, `text_word_region` and `text_word_boxes`: of each line its words, their outlines, and their bounds.
    With `use_doc_orientation_classify` also `doc_preprocessor_res`, whose `angle` says how the page lies; all boxes and
    the drawing are those of the upright page.
    """

    def __init__(self, result: OCRResult, image: np.ndarray, *, words: bool = False):
        self.result, self._image = result, image
        polygons = [np.array(line.polygon or line.box).round().astype(np.int16) for line in result.lines]
        bounds = [[*points.min(axis=0), *points.max(axis=0)] for points in polygons]
        self._values: Dict[str, Any] = {
            "input_path": result.file or None,
            "page_index": result.page,
            "dt_polys": polygons,
            "rec_polys": polygons,
            "rec_texts": [line.text for line in result.lines],
            "rec_scores": [line.score for line in result.lines],
            "rec_boxes": np.array(bounds, np.int16).reshape(-1, 4),
        }
        if words:
            lines = [line.paddleocr_words for line in result.lines]
            regions = [[np.array(word.box).round().astype(np.int16) for word in line] for line in lines]
            self._values["text_word"] = [[word.text for word in line] for line in lines]
            self._values["text_word_region"] = regions
            self._values["text_word_boxes"] = [
                np.array([[*box.min(axis=0), *box.max(axis=0)] for box in line], np.int16).reshape(-1, 4)
                for line in regions
            ]

    def add_orientation(self) -> None:
        """Say how the page lies, by PaddleOCR's key: degrees that it was turned to the left to stand upright."""
        settings = {"use_doc_orientation_classify": True, "use_doc_unwarping": False}
        self._values["doc_preprocessor_res"] = {"model_settings": settings, "angle": self.result.angle}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def json(self) -> Dict[str, Any]:
        """The values as plain lists, under `res`."""
        return {"res": {key: _plain(value) for key, value in self._values.items()}}

    @property
    def img(self) -> Dict[str, np.ndarray]:
        """`ocr_res_img`: the page with its boxes, and the texts beside it, uint8[h, w, 3] BGR."""
        return {"ocr_res_img": Painter().draw(self._image, self.result.lines)}

    def print(self) -> None:
        """Write the values to standard output."""
        sys.stdout.write(json.dumps(self.json, ensure_ascii=False) + "\n")

    def save_to_img(self, save_path: Union[str, Path]) -> None:
        """Write the drawing to a file, or as `NAME_ocr_res_img.jpg` into a folder."""
        save_picture(self._target(save_path, "_ocr_res_img.jpg"), self.img["ocr_res_img"])

    def save_to_json(self, save_path: Union[str, Path]) -> None:
        """Write the values to a file, or as `NAME_res.json` into a folder."""
        target = self._target(save_path, "_res.json")
        try:
            target.write_text(json.dumps(self.json["res"], ensure_ascii=False, indent=4), encoding="utf-8")
        except OSError as error:
            raise PPOCRError(f"{target}: cannot be written: {error.strerror or error}") from error

    def _target(self, save_path: Union[str, Path], ending: str) -> Path:
        path = Path(save_path)
        if path.suffix.lower() == Path(ending).suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path
        path.mkdir(parents=True, exist_ok=True)
        page = f"_{self.result.page}" if self.result.page else ""
        return path / f"{Path(self.result.file).stem or 'picture'}{page}{ending}"


def _results(reader: OCR, pages: Sequence[Page]) -> Iterator[OCRResult]:
    """What was read on each page.

    Raises:
        InputError: a page cannot be read.
    """
    for result in reader.stream(pages):
        if isinstance(result, InputError):
            raise result
        yield result


def _listed(source: Sources) -> Sequence[Source]:
    return [source] if isinstance(source, (str, Path, bytes, np.ndarray)) else source


def _points(line: TextLine) -> List[List[float]]:
    return [list(point) for point in line.box]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list) else value
