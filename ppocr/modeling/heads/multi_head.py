"""The heads of recognisers from PP-OCRv3 on: each with a neck of its own, on one backbone."""

from __future__ import annotations

from typing import Any, List, Mapping

import paddle
from paddle import nn

from ppocr.errors import ConfigError
from ppocr.registry import HEADS, NECKS, suggest

_PATH = "Architecture.Head.head_list"
_HEADS = ("CTCHead",)


class MultiHead(nn.Layer):
    """`float32[N, C, 1, W]` → `float32[N, W, out_channels]`, as its CTC head gives it.

    Args:
        in_channels: C.
        out_channels: size of the character set with the blank (class 0); the builder gives it.
        head_list: as official configurations write it: `- CTCHead: {Neck: {name: reshape}, Head: {mid_channels: 80}}`,
            `Neck` being the encoder type of `SequenceEncoder` and its settings, `Head` those of `CTCHead`.

    Raises:
        ConfigError: with every problem of `head_list`.
    """

    def __init__(self, in_channels: int, out_channels: int, head_list: List[Any]):
        super().__init__()
        settings = _ctc_settings(head_list)
        neck = {key: value for key, value in (settings.get("Neck") or {}).items() if key != "name"}
        neck = {"name": "SequenceEncoder", "encoder_type": (settings.get("Neck") or {}).get("name", "reshape"), **neck}
        head = {"name": "CTCHead", **(settings.get("Head") or {})}
        problems = NECKS.problems(neck, f"{_PATH}.CTCHead.Neck", ("in_channels",))
        problems += HEADS.problems(head, f"{_PATH}.CTCHead.Head", ("in_channels", "out_channels"))
        if problems:
            raise ConfigError(problems)
        self.ctc_encoder = NECKS.build(neck, f"{_PATH}.CTCHead.Neck", in_channels=in_channels)
        self.ctc_head = HEADS.build(
            head, f"{_PATH}.CTCHead.Head", in_channels=self.ctc_encoder.out_channels, out_channels=out_channels
        )
        self.out_channels = out_channels

    @property
    def logits(self) -> bool:
        """Whether prediction stops before the softmax, see `CTCHead`."""
        return self.ctc_head.logits

    @logits.setter
    def logits(self, value: bool) -> None:
        self.ctc_head.logits = value

    def forward(self, features: paddle.Tensor) -> paddle.Tensor:
        return self.ctc_head(self.ctc_encoder(features))


def _ctc_settings(head_list: List[Any]) -> Mapping[str, Any]:
    """The settings of the one CTC head in `head_list`."""
    named = [entry for entry in head_list if isinstance(entry, Mapping) and len(entry) == 1]
    odd = [entry for entry in head_list if entry not in named]
    problems = [f"{_PATH}: expected entries `name: settings`, came {entry!r}" for entry in odd]
    names = [next(iter(entry)) for entry in named]
    problems += [f"{_PATH}: no head is called {name!r}{suggest(name, _HEADS)}" for name in names if name not in _HEADS]
    if not problems and len(names) != 1:
        problems = [f"{_PATH}: expected one CTCHead, came {len(names)}"]
    if problems:
        raise ConfigError(problems)
    settings = named[0]["CTCHead"] or {}
    unknown = [key for key in settings if key not in ("Neck", "Head")]
    if unknown:
        raise ConfigError([f"{_PATH}.CTCHead.{key}: unknown key{suggest(key, ('Neck', 'Head'))}" for key in unknown])
    return settings
