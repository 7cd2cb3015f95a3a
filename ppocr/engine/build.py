"""From a configuration to a network, with every mistake reported at once."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from paddle import nn

from ppocr.config import Config
from ppocr.errors import ConfigError, suggest
from ppocr.modeling.distillation import DistillationModel
from ppocr.modeling.model import OCRModel
from ppocr.ops.charset import Charset
from ppocr.registry import BACKBONES, HEADS, NECKS, Registry
from ppocr.utils.dictionary import build_charset

ARCHITECTURE_KEYS = ("model_type", "algorithm", "Transform", "Backbone", "Neck", "Head")
IMAGE_CHANNELS = 3
OF_A_LEARNER = ("pretrained", "freeze_params", "return_all_feats")  # keys of a network among several
FREE_AXIS = -1  # an axis whose length each run chooses


def build_model(config: Config, charset: Optional[Charset] = None) -> nn.Layer:
    """The network that `Architecture` describes, with fresh weights, in `train()` mode.

    Of several that learn together (`Architecture.Models`) it is a `DistillationModel`.

    What YAML leaves to us is filled in: each part's `in_channels` is the `out_channels` of the one before, and the
    number of classes comes from `Global.character_dict_path` (recognition) or `PostProcess.label_list` (direction).

    Args:
        charset: of `config`, if it has been read already.

    Raises:
        ConfigError: with every problem of `Architecture` and of where the number of classes comes from.
    """
    architecture = config.plain("Architecture")
    if isinstance(architecture, Mapping) and "Models" in architecture:
        return _build_distilled(config, architecture, charset)
    problems = outline_problems(architecture)
    if not isinstance(architecture, Mapping):
        raise ConfigError(problems)
    class_count, class_problems = _class_count(config, architecture.get("Head"), charset)
    problems += class_problems
    parts: Dict[str, Callable[..., nn.Layer]] = {}
    for part, registry in _registries(architecture).items():
        if architecture.get(part) is not None:
            given = {"in_channels", *(class_count if part == "Head" else ())}
            spec = _without_given_channels(architecture[part]) if part == "Backbone" else architecture[part]
            parts[part] = registry.prepare(spec, f"Architecture.{part}", given, problems)
    if problems:
        raise ConfigError(problems)

    layers: Dict[str, nn.Layer] = {}
    channels: Any = IMAGE_CHANNELS
    for part, construct in parts.items():
        layer = construct(in_channels=channels, **(class_count if part == "Head" else {}))
        layers[part.lower()], channels = layer, getattr(layer, "out_channels", None)
        if channels is None and part != "Head":
            name = type(layer).__name__
            raise ConfigError([f"Architecture.{part}: {name} has no out_channels, which tells the next part its size"])
    return OCRModel(**layers)


def _without_given_channels(spec: Any) -> Any:
    """A backbone's settings without the `in_channels: 3` that some official files state."""
    if not isinstance(spec, Mapping) or spec.get("in_channels") != IMAGE_CHANNELS:
        return spec
    return {key: value for key, value in spec.items() if key != "in_channels"}


def _build_distilled(config: Config, architecture: Mapping[str, Any], charset: Optional[Charset]) -> DistillationModel:
    path, known = "Architecture.Models", ("model_type", "algorithm", "name", "Models")
    problems = [f"Architecture.{key}: unknown key{suggest(key, known)}" for key in architecture if key not in known]
    if architecture.get("name", "DistillationModel") != "DistillationModel":
        problems.append(f"Architecture.name: expected DistillationModel, came {architecture['name']!r}")
    specs = architecture["Models"]
    if not isinstance(specs, Mapping) or not specs:
        raise ConfigError([*problems, f"{path}: expected names of networks, each with Backbone, Neck and Head"])
    models: Dict[str, OCRModel] = {}
    for name, spec in specs.items():
        parts = {key: value for key, value in (spec or {}).items() if key not in OF_A_LEARNER}
        own = {**config.to_dict(), "Architecture": {"model_type": architecture.get("model_type"), **parts}}
        try:
            models[name] = build_model(Config(own), charset)  # type: ignore[assignment]
        except ConfigError as error:
            problems += [problem.replace("Architecture.", f"{path}.{name}.", 1) for problem in error.problems]
    main = config.at("Metric.key", "Student")
    if main not in specs:
        problems.append(f"Metric.key: there is no network {main!r} in {path}{suggest(main, specs)}")
    if problems:
        raise ConfigError(problems)
    return DistillationModel(models, main)


