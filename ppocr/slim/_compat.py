"""The only file that touches the insides of PaddleSlim, and of Paddle's older intermediate representation (IR).

PaddleSlim 2.6.0 is its last release, from the time of Paddle 2.6. Its algorithms still work; what stands in the way:

1. Its package imports others that neither pruning nor quantization uses (`zmq`, `pkg_resources`, …), and its metadata
   ask for OpenCV 4.6. So it is installed without them (`ppocr.slim.install`), and empty modules stand in for those that
   are missing while it is imported.
2. It reads programs of Paddle's old IR alone, and calls `_to_static_mode_guard_`, which has another name now.
3. It calls `np.product`, gone in NumPy 2.
4. From Paddle 3.2 on some functions (`sigmoid`, `gelu`, …) refuse the variables of the old IR.
5. It has no rules for pruning what goes through a `concat` or a depthwise transposed convolution (by which our networks
   repeat pixels), and looks at each operator once, though a `concat` belongs to as many groups as it has inputs.
6. A recurrent layer has a buffer without a place, which cannot become a variable.

`tests/contract/test_slim_compat.py` fails when one of these is no longer so.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Sequence, Tuple, Type

import numpy as np
import paddle
from paddle import nn

from ppocr.errors import SlimError
from ppocr.slim.install import COMMAND, folder
from ppocr.utils.networks import kept_modes

UNUSED = (  # what PaddleSlim imports, and what neither FPGM nor QAT ever calls
    "zmq", "six", "requests", "decorator", "pkg_resources", "scipy", "scipy.stats", "matplotlib", "matplotlib.pyplot",
    "matplotlib.backends", "matplotlib.backends.backend_pdf", "tqdm", "sklearn", "sklearn.cluster",
)  # fmt: skip
PIR_ONLY = ("sigmoid", "gelu", "abs", "exp", "sqrt", "tanh")  # functions of one tensor that refuse the old IR


def paddleslim(module: str) -> Any:
    """A module of PaddleSlim, e.g. `"dygraph.prune.fpgm_pruner"`.

    Raises:
        SlimError: PaddleSlim is not installed, or has no such module.
    """
    own = str(folder())
    if own not in sys.path:
        sys.path.append(own)  # at the end: a PaddleSlim installed elsewhere goes first
    if not hasattr(np, "product"):
        np.product = np.prod  # type: ignore[attr-defined]
    with _stand_ins():
        try:
            return importlib.import_module(f"paddleslim.{module}")
        except ImportError as error:
            raise SlimError(f"PaddleSlim 2.6.0 is needed and cannot be imported ({error}): run {COMMAND}") from error


class _Hollow(types.ModuleType):
    """A module whose every attribute is another one; to be called as well (`matplotlib.use`), and false (`six.PY2`)."""

    __path__ = ()  # type: ignore[assignment]  # a package without files

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Hollow(f"{self.__name__}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> _Hollow:
        return self

    def __bool__(self) -> bool:
        return False


@contextlib.contextmanager
def _stand_ins() -> Iterator[None]:
    """Empty modules in place of those of `UNUSED` that are not installed; gone afterwards."""
    missing = []
    for name in UNUSED:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
            sys.modules[name] = _Hollow(name)
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)


# --- Recurrent layers ------------------------------------------------------------------------------------------------


def take_weights(layer: nn.LSTM) -> List[paddle.Tensor]:
    """The weights of `layer` in the order of Paddle's operator: matrices, then biases. It has none afterwards."""
    weights: List[Any] = list(layer._all_weights)  # Paddle's hint says None, which they are before they are made
    for part in layer.sublayers(include_self=True):
        part._parameters.clear()
    layer._flat_weight = []
    return weights


def run_with_weights(layer: nn.LSTM, weights: List[paddle.Tensor], x: paddle.Tensor) -> Any:
    """What `layer` makes of `x` with weights in the order of `take_weights`."""
    layer._all_weights = weights  # type: ignore[assignment]
    return layer(x)


