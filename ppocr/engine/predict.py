"""Predictions of a network in training, without exporting it first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List, Optional

import numpy as np

from ppocr.config import Config
from ppocr.engine.experiment import Experiment
from ppocr.engine.inputs import preprocessing
from ppocr.errors import ConfigError, InputError, PPOCRError
from ppocr.infer.io.sources import expand, read_all
from ppocr.utils.atomic import replacing_file
from ppocr.utils.networks import predict
from ppocr.utils.overwriting import refuse_inputs


def predict_pictures(config: Config, *, task: Optional[str] = None) -> List[str]:
    """Predict the pictures of `Global.infer_img` (a file, folder or pattern) with the weights that `Global` names.

    Args:
        config: with `Global.infer_img`.
        task: `det`, `rec` or `cls`, if it must be that one.

    Returns:
        A line for each picture: `picture<TAB>regions as JSON`, `picture<TAB>text<TAB>score` or
        `picture<TAB>direction<TAB>probability`; they are also written to `Global.save_res_path`, if that is set.

    Raises:
        ConfigError: another task, or no pictures or weights are named.
        InputError: a picture cannot be read.
    """
    kind = config.at("Architecture.model_type")
    if task not in (None, kind):
        raise ConfigError([f"Architecture.model_type: expected {task!r}, came {kind!r}"])
    if not config.options.infer_img:
        raise ConfigError(["Global.infer_img: missing; name a picture, a folder or a pattern"])
    sources = expand([config.options.infer_img])
    if config.options.save_res_path:
        refuse_inputs(config.options.save_res_path, sources)
    experiment = Experiment.with_weights(config)
    lines = []
    for page in read_all(sources):
        if isinstance(page, InputError):
            raise page
        lines.append(f"{page.source}\t{_as_text(predict_picture(experiment, page.image))}")
    if config.options.save_res_path:
        _write(Path(config.options.save_res_path), lines)
    return lines


def predict_picture(experiment: Experiment, image: np.ndarray) -> Any:
    """What the network says of uint8[H, W, 3], BGR: regions, (text, score) or (direction, probability)."""
    outputs = predict(experiment.model, preprocessing(experiment.config)(image)[np.newaxis])
    return experiment.predictions(outputs, {"shape": [image.shape[:2]]})[0]


def _as_text(found: Any) -> str:
    if not hasattr(found, "boxes"):
        name, score = found
        return f"{name}\t{score:.4f}"
    regions = [
        {"transcription": "", "points": box.round().astype(int).tolist(), "score": round(float(score), 4)}
        for box, score in zip(found.boxes, found.scores)
    ]
    return json.dumps(regions)


def _write(path: Path, lines: List[str]) -> None:
    try:
        with replacing_file(path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise PPOCRError(f"Global.save_res_path: {path}: cannot be written: {error.strerror}") from error
