"""Names in YAML → classes. One table line per name; the class is imported when it is built.

Classes of others come in without a line here: a module may `register` what it defines, and a name with a colon says
where a class is (`my_package.my_module:MyNet`).

The constructor's signature is the schema: YAML may set exactly its keyword parameters, minus those that the builder
gives (`in_channels`, the number of classes, …). Mistakes are collected, not raised one by one, and each names the
dotted key and the nearest allowed choice.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any, Callable, Collection, Mapping, Optional, TypeVar

from ppocr.errors import ConfigError, suggest
from ppocr.import_path import is_import_path, load
from ppocr.signature import signature_problems

Factory = TypeVar("Factory", bound=Callable[..., Any])


class Registry:
    """One kind of component (say, detection backbones) and the places where its members live.

    Args:
        kind: what messages call a member, e.g. `"detection backbone"`.
        package: prefix of every place, e.g. `"ppocr.modeling"`.
        table: name in YAML → `".module:Class"`, relative to `package`.
        methods: that a class must have to be a member, for those that are named by where they are.
    """

    def __init__(self, kind: str, package: str, table: Mapping[str, str], *, methods: Collection[str] = ("__call__",)):
        self.kind, self.package, self.table, self.methods = kind, package, dict(table), tuple(methods)
        self._registered: dict[str, Callable[..., Any]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.table or name in self._registered

    def names(self) -> list[str]:
        return sorted({*self.table, *self._registered})

    def register(self, name: str, factory: Callable[..., Any]) -> None:
        """Add a member.

        Raises:
            ValueError: the name is taken, or has a colon.
        """
        if is_import_path(name):
            raise ValueError(f"{name!r} cannot be registered: a name with a colon says where a class is")
        taken = self.table.get(name) or self._registered.get(name)
        if taken is not None and not _is_same(taken, factory):
            raise ValueError(f"the name {name!r} is taken: there is a {self.kind} of that name, {taken}")
        self._registered[name] = factory

    def resolve(self, name: str) -> Callable[..., Any]:
        """Return the class (or function) of that name, imported if need be.

        Raises:
            KeyError: there is none.
            ImportError: it is named by where it is, and that is not there or no such component; says why.
        """
        if is_import_path(name):
            return self._load(name)
        if name in self._registered:
            return self._registered[name]
        module, attribute = self.table[name].split(":")
        return getattr(importlib.import_module(self.package + module), attribute)

    def _load(self, path: str) -> Callable[..., Any]:
        found = load(path)
        if any(found is member for member in self._registered.values()):
            return found
        if not inspect.isclass(found) or issubclass(found, type):
            raise ImportError(f"it is no class; what is none can be a {self.kind} only if its module registers it")
        lacking = [method for method in self.methods if not any(method in vars(base) for base in found.__mro__)]
        if lacking:
            raise ImportError(f"it is no {self.kind}: it has no {' and no '.join(lacking)}")
        try:
            inspect.signature(found)
        except ValueError:
            raise ImportError("its constructor does not say which parameters it has") from None
        return found

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

    def build_named(self, name: str, settings: Mapping[str, Any], path: str, **given: Any) -> Any:
        """`build` of a component whose name the caller decides, whatever `settings` hold.

        Raises:
            ConfigError: with every problem of `settings`.
        """
        problems: list[str] = []
        construct = self._prepare(name, settings, path, given, problems)
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
        if not isinstance(spec, Mapping):
            problems.append(f"{path}: expected a mapping with a 'name', came {spec!r}")
        elif "name" not in spec:
            problems.append(f"{path}.name: missing; choose one of {', '.join(self.names())}")
        else:
            arguments = {key: value for key, value in spec.items() if key != "name"}
            return self._prepare(spec["name"], arguments, path, given, problems)
        return _never

    def _prepare(
        self, name: Any, arguments: Mapping[str, Any], path: str, given: Collection[str], problems: list[str]
    ) -> Callable[..., Any]:
        factory = self._find(name, path, problems)
        if factory is None:
            return _never
        problems += signature_problems(factory, arguments, path, label=name.rpartition(":")[2], given=given)
        accepted = inspect.signature(factory).parameters

        def construct(**values: Any) -> Any:
            try:
                return factory(**arguments, **{key: value for key, value in values.items() if key in accepted})
            except (ValueError, OverflowError) as error:  # a value that only the constructor can judge
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
            construct = self._prepare(name, settings or {}, f"{here}.{name}", values, problems)
            prepared.append((name, functools.partial(construct, **values)))
        return prepared

    def find(self, spec: Any) -> Optional[Callable[..., Any]]:
        """The class (or function) that `spec` names, None where it names none."""
        return self._find(spec.get("name"), "", []) if isinstance(spec, Mapping) else None

    def wants(self, spec: Any, parameter: str) -> bool:
        """Whether the component that `spec` names has this parameter; False where it names none."""
        factory = self.find(spec)
        return factory is not None and parameter in inspect.signature(factory).parameters

    def _find(self, name: Any, path: str, problems: list[str]) -> Optional[Callable[..., Any]]:
        """The class (or function) of that name; else None, and why."""
        if not isinstance(name, str) or not (name in self or is_import_path(name)):
            problems.append(f"{path}.name: no {self.kind} is called {name!r}{suggest(name, self.names())}")
            return None
        try:
            return self.resolve(name)
        except ImportError as error:
            if name in self:  # one of ours, which lacks something that is not installed
                raise
            problems.append(f"{path}.name: {name}: {error}")
            return None


def _is_same(old: Any, new: Callable[..., Any]) -> bool:
    """Whether a member is the same definition again, of a module that was run twice."""
    def place(member: Any) -> tuple[Any, ...]:
        return getattr(member, "__module__", None), getattr(member, "__qualname__", None)

    return not isinstance(old, str) and place(old) == place(new)


def _never(**_: Any) -> Any:
    raise AssertionError("a component with problems is not constructed")


# --- The tables ------------------------------------------------------------------------------------------------------
# Some names mean different networks per task (MobileNetV3 keeps height for recognition), hence one table per task.

_MODELING = "ppocr.modeling"

_NETWORK = ("forward",)

BACKBONES = {
    "det": Registry("detection backbone", _MODELING, {
        "MobileNetV3": ".backbones.mobilenet_v3:DetMobileNetV3",
        "ResNet_vd": ".backbones.resnet_vd:DetResNetVd",
        "ResNet": ".backbones.resnet_vd:DetResNetVd",  # its name in the first 2.0 configurations
        "ShuffleNetV2": ".backbones.shufflenet_v2:DetShuffleNetV2",
        "PPLCNetV3": ".backbones.pp_lcnet_v3:DetPPLCNetV3",
        "PPLCNetV4": ".backbones.pp_lcnet_v4:DetPPLCNetV4",
    }, methods=_NETWORK),
    "rec": Registry("recognition backbone", _MODELING, {
        "MobileNetV3": ".backbones.mobilenet_v3:RecMobileNetV3",
        "MobileNetV1Enhance": ".backbones.mobilenet_v1_enhance:RecMobileNetV1Enhance",
        "ResNet": ".backbones.resnet_vd:RecResNetVd",
        "ShuffleNetV2": ".backbones.shufflenet_v2:RecShuffleNetV2",
        "PPLCNetV3": ".backbones.pp_lcnet_v3:RecPPLCNetV3",
        "PPLCNetV4": ".backbones.pp_lcnet_v4:RecPPLCNetV4",
    }, methods=_NETWORK),
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
}, methods=_NETWORK)

HEADS = Registry("head", _MODELING, {
    "DBHead": ".heads.db_head:DBHead",
    "MultiHead": ".heads.multi_head:MultiHead",
    "CTCHead": ".heads.ctc_head:CTCHead",
    "ClsHead": ".heads.cls_head:ClsHead",
}, methods=_NETWORK)

TEACHERS = Registry("teaching head", _MODELING, {  # a second branch of MultiHead, while training
    "NRTRHead": ".heads.nrtr_head:NRTRHead",
    "SARHead": ".heads.sar_head:SARHead",
}, methods=_NETWORK)

DATASETS = Registry("data set", "ppocr.data", {
    "SimpleDataSet": ".datasets:SimpleDataSet",
    "LMDBDataSet": ".lmdb_dataset:LMDBDataSet",
    "MultiScaleDataSet": ".datasets:MultiScaleDataSet",
    "SynthLines": ".synth.datasets:SynthLines",
    "SynthDirections": ".synth.datasets:SynthDirections",
    "SynthPages": ".synth.datasets:SynthPages",
}, methods=("read", "__len__"))

SAMPLERS = Registry("sampler", "ppocr.data", {
    "MultiScaleSampler": ".samplers:MultiScaleSampler",
    "WidthSampler": ".samplers:WidthSampler",
}, methods=("epoch", "__len__"))

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
    "DistillationDBPostProcess": ".distillation:DistillationDBPostProcess",
    "DistillationCTCLabelDecode": ".distillation:DistillationCTCLabelDecode",
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
    "DistillationDMLLoss": ".mutual:DistillationDMLLoss",
    "DistillationDistanceLoss": ".mutual:DistillationDistanceLoss",
    "DistillationCTCLoss": ".mutual:DistillationCTCLoss",
    "DistillationSARLoss": ".mutual:DistillationSARLoss",
    "DistillationNRTRLoss": ".mutual:DistillationNRTRLoss",
    "DistillationDBLoss": ".mutual:DistillationDBLoss",
    "DistillationDilaDBLoss": ".mutual:DistillationDilaDBLoss",
    "CombinedLoss": ".combined:CombinedLoss",
    "MultiLoss": ".combined:MultiLoss",
})

OPTIMIZERS = Registry("optimiser", "ppocr.optimizer", {
    "Adam": ".algorithms:adam",
    "AdamW": ".algorithms:adamw",
    "Momentum": ".algorithms:momentum",
}, methods=("step",))

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
    "DistillationMetric": ".distillation:distillation_metric",
}, methods=("add", "results"))

KINDS = {
    "det_backbone": BACKBONES["det"],
    "rec_backbone": BACKBONES["rec"],  # of direction classifiers too
    "neck": NECKS,
    "head": HEADS,
    "dataset": DATASETS,
    "sampler": SAMPLERS,
    "transform": TRANSFORMS,
    "batch_transform": BATCH_TRANSFORMS,
    "postprocess": POSTPROCESSES,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": LR_SCHEDULES,
    "metric": METRICS,
}


def register(kind: str, name: Optional[str] = None) -> Callable[[Factory], Factory]:
    """A decorator that lets configurations name a class of your own, once its module was imported.

        @register("neck")
        class MyNeck(nn.Layer): ...

    Args:
        kind: one of `KINDS`.
        name: in configurations; the class's own by default.

    Raises:
        ValueError: there is no such kind, or the name is taken.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of component is called {kind!r}{suggest(kind, KINDS)}")

    def add(factory: Factory) -> Factory:
        KINDS[kind].register(name or factory.__name__, factory)
        return factory

    return add
