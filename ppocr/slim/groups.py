"""Which channels of a network hang together, so that cutting one of them means to cut the others.

Found by running a copy of the network, whatever its operations are: layers put out marked channels, and where the marks
arrive at other layers tells which of their channels those are. No graph has to be read.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Sequence, Set, Tuple

import networkx
import numpy as np
import paddle
from paddle import nn

from ppocr.errors import SlimError

AXES = {nn.Conv2D: (0, 1), nn.Conv2DTranspose: (1, 0), nn.Linear: (1, 0)}  # layer → a weight's axes: outputs, inputs
NORMS = (nn.BatchNorm1D, nn.BatchNorm2D)
BASE, MARK = 0.5, 0.5  # what channels put out, and what a mark adds: where no activation is flat
MAX_ROUNDING = 1e-4  # how far apart unmarked values may be
LAYERS_PER_RUN = 8

Place = Tuple[str, int, int]  # state-dict name of a tensor, axis, index along it
FIXED: Place = ("", 0, 0)  # stands for all that cannot be cut


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


def find_groups(model: nn.Layer, input_shape: Sequence[int]) -> Dict[str, Group]:
    """The groups of a network by their masters. Where outputs of convolutions are added, the first one is the master.

    Convolutions whose channels reach the network's output, or a layer that mixes channels, are in no group.

    Args:
        model: not changed. What it runs in `train()` mode counts.
        input_shape: of a batch, as small as the network allows.

    Raises:
        SlimError: the network does not run on pictures alone.
    """
    probe = _Probe(model, input_shape)
    names = list(probe.channels)
    for first in range(0, len(names), LAYERS_PER_RUN):
        probe.run(names[first : first + LAYERS_PER_RUN])
    linked = [places for places in networkx.connected_components(probe.links) if FIXED not in places]
    where = {place: number for number, places in enumerate(linked) for place in places}
    groups: Dict[str, Group] = {}
    for channels in probe.channels.values():
        numbers = [where.get(channel, -1) for channel in channels]
        master, axis, _ = channels[0]
        if axis == 0 and -1 not in numbers and len(set(numbers)) == len(channels):  # of Conv2D weights, it is 0
            groups[master] = _group(master, [linked[number] for number in numbers])
            where = {place: number for place, number in where.items() if number not in numbers}
    return groups


def _group(master: str, channels: Sequence[Set[Place]]) -> Group:
    cuts: Dict[Tuple[str, int], List[List[int]]] = {}
    for channel, places in enumerate(channels):
        for tensor, axis, index in sorted(places):
            cuts.setdefault((tensor, axis), [[] for _ in channels])[channel].append(index)
    members = [Member(tensor, axis, tuple(map(tuple, cut))) for (tensor, axis), cut in cuts.items()]
    return Group(master, len(channels), tuple(members))


class _Probe:
    """A copy of a network whose layers put out the same everywhere, and marks where `run` is told to.

    Attributes:
        channels: of the layers that make channels of their own, by name: the places of these channels.
        links: a graph in which places that go together are connected.
    """

    def __init__(self, model: nn.Layer, input_shape: Sequence[int]):
        self.channels: Dict[str, List[Place]] = {}
        self.links = networkx.Graph()
        self._marks: Dict[str, np.ndarray] = {}
        self._model, self._input_shape = copy.deepcopy(model), list(input_shape[1:])
        for tensor in self._model.state_dict().values():  # all positive: nothing cancels out, and no ReLU is in the way
            tensor.set_value(paddle.full_like(tensor, 1 / max(1, int(np.prod(tensor.shape[1:])))))
        self._model.train()
        for name, layer in self._model.named_sublayers():
            if not layer._sub_layers:  # layers that hold others decide what training runs; norms and dropout rest
                layer.eval()
            self._watch(name, layer)

    def _watch(self, name: str, layer: Any) -> None:
        groups = getattr(layer, "_groups", 1)
        if type(layer) in AXES and groups == 1:
            axis = AXES[type(layer)][0]
            self.channels[name] = [(f"{name}.weight", axis, number) for number in range(layer.weight.shape[axis])]
            layer.forward = functools.partial(self._make, name, layer, layer.forward)
        elif isinstance(layer, NORMS) or (type(layer) is nn.Conv2D and groups == layer.weight.shape[0]):
            leaves = ("weight", "bias", "_mean", "_variance")
            tensors = [(f"{name}.{leaf}", 0) for leaf in leaves if getattr(layer, leaf, None) is not None]
            layer.forward = functools.partial(self._follow, tensors, layer.forward)  # type: ignore[method-assign]
        elif any(tensor.size > 1 for tensor in layer._parameters.values() if tensor is not None):
            layer.register_forward_pre_hook(lambda _, inputs: self._see(inputs[0], 1, []))

    def run(self, names: Sequence[str]) -> None:
        """Find what is linked to the channels of some layers.

        The first picture of the batch has no marks. Then come two for each layer and each bit of its channels' numbers:
        one has those channels marked that have the bit, one the others.
        """
        bits = np.arange(max(len(self.channels[name]) for name in names).bit_length())[:, None]
        self._marks = {}
        for turn, name in enumerate(names):
            marked = (np.arange(len(self.channels[name])) >> bits) & 1
            self._marks[name] = np.zeros((len(names), 2, *marked.shape), np.float32)
            self._marks[name][turn] = marked, 1 - marked
        try:
            with paddle.no_grad():
                outputs = self._model(paddle.ones([1 + 2 * len(names) * len(bits), *self._input_shape]))
        except ValueError as error:
            raise SlimError(f"pruning runs the network on pictures alone, which this one refuses: {error}") from error
        for output in paddle.utils.flatten(outputs):
            self._see(output, 1, [])

    def _make(self, name: str, layer: Any, forward: Callable[..., Any], x: Any) -> Any:
        """In place of a layer's `forward`: channels of its own."""
        axis = x.ndim - 1 if isinstance(layer, nn.Linear) else 1
        self._see(x, axis, [(f"{name}.weight", AXES[type(layer)][1])])
        y = paddle.full([x.shape[0], *forward(x[:1]).shape[1:]], BASE)
        if name in self._marks:
            for place in self.channels[name]:
                self.links.add_edge(place, place if layer.bias is None else (f"{name}.bias", 0, place[2]))
            marks = self._marks[name].reshape(len(y) - 1, -1, *[1] * (y.ndim - 2))
            y[1:] += MARK * paddle.to_tensor(np.moveaxis(marks, 1, axis))
        return y

    def _follow(self, tensors: Sequence[Tuple[str, int]], forward: Callable[..., Any], x: Any) -> Any:
        """In place of the `forward` of a layer that treats each channel by itself: the channel's mean everywhere."""
        self._see(x, 1, tensors)
        size = forward(x[:1]).shape[2:]
        return x if size == x.shape[2:] else x.mean([2, 3], keepdim=True).expand([*x.shape[:2], *size])

    def _see(self, x: Any, axis: int, tensors: Sequence[Tuple[str, int]]) -> None:
        """Link the channels whose marks have arrived to those of `tensors`, or to `FIXED` if there are none.

        Which pictures differ from the first tells a channel's number. All channels of a layer must be there, in order:
        mixed ones have no number, and where they are split or shuffled, places depend on how many there are.
        """
        others = [number for number in range(1, x.ndim) if number != axis]
        values = (x.max(others) if others else x).numpy()
        differs = np.abs(values[1:] - values[:1]) > MAX_ROUNDING
        for name, (marked, rest) in zip(self._marks, differs.reshape(len(self._marks), 2, -1, values.shape[1])):
            arrived = np.flatnonzero((marked | rest).any(axis=0)).tolist()
            if not arrived:
                continue
            channels = self.channels[name]
            numbers = (marked[:, arrived] << np.arange(len(marked))[:, None]).sum(axis=0).tolist()
            in_order = np.repeat(np.arange(len(channels)), len(arrived) // len(channels)).tolist()
            if tensors and numbers == in_order and arrived[-1] - arrived[0] < len(arrived):
                links = [(channels[n], (*tensor, index)) for n, index in zip(numbers, arrived) for tensor in tensors]
            else:
                links = [(channel, FIXED) for channel in channels]
            self.links.add_edges_from(links)
