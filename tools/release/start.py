"""Official tiny's weights in the form that is trained here: one convolution for each block's branches, hard-swish."""

from __future__ import annotations

from pathlib import Path

from recipe import logger

from ppocr.config import load_config
from ppocr.engine.build import build_model
from ppocr.engine.pretrained import load_pretrained
from ppocr.engine.simplified import one_convolution, scale_activations
from ppocr.engine.weights import load_weights, save_weights
from ppocr.utils.dictionary import build_charset

CONFIG, OFFICIAL = "rec/slim_rec.yml", "rec/PP-OCRv6_tiny_rec.yml"


def start_weights(work: Path) -> None:
    """Write `WORK/start/rec.pdparams`."""
    config = load_config(OFFICIAL)
    official = build_model(config)
    load_pretrained(official, "tiny", kind="rec", charset=build_charset(config))
    arrays = scale_activations(one_convolution(official))
    model = build_model(load_config(CONFIG))
    kept = {key: arrays[key] for key in model.state_dict()}  # without what only the official training has
    load_weights(model, kept, source=OFFICIAL)
    save_weights(model, work / "start" / "rec.pdparams")
    logger.info("start: %d tensors", len(kept))
