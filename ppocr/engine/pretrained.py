"""Starting from weights of another run: what fits is taken, and everything else is listed name by name."""

from __future__ import annotations

import fnmatch
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ppocr.config import Config, read_yaml
from ppocr.engine.checkpoint import check_weights, read_states, weights_file
from ppocr.engine.weights import TRAINING_ONLY
from ppocr.errors import ConfigError, ModelError
from ppocr.infer.integrity import check_fetched_weights
from ppocr.infer.model_dir import SHIPPED, SPEC, cache_root
from ppocr.ops.charset import BLANK, SPACE, Charset, stored_charsets
from ppocr.utils.dictionary import build_charset
from ppocr.utils.networks import main_network
from ppocr.utils.pickles import read_arrays

if TYPE_CHECKING:
    import paddle

logger = logging.getLogger(__name__)

TRAINED = "best_accuracy.pdparams"  # what a model directory calls the weights to go on training from
LEARNER = "Student"  # of several networks that learned together the one whose weights a single network takes
MIN_MATCHED_SHARE = 0.5  # of the network's tensors must fit; with fewer, the weights are another network's


@dataclass(frozen=True)
class PretrainedReport:
    """What `load_pretrained` did, in names of the state dict.

    Attributes:
        source: the file.
        loaded: tensors that were set.
        missing: tensors of the network that the file lacks; they keep their initial values.
        unexpected: names in the file that the network lacks.
        mismatched: name → (shape in the file, shape in the network); these keep their initial values too.
        translated: mismatched tensors of the last layer of which the classes of common characters were taken over.
    """

    source: Path
    loaded: Tuple[str, ...]
    missing: Tuple[str, ...]
    unexpected: Tuple[str, ...]
    mismatched: Mapping[str, Tuple[List[int], List[int]]]
    translated: Tuple[str, ...] = ()

    def lines(self) -> List[str]:
        """The report as text, one line a name that was not simply loaded."""
        total = len(self.loaded) + len(self.missing) + len(self.mismatched) + len(self.translated)
        lines = [f"{self.source}: {len(self.loaded)} of {total} tensors taken"]
        lines += [f"  {name}: the classes of common characters taken" for name in self.translated]
        lines += [f"  {name}: shape {a}, the network's is {b}: starts anew" for name, (a, b) in self.mismatched.items()]
        lines += [f"  {name}: not in the file: starts anew" for name in self.missing if not _is_training_only(name)]
        lines += [f"  {name}: the network has no such tensor" for name in self.unexpected]
        return lines


def load_pretrained(
    model: paddle.nn.Layer, name: str, *, kind: str, charset: Optional[Charset] = None
) -> PretrainedReport:
    """Initialise `model` from `Global.pretrained_model`.

    With another dictionary the last layer has other classes: then the weights of the characters that both know are
    taken over, where the file's own dictionary is known (a model directory), else that layer starts anew.

    Args:
        name: a `.pdparams` with or without its suffix, a model directory, or a fetched family (`mobile`).
        kind: `det`, `cls` or `rec`, for families.
        charset: the network's characters.

    Raises:
        ModelError: there is no such file, it is damaged (where its hash is known: of a checkpoint or a fetched family),
            or fewer than half of the network's tensors fit.
    """
    path = find_weights(name, kind)
    check_weights(path)
    check_fetched_weights(path)
    arrays = read_arrays(path)
    if not any(key in model.state_dict() for key in arrays):
        model = main_network(model)  # weights of one network for several that learn together: for the one that predicts
        prefix = f"{LEARNER}."  # and the other way round
        ours = {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}
        arrays = ours or arrays
    state = model.state_dict()
    if not any(key in state for key in arrays):  # a backbone alone, as those trained on ImageNet come
        arrays = {f"backbone.{key}": array for key, array in arrays.items()}
    fits = {
        key: array for key, array in arrays.items() if key in state and tuple(array.shape) == tuple(state[key].shape)
    }
    other = {key: array for key, array in arrays.items() if key in state and key not in fits}
    translated = _translate(other, state, _charsets_beside(path), charset)
    known = {state[key].name for key in (*fits, *other)}  # of variables: an LSTM weight has two names
    report = PretrainedReport(
        source=path,
        loaded=tuple(fits),
        missing=tuple(key for key, tensor in state.items() if tensor.name not in known),
        unexpected=tuple(key for key in arrays if key not in state),
        mismatched={key: (list(a.shape), list(state[key].shape)) for key, a in other.items() if key not in translated},
        translated=tuple(translated),
    )
    if len(fits) < MIN_MATCHED_SHARE * sum(not _is_training_only(key) for key in state) and not _is_backbone(report):
        raise ModelError([f"{path} is for another network", *report.lines()[:12]])
    for key, array in {**fits, **translated}.items():
        state[key].set_value(array)
    return report


