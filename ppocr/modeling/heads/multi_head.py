"""The heads of recognisers from PP-OCRv3 on: each with a neck of its own, on one backbone."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union

import paddle
from paddle import nn

from ppocr.errors import ConfigError, suggest
from ppocr.modeling.heads import nrtr_head, sar_head
from ppocr.registry import HEADS, NECKS, TEACHERS

_PATH = "Architecture.Head.head_list"
_HEADS = ("CTCHead", *TEACHERS.names())
# Names in `head_list` that are necks of their own; the others are encoder types
_NECKS = {"svtr": "SVTR", "lightsvtr": "LightSVTR"}


class MultiHead(nn.Layer):
    """`float32[N, C, 1, W]` → `float32[N, W, out_channels]`, as its CTC head gives it.

    Args:
        in_channels: C.
        out_channels: size of the character set with the blank (class 0); the builder gives it.
        head_list: as official configurations write it: `- CTCHead: {Neck: {name: reshape}, Head: {mid_channels: 80}}`,
            `Neck` being the encoder type of `SequenceEncoder`, `svtr` or `lightsvtr`, and its settings, `Head` those of
            `CTCHead`; and perhaps a second branch that only teaches, `- NRTRHead: {nrtr_dim: 384}` or
            `- SARHead: {enc_dim: 512}`.

    Attributes:
        reads_labels: whether the forward pass of training needs the batch's labels.

    Raises:
        ConfigError: with every problem of `head_list`.
    """

    def __init__(self, in_channels: int, out_channels: int, head_list: List[Any]):
        super().__init__()
        settings = _settings(head_list)
        ctc = settings["CTCHead"]
        neck = _neck_spec(ctc.get("Neck") or {})
        head = {"name": "CTCHead", **(ctc.get("Head") or {})}
        teacher = next(({"name": name, **settings[name]} for name in settings if name != "CTCHead"), None)
        problems = NECKS.problems(neck, f"{_PATH}.CTCHead.Neck", ("in_channels",))
        problems += HEADS.problems(head, f"{_PATH}.CTCHead.Head", ("in_channels", "out_channels"))
        if teacher is not None:
            problems += TEACHERS.problems(teacher, f"{_PATH}.{teacher['name']}", ("in_channels", "out_channels"))
        if problems:
            raise ConfigError(problems)
        self.out_channels = out_channels
        self.ctc_encoder = NECKS.build(neck, f"{_PATH}.CTCHead.Neck", in_channels=in_channels)
        self.ctc_head = HEADS.build(
            head, f"{_PATH}.CTCHead.Head", in_channels=self.ctc_encoder.out_channels, out_channels=out_channels
        )
        self.reads_labels = teacher is not None
        self.gtc_head: Any = None
        self.sar_head: Any = None
        if teacher is not None:
            self._add_teacher(teacher, in_channels, out_channels - 1)  # the blank is no character

    def _add_teacher(self, spec: Dict[str, Any], in_channels: int, characters: int) -> None:
        path = f"{_PATH}.{spec['name']}"
        if spec["name"] == "SARHead":
            classes = characters + sar_head.SPECIAL_CLASSES
            self.sar_head = TEACHERS.build(spec, path, in_channels=in_channels, out_channels=classes)
            return
        self.gtc_head = TEACHERS.build(spec, path, out_channels=characters + nrtr_head.SPECIAL_CLASSES)
        # The official names count a layer without weights before it.
        self.before_gtc = nn.Sequential(nn.Identity(), nrtr_head.Columns(in_channels, self.gtc_head.width))

    @property
    def logits(self) -> bool:
        """Whether prediction stops before the softmax, see `CTCHead`."""
        return self.ctc_head.logits

    @logits.setter
    def logits(self, value: bool) -> None:
        self.ctc_head.logits = value

    def forward(
        self, features: paddle.Tensor, labels: Optional[Mapping[str, paddle.Tensor]] = None
    ) -> Union[paddle.Tensor, Dict[str, paddle.Tensor]]:
        """In `train()` mode with a second branch a dict: these logits as `ctc`, and `NRTRHead`'s as `gtc` or
        `SARHead`'s as `sar`.

        Args:
            features: float32[N, C, 1, W].
            labels: with `label_gtc` for `NRTRHead`, with `label_sar` and perhaps `valid_ratio` for `SARHead`; only
                needed there.

        Raises:
            ValueError: the labels are needed, and missing.
        """
        columns = self.ctc_head(self.ctc_encoder(features))
        if not (self.training and self.reads_labels):
            return columns
        if self.sar_head is not None:
            text = _label(labels, "label_sar", "SARHead")
            return {"ctc": columns, "sar": self.sar_head(features, text, (labels or {}).get("valid_ratio"))}
        text = _label(labels, "label_gtc", "NRTRHead")
        return {"ctc": columns, "gtc": self.gtc_head(self.before_gtc(features), text)}


def _label(labels: Optional[Mapping[str, paddle.Tensor]], name: str, head: str) -> paddle.Tensor:
    if labels is None or name not in labels:
        raise ValueError(f"{head} learns from {name}, which MultiLabelEncode makes: keep it in KeepKeys")
    return labels[name]


def _neck_spec(settings: Mapping[str, Any]) -> Dict[str, Any]:
    """`{name: fc, …}` of `head_list` as a spec of the registry."""
    rest = {key: value for key, value in settings.items() if key != "name"}
    name = settings.get("name", "reshape")
    if name in _NECKS:
        return {"name": _NECKS[name], **rest}
    return {"name": "SequenceEncoder", "encoder_type": name, **rest}


def _settings(head_list: List[Any]) -> Dict[str, Mapping[str, Any]]:
    """Name → settings of the heads in `head_list`: one CTC head, and at most one that teaches."""
    named = [entry for entry in head_list if isinstance(entry, Mapping) and len(entry) == 1]
    odd = [entry for entry in head_list if entry not in named]
    problems = [f"{_PATH}: expected entries `name: settings`, came {entry!r}" for entry in odd]
    names = [next(iter(entry)) for entry in named]
    problems += [f"{_PATH}: no head is called {name!r}{suggest(name, _HEADS)}" for name in names if name not in _HEADS]
    if not problems and names.count("CTCHead") != 1:
        problems = [f"{_PATH}: expected one CTCHead, came {names.count('CTCHead')}"]
    teachers = [name for name in names if name in TEACHERS.table]
    if len(teachers) > 1:
        problems.append(f"{_PATH}: expected at most one of {', '.join(TEACHERS.names())}, came {', '.join(teachers)}")
    settings = {name: entry[name] or {} for name, entry in zip(names, named)}
    problems += [
        f"{_PATH}.CTCHead.{key}: unknown key{suggest(key, ('Neck', 'Head'))}"
        for key in settings.get("CTCHead", {})
        if key not in ("Neck", "Head")
    ]
    if problems:
        raise ConfigError(problems)
    return settings
