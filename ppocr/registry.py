"""Names in YAML → classes. One table line per name; the class is imported when it is built.

The constructor's signature is the schema: YAML may set exactly its keyword parameters, minus those that the builder
gives (`in_channels`, the number of classes, …). Mistakes are collected, not raised one by one, and each names the
dotted key and the nearest allowed choice.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import typing
from typing import Any, Callable, Collection, Iterable, Mapping, Optional

from ppocr.errors import ConfigError


class Registry:
    """One kind of component (say, detection backbones) and the places where its members live.

    Args:
        kind: what messages call a member, e.g. `"detection backbone"`.
        package: prefix of every place, e.g. `"ppocr.modeling"`.
        table: name in YAML → `".module:Class"`, relative to `package`.
    """

    def __init__(self, kind: str, package: str, table: Mapping[str, str]):
        self.kind, self.package, self.table = kind, package, dict(table)

    def names(self) -> list[str]:
        return sorted(self.table)

    def resolve(self, name: str) -> Callable[..., Any]:
        """Import and return the class (or function) registered as `name`; KeyError if there is none."""
        module, attribute = self.table[name].split(":")
        return getattr(importlib.import_module(self.package + module), attribute)

    def problems(self, spec: Any, path: str, given: Collection[str] = ()) -> list[str]:
        """Everything wrong with `spec` (`{"name": …, parameter: value, …}`), as sentences starting with `path`."""
        problems: list[str] = []
        self.prepare(spec, path, given, problems)
        return problems

    def build(self, spec: Mapping[str, Any], path: str, **given: Any) -> Any:
        """Construct the component that `spec` names.

        `given` comes from the builder, never from YAML; a constructor receives the part of it that it declares.

        Raises:
            ConfigError: with every problem of `spec`.
        """
        problems: list[str] = []
        construct = self.prepare(spec, path, given, problems)
        if problems:
            raise ConfigError(problems)
        return construct(**given)

    def prepare(self, spec: Any, path: str, given: Collection[str], problems: list[str]) -> Callable[..., Any]:
        """Check `spec` now, construct later: when all parts of a configuration are known to be right.

        Args:
            spec: `{"name": …, parameter: value, …}`.
            given: names of what the builder will give.
            problems: everything wrong with `spec` is added, as sentences starting with `path`.

        Returns:
            Constructs the component from the values of `given`; not to be called if there were problems.
        """
        name = self._name(spec, path, problems)
        if name is None:
            return _never
        factory = self.resolve(name)
        arguments = {key: value for key, value in spec.items() if key != "name"}
        problems += signature_problems(factory, arguments, path, label=name, given=given)
        accepted = inspect.signature(factory).parameters

        def construct(**values: Any) -> Any:
            try:
                return factory(**arguments, **{key: value for key, value in values.items() if key in accepted})
            except ValueError as error:  # a value that only the constructor can judge
                raise ConfigError([f"{path}: {error}"]) from error

        return construct

    def prepare_steps(
        self, steps: Any, path: str, given: Mapping[str, Any], problems: list[str], *, overruled: Collection[str] = ()
    ) -> list[tuple[str, Callable[[], Any]]]:
        """`prepare` for a list of `{name: settings}`.

        Args:
            given: the values themselves.
            overruled: names in `given` that a step's own settings may replace.

        Returns:
            (name, constructs the step) of each.
        """
        if not isinstance(steps, (list, tuple)):
            problems.append(f"{path}: expected a list of steps, came {steps!r}")
            return []
        prepared: list[tuple[str, Callable[[], Any]]] = []
        for number, step in enumerate(steps):
            here = f"{path}.{number}"
            if not isinstance(step, Mapping) or len(step) != 1:
                problems.append(f"{here}: expected one `Name: {{settings}}`, came {step!r}")
                continue
            ((name, settings),) = step.items()
            own = set(settings or ()).intersection(overruled)
            values = {key: value for key, value in given.items() if key not in own}
            construct = self.prepare({"name": name, **(settings or {})}, f"{here}.{name}", values, problems)
            prepared.append((name, functools.partial(construct, **values)))
        return prepared

    def find(self, spec: Any) -> Optional[Callable[..., Any]]:
        """The class (or function) that `spec` names, None where it names none."""
        name = self._name(spec, "", [])
        return None if name is None else self.resolve(name)

    def wants(self, spec: Any, parameter: str) -> bool:
        """Whether the component that `spec` names has this parameter; False where it names none."""
        factory = self.find(spec)
        return factory is not None and parameter in inspect.signature(factory).parameters

    def _name(self, spec: Any, path: str, problems: list[str]) -> Optional[str]:
        """The name in `spec` if it is one of ours; else None, and why."""
        if not isinstance(spec, Mapping):
            problems.append(f"{path}: expected a mapping with a 'name', came {spec!r}")
        elif "name" not in spec:
            problems.append(f"{path}.name: missing; choose one of {', '.join(self.names())}")
        elif not isinstance(spec["name"], str) or spec["name"] not in self.table:
            name = spec["name"]
            problems.append(f"{path}.name: no {self.kind} is called {name!r}{suggest(name, self.names())}")
        else:
            return spec["name"]
        return None


def _never(**_: Any) -> Any:
    raise AssertionError("a component with problems is not constructed")


def signature_problems(
    factory: Callable[..., Any], arguments: Mapping[str, Any], path: str, *, label: str, given: Collection[str] = ()
) -> list[str]:
    """Compare `arguments` with the signature of `factory`: unknown, missing and wrongly typed keys."""
    parameters = inspect.signature(factory).parameters
    allowed = [name for name in parameters if name not in given and name != "self"]
    unknown = [key for key in arguments if key not in allowed]
    problems = [f"{path}.{key}: {label} has no parameter {key!r}{suggest(key, allowed)}" for key in unknown]
    problems += [
        f"{path}.{name}: missing; {label} needs it"
        for name in allowed
        if parameters[name].default is inspect.Parameter.empty and name not in arguments
    ]
    hints = _type_hints(factory)
    for key in allowed:
        if key in arguments and key in hints and not _fits(arguments[key], hints[key]):
            problems.append(f"{path}.{key}: expected {_describe(hints[key])}, came {arguments[key]!r}")
    return problems


def suggest(word: Any, choices: Iterable[str]) -> str:
    """`"; did you mean 'x'?"`, or the list of choices when nothing is near."""
    choices = list(choices)
    near = difflib.get_close_matches(str(word), choices, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; choose one of {', '.join(choices)}" if choices else ""


def _type_hints(factory: Callable[..., Any]) -> dict[str, Any]:
    target = factory.__init__ if inspect.isclass(factory) else factory
    try:
        return typing.get_type_hints(target)
    except (TypeError, NameError):  # annotations newer than this Python, or for type checkers only
        return {}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value from YAML can stand for `hint`; annotations beyond YAML's reach are not judged."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin is typing.Union:
        return any(_fits(value, option) for option in options)
    if origin is typing.Literal:
        return value in options
    if hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    if isinstance(origin, type) and issubclass(origin, Collection):
        return isinstance(value, (list, tuple))
    return True


def _describe(hint: Any) -> str:
    """A type hint in the words of YAML."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(option) for option in options)
    if origin is typing.Union:
        return " or ".join(_describe(option) for option in options)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping"
    if isinstance(origin, type) and issubclass(origin, Collection):
        return "a list"
    return "null" if hint is type(None) else getattr(hint, "__name__", str(hint))


