"""Smaller and faster networks: pruning by FPGM, quantization by PACT, both through PaddleSlim. Knows nothing of OCR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

if TYPE_CHECKING:
    from ppocr.slim.recipe import Slim


def build_slim(section: Mapping[str, Any]) -> Slim:
    """What the `Slim` section of a configuration says; see `ppocr.slim.recipe`. Imports Paddle when called.

    Raises:
        ConfigError: every mistake in it, with its dotted key.
    """
    from ppocr.slim import recipe

    return recipe.build_slim(section)