def outline_problems(architecture: Any) -> List[str]:
    """What is wrong in `Architecture` itself, apart from its parts."""
    if architecture is None:
        return ["Architecture: missing; it says which network to build"]
    problems = [
        f"Architecture.{key}: unknown key{suggest(key, ARCHITECTURE_KEYS)}"
        for key in architecture
        if key not in ARCHITECTURE_KEYS
    ]
    model_type = architecture.get("model_type")
    if not isinstance(model_type, str) or model_type not in BACKBONES:
        problems.append(f"Architecture.model_type: expected one of {', '.join(BACKBONES)}, came {model_type!r}")
    if architecture.get("Transform") is not None:
        problems.append("Architecture.Transform: none is available; leave it empty")
    for part, registry in _registries(architecture).items():
        if part != "Neck" and architecture.get(part) is None:
            problems.append(f"Architecture.{part}: missing; name one of {', '.join(registry.names())}")
    return problems


def _registries(architecture: Mapping[str, Any]) -> Dict[str, Registry]:
    """Part → where its names are looked up, in the order in which the parts follow one another."""
    model_type = architecture.get("model_type")
    backbones = BACKBONES.get(model_type) if isinstance(model_type, str) else None
    return {**({"Backbone": backbones} if backbones else {}), "Neck": NECKS, "Head": HEADS}


def _class_count(config: Config, head: Any, charset: Optional[Charset]) -> Tuple[Dict[str, Any], List[str]]:
    """How many classes the head predicts, under the name by which its constructor asks for them, and the problems.

    A head that takes `out_channels` predicts characters, one that takes `class_dim` predicts labels; others neither.
    """
    if HEADS.wants(head, "out_channels"):
        return _character_count(config, head["name"], charset)
    if HEADS.wants(head, "class_dim"):
        return _label_count(config.plain("PostProcess.label_list"), head.get("class_dim"))
    return {}, []


def _character_count(config: Config, head: str, charset: Optional[Charset]) -> Tuple[Dict[str, Any], List[str]]:
    try:
        charset = charset or build_charset(config)
    except ConfigError as error:
        return {"out_channels": None}, error.problems
    if charset is None:
        return {"out_channels": None}, [f"Global.character_dict_path: missing; {head} predicts the characters it lists"]
    return {"out_channels": charset.num_classes}, []


def _label_count(labels: Any, class_dim: Any) -> Tuple[Dict[str, Any], List[str]]:
    if labels is None:
        return {}, []  # then `class_dim` must be set, which the constructor's signature says
    problems = []
    if not isinstance(labels, list):
        problems = [f"PostProcess.label_list: expected a list, came {labels!r}"]
    elif class_dim not in (None, len(labels)):
        problems = [f"Architecture.Head.class_dim: {class_dim!r}, but PostProcess.label_list has {len(labels)} labels"]
    if class_dim is not None:
        return {}, problems
    return {"class_dim": None if problems else len(labels)}, problems


def input_shape(config: Config) -> List[int]:
    """[N, C, H, W] of the network's input, `FREE_AXIS` where it is free.

    Raises:
        ConfigError: the transforms of a recogniser or classifier don't say the size of a crop.
    """
    kind = config.at("Architecture.model_type")
    if kind == "det":
        return [FREE_AXIS, 3, FREE_AXIS, FREE_AXIS]
    operation = "RecResizeImg" if kind == "rec" else "ClsResizeImg"
    channels, height, width = _transform(config, operation).get("image_shape", (None,) * 3)
    if height is None:
        raise ConfigError([f"Eval.dataset.transforms.{operation}.image_shape: missing; expected [3, height, width]"])
    # A recogniser reads crops of any width, the classifier always the left part of the crop
    return [FREE_AXIS, channels, height, FREE_AXIS if kind == "rec" else width]


def _transform(config: Config, name: str) -> Mapping[str, Any]:
    return next((step[name] or {} for step in config.at("Eval.dataset.transforms", ()) if name in step), {})
