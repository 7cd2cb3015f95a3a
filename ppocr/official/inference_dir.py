"""From an official Paddle inference directory to weights that can be trained."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ppocr.config import Config
from ppocr.engine.weights import LoadReport, load_weights, save_weights
from ppocr.official.paddle_params import read_inference_dir


def import_inference_dir(directory: Path, config: Config, output: Optional[Path] = None) -> LoadReport:
    """Read the weights of an official inference model into the network of `config` and save them.

    Args:
        directory: holds `inference.pdiparams`, `inference.pdiparams.info` (the names in the state dict) and
            usually `inference.pdmodel`.
        config: describes the network; `Architecture` must be the model's.
        output: the `.pdparams` to write (the suffix is added if absent); None only checks that all fits.

    Raises:
        ModelError: files are missing or damaged, or the weights don't fit the network (each misfit is named).
        ConfigError: the configuration describes no network.
        OSError: `output` cannot be written.
    """
    from ppocr.engine.build import build_model

    weights = read_inference_dir(directory)
    model = build_model(config)
    report = load_weights(model, weights, source=str(directory))
    if output is not None:
        save_weights(model, output if output.suffix == ".pdparams" else Path(f"{output}.pdparams"))
    return report
