"""Official ONNX files → model directories and trainable weights, each checked against the file it came from."""

from __future__ import annotations

import contextlib
import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, Mapping, Optional, Sequence, Tuple

import numpy as np

from ppocr.config import Config, load_config
from ppocr.engine.build import build_charset, build_model
from ppocr.engine.inputs import crop_batches, drawn_pages, page_batches
from ppocr.engine.pretrained import TRAINED
from ppocr.engine.weights import load_weights, save_weights
from ppocr.errors import MissingExtraError, ModelError
from ppocr.export.export import export_model
from ppocr.official.agreement import Run, check_agreement, find_crops, onnx_runner
from ppocr.official.families import Family, OfficialModel
from ppocr.official.onnx_graph import (
    load_onnx,
    read_constants,
    read_layers,
    read_metadata,
    repair_upsampling,
    use_precise_means,
)
from ppocr.official.rename import only_weights
from ppocr.official.unfuse import by_execution_order, calibrate_norms

if TYPE_CHECKING:
    import onnx
    import paddle

NORM_CALIBRATION_BATCHES = 8  # pages, or eights of crops, whose statistics imported normalisations get


@dataclass(frozen=True)
class ModelReport:
    """One converted model.

    Attributes:
        kind: `det`, `cls` or `rec`.
        size: bytes of graph and weights.
        tensors: how many were imported.
        initial: tensors that only training needs; no inference model holds them, nor do the trainable weights.
        inputs, beyond, exported, onnx: see `Agreement`.
    """

    kind: str
    size: int
    tensors: int
    initial: Tuple[str, ...]
    inputs: int
    beyond: int
    exported: float
    onnx: Optional[float]


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
        contents: the wheel's members that the family names.
        directory: an existing directory.
        pages: pictures to check the models on besides a few drawn ones, uint8[H, W, 3], BGR.
        log: called with a sentence at each step.

    Raises:
        ModelError: a weight has no place or does not fit, or the engines disagree.
        OSError: the disk is full or not writable.
    """
    pages = [*drawn_pages(), *pages]
    crops: list[np.ndarray] = []
    reports = []
    graphs = {official.kind: load_onnx(contents[official.member], official.member) for official in family.models}
    # The detector comes first: the others are checked on the crops that it finds.
    for official in sorted(family.models, key=lambda model: model.kind != "det"):
        log(f"{official.kind}: importing, exporting and checking")
        config = load_config(official.config)
        _check_dictionary(config, family, contents, graphs.get("rec"))
        target = directory / official.kind
        prepare, pictures = (page_batches, pages) if official.kind == "det" else (crop_batches, crops)
        batches = functools.partial(prepare, pictures, config)
        reports.append(_convert(official, config, graphs[official.kind], target, batches))
        if official.kind == "det":
            crops = find_crops(pages, target, config)
            if not crops:
                raise ModelError(f"{official.member}: finds no text on pages that have some")
    return tuple(reports)


def _convert(
    official: OfficialModel,
    config: Config,
    graph: onnx.ModelProto,
    target: Path,
    batches: Callable[[], Iterable[np.ndarray]],
) -> ModelReport:
    model = build_model(config)
    loaded = load_weights(model, _weights(official, graph, model), source=official.member)
    if official.rename is None:
        calibrate_norms(model, itertools.islice(batches(), NORM_CALIBRATION_BATCHES))
    exported = export_model(model, config, target)
    agreement = check_agreement(model, target, batches(), onnx=_onnx_if_possible(graph))
    save_weights(model, target / TRAINED, without=loaded.initial)
    return ModelReport(
        kind=official.kind,
        size=exported.size,
        tensors=loaded.loaded,
        initial=loaded.initial,
        inputs=agreement.inputs,
        beyond=agreement.beyond,
        exported=max(exported.difference, agreement.exported),
        onnx=agreement.onnx,
    )


def _weights(official: OfficialModel, graph: onnx.ModelProto, model: paddle.nn.Layer) -> dict[str, np.ndarray]:
    if official.rename is None:
        return by_execution_order(read_layers(graph), model)
    return official.rename(only_weights(read_constants(graph)), model)


def _onnx_if_possible(graph: onnx.ModelProto) -> Optional[Run]:
    """Runs the file as Paddle means it; `graph` is changed for that. None where onnxruntime is not installed."""
    repair_upsampling(graph)
    use_precise_means(graph)
    with contextlib.suppress(MissingExtraError):  # an optional package; the report tells that it was left out
        return onnx_runner(graph.SerializeToString())
    return None


def _check_dictionary(
    config: Config, family: Family, contents: Mapping[str, bytes], recognizer: Optional[onnx.ModelProto]
) -> None:
    """The characters that our config names must be those of the weights, whose classes have no other names."""
    charset = build_charset(config)
    if charset is None:
        return
    if family.dictionary is not None:
        name, _ = family.dictionary
        text = contents[name].decode("utf-8-sig")
    else:
        name = "the recogniser's ONNX file"
        text = read_metadata(recognizer).get("character", "") if recognizer is not None else ""
    theirs = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    rest = charset.characters[len(theirs) :]  # the space, where the config switches it on
    if charset.characters[: len(theirs)] != theirs or rest not in ([], [" "]):
        raise ModelError(f"{config.options.character_dict_path}: not the characters of {family.wheel}, {name}")
