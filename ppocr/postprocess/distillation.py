"""Post-processing under the names of files in which several networks learn together: that of the one that predicts."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, Union

from ppocr.postprocess.ctc import CTCLabelDecode
from ppocr.postprocess.db import DBPostProcess

PREFIX = "Distillation"
OWN_KEYS = ("model_name", "key", "multi_head")  # what the plain post-processing does not have


def plain_postprocess(spec: Dict[str, Any]) -> Dict[str, Any]:
    """`PostProcess` of such a file as a file of one network has it; any other as it is."""
    name = spec["name"]
    if not name.startswith(PREFIX):
        return spec
    kept = {key: value for key, value in spec.items() if key not in OWN_KEYS}
    return {**kept, "name": name[len(PREFIX) :]}


class DistillationDBPostProcess(DBPostProcess):
    """`DBPostProcess`.

    Args:
        model_name, key: without effect: `Metric.key` says which network predicts.
        thresh, box_thresh, max_candidates, unclip_ratio, use_dilation, score_mode, box_type: as `DBPostProcess`'s.
    """

    def __init__(
        self,
        model_name: Union[str, List[str], None] = None,
        key: Optional[str] = None,
        thresh: float = 0.3,
        box_thresh: float = 0.6,
        max_candidates: int = 1000,
        unclip_ratio: float = 1.5,
        use_dilation: bool = False,
        score_mode: Literal["fast", "slow"] = "fast",
        box_type: Literal["quad", "poly"] = "quad",
    ):
        super().__init__(thresh, box_thresh, max_candidates, unclip_ratio, use_dilation, score_mode, box_type)


class DistillationCTCLabelDecode(CTCLabelDecode):
    """`CTCLabelDecode`.

    Args:
        model_name, key, multi_head: without effect: `Metric.key` says which network predicts.
        character_dict, use_space_char: as `CTCLabelDecode`'s.
    """

    def __init__(
        self,
        model_name: Union[str, List[str], None] = None,
        key: Optional[str] = None,
        multi_head: bool = False,
        character_dict: Optional[List[str]] = None,
        use_space_char: Optional[bool] = None,
    ):
        super().__init__(character_dict, use_space_char)