def find_weights(name: str, kind: str) -> Path:
    """The `.pdparams` that a name means (see `load_pretrained`).

    Raises:
        ModelError: there is none.
    """
    path = Path(name).expanduser()
    family, _, part = name.partition("/")
    candidates = [path, path.with_name(path.name + ".pdparams"), path / TRAINED, path / kind / TRAINED]
    candidates += [cache_root() / family / (part or kind) / TRAINED]
    for candidate in candidates:
        found = weights_file(candidate) if candidate.suffix == ".pdparams" else candidate
        if found.is_file():
            return found
    raise ModelError(
        f"Global.pretrained_model: {name}: no such weights: neither a .pdparams file nor a fetched family "
        f"with weights to train on (ppocr models fetch {'tiny' if (SHIPPED / family).is_dir() else family})"
    )


def spaces_as_trained(config: Config, weights: Optional[str]) -> Tuple[Config, Optional[Charset]]:
    """`config` and its characters, with the class for the space that our weights were trained with.

    A dictionary with a space of its own gets a second one now if `Global.use_space_char` is on; it did not in our
    earlier runs. Their weights have one class less and go on as they are, without the second space.

    Args:
        weights: a checkpoint or other weights, as `Global` names them.
    """
    charset = build_charset(config)
    if weights is None or charset is None or not config.options.use_space_char or SPACE not in charset.characters[:-1]:
        return config, charset
    if not read_states(Path(weights)):  # no run of ours
        return config, charset
    biases = {
        len(array) for name, array in read_arrays(find_weights(weights, "rec")).items()
        if name.startswith("head.") and array.ndim == 1
    }  # fmt: skip
    if charset.num_classes in biases or charset.num_classes - 1 not in biases:
        return config, charset
    logger.info("%s: trained with the dictionary's own space alone; Global.use_space_char is taken as false", weights)
    tree = config.to_dict()
    tree["Global"]["use_space_char"] = False
    return Config(tree), Charset(charset.characters[:-1])


def freeze(model: paddle.nn.Layer, patterns: Sequence[str]) -> List[str]:
    """Exclude parameters from training.

    Args:
        patterns: of names in the state dict, as for files: `backbone.*`, `*.bn.*`.

    Returns:
        The names of the parameters.

    Raises:
        ConfigError: a pattern fits no parameter.
    """
    parameters = dict(model.named_parameters())
    chosen: Dict[str, None] = {}
    problems = []
    for pattern in patterns:
        found = fnmatch.filter(parameters, pattern)
        chosen.update(dict.fromkeys(found))
        if not found:
            problems.append(f"Global.freeze: {pattern!r} fits no parameter, e.g. {next(iter(parameters))}")
    if problems:
        raise ConfigError(problems)
    for name in chosen:
        parameters[name].stop_gradient = True
    return list(chosen)


def _translate(
    arrays: Mapping[str, np.ndarray],
    state: Mapping[str, paddle.Tensor],
    olds: Sequence[Charset],
    new: Optional[Charset],
) -> Dict[str, np.ndarray]:
    """Weights of the last layer for another dictionary: known characters as they were, the others as initialised.

    Args:
        olds: what the characters of `arrays` may be; their number of classes tells which.
    """
    if new is None:
        return {}
    by_classes = {old.num_classes: _common_classes(old, new) for old in olds}
    translated = {}
    for key, array in arrays.items():
        values = state[key].numpy()
        is_alike = array.shape[:-1] == values.shape[:-1] and values.shape[-1] == new.num_classes
        if is_alike and array.shape[-1] in by_classes:
            source, target = by_classes[array.shape[-1]]
            values[..., target] = array[..., source]
            translated[key] = values
    return translated


def _common_classes(old: Charset, new: Charset) -> Tuple[np.ndarray, np.ndarray]:
    """Classes of the blank and of the common characters, int[k] in the old set and int[k] in the new one."""
    before = {character: index for index, character in enumerate(old.characters, start=1)}
    pairs = [(BLANK, BLANK)]
    pairs += [(before[c], index) for index, c in enumerate(new.characters, start=1) if c in before]
    source, target = np.array(pairs).T
    return source, target


def _charsets_beside(path: Path) -> List[Charset]:
    """What the characters may be of the model directory that a file of weights lies in; empty for another place."""
    if not (path.parent / SPEC).is_file():
        return []
    post = read_yaml(path.parent / SPEC).get("PostProcess") or {}
    characters = post.get("character_dict")
    try:
        return stored_charsets(characters, post.get("use_space_char")) if characters else []
    except ValueError as error:
        raise ModelError(f"{path.parent / SPEC}: PostProcess.character_dict: {error}") from error


def _is_training_only(name: str) -> bool:
    return name.startswith(TRAINING_ONLY)


def _is_backbone(report: PretrainedReport) -> bool:
    """Whether the whole backbone was found, and nothing but it."""
    others = [name for name in report.loaded if not name.startswith("backbone.")]
    return bool(report.loaded) and not others and not any(name.startswith("backbone.") for name in report.missing)


def log_report(report: PretrainedReport) -> None:
    for line in report.lines():
        logger.info("%s", line)
