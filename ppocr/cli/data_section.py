"""What the commands about data need of a configuration: a section's loader, without workers and without Paddle."""

from __future__ import annotations

from typing import Optional

from ppocr.config import Config
from ppocr.data.loader import Loader, build_loader
from ppocr.errors import ConfigError
from ppocr.utils.dictionary import build_charset


def section_loader(config: Config, section: str, *, seed: Optional[int] = None) -> Loader:
    """The loader of `Train` or `Eval`, its samples made in this process.

    Raises:
        ConfigError: every problem of the section.
        LabelError: a label file cannot be read.
    """
    task = config.at("Architecture.model_type")
    if task not in ("det", "rec", "cls"):
        raise ConfigError([f"Architecture.model_type: expected one of det, rec, cls, came {task!r}"])
    if config.at(f"{section}.dataset.name") is None:
        raise ConfigError([f"{section}.dataset: missing; it says where the samples are"])
    tree = config.plain(section)
    # Sample by sample, in this process: these commands have no use for batches.
    tree["loader"] = {**(tree.get("loader") or {}), "num_workers": 0, "batch_size_per_card": 1, "drop_last": False}
    return build_loader(
        tree,
        task=task,
        charset=build_charset(config),
        max_text_length=config.options.max_text_length,
        label_list=config.plain("PostProcess.label_list"),
        seed=config.options.seed if seed is None else seed,
        training=section == "Train",
    )