# --- The tables ------------------------------------------------------------------------------------------------------
# Some names mean different networks per task (MobileNetV3 keeps height for recognition), hence one table per task.

_MODELING = "ppocr.modeling"

BACKBONES = {
    "det": Registry("detection backbone", _MODELING, {
        "MobileNetV3": ".backbones.mobilenet_v3:DetMobileNetV3",
        "ResNet_vd": ".backbones.resnet_vd:DetResNetVd",
        "ResNet": ".backbones.resnet_vd:DetResNetVd",  # its name in the first 2.0 configurations
        "ShuffleNetV2": ".backbones.shufflenet_v2:DetShuffleNetV2",
        "PPLCNetV3": ".backbones.pp_lcnet_v3:DetPPLCNetV3",
        "PPLCNetV4": ".backbones.pp_lcnet_v4:DetPPLCNetV4",
    }),
    "rec": Registry("recognition backbone", _MODELING, {
        "MobileNetV3": ".backbones.mobilenet_v3:RecMobileNetV3",
        "MobileNetV1Enhance": ".backbones.mobilenet_v1_enhance:RecMobileNetV1Enhance",
        "ResNet": ".backbones.resnet_vd:RecResNetVd",
        "ShuffleNetV2": ".backbones.shufflenet_v2:RecShuffleNetV2",
        "PPLCNetV3": ".backbones.pp_lcnet_v3:RecPPLCNetV3",
        "PPLCNetV4": ".backbones.pp_lcnet_v4:RecPPLCNetV4",
    }),
}
BACKBONES["cls"] = BACKBONES["rec"]  # the direction classifier reads the same crops as the recogniser

NECKS = Registry("neck", _MODELING, {
    "DBFPN": ".necks.db_fpn:DBFPN",
    "RSEFPN": ".necks.rse_fpn:RSEFPN",
    "LKPAN": ".necks.lk_pan:LKPAN",
    "RepLKFPN": ".necks.rep_lk_fpn:RepLKFPN",
    "UniRepLKFPN": ".necks.rep_lk_fpn:RepLKFPN",  # its name in the first PP-OCRv6 configurations
    "RepLKPAN": ".necks.rep_lk_pan:RepLKPAN",
    "UniRepLKPAN": ".necks.rep_lk_pan:RepLKPAN",
    "SequenceEncoder": ".necks.sequence_encoder:SequenceEncoder",
    "SVTR": ".necks.svtr:SVTR",
    "LightSVTR": ".necks.light_svtr:LightSVTR",
})

