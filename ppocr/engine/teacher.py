"""What `Loss.Teacher` names: a trained network whose predictions a student learns from."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import numpy as np
import paddle

from ppocr.config import load_config
from ppocr.engine.build import build_model
from ppocr.engine.pretrained import load_pretrained, log_report, spaces_as_trained
from ppocr.errors import ConfigError
from ppocr.infer.model_dir import open_model
from ppocr.infer.options import OCROptions
from ppocr.infer.runtimes.create import ENGINES, create_runtime

Teacher = Callable[[paddle.Tensor], paddle.Tensor]
FORMS = ({"config", "pretrained_model"}, {"model", "engine"})  # the keys of either form


def build_teacher(spec: Mapping[str, Any], task: str) -> Teacher:
    """A trained network, or a model directory that an engine runs, which takes half the time and less.

    Args:
        spec: `config` and `pretrained_model`, or `model` (a family or a directory) and `engine`.
        task: of the student.

    Raises:
        ConfigError: keys of neither form, no such engine, or a network for another task.
        ModelError: there are no such weights, or no such model.
    """
    if set(spec) not in FORMS:
        raise ConfigError(
            [
                "Loss.Teacher: expected the keys config and pretrained_model, or model and engine, came "
                + str(sorted(spec))
            ]
        )
    return _InferenceTeacher(spec, task) if "engine" in spec else _network(spec, task)


def _network(spec: Mapping[str, Any], task: str) -> paddle.nn.Layer:
    config, charset = spaces_as_trained(load_config(spec["config"]), spec["pretrained_model"])
    if config.at("Architecture.model_type") != task:
        raise ConfigError([f"Loss.Teacher.config: {spec['config']} is not for the task {task}"])
    model = build_model(config, charset)
    log_report(load_pretrained(model, spec["pretrained_model"], kind=task, charset=charset))
    model.eval()
    for parameter in model.parameters():
        parameter.stop_gradient = True
    return model


class _InferenceTeacher:
    """`float32[N, 3, H, W]` → the model's prediction, as a tensor without gradient."""

    def __init__(self, spec: Mapping[str, Any], task: Any):
        if spec["engine"] not in ENGINES:
            raise ConfigError([f"Loss.Teacher.engine: expected one of {', '.join(ENGINES)}, came {spec['engine']!r}"])
        options = OCROptions(engine=spec["engine"], threads=1)
        self._runtime = create_runtime(open_model(str(spec["model"]), task), options)

    def __call__(self, pictures: paddle.Tensor) -> paddle.Tensor:
        return paddle.to_tensor(np.array(self._runtime.run(pictures.numpy())))