# --- The old IR ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def old_ir(model: nn.Layer) -> Iterator[None]:
    """Within it `model` can be traced into a program of the old IR; dynamic mode is back afterwards."""
    from paddle import _C_ops
    from paddle.base.dygraph import base

    kept = {name: getattr(_C_ops, name) for name in PIR_ONLY}
    if not hasattr(base, "_to_static_mode_guard_"):
        base._to_static_mode_guard_ = base.to_static_mode_guard  # type: ignore[attr-defined]
    for layer in model.sublayers():
        if isinstance(layer, nn.layer.rnn.RNNBase) and "_dropout_state" in layer._buffers:
            layer._buffers["_dropout_state"] = paddle.zeros([1], "uint8")
    for name, function in kept.items():
        setattr(_C_ops, name, _for_both(name, function))
    try:
        with paddle.pir_utils.OldIrGuard():
            yield
    finally:
        for name, function in kept.items():
            setattr(_C_ops, name, function)
        paddle.disable_static()


def _for_both(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return operator(name, {"X": x}, "Out") if is_old(x) else function(x, *args, **kwargs)

    return call


def is_old(x: Any) -> bool:
    """Whether `x` is a variable of the old IR, thus being traced."""
    return isinstance(x, paddle.static.Variable)


def operator(kind: str, inputs: Mapping[str, Any], output: str, attributes: Mapping[str, Any] | None = None) -> Any:
    """Append an operator of the old IR with one float32 output; that output."""
    from paddle.base.layer_helper import LayerHelper

    helper = LayerHelper(kind)
    result = helper.create_variable_for_type_inference("float32")
    helper.append_op(type=kind, inputs=dict(inputs), outputs={output: result}, attrs=dict(attributes or {}))
    return result


def save_old_program(model: nn.Layer, shape: Sequence[int], prefix: Path) -> None:
    """Trace `model` into `<prefix>.pdmodel` and `<prefix>.pdiparams`, the only form that oneDNN's int8 passes read.

    Args:
        shape: of the input, -1 where free.
    """
    spec = paddle.static.InputSpec(list(shape), "float32", name="x")
    with old_ir(model):
        paddle.jit.save(paddle.jit.to_static(model, input_spec=[spec], full_graph=True), str(prefix))
    prefix.with_suffix(".pdiparams.info").unlink(missing_ok=True)  # names for training; as large as the weights


# --- FPGM ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """A tensor that must be cut when a group is.

    Attributes:
        tensor: its name in the state dict.
        axis: which of its axes.
        cut: for each channel of the group, the indices of this axis that go with it.
    """

    tensor: str
    axis: int
    cut: Tuple[Tuple[int, ...], ...]


@dataclass(frozen=True)
class Group:
    """Channels that can only be pruned together.

    Attributes:
        master: state-dict name of the convolution weight whose filters decide.
        size: how many channels.
        members: all tensors that have these channels, `master` (axis 0) among them.
    """

    master: str
    size: int
    members: Tuple[Member, ...]


class FPGM:
    """PaddleSlim's `FPGMFilterPruner` for a network: which channels hang together, and which say least.

    Filters near the geometric median of a layer's filters can be replaced by the others (He et al. 2019, arXiv
    1811.00250, equation 5): those with the smallest sum of distances to all others go first.

    Args:
        model: traced in `train()` mode, so that what only training runs is cut as well; not changed.
        input_shape: of a batch, as small as the network allows.

    Raises:
        SlimError: PaddleSlim is not installed.
    """

    def __init__(self, model: nn.Layer, input_shape: Sequence[int]):
        module = paddleslim("dygraph.prune.fpgm_pruner")
        _add_rules()
        quiet = logging.getLogger("paddleslim")
        for name in list(logging.Logger.manager.loggerDict):  # each of its modules sets a level of its own
            if name.startswith("paddleslim"):
                logging.getLogger(name).setLevel(logging.ERROR)
        quiet.setLevel(logging.ERROR)
        with kept_modes(model), old_ir(model), _fresh_visits():
            model.train()
            self._pruner = module.FPGMFilterPruner(model, [np.ones(input_shape, "float32")])
        self._names = {tensor.name: name for name, tensor in model.state_dict().items()}
        self._sizes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
        groups = [self._group(collection) for collection in self._pruner.collections]
        self.groups: Dict[str, Group] = {group.master: group for group in groups}
        self._variables = {name: variable for variable, name in self._names.items()}

    def worst(self, master: str, count: int) -> Tuple[int, ...]:
        """The `count` channels of a group that go first, ascending."""
        if not count:
            return ()
        collection = self._pruner.collections.find_collection_by_master(self._variables[master], 0)
        mask = self._pruner.cal_mask(count / self.groups[master].size, collection)
        return tuple(np.flatnonzero(np.asarray(mask) == 0).tolist())

    def _group(self, collection: Any) -> Group:
        master = self._names[collection.master_name]
        size = self._sizes[master][0]
        members = {}
        for detail in collection.all_pruning_details():
            tensor = self._names.get(detail.name)
            if tensor is not None:
                cut = tuple(self._cut(detail, size, channel) for channel in range(size))
                members[tensor, detail.axis] = Member(tensor, detail.axis, cut)
        return Group(master, size, tuple(members.values()))

    def _cut(self, detail: Any, size: int, channel: int) -> Tuple[int, ...]:
        """Where one channel of the group is along the axis of a member."""
        mask = np.ones(size, np.int32)
        mask[channel] = 0
        for transform in detail.transform:
            mask = self._pruner._transform_mask(mask, transform)
        return tuple(np.flatnonzero(np.asarray(mask) == 0).tolist())


@contextlib.contextmanager
def _fresh_visits() -> Iterator[None]:
    """Have PaddleSlim search from each convolution anew instead of passing over the operators that it has seen.

    It would take a minute for a network of 60 convolutions, since it reads the whole program to find a variable's
    neighbours: here they are looked up.
    """
    collections, wrappers = paddleslim("prune.collections").PruningCollections, paddleslim("core.graph_wrapper")
    search, variable = collections.create_pruning_collections, wrappers.VarWrapper
    kept = variable.inputs, variable.outputs
    neighbours: Dict[str, Tuple[List[Any], List[Any]]] = {}  # variable → operators that write it, that read it

    def one_by_one(self: Any, params: Sequence[str], graph: Any, **options: Any) -> List[Any]:
        for op in graph.ops():
            for side, names in enumerate((op._op.output_arg_names, op._op.input_arg_names)):
                for name in dict.fromkeys(names):
                    neighbours.setdefault(name, ([], []))[side].append(op)
        found: List[Any] = []
        pruned = set()  # convolutions whose outputs are added are one group: the first one's
        for param in params:
            if param not in pruned:
                found += search(self, [param], graph, **options)
                pruned |= {
                    detail.name for group in found[-1:] for detail in group.all_pruning_details() if not detail.axis
                }
        self._collections = found
        return found

    collections.create_pruning_collections = one_by_one
    variable.inputs = lambda self: neighbours.get(self.name(), ([], []))[0]
    variable.outputs = lambda self: neighbours.get(self.name(), ([], []))[1]
    try:
        yield
    finally:
        collections.create_pruning_collections = search
        variable.inputs, variable.outputs = kept


def _add_rules() -> None:
    """Teach PaddleSlim the operators that it does not know; once."""
    worker = paddleslim("prune.prune_worker")
    for rule in (_concat_rule(worker.PruneWorker), _repeat_rule(worker.PruneWorker)):
        if worker.PRUNE_WORKER.get(rule.__name__) is None:
            worker.PRUNE_WORKER.register(rule)


def _concat_rule(base: Type) -> Type:
    class concat(base):  # named after the operator
        def _prune(self, var: Any, pruned_axis: int, transforms: List[Any]) -> None:
            parts, whole = self.op.inputs("X"), self.op.outputs("Out")[0]
            if pruned_axis != self.op.attr("axis"):
                for other in [*parts, whole]:
                    self._visit_and_search(other, pruned_axis, transforms)
                return
            ends = np.cumsum([part.shape()[pruned_axis] for part in parts]).tolist()
            spans = [(end - part.shape()[pruned_axis], end) for part, end in zip(parts, ends)]
            if var in parts:
                start, end = spans[parts.index(var)]
                self._visit_and_search(
                    whole, pruned_axis, [*transforms, _span((0, end - start), (start, end), ends[-1])]
                )
            else:
                for part, (start, end) in zip(parts, spans):
                    step = _span((start, end), (0, end - start), end - start)
                    self._visit_and_search(part, pruned_axis, [*transforms, step])

    return concat


def _span(source: Tuple[int, int], target: Tuple[int, int], length: int) -> Dict[str, int]:
    return {
        "src_start": source[0], "src_end": source[1],
        "target_start": target[0], "target_end": target[1], "target_len": length,
    }  # fmt: skip


def _repeat_rule(base: Type) -> Type:
    class depthwise_conv2d_transpose(base):  # with fixed weights, as `upsample_nearest` has
        def _prune(self, var: Any, pruned_axis: int, transforms: List[Any]) -> None:
            inside, outside = self.op.inputs("Input")[0], self.op.outputs("Output")[0]
            self._visit_and_search(outside if var == inside else inside, pruned_axis, transforms)

    return depthwise_conv2d_transpose


# --- Quantization ----------------------------------------------------------------------------------------------------


def insert_quantizers(
    model: nn.Layer, skipped: Collection[str], *, clip: type, moving_rate: float, kinds: Sequence[type]
) -> nn.Layer:
    """Have PaddleSlim's `QAT` replace the layers of some kinds, in place; the same model.

    Of `QAT` only the rounding of inputs and weights is used. It would also watch outputs, in layers that change the
    names in the state dict, though deployment never rounds there.

    Args:
        skipped: names of layers that stay.
        clip: layer that its PACT puts before each input.
        moving_rate: of the moving average of each input's largest value.
        kinds: of layers.

    Raises:
        SlimError: PaddleSlim is not installed, or the model is quantized already.
    """
    if any(is_quantized(layer) for layer in model.sublayers()):
        raise SlimError("the network is quantized already; start from float weights, or drop Slim.Quantize")
    module = paddleslim("dygraph.quant.qat")
    qat = module.QAT(
        {
            "weight_quantize_type": "channel_wise_abs_max",
            "activation_quantize_type": "moving_average_abs_max",
            "moving_rate": moving_rate,
            "quantizable_layer_type": [kind.__name__ for kind in kinds],
        },
        act_preprocess=clip,
    )
    layers = dict(model.named_sublayers())
    for name in skipped:
        layers[name].skip_quant = True
    qat.imperative_qat._quantize_inputs.apply(model)
    return model


def is_quantized(layer: nn.Layer) -> bool:
    """Whether it came from `insert_quantizers`."""
    return type(layer).__name__ in ("QuantizedConv2D", "QuantizedLinear")


def learned_range(layer: Any) -> float:
    """How far the input of a quantized layer reaches, seen after the clip; 0 before the first step."""
    seen, alpha = layer._fake_quant_input._scale.numpy().item(), layer._act_preprocess.alpha.numpy().item()
    return min(seen, abs(alpha)) if seen > UNSEEN_RANGE else 0.0


UNSEEN_RANGE = 0.001  # where Paddle's moving average begins


def start_range(layer: Any, reach: float) -> None:
    """Let the moving average of a quantized layer's input and its clip begin at `reach`."""
    alpha = layer._act_preprocess.alpha
    alpha.set_value(paddle.full_like(alpha, reach))
    quantizer = layer._fake_quant_input
    for tensor, value in ((quantizer._scale, reach), (quantizer._accum, reach), (quantizer._state, 1.0)):
        tensor.set_value(np.array([value], np.float32))


def keep_from_optimizer(model: nn.Layer) -> None:
    """What the quantizers count is not trained, though a forward pass of theirs marks it so."""
    for layer in model.sublayers():
        if is_quantized(layer):
            for quantizer in (layer._fake_quant_input, layer._fake_quant_weight):
                for tensor in quantizer.parameters():
                    tensor.stop_gradient = True


def plain_layer(layer: Any) -> nn.Layer:
    """The ordinary layer of a quantized one, over the same weights."""
    bias = None if layer.bias is not None else False
    if type(layer).__name__ == "QuantizedLinear":
        inputs, outputs = layer.weight.shape
        plain: Any = nn.Linear(inputs, outputs, bias_attr=bias)
    else:
        outputs, inputs, *kernel = layer.weight.shape
        plain = nn.Conv2D(
            inputs * layer._groups, outputs, kernel, stride=layer._stride, padding=layer._padding,
            dilation=layer._dilation, groups=layer._groups, bias_attr=bias,
        )  # fmt: skip
    plain.weight, plain.bias = layer.weight, layer.bias
    return plain
