"""Official models → model directories and trainable weights, each checked against the file it came from."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ppocr.config import Config, load_config
from ppocr.engine.build import build_charset, build_model, input_shape
from ppocr.engine.inputs import crop_batches, drawn_pages, page_batches
from ppocr.engine.pretrained import TRAINED
from ppocr.engine.weights import load_weights, save_weights
from ppocr.errors import ModelError
from ppocr.export.export import export_model
from ppocr.official.agreement import check_agreement, find_crops
from ppocr.official.families import Family, OfficialModel
from ppocr.official.onnx_graph import load_onnx, read_metadata
from ppocr.official.published import unpacked
from ppocr.official.unfuse import calibrate_norms
from ppocr.ops.charset import SPACE
from ppocr.utils.networks import example_shape

NORM_CALIBRATION_BATCHES = 8  # pages, or eights of crops, whose statistics imported normalisations get


@dataclass(frozen=True)
class ModelReport:
    """One converted model.

    Attributes:
        kind: `det`, `cls` or `rec`.
        size: bytes of graph and weights.
        tensors: how many were imported.
        initial: tensors that only training needs; no inference model holds them, nor do the trainable weights.
        inputs, beyond, exported, original: see `Agreement`.
    """

    kind: str
    size: int
    tensors: int
    initial: Tuple[str, ...]
    inputs: int
    beyond: int
    exported: float
    original: Optional[float]


def convert_family(
    family: Family,
    contents: Mapping[str, bytes],
    directory: Path,
    *,
    pages: Sequence[np.ndarray] = (),
    log: Callable[[str], None],
) -> Tuple[ModelReport, ...]:
    """Write `directory/{det,cls,rec}`, each a model directory with `best_accuracy.pdparams`.

    Args:
        contents: the wheels' members that the family names.
        directory: an existing directory.
        pages: pictures to check the models on besides a few drawn ones, uint8[H, W, 3], BGR.
        log: called with a sentence at each step.

    Raises:
        ModelError: a weight has no place or does not fit, or the engines disagree.
        OSError: the disk is full or not writable.
    """
    dictionary = _copy_dictionary(family, contents, directory)
    pages = [*drawn_pages(), *pages]
    crops: list[np.ndarray] = []
    reports = []
    # The detector comes first: the others are checked on the crops that it finds.
    for official in sorted(family.models, key=lambda model: model.kind != "det"):
        log(f"{official.kind}: importing, exporting and checking")
        overrides = [*official.overrides, *(dictionary if official.kind == "rec" else ())]
        config = load_config(official.config, overrides)
        _check_dictionary(config, family, contents)
        target = directory / official.kind
        prepare, pictures = (page_batches, pages) if official.kind == "det" else (crop_batches, crops)
        batches = functools.partial(prepare, pictures, config)
        reports.append(_convert(official, config, contents, target, batches))
        if official.kind == "det":
            crops = find_crops(pages, target, config)
            if not crops:
                raise ModelError(f"{official.member}: finds no text on pages that have some")
    return tuple(reports)


def _convert(
    official: OfficialModel,
    config: Config,
    contents: Mapping[str, bytes],
    target: Path,
    batches: Callable[[], Iterable[np.ndarray]],
) -> ModelReport:
    model, shape = build_model(config), example_shape(input_shape(config))
    with unpacked(official.member, contents, official.rename) as published:
        loaded = load_weights(model, published.weights(model, shape), source=official.member)
        calibrate_norms(model, itertools.islice(batches(), NORM_CALIBRATION_BATCHES))
        exported = export_model(model, config, target)
        agreement = check_agreement(model, target, batches(), original=published.runner())
    save_weights(model, target / TRAINED, without=loaded.initial)
    return ModelReport(
        kind=official.kind,
        size=exported.size,
        tensors=loaded.loaded,
        initial=loaded.initial,
        inputs=agreement.inputs,
        beyond=agreement.beyond,
        exported=max(exported.difference, agreement.exported),
        original=agreement.original,
    )


def _copy_dictionary(family: Family, contents: Mapping[str, bytes], directory: Path) -> List[str]:
    """Put a dictionary that the package does not bring into the family's folder; the setting that names it."""
    if family.copied_dictionary is None:
        return []
    path = directory / family.copied_dictionary
    # the official lists end with a space, which this copy lost
    path.write_text("\n".join([*_characters(family, contents)[0], SPACE, ""]), encoding="utf-8")
    return [f"Global.character_dict_path={path}"]


def _characters(family: Family, contents: Mapping[str, bytes]) -> Tuple[List[str], str]:
    """The character set that the wheel states, and where it does."""
    if family.dictionary is None:
        name = next(model.member for model in family.models if model.kind == "rec")
        text = read_metadata(load_onnx(contents[name], name)).get("character", "")
    else:
        name, _ = family.dictionary
        text = contents[name].decode("utf-8-sig")
    characters = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    return characters[1:] if characters[0] == _BLANK_ENTRY else characters, name


_BLANK_ENTRY = "blank"  # some lists begin with class 0


def _check_dictionary(config: Config, family: Family, contents: Mapping[str, bytes]) -> None:
    """The characters that our config names must be those of the weights, whose classes have no other names."""
    charset = build_charset(config)
    if charset is None:
        return
    theirs, name = _characters(family, contents)
    rest = charset.characters[len(theirs) :]  # spaces: the list's own, and where the config switches it on
    if charset.characters[: len(theirs)] != theirs or set(rest) - {SPACE} or len(rest) > 2:
        raise ModelError(f"{config.options.character_dict_path}: not the characters of {family.wheel}, {name}")
