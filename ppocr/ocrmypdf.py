"""An OCRmyPDF plugin: `ocrmypdf --plugin ppocr.ocrmypdf in.pdf out.pdf` reads pages with our models (docs/ocrmypdf.md).

OCRmyPDF runs a page in each of its worker processes, so the networks get one thread each, and every process loads the
models once.
"""

from __future__ import annotations

import functools
import math
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Optional, Set

import numpy as np
from ocrmypdf import hookimpl
from ocrmypdf.exceptions import BadArgsError, MissingDependencyError
from ocrmypdf.pluginspec import OcrEngine, OrientationConfidence

from ppocr import __version__
from ppocr.errors import PPOCRError
from ppocr.infer.io.sources import read_pages
from ppocr.infer.io.writers import create_writer
from ppocr.infer.languages import family_of_all
from ppocr.infer.model_dir import DEFAULT
from ppocr.infer.pipeline import OCR
from ppocr.infer.results import OCRResult
from ppocr.infer.runtimes.create import AUTO, ENGINES
from ppocr.ops.boxes import slant

SURE = 15.0  # OCRmyPDF's "very confident"; it turns pages from 14 on

# Tesseract's names of languages, which OCRmyPDF's users know → PaddleOCR's, which ours are.
LANGUAGES = {
    "afr": "af", "aze": "az", "bos": "bs", "cat": "ca", "ces": "cs", "chi_sim": "ch", "chi_tra": "chinese_cht",
    "cym": "cy", "dan": "da", "deu": "de", "eng": "en", "est": "et", "eus": "eu", "fil": "tl", "fin": "fi", "fra": "fr",
    "gle": "ga", "glg": "gl", "hrv": "hr", "hun": "hu", "ind": "id", "isl": "is", "ita": "it", "jpn": "japan",
    "lat": "la", "lav": "lv", "lit": "lt", "ltz": "lb", "mlt": "mt", "mri": "mi", "msa": "ms", "nld": "nl", "nor": "no",
    "oci": "oc", "pol": "pl", "por": "pt", "que": "qu", "ron": "ro", "slk": "sk", "slv": "sl", "spa": "es", "sqi": "sq",
    "srp_latn": "rs_latin", "swa": "sw", "swe": "sv", "tur": "tr", "uzb": "uz", "vie": "vi",
}  # fmt: skip

_loading = threading.Lock()


@hookimpl
def add_options(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("PP-OCR", "the plugin ppocr.ocrmypdf")
    group.add_argument("--ppocr-models", metavar="FAMILY", help="family of models (default: one that reads -l)")
    group.add_argument("--ppocr-engine", choices=(AUTO, *ENGINES), help="what runs the networks (default: auto)")


@hookimpl
def check_options(options: Any) -> None:
    """What cannot be loaded or done is told before any page is rendered."""
    try:
        _family(options)
    except PPOCRError as error:
        raise MissingDependencyError(str(error)) from error
    if options.pdf_renderer == "sandwich":  # it takes over Tesseract's font alone
        raise BadArgsError("--pdf-renderer sandwich needs Tesseract as the engine; leave it out with ppocr.ocrmypdf")


@hookimpl
def get_ocr_engine(options: Any) -> Optional[OcrEngine]:
    chosen = getattr(options, "ocr_engine", "auto") if options is not None else "auto"
    return PPOCREngine() if chosen == "auto" else None


class PPOCREngine(OcrEngine):
    """PP-OCR as OCRmyPDF asks for it; each method is described there."""

    @staticmethod
    def version() -> str:
        return __version__

    @staticmethod
    def creator_tag(options: Any) -> str:
        return f"ppocr {__version__}"

    def __str__(self) -> str:
        return f"ppocr {__version__}"

    @staticmethod
    def languages(options: Any) -> Set[str]:
        return set(LANGUAGES)

    @staticmethod
    def get_orientation(input_file: Path, options: Any) -> OrientationConfidence:
        result = _read(input_file, options)
        # As Tesseract's: by how much the page lies turned clockwise, which OCRmyPDF turns back.
        return OrientationConfidence(result.angle, SURE if result.lines else 0.0)

    @staticmethod
    def get_deskew(input_file: Path, options: Any) -> float:
        boxes = [line.box for line in _read(input_file, options).lines]
        return math.degrees(slant(np.array(boxes, np.float64))) if boxes else 0.0

    @staticmethod
    def generate_hocr(input_file: Path, output_hocr: Path, output_text: Path, options: Any) -> None:
        result = _read(input_file, options)
        writer = create_writer("hocr")
        output_hocr.write_bytes(writer.begin() + writer.page(result, None) + writer.end())
        output_text.write_text(result.text + "\n" if result.lines else "", encoding="utf-8")

    @staticmethod
    def generate_pdf(input_file: Path, output_pdf: Path, output_text: Path, options: Any) -> None:
        raise NotImplementedError("`check_options` has refused it")


def _read(path: Path, options: Any) -> OCRResult:
    engine = _option(options, "ppocr_engine") or AUTO
    with _loading:  # OCRmyPDF may use threads: one loads the models
        ocr = _ocr(_family(options), engine)
    (result,) = ocr.stream([next(iter(read_pages(path)))])
    if not isinstance(result, OCRResult):
        raise result
    return result


@functools.lru_cache(maxsize=1)
def _ocr(family: str, engine: str) -> OCR:
    return OCR(det=family, cls=family, rec=family, engine=engine, threads=1)


def _family(options: Any) -> str:
    chosen = _option(options, "ppocr_models")
    names = [LANGUAGES.get(name, "en") for name in getattr(options, "languages", None) or ()]
    return str(chosen) if chosen else family_of_all(names) if names else DEFAULT


def _option(options: Any, name: str) -> Any:
    """Options of plugins lie beside OCRmyPDF's own."""
    extra = getattr(options, "extra_attrs", None) or {}
    return extra.get(name, getattr(options, name, None))