HEADS = Registry("head", _MODELING, {
    "DBHead": ".heads.db_head:DBHead",
    "MultiHead": ".heads.multi_head:MultiHead",
    "CTCHead": ".heads.ctc_head:CTCHead",
    "ClsHead": ".heads.cls_head:ClsHead",
})

TEACHERS = Registry("teaching head", _MODELING, {  # a second branch of MultiHead, while training
    "NRTRHead": ".heads.nrtr_head:NRTRHead",
    "SARHead": ".heads.sar_head:SARHead",
})

DATASETS = Registry("data set", "ppocr.data", {
    "SimpleDataSet": ".datasets:SimpleDataSet",
    "LMDBDataSet": ".lmdb_dataset:LMDBDataSet",
    "MultiScaleDataSet": ".datasets:MultiScaleDataSet",
    "SynthLines": ".synth.datasets:SynthLines",
    "SynthDirections": ".synth.datasets:SynthDirections",
    "SynthPages": ".synth.datasets:SynthPages",
})

SAMPLERS = Registry("sampler", "ppocr.data", {
    "MultiScaleSampler": ".samplers:MultiScaleSampler",
    "WidthSampler": ".samplers:WidthSampler",
})

TRANSFORMS = Registry("transform", "ppocr.data.transforms", {
    "DecodeImage": ".basic:DecodeImage",
    "DetResizeForTest": ".basic:DetResizeForTest",
    "NormalizeImage": ".basic:NormalizeImage",
    "ToCHWImage": ".basic:ToCHWImage",
    "RecResizeImg": ".basic:RecResizeImg",
    "ClsResizeImg": ".basic:ClsResizeImg",
    "KeepKeys": ".basic:KeepKeys",
    "DetLabelEncode": ".label_encode:DetLabelEncode",
    "CTCLabelEncode": ".label_encode:CTCLabelEncode",
    "ClsLabelEncode": ".label_encode:ClsLabelEncode",
    "MultiLabelEncode": ".label_encode:MultiLabelEncode",
    "NRTRLabelEncode": ".label_encode:NRTRLabelEncode",
    "SARLabelEncode": ".label_encode:SARLabelEncode",
    "IaaAugment": ".det_augment:IaaAugment",
    "RandomPerspective": ".det_augment:RandomPerspective",
    "ColorJitter": ".det_augment:ColorJitter",
    "CopyPaste": ".det_augment:CopyPaste",
    "EastRandomCropData": ".det_crop:EastRandomCropData",
    "RandomCrop": ".det_crop:EastRandomCropData",  # its name in the newest configurations
    "MakeBorderMap": ".det_targets:MakeBorderMap",
    "MakeShrinkMap": ".det_targets:MakeShrinkMap",
    "RecAug": ".rec_augment:RecAug",
    "BaseDataAugmentation": ".rec_augment:BaseDataAugmentation",
    "TIA": ".tia:TIA",
    "RecConAug": ".rec_augment:RecConAug",
    "RandAugment": ".cls_augment:RandAugment",
    "AutoAugment": ".cls_augment:AutoAugment",
    "Cutout": ".cls_augment:Cutout",
    "RandomErasing": ".cls_augment:RandomErasing",
    "HideAndSeek": ".cls_augment:HideAndSeek",
    "GridMask": ".cls_augment:GridMask",
})

BATCH_TRANSFORMS = Registry("batch transform", "ppocr.data.transforms", {
    "Mixup": ".batch_augment:Mixup",
    "CutMix": ".batch_augment:CutMix",
})

POSTPROCESSES = Registry("post-processing", "ppocr.postprocess", {
    "DBPostProcess": ".db:DBPostProcess",
    "CTCLabelDecode": ".ctc:CTCLabelDecode",
    "ClsPostProcess": ".cls:ClsPostProcess",
})

LOSSES = Registry("loss", "ppocr.losses", {
    "DBLoss": ".db:DBLoss",
    "CTCLoss": ".ctc:CTCLoss",
    "ClsLoss": ".classes:ClsLoss",
    "NRTRLoss": ".classes:NRTRLoss",
    "SARLoss": ".classes:SARLoss",
    "SoftMapLoss": ".distillation:SoftMapLoss",
    "SoftLogitsLoss": ".distillation:SoftLogitsLoss",
    "CombinedLoss": ".combined:CombinedLoss",
    "MultiLoss": ".combined:MultiLoss",
})

OPTIMIZERS = Registry("optimiser", "ppocr.optimizer", {
    "Adam": ".algorithms:adam",
    "AdamW": ".algorithms:adamw",
    "Momentum": ".algorithms:momentum",
})

LR_SCHEDULES = Registry("schedule", "ppocr.optimizer", {
    "Const": ".schedules:Const",
    "Cosine": ".schedules:Cosine",
    "Linear": ".schedules:Linear",
    "Piecewise": ".schedules:Piecewise",
})

METRICS = Registry("metric", "ppocr.metrics", {
    "DetMetric": ".tasks:DetMetric",
    "RecMetric": ".tasks:RecMetric",
    "ClsMetric": ".tasks:ClsMetric",
})
