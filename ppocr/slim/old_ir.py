"""Programs of Paddle's older intermediate representation (IR), which oneDNN's int8 passes read.

From Paddle 3.2 on some functions (`sigmoid`, `gelu`, …) refuse the variables of the old IR. A recurrent layer has a
buffer without a place, which cannot become a variable.

`tests/contract/test_slim_compat.py` fails when one of these is no longer so.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, Sequence

import paddle
from paddle import nn

PIR_ONLY = ("sigmoid", "gelu", "abs", "exp", "sqrt", "tanh")  # functions of one tensor that refuse the old IR


@contextlib.contextmanager
def old_ir(model: nn.Layer) -> Iterator[None]:
    """Within it `model` can be traced into a program of the old IR; dynamic mode is back afterwards."""
    from paddle import _C_ops

    kept = {name: getattr(_C_ops, name) for name in PIR_ONLY}
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
