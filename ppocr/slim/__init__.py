"""Smaller and faster networks: pruning by FPGM, quantization by PACT, both through PaddleSlim. Knows nothing of OCR."""

from ppocr.slim._compat import SlimError
from ppocr.slim.recipe import Slim, build_slim

__all__ = ["Slim", "SlimError", "build_slim"]
