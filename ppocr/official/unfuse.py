"""Weights of models that were fused before they were published → the form that can be trained.

PP-OCRv6's inference models hold one convolution where training has several branches and normalisations. Names don't say
where a weight belongs, but both networks compute in the same order: the n-th convolution of the file is the n-th that
ours executes. What training has beyond it becomes an identity, so that the network computes the same in `eval()` mode.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Sequence, Tuple

import numpy as np

from ppocr.errors import ModelError
from ppocr.official.onnx_graph import OnnxLayer
from ppocr.utils.networks import eval_mode

if TYPE_CHECKING:
    import paddle

_EXAMPLE = (1, 3, 64, 64)  # a small picture
_NORM_LEAVES = ("weight", "bias", "_mean", "_variance")


def by_execution_order(
    layers: Sequence[OnnxLayer], model: paddle.nn.Layer, shape: Sequence[int] = _EXAMPLE
) -> dict[str, np.ndarray]:
    """State dict of `model` with the weights of `layers`, without what only training runs.

    A block with branches is taken apart by its `split()`. Where the file has no normalisation, ours adds the
    convolution's bias and changes nothing else.

    Args:
        layers: of the file, in the order in which they run.
        model: the network.
        shape: [N, C, H, W] of an input that it takes.

    Raises:
        ModelError: other layers than the network has.
    """
    from paddle import nn

    from ppocr.modeling.mobile_one import Affine
    from ppocr.modeling.reparam import identity_norm

    weights: dict[str, np.ndarray] = {}
    rest = list(layers)
    bias = None  # of a convolution that has none in our network: the normalisation after it adds it
    for name, layer in _execution_order(model, shape):
        if not isinstance(layer, (nn.BatchNorm1D, nn.BatchNorm2D)):
            kinds = {nn.Linear: "linear", nn.LayerNorm: "layer_norm", Affine: "affine"}
            kind = kinds.get(type(layer), "conv")  # type: ignore[call-overload]
            if not rest or rest[0].kind != kind or bias is not None:
                raise ModelError(f"official weights: no {kind} is left for {name}, but {len(rest)} other layers")
            tensors, bias = _place(layer, *rest.pop(0).weights)
            weights.update({f"{name}.{leaf}": array for leaf, array in tensors.items()})
        elif rest and rest[0].kind == "norm":
            weights.update({f"{name}.{leaf}": array for leaf, array in zip(_NORM_LEAVES, rest.pop(0).weights)})
        else:
            shift = np.zeros(layer._mean.shape, np.float32) if bias is None else bias
            weights.update(identity_norm(name, shift, epsilon=layer._epsilon))
            bias = None
    if rest:
        raise ModelError(f"official weights: {len(rest)} layers more than the network has")
    return weights


def _place(layer: Any, kernel: np.ndarray, bias: Any = None) -> Tuple[dict[str, np.ndarray], Any]:
    """State dict of a convolution, a linear layer or a block with branches; and the bias if that has no place in it."""
    if hasattr(layer, "split"):
        return layer.split(kernel, bias), None
    if hasattr(layer, "scale"):
        return {"scale": kernel.reshape(1), "bias": bias.reshape(1)}, None
    shape = layer.weight.shape
    if [side for side in kernel.shape if side > 1] == [side for side in shape if side > 1]:
        kernel = kernel.reshape(shape)  # one-dimensional kernels carry a further axis of length 1 in ONNX
    if layer.bias is None:
        return {"weight": kernel}, bias
    return {"weight": kernel, "bias": np.zeros(layer.bias.shape, np.float32) if bias is None else bias}, None


def _execution_order(model: paddle.nn.Layer, shape: Sequence[int] = _EXAMPLE) -> List[Tuple[str, paddle.nn.Layer]]:
    """(name, layer) of the layers with weights, in the order in which prediction runs them.

    Of a block that can be taken apart itself, and what scales and shifts its result.
    """
    import paddle

    from ppocr.modeling.mobile_one import Affine

    names = {layer: name for name, layer in model.named_sublayers()}
    inside = tuple(f"{name}." for layer, name in names.items() if hasattr(layer, "split"))
    order: List[Tuple[str, paddle.nn.Layer]] = []

    def watch(layer: Any, inputs: Any) -> None:
        order.append((names[layer], layer))

    watched = [
        layer
        for layer, name in names.items()
        if hasattr(layer, "split")
        or isinstance(layer, Affine)
        or (layer.parameters(include_sublayers=False) and not name.startswith(inside))
    ]
    with _watched(model, watched, watch):
        model(paddle.zeros(list(shape)))
    return order


def calibrate_norms(model: paddle.nn.Layer, batches: Iterable[np.ndarray]) -> None:
    """Give normalisations without statistics (mean 0) those of what they see on `batches`; they compute the same.

    In `train()` mode a normalisation uses the statistics of its batch. After an import they would be far from those
    that it was given (0 and 1), and the network would at once compute something else. With y = s x + t now, new mean
    μ and variance σ², the new weight is s √(σ² + ε) and the new bias is t + s μ.

    Args:
        batches: float32[N, 3, H, W] each.
    """
    import paddle
    from paddle import nn

    from ppocr.modeling.reparam import scale_and_shift

    kinds = (nn.BatchNorm1D, nn.BatchNorm2D)
    norms = [norm for norm in model.sublayers() if isinstance(norm, kinds) and not norm._mean.numpy().any()]
    sums: dict[Any, np.ndarray] = {}  # per norm float64[3, C]: count, sum, sum of squares

    def watch(norm: Any, inputs: Any) -> None:
        values = np.moveaxis(inputs[0].numpy(), 1, 0).reshape(inputs[0].shape[1], -1).astype(np.float64)
        seen = np.stack([np.full(len(values), values.shape[1]), values.sum(axis=1), np.square(values).sum(axis=1)])
        sums[norm] = sums.get(norm, 0) + seen

    with _watched(model, norms, watch):
        for batch in batches if norms else ():
            model(paddle.to_tensor(batch))
    for norm, (count, total, squares) in sums.items():
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0)
        scale, shift = scale_and_shift(norm)
        new = (scale * np.sqrt(variance + norm._epsilon), shift + scale * mean, mean, variance)
        for leaf, array in zip(_NORM_LEAVES, new):
            getattr(norm, leaf).set_value(array.astype(np.float32))


@contextlib.contextmanager
def _watched(model: paddle.nn.Layer, layers: Iterable[Any], watch: Any) -> Iterator[None]:
    """`eval()` mode without gradients; before each of `layers` runs, `watch(layer, inputs)` is called."""
    hooks = [layer.register_forward_pre_hook(watch) for layer in layers]
    try:
        with eval_mode(model):
            yield
    finally:
        for hook in hooks:
            hook.remove()
