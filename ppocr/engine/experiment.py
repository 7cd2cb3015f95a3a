"""Everything that one configuration describes, built once: what training, evaluation, export and pruning share."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np
import paddle

from ppocr.config import Config
from ppocr.data.loader import Loader, build_loader
from ppocr.engine.build import build_model, input_shape
from ppocr.engine.checkpoint import Checkpoint, check_states, load_checkpoint, read_states
from ppocr.engine.env import Environment, prepare
from ppocr.engine.pretrained import freeze, load_pretrained, log_report, spaces_as_trained
from ppocr.engine.teacher import Teacher, build_teacher
from ppocr.engine.weights import load_weights
from ppocr.errors import ConfigError
from ppocr.optimizer.build import Optimizer, build_optimizer
from ppocr.registry import LOSSES, METRICS, POSTPROCESSES

logger = logging.getLogger(__name__)


class Experiment:
    """The network of a configuration with its weights, and on demand what else it describes.

    Weights come from `Global.checkpoints`, else `Global.pretrained_model`, else they are fresh. A `Slim` section
    changes the network after that.

    Args:
        config: of `load_config`.

    Attributes:
        config: what is run: as given, but for what the weights decide (`spaces_as_trained`).
        task: `det`, `rec` or `cls`.
        environment: device, seed and processes.
        charset: the characters, None for a task without.
        model: the network, in `train()` mode.
        checkpoint: what the run goes on from; None for one that begins.
        slim: pruning or quantisation, None without `Slim`.
        frozen: names of the parameters that keep their weights.

    Raises:
        ConfigError: problems of `Architecture`, `Global`, `PostProcess` or `Slim`.
        ModelError: weights that do not fit.
    """

    def __init__(self, config: Config):
        options = config.options
        config, self.charset = spaces_as_trained(config, options.checkpoints or options.pretrained_model)
        self.config, self.options = config, config.options
        self.environment: Environment = prepare(self.options)
        self.model: paddle.nn.Layer = build_model(config, self.charset)
        self.task: str = config["Architecture"]["model_type"]
        self.postprocess = self._build_postprocess()
        self.checkpoint: Optional[Checkpoint] = None
        self.slim = self._build_slim()
        self._load()
        patterns = [*(self.options.freeze or ()), *(f"{name}.*" for name in self._learners("freeze_params"))]
        self.frozen: List[str] = freeze(self.model, patterns)

    @classmethod
    def with_weights(cls, config: Config) -> Experiment:
        """An experiment that must not start from fresh weights.

        Raises:
            ConfigError: `config` names no weights.
        """
        if not config.options.checkpoints and not config.options.pretrained_model:
            best = Path(config.options.save_model_dir) / "best_accuracy"
            problem = f"Global.pretrained_model: missing; name the weights, e.g. -o Global.pretrained_model={best}"
            raise ConfigError([problem])
        return cls(config)

    @property
    def output(self) -> Path:
        """Where the run writes."""
        return Path(self.options.save_model_dir)

    @property
    def label_list(self) -> Optional[List[str]]:
        """The directions of a classifier."""
        return getattr(self.postprocess, "label_list", None)

    def loader(self, section: str) -> Loader:
        """The batches of `Train` or `Eval`.

        Raises:
            ConfigError: problems of the section.
        """
        if not isinstance(self.config.get(section), Mapping):
            raise ConfigError([f"{section}: missing; it says which pictures to use"])
        return build_loader(
            self.config.plain(section),
            task=self.task,  # type: ignore[arg-type]
            charset=self.charset,
            max_text_length=self.options.max_text_length,
            label_list=self.label_list,
            seed=self.options.seed,
            rank=self.environment.rank,
            world_size=self.environment.world_size,
            training=section == "Train",
        )

    def loss(self) -> Any:
        """What `Loss` describes, called with (outputs, batch)."""
        spec = {key: value for key, value in self._section("Loss").items() if key != "Teacher"}
        return LOSSES.build(spec, "Loss")

    def teacher(self) -> Optional[Teacher]:
        """What `Loss.Teacher` names, if there is one.

        Raises:
            ConfigError: it lacks a key, or does another task.
        """
        spec = self.config.at("Loss.Teacher")
        return None if spec is None else build_teacher(spec, self.task)

    def optimizer(self, steps_per_epoch: int) -> Optimizer:
        """What `Optimizer` describes, over the parameters that are not frozen."""
        trained = {name: tensor for name, tensor in self.model.named_parameters() if not tensor.stop_gradient}
        return build_optimizer(
            self._section("Optimizer"), trained, epochs=self.options.epoch_num, steps_per_epoch=steps_per_epoch
        )

    def metric(self) -> Any:
        """What `Metric` describes."""
        return METRICS.build(self._section("Metric"), "Metric", charset=self.charset, label_list=self.label_list)

    def predictions(
        self, outputs: np.ndarray, batch: Mapping[str, Any], *, logits: bool = False, decode: Any = None
    ) -> Sequence[Any]:
        """What the network's outputs mean, by `PostProcess`: regions, (text, score) or (label, score) of each picture.

        Args:
            outputs: float32[N, …], of the network in `eval()` mode; with `logits` a recogniser's in `train()` mode.
            batch: for detection with `shape`, float32[N, 4], of `DetResizeForTest`.
            decode: another post-processing.
        """
        decode = decode or self.postprocess
        if self.task == "det":
            sizes = [(int(height), int(width)) for height, width, *_ in batch["shape"]]
            return [decode(maps[0], *size) for maps, size in zip(outputs, sizes)]
        return decode(outputs, logits=logits) if self.task == "rec" else decode(outputs)

    def train_mode(self) -> None:
        """`train()`, except that normalisations whose weights are frozen keep their statistics too."""
        self.model.train()
        frozen = set(self.frozen)
        for name, layer in self.model.named_sublayers():
            if hasattr(layer, "_mean") and f"{name}.weight" in frozen:
                layer.eval()

    def slim_state(self) -> Dict[str, Any]:
        """What rebuilds the network's changed structure; empty without `Slim`."""
        return self.slim.state() if self.slim else {}

    def _section(self, name: str) -> Dict[str, Any]:
        if not isinstance(self.config.get(name), Mapping):
            raise ConfigError([f"{name}: missing; training and evaluation need it"])
        return self.config.plain(name)

    def _build_postprocess(self) -> Any:
        spec = self._section("PostProcess")
        given: Dict[str, Any] = {}
        if self.charset is not None:  # it holds the space already
            given = {"character_dict": self.charset.characters, "use_space_char": False}
        return POSTPROCESSES.build(spec, "PostProcess", **given)

    def _build_slim(self) -> Any:
        if not self.config.get("Slim"):
            return None
        from ppocr.slim import build_slim

        return build_slim(self.config.plain("Slim"))

    def _load(self) -> None:
        """Weights, and the structure that `Slim` gives the network."""
        shape = input_shape(self.config)
        if self.options.checkpoints:
            source = Path(self.options.checkpoints)
            self.checkpoint = load_checkpoint(source)
            check_states(self.checkpoint.states, f"{source}.states")
            state = self.checkpoint.states.get("slim") or {}
            if self.slim:
                self.slim.restore(self.model, state, input_shape=shape)
            else:
                self._take_structure(state)
            load_weights(self.model, self.checkpoint.weights, source=str(source))
            return
        for name, source in self._learners("pretrained").items():
            learner = getattr(self.model, name)
            log_report(load_pretrained(learner, source, kind=self.task, charset=self.charset))
        if self.options.pretrained_model:
            self._take_structure(read_states(Path(self.options.pretrained_model)).get("slim") or {})
            report = load_pretrained(self.model, self.options.pretrained_model, kind=self.task, charset=self.charset)
            log_report(report)
        if self.slim:
            self.slim.apply(self.model, input_shape=shape)

    def _learners(self, key: str) -> Dict[str, Any]:
        """Of several networks that learn together those that set `key`: name → value."""
        models = self.config.plain("Architecture.Models") or {}
        return {name: spec[key] for name, spec in models.items() if spec.get(key)}

    def _take_structure(self, state: Mapping[str, Any]) -> None:
        """Weights that were slimmed need a network that is, whatever the configuration says."""
        if any(state.values()):
            from ppocr.slim import build_slim

            self.slim = self.slim or build_slim({})
            self.slim.begin(self.model, state)
