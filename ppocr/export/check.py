"""Does an exported model read pictures as the network does? Boxes, texts and directions are compared, not numbers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

import numpy as np

from ppocr.data.loader import Loader
from ppocr.engine.experiment import Experiment
from ppocr.engine.inputs import drawn_pages, preprocessing
from ppocr.errors import ConfigError, LabelError, ModelError
from ppocr.export.export import exported_models
from ppocr.infer.model_dir import ModelDir
from ppocr.utils.networks import predict

logger = logging.getLogger(__name__)

MAX_CHECKED_PICTURES = 16  # of `Eval` that are compared
# A pixel of the map whose probability is the threshold may fall either way, which moves a corner a little.
MAX_CORNER_SHIFT_PIXELS = 3.0


def check_results(experiment: Experiment, directory: Path) -> int:
    """Compare the two on pictures of `Eval`, or on drawn ones where those are not at hand.

    The exported model is run by the engines that predictors use, with the post-processing of its `inference.yml`.

    Returns:
        The number of pictures.

    Raises:
        ModelError: they read a picture differently; says which, and what each found.
    """
    runtimes = exported_models(directory)
    decode = ModelDir.open(directory).postprocess(experiment.config["PostProcess"]["name"])
    count = 0
    for batch in _batches(experiment):
        ours = experiment.predictions(predict(experiment.model, batch["image"]), batch)
        for runtime in runtimes:
            theirs = experiment.predictions(runtime.run(batch["image"]), batch, decode=decode)
            for place, mine, other in zip(batch["places"], ours, theirs):
                if not _is_same(mine, other):
                    raise ModelError(
                        f"{directory.name}: not written: on {place} the network finds {_short(mine)}, but the exported "
                        f"model {_short(other)}"
                    )
        count += len(batch["places"])
        if count >= MAX_CHECKED_PICTURES:
            break
    return count


def _batches(experiment: Experiment) -> Iterator[Mapping[str, Any]]:
    """Batches of `Eval`; of drawn pictures where its files are missing."""
    loader = evaluation_loader(experiment)
    if loader is None:
        logger.info("checking on drawn pictures")
        yield from _drawn(experiment)
    else:
        yield from loader.epoch(0)


def evaluation_loader(experiment: Experiment) -> Optional[Loader]:
    """That of `Eval`; None where its pictures are not at hand."""
    try:
        return experiment.loader("Eval")
    except (ConfigError, LabelError) as error:
        logger.info("the pictures of Eval are not at hand: %s", str(error).splitlines()[0])
        return None


def _drawn(experiment: Experiment) -> Iterator[Dict[str, Any]]:
    prepare = preprocessing(experiment.config)
    for number, page in enumerate(drawn_pages()):
        pieces = [page]
        if experiment.task != "det":
            pieces = [page[top : top + 62] for top in range(20, len(page) - 62, 62)]
        images = np.stack([prepare(piece) for piece in pieces])
        places = [f"drawn picture {number}.{row}" for row in range(len(pieces))]
        yield {"image": images, "shape": [piece.shape[:2] for piece in pieces], "places": places}


def _is_same(mine: Any, other: Any) -> bool:
    if not hasattr(mine, "boxes"):
        return mine[0] == other[0]
    # Both come in the order in which contours were found, so boxes can be compared one by one.
    if len(mine.boxes) != len(other.boxes):
        return False
    return not len(mine.boxes) or float(np.abs(mine.boxes - other.boxes).max()) <= MAX_CORNER_SHIFT_PIXELS


def _short(found: Any) -> str:
    if not hasattr(found, "boxes"):
        return repr(found[0])
    boxes: List[Any] = found.boxes.round().astype(int).tolist()
    return f"{len(boxes)} regions" + (f", the first at {boxes[0]}" if boxes else "")
