"""Arguments that several commands share: which pictures, which models, which settings."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any, Callable, NamedTuple, Optional, Sequence

from ppocr.infer.languages import family_of
from ppocr.infer.model_dir import DEFAULT
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.create import AUTO, ENGINES, PRECISIONS


class _Setting(NamedTuple):
    """One field of OCROptions that a flag sets; the flag is its name with dashes."""

    field: str
    parse: Callable[[str], Any]
    help: str
    choices: Optional[Sequence[str]] = None


def _shape(text: str) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in text.split(","))
    if len(numbers) != 3:
        raise ValueError
    return numbers


_shape.__name__ = "shape C,H,W"  # argparse's "invalid … value" says it


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_SETTINGS = {
    "det": (
        _Setting("limit_side_len", int, "side length at which pages are given to the detector"),
        _Setting("limit_type", str, "which side that limits", ("max", "min")),
        _Setting("thresh", float, "probability above which a pixel is text"),
        _Setting("box_thresh", float, "mean probability below which a region is dropped"),
        _Setting("unclip_ratio", float, "how much regions grow"),
        _Setting("use_dilation", _boolean, "thicken regions first; joins broken characters", ("true", "false")),
        _Setting("score_mode", str, "score a region's rectangle or its outline", ("fast", "slow")),
        _Setting("box_type", str, "rectangles, or outlines too (curved text)", ("quad", "poly")),
    ),
    "cls": (
        _Setting("cls_doubt", float, "lines read with no higher score are classified; 1 for all"),
        _Setting("cls_thresh", float, "probability above which an upside-down line is turned"),
        _Setting("cls_batch_size", int, "most lines classified at once"),
        _Setting("cls_image_shape", _shape, "C,H,W of a classifier directory without inference.yml"),
    ),
    "rec": (
        _Setting("rec_batch_size", int, "most lines recognised at once"),
        _Setting("rec_image_shape", _shape, "C,H,W of a recogniser directory without inference.yml"),
        _Setting("rec_char_dict_path", str, "its dictionary, one character a line"),
        _Setting("use_space_char", _boolean, "whether the space follows the dictionary", ("true", "false")),
    ),
}
_NAMES = {"det": "detector", "cls": "direction classifier, or 'none' to leave lines as they lie", "rec": "recogniser"}


def add_model_arguments(parser: argparse.ArgumentParser, kinds: Sequence[str] = ("det", "cls", "rec")) -> None:
    """Add what chooses and tunes the networks.

    Args:
        parser: gets the arguments.
        kinds: the networks that the command runs.
    """
    group = parser.add_argument_group("models", "a family that was fetched (ppocr models list) or a model directory")
    group.add_argument(
        "--models",
        metavar="FAMILY",
        default="default",
        help="family of all networks (default: slim, which is in the package)",
    )
    group.add_argument("--lang", metavar="NAME", help="the fetched family that reads it: ch, en, japan, fr, …")
    for kind in kinds:
        group.add_argument(f"--{kind}", metavar="MODEL", help=_NAMES[kind])
    group.add_argument(
        "--threads", type=_count, default=0, metavar="N", help="threads of the networks (default: all cores)"
    )
    group.add_argument(
        "--engine", choices=(AUTO, *ENGINES), help="what runs the networks (default: auto, the fastest installed)"
    )
    group.add_argument(
        "--device", metavar="NAME", help="cpu (default), gpu, gpu:N, or an execution provider of onnxruntime"
    )
    group.add_argument("--precision", choices=PRECISIONS, help="bf16 where the processor has it (default: fp32)")
    group = parser.add_argument_group("settings", "instead of what the model directories say")
    for kind in kinds:
        for setting in _SETTINGS[kind]:
            flag = "--" + setting.field.replace("_", "-")
            parse = str if setting.parse is _boolean else setting.parse
            group.add_argument(flag, type=parse, choices=setting.choices, metavar=_metavar(setting), help=setting.help)


def options_from(args: argparse.Namespace) -> OCROptions:
    """The options that the arguments of `add_model_arguments` (and `--drop-score`) describe."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(OCROptions):
        value = getattr(args, field.name, None)
        if value is not None:
            values[field.name] = value
    lang = getattr(args, "lang", None)
    models = args.models
    if lang and models == DEFAULT:
        models = family_of(lang, reads=getattr(args, "rec", "none") is None)
    for kind in ("det", "cls", "rec"):
        values.setdefault(kind, models)
    if values["cls"].lower() == "none":
        values["cls"] = None
    for name in ("use_dilation", "use_space_char"):
        if name in values:
            values[name] = _boolean(values[name])
    return OCROptions(**values)


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the pictures and how they are opened."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="picture, PDF, folder (with all below it), glob pattern, or - for standard input",
    )
    parser.add_argument(
        "-i", "--input", nargs="+", action="extend", default=[], metavar="PATH", help="the same, PaddleOCR 3's way"
    )
    parser.add_argument("--dpi", type=_positive, default=144.0, help="resolution for PDF pages (default: 144)")
    parser.add_argument(
        "--max-pixels",
        type=_count,
        metavar="N",
        help="refuse larger pictures (default: 200 million)",
    )
    parser.add_argument(
        "--max-pages", type=at_least_one, metavar="N", help="most pages or frames of a file (default: 10,000)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="give up a page that takes longer (default: 60 for rendering a PDF page, no limit for reading it)",
    )


def add_output_arguments(parser: argparse.ArgumentParser, formats: Sequence[str], *, draw: bool) -> None:
    """Add where results go and in which form; the first of `formats` is the default."""
    parser.add_argument(
        "--format",
        choices=formats,
        help=f"form of the results (default: by the suffix of --output, else {formats[0]})",
    )
    parser.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    if draw:
        parser.add_argument("--draw", metavar="DIR", help="save each page there with its boxes, and the text beside it")
        parser.add_argument("--font", metavar="FILE", help="font for --draw (default: $PPOCR_FONT, else the system's)")
        parser.add_argument(
            "--results", metavar="DIR", help="also write PaddleOCR's system_results.txt (detect: det_results.txt) there"
        )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=None,
        metavar="N",
        help="processes, or auto: one, which reads several pages at once if there are many (default: auto)",
    )


def _metavar(setting: _Setting) -> Optional[str]:
    if setting.choices:
        return None
    return {int: "N", float: "X", _shape: "C,H,W"}.get(setting.parse, "FILE")  # type: ignore[arg-type]


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def at_least_one(text: str) -> int:
    """A whole number above 0."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def _workers(text: str) -> Optional[int]:
    return None if text == "auto" else at_least_one(text)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 10_000:
        raise ValueError
    return number


def seconds(text: str) -> float:
    """A number of seconds, a day at most."""
    number = float(text)
    if not 0 < number <= 86_400:
        raise ValueError
    return number


def unit_interval(text: str) -> float:
    """A number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError
    return number


_count.__name__, at_least_one.__name__, _positive.__name__ = "whole number", "number above 0", "DPI"
seconds.__name__ = "number of seconds"
unit_interval.__name__ = "number from 0 to 1"
