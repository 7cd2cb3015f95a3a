"""One YAML file describes a run: reading, overriding (`-o a.b=c`) and checking it. The result is read-only.

The eight top-level sections are those of PaddleOCR's files, plus our optional `Slim`. What a section's components may
contain is checked where they are built (`ppocr.registry`); here only the outline and `Global` are.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Iterator, List, Literal, Mapping, Optional, Sequence, Union

from ppocr.errors import ConfigError, suggest
from ppocr.parse import ParseError, parse_yaml, read_text
from ppocr.registry import signature_problems

SECTIONS = ("Global", "Architecture", "Loss", "Optimizer", "PostProcess", "Metric", "Train", "Eval", "Slim")
IGNORED_SECTIONS = ("profiler_options",)  # PaddleOCR's
WITHOUT_EFFECT = (  # keys of PaddleOCR's `Global` that concern other hardware, old weights or logging
    "use_xpu", "use_npu", "use_mlu", "use_gcu", "use_mps", "use_iluvatar_gpu", "use_metax_gpu", "use_tensorrt",
    "auto_cast", "amp_level", "amp_custom_black_list", "amp_custom_white_list", "to_static", "load_static_weights",
    "calc_epoch_interval", "print_mem_info", "log_ranks",
)  # fmt: skip

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GlobalOptions:
    """What `Global` may hold, by PaddleOCR's names; this signature is the schema.

    Paths are relative to the working directory. A recogniser with `character_dict_path: null` reads `0-9a-z`. Besides
    PaddleOCR's keys (of which `debug` and `d2s_train_image_shape` change nothing) there are `freeze`, patterns of
    parameters that keep their weights (`backbone.*`), and `save_batch_step`, after how many steps the latest state is
    saved, for epochs that take hours.
    """

    model_name: Optional[str] = None
    debug: bool = False
    use_gpu: bool = False
    epoch_num: int = 1
    seed: int = 0
    log_smooth_window: int = 20
    print_batch_step: int = 10
    save_model_dir: str = "output"
    save_epoch_step: int = 1
    eval_batch_step: Optional[Union[int, List[int]]] = None
    eval_batch_epoch: Optional[int] = None
    cal_metric_during_train: bool = False
    pretrained_model: Optional[str] = None
    checkpoints: Optional[str] = None
    save_inference_dir: Optional[str] = None
    use_visualdl: bool = False
    infer_img: Optional[str] = None
    d2s_train_image_shape: Optional[List[int]] = None
    save_res_path: Optional[str] = None
    infer_mode: bool = False
    character_dict_path: Optional[str] = None
    character_type: Optional[str] = None
    max_text_length: int = 25
    use_space_char: bool = False
    distributed: bool = False
    use_amp: bool = False
    amp_dtype: Literal["float16", "bfloat16"] = "float16"
    scale_loss: float = 1024.0
    use_dynamic_loss_scaling: bool = True
    use_ema: bool = False
    ema_decay: float = 0.9998
    ema_decay_type: Literal["threshold", "exponential", "normal"] = "threshold"
    freeze: Optional[List[str]] = None
    save_batch_step: Optional[int] = None


class Config(Mapping[str, Any]):
    """A read-only tree. Mappings inside are read-only too and lists are tuples; `to_dict()` gives a plain copy."""

    def __init__(self, tree: Mapping[str, Any]):
        self._tree = _freeze(tree)

    def __getitem__(self, key: str) -> Any:
        return self._tree[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)

    def __repr__(self) -> str:
        return f"Config({self.to_dict()!r})"

    def at(self, path: str, default: Any = None) -> Any:
        """The value at a dotted key (`"Eval.dataset.transforms"`), or `default` where the path ends early."""
        node: Any = self._tree
        for key in path.split("."):
            if not isinstance(node, Mapping) or key not in node:
                return default
            node = node[key]
        return node

    def plain(self, path: str, default: Any = None) -> Any:
        """As `at`, but as plain dicts and lists of the caller's own, which constructors take."""
        return thaw(self.at(path, default))

    def to_dict(self) -> dict[str, Any]:
        return thaw(self._tree)

    @property
    def options(self) -> GlobalOptions:
        """`Global`, typed, with its defaults filled in."""
        return GlobalOptions(**self._tree.get("Global", {}))


def load_config(
    path: Union[str, Path], overrides: Sequence[str] = (), overlays: Sequence[Union[str, Path]] = ()
) -> Config:
    """Read one YAML file and apply `-o` overrides.

    Args:
        path: a file, or the name of one of the shipped configurations (`"det/ch_ppocr_mobile_v2.0_det.yml"`).
        overlays: further files whose settings replace or add to the first one's, key by key; lists are replaced whole.
        overrides: `"a.b=value"` each, the value read as YAML; list items by number (`transforms.0.…`).

    Raises:
        ConfigError: unreadable YAML, unknown sections or `Global` keys, a bad override: all of them at once.
    """
    tree = thaw(read_yaml(find_config(path)))  # sections that share an anchor become separate: -o sets one of them
    for overlay in overlays:
        lay_over(tree, read_yaml(find_config(overlay)))
    problems = apply_overrides(tree, overrides)
    _settle_global(tree, str(path))
    problems += outline_problems(tree)
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return Config(tree)


