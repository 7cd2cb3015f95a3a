"""The metric of the network that predicts, where several learn together."""

from __future__ import annotations

from typing import Any, List, Literal, Optional

from ppocr.metrics.tasks import ClsMetric, DetMetric, Metric, RecMetric
from ppocr.ops.charset import Charset


def distillation_metric(
    base_metric_name: Literal["DetMetric", "RecMetric", "ClsMetric"],
    charset: Optional[Charset] = None,
    label_list: Optional[List[str]] = None,
    key: str = "Student",
    main_indicator: Optional[str] = None,
    ignore_space: bool = True,
    is_filter: bool = False,
) -> Metric:
    """The metric named `base_metric_name`.

    Args:
        base_metric_name: its name.
        charset, label_list: from the builder.
        key: the network that predicts and is evaluated (`build_model` reads it).
        main_indicator: of the metric; by default its own.
        ignore_space, is_filter: `RecMetric`'s.

    Raises:
        ValueError: what the metric says.
    """
    indicator: Any = {} if main_indicator is None else {"main_indicator": main_indicator}
    if base_metric_name == "DetMetric":
        return DetMetric(**indicator)
    if base_metric_name == "ClsMetric":
        return ClsMetric(label_list=label_list, **indicator)
    if charset is None:
        raise ValueError("RecMetric needs Global.character_dict_path")
    return RecMetric(charset, ignore_space=ignore_space, is_filter=is_filter, **indicator)
