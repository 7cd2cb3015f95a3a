"""Faster training on a CPU: the same networks, in other operations."""

from ppocr.modeling.cpu.layers import accelerate

__all__ = ["accelerate"]