def _settle_global(tree: dict[str, Any], path: str) -> None:
    """Take out of `Global`, in place, what changes nothing here, and say so; its `label_list` is the classifier's."""
    options, decode = tree.get("Global"), tree.get("PostProcess")
    if not isinstance(options, dict):
        return
    noted = [key for key in WITHOUT_EFFECT if key in options]
    if "label_list" in options:
        labels = options.pop("label_list")
        if isinstance(decode, dict) and decode.get("name") == "ClsPostProcess":
            decode.setdefault("label_list", labels)
        else:
            noted.append("label_list")
    for key in noted:
        options.pop(key, None)
    if noted:
        logger.warning("%s: without effect here: %s", path, ", ".join(f"Global.{key}" for key in noted))


def find_config(path: Union[str, Path]) -> Path:
    """The file itself, else the shipped configuration of that name (installed beside the package or in a checkout)."""
    here = Path(__file__).resolve().parent
    for candidate in (Path(path), here / "configs" / path, here.parent / "configs" / path):
        if candidate.is_file():
            return candidate
    raise ConfigError([f"{path}: no such configuration file"])


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file whose top level is a mapping.

    Raises:
        ConfigError: it cannot be read, or is not YAML of bounded size and depth; with the line.
    """
    try:
        tree = parse_yaml(read_text(path))
    except ParseError as error:
        line = f":{error.line}" if error.line else ""
        raise ConfigError([f"{path}{line}: {error.problem}"]) from error
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    if not isinstance(tree, dict):
        raise ConfigError([f"{path}: expected a mapping at the top level, came {type(tree).__name__}"])
    return tree


def apply_overrides(tree: dict[str, Any], overrides: Sequence[str]) -> list[str]:
    """Set each `a.b=value` in `tree`; a missing last key is added, a missing branch is refused."""
    problems = []
    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals or not path:
            problems.append(f"-o {override}: expected KEY.KEY=VALUE")
            continue
        *branch, last = path.split(".")
        node: Any = tree
        try:
            value = parse_yaml(text)
        except ParseError:
            problems.append(f"-o {override}: {text!r} is not a YAML value")
            continue
        try:
            for key in branch:
                node = node[_index(node, key)]
            node[_index(node, last, adding=True)] = value
        except (KeyError, IndexError, ValueError, TypeError):
            known = list(node) if isinstance(node, Mapping) else []
            problems.append(f"-o {override}: there is no {path!r} to set{suggest(path.split('.')[-1], known)}")
    return problems


def lay_over(tree: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    """Put the settings of `overlay` into `tree`, in place: mappings are merged, everything else is replaced.

    A component with another `name` is replaced as well: it has other parameters.
    """
    for key, value in overlay.items():
        old: Any = tree.get(key)
        mappings = isinstance(value, Mapping) and isinstance(old, dict)
        if mappings and value.get("name", old.get("name")) == old.get("name"):
            lay_over(old, value)
        else:
            tree[key] = thaw(value)


def outline_problems(tree: Mapping[str, Any]) -> list[str]:
    """Unknown sections, sections that are not mappings, and everything wrong in `Global`."""
    known = (*SECTIONS, *IGNORED_SECTIONS)
    problems = [f"{key}: unknown section{suggest(key, SECTIONS)}" for key in tree if key not in known]
    problems += [
        f"{key}: expected a mapping, came {value!r}"
        for key, value in tree.items()
        if key in SECTIONS and not isinstance(value, Mapping)
    ]
    if isinstance(tree.get("Global"), Mapping):
        problems += signature_problems(GlobalOptions, tree["Global"], "Global", label="Global")
    return problems


def thaw(node: Any) -> Any:
    """A plain, writable copy (dicts and lists) of a read-only tree."""
    if isinstance(node, Mapping):
        return {key: thaw(value) for key, value in node.items()}
    return [thaw(item) for item in node] if isinstance(node, (list, tuple)) else node


def _freeze(node: Any) -> Any:
    if isinstance(node, Mapping):
        return MappingProxyType({key: _freeze(value) for key, value in node.items()})
    return tuple(_freeze(item) for item in node) if isinstance(node, (list, tuple)) else node


def _index(node: Any, key: str, adding: bool = False) -> Any:
    if isinstance(node, list):
        return int(key)
    if not isinstance(node, dict) or (key not in node and not adding):
        raise KeyError(key)
    return key
