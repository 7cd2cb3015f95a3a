"""PaddleSlim's FPGM: which channels of a network hang together, and which of them say least.

PaddleSlim has no rules for pruning what goes through a `concat` or a depthwise transposed convolution (by which our
networks repeat pixels), and looks at each operator once, though a `concat` belongs to as many groups as it has inputs.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Type

import numpy as np
from paddle import nn

from ppocr.slim.old_ir import old_ir
from ppocr.slim.paddleslim import paddleslim
from ppocr.utils.networks import kept_modes


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
