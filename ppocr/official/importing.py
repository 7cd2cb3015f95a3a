"""From an official inference model, in either form, to weights that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from ppocr.config import Config
from ppocr.engine.build import build_model, input_shape
from ppocr.engine.inputs import crop_batches, drawn_crops, drawn_pages, page_batches
from ppocr.engine.weights import load_weights, save_weights
from ppocr.errors import ModelError
from ppocr.official.agreement import MAX_RARE_DIFFERENCE
from ppocr.official.published import open_published
from ppocr.official.unfuse import calibrate_norms
from ppocr.utils.networks import example_shape, predict


@dataclass(frozen=True)
class ImportReport:
    """What `import_published` did.

    Attributes:
        tensors: how many were imported.
        initial: names of those that no inference model holds, because only training needs them; they are not written.
        original: largest difference of a probability between our network and the published model on drawn pictures;
            None where what runs that model is not installed.
    """

    tensors: int
    initial: Tuple[str, ...]
    original: Optional[float]


def import_published(source: Path, config: Config, output: Optional[Path] = None) -> ImportReport:
    """Read the weights of an official inference model into the network of `config`, compare both, and save them.

    Args:
        source: an ONNX file; or a directory with `inference.pdiparams` and `inference.pdiparams.info` (the names in the
            state dict), and usually `inference.pdmodel`; or one with `inference.onnx`.
        config: describes the network; `Architecture` must be the model's.
        output: the `.pdparams` to write (the suffix is added if absent); None only checks that all fits.

    Raises:
        ModelError: files are missing or damaged, the weights don't fit the network (each misfit is named), or the
            network computes something else than the model.
        ConfigError: the configuration describes no network.
        OSError: `output` cannot be written.
    """
    published = open_published(source)
    model = build_model(config)
    weights = published.weights(model, example_shape(input_shape(config)))
    report = load_weights(model, weights, source=str(source))
    is_detector = config.at("Architecture.model_type") == "det"
    batches = list(page_batches(drawn_pages(), config) if is_detector else crop_batches(drawn_crops(), config))
    calibrate_norms(model, batches)
    run = published.runner()
    difference = None
    if run is not None:
        difference = float(max(np.abs(predict(model, batch) - run(batch)).max() for batch in batches))
        if not difference <= MAX_RARE_DIFFERENCE:
            raise ModelError(
                f"{source}: the network of the configuration takes all its weights, but its probabilities differ by "
                f"up to {difference:.1e}: is it the configuration of this model?"
            )
    if output is not None:
        path = output if output.suffix == ".pdparams" else Path(f"{output}.pdparams")
        save_weights(model, path, without=report.initial)
    return ImportReport(report.loaded, report.initial, difference)
