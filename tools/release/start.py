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
DET_CONFIG, DET_OFFICIAL = "det/slim_det.yml", "det/PP-OCRv6_tiny_det.yml"


def start_weights(work: Path) -> None:
    """Write `WORK/start/rec.pdparams` and `det.pdparams`."""
    for kind, ours, theirs in (("rec", CONFIG, OFFICIAL), ("det", DET_CONFIG, DET_OFFICIAL)):
        config = load_config(theirs)
        charset = build_charset(config)
        official = build_model(config, charset)
        load_pretrained(official, "tiny", kind=kind, charset=charset)
        arrays = scale_activations(one_convolution(official))
        model = build_model(load_config(ours), charset)
        kept = {key: arrays[key] for key in model.state_dict()}  # without what only the official training has
        load_weights(model, kept, source=theirs)
        save_weights(model, work / "start" / f"{kind}.pdparams")
        logger.info("start of %s: %d tensors", kind, len(kept))
