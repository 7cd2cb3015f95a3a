"""What a prediction costs: multiplications, parameters, bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

import paddle
from paddle import nn

from ppocr.utils.networks import eval_mode


@dataclass(frozen=True)
class LayerCost:
    """One layer of a prediction.

    Attributes:
        weight: state-dict name of its kernel.
        shape: of the kernel.
        multiplications: for the batch it was measured on.
    """

    weight: str
    shape: Tuple[int, ...]
    multiplications: int


@dataclass(frozen=True)
class Cost:
    """A network's prediction.

    Attributes:
        layers: those with kernels, in order of execution.
        parameters: numbers stored, those of normalisations included; not what only training runs.
    """

    layers: Tuple[LayerCost, ...]
    parameters: int

    @property
    def flops(self) -> int:
        """Multiplications, each with its addition, as papers on small networks count FLOPs."""
        return sum(layer.multiplications for layer in self.layers)

    @property
    def size(self) -> int:
        """Bytes of the parameters in float32."""
        return 4 * self.parameters


def measure(model: nn.Layer, input_shape: Sequence[int]) -> Cost:
    """Run one batch in `eval()` mode and add up; modes are restored.

    Counted are convolutions, transposed ones, linear and recurrent layers, not element-wise work.
    """
    names = {layer: name for name, layer in model.named_sublayers()}
    layers: List[LayerCost] = []
    used: Dict[int, int] = {}  # id of a tensor → its numbers

    def watch(layer: Any, inputs: Any, output: Any) -> None:
        for tensor in [*layer.parameters(include_sublayers=False)]:
            used[id(tensor)] = tensor.size
        weight: Any = getattr(layer, "weight", None)
        name = f"{names[layer]}.weight"
        if isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose)):
            per = output if isinstance(layer, nn.Conv2D) else inputs[0]
            places = per.shape[0] * per.shape[2] * per.shape[3]
            layers.append(LayerCost(name, tuple(weight.shape), int(places * weight.size)))
        elif isinstance(layer, nn.Linear):
            layers.append(LayerCost(name, tuple(weight.shape), int(inputs[0].size // weight.shape[0] * weight.size)))
        elif isinstance(layer, nn.layer.rnn.RNNBase):
            steps = inputs[0].shape[0] * inputs[0].shape[1]
            for inner, tensor in layer.named_parameters():
                if "weight" in inner:
                    cost = LayerCost(f"{names[layer]}.{inner}", tuple(tensor.shape), int(steps * tensor.size))
                    layers.append(cost)
            used.update({id(tensor): tensor.size for tensor in layer.parameters()})

    hooks = [layer.register_forward_post_hook(watch) for layer in names]  # type: ignore[arg-type]
    try:
        with eval_mode(model):
            model(paddle.zeros(list(input_shape)))
    finally:
        for hook in hooks:
            hook.remove()
    return Cost(tuple(layers), int(sum(used.values())))
