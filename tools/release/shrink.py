"""Prune the blocks of a PP-LCNetV4 so that little has to be learned again.

    python tools/release/shrink.py -c rec/slim_rec.yml -o Global.pretrained_model=mean.pdparams ... \\
        --target-flops 0.65 --output WORK/start/rec_pruned

FPGM looks at weights alone. This looks at pictures, too: of each block's hidden channels go those whose loss the others
make good best, as Optimal Brain Surgeon takes single weights (Hassibi & Stork 1993), and the pointwise convolution
after them is solved anew by least squares (channel pruning, He et al. 2017), block by block, each for the input that
the blocks before it leave it. `--by fpgm` chooses channels as FPGM does.

A reference (`--reference CONFIG WEIGHTS`) gives the outputs to be matched: of a network with other activations, say.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import numpy as np
import paddle
from paddle import nn
from recipe import logger

from ppocr.config import load_config
from ppocr.engine.build import build_model, input_shape
from ppocr.engine.experiment import Experiment
from ppocr.engine.pretrained import load_pretrained
from ppocr.engine.weights import save_weights
from ppocr.slim.choice import Budget
from ppocr.slim.cost import measure
from ppocr.slim.fpgm import FPGM
from ppocr.slim.prune import plan_pruning
from ppocr.utils.dictionary import build_charset
from ppocr.utils.networks import example_shape

ALIGN = 8  # channels that stay are a multiple: what AVX2 multiplies at a time
RIDGE = 1e-4  # share of the mean square of the hidden channels, for least squares
PLACES = 4096  # places of a batch that are looked at, for each block


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--config", required=True)
    parser.add_argument("-o", nargs="*", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--reference", nargs=2, metavar=("CONFIG", "WEIGHTS"), help="default: the network itself")
    parser.add_argument("--target-flops", type=float, default=1.0, help="share that remains")
    parser.add_argument("--by", choices=["pictures", "fpgm"], default="pictures", help="which channels go")
    parser.add_argument("--no-fit", action="store_true", help="do not solve the convolutions anew")
    parser.add_argument("--batches", type=int, default=24)
    parser.add_argument("--output", required=True, type=Path, metavar="PREFIX", help="of .pdparams and .states")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    shrink(args)
    return 0


def shrink(args: argparse.Namespace) -> None:
    experiment = Experiment.with_weights(load_config(args.config, args.settings))
    model, reference = experiment.model, _reference(args, experiment)
    model.eval(), reference.eval()
    pictures = _pictures(experiment, args.batches)
    shape = example_shape(input_shape(experiment.config))
    fpgm = FPGM(model, shape)
    blocks = blocks_of(model)
    stats = hidden_stats(model, blocks, pictures)
    orders = {name: order_of(blocks[name], stats[name]) for name in blocks}
    masters = {name: f"{name}.channel_mixer.expand.conv.weight" for name in blocks}
    counts = choose(Budget(measure(model, shape), list(fpgm.groups.values()), "flops"), orders, masters, args)
    ratios = {masters[name]: counts[name] / len(orders[name][0]) for name in blocks if counts[name]}
    if args.by == "pictures":
        worst = {masters[name]: orders[name][0] for name in blocks}
        chooser: Any = SimpleNamespace(groups=fpgm.groups, worst=lambda name, count: sorted(worst[name][:count]))
    else:
        chooser = fpgm
    before = measure(model, shape)
    plan = plan_pruning(chooser, model, ratios)
    plan.apply(model)
    after = measure(model, shape)
    logger.info("%.3f of the multiplications, %.3f of the size", after.flops / before.flops, after.size / before.size)
    if not args.no_fit:
        theirs = blocks_of(reference)
        for name, block in blocks_of(model).items():
            fit(model, block, reference, theirs[name], pictures, name)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    save_weights(model, args.output.with_name(args.output.name + ".pdparams"))
    states = {"slim": {"prune": plan.state() if ratios else None, "quantize": None}}
    args.output.with_name(args.output.name + ".states").write_text(json.dumps(states), encoding="utf-8")


def blocks_of(model: nn.Layer) -> Dict[str, nn.Layer]:
    """PP-LCNetV4's blocks by name, in order."""
    return {name: layer for name, layer in model.named_sublayers() if hasattr(layer, "channel_mixer")}


def _reference(args: argparse.Namespace, experiment: Experiment) -> nn.Layer:
    config, weights = args.reference or (args.config, str(experiment.options.pretrained_model))
    config = load_config(config)
    charset = build_charset(config)
    model = build_model(config, charset)
    load_pretrained(model, weights, kind=experiment.task, charset=charset)
    return model


def _pictures(experiment: Experiment, count: int) -> List[paddle.Tensor]:
    batches = experiment.loader("Train").epoch(1)
    return [paddle.to_tensor(batch["image"]) for batch, _ in zip(batches, range(count))]


def watch(model: nn.Layer, pictures: Sequence[paddle.Tensor], layers: Sequence[nn.Layer]) -> Iterator[List[np.ndarray]]:
    """For each batch: what layers put out, float32[C, places] of some places, the same for equal sizes."""
    seen: Dict[int, Any] = {}

    def keep(key: int, layer: Any, inputs: Any, output: Any) -> None:
        seen[key] = output

    hooks = [
        layer.register_forward_post_hook(functools.partial(keep, key))  # type: ignore[arg-type]
        for key, layer in enumerate(layers)
    ]
    try:
        for batch in pictures:
            with paddle.no_grad():
                model(batch)
            yield [_places(seen[key]) for key in range(len(layers))]
    finally:
        for hook in hooks:
            hook.remove()


def _places(maps: paddle.Tensor) -> np.ndarray:
    values = maps.transpose([1, 0, 2, 3]).flatten(1)
    chosen = np.random.RandomState(0).permutation(values.shape[1])[:PLACES]
    return values.numpy()[:, chosen].astype(np.float64)


Stats = Tuple[np.ndarray, float]


def hidden_stats(
    model: nn.Layer, blocks: Mapping[str, nn.Layer], pictures: Sequence[paddle.Tensor]
) -> Dict[str, Stats]:
    """Mean product of the hidden channels and 1, float64[K + 1, K + 1], and the variance of a block's output."""
    gram: Dict[str, Any] = dict.fromkeys(blocks, 0.0)
    power, number = dict.fromkeys(blocks, 0.0), dict.fromkeys(blocks, 0)
    layers = [layer for block in blocks.values() for layer in (block.channel_mixer.act, block)]
    for seen in watch(model, pictures, layers):
        for name, hidden, output in zip(blocks, seen[::2], seen[1::2]):
            hidden = np.vstack([hidden, np.ones(hidden.shape[1])])
            gram[name] = gram[name] + hidden @ hidden.T
            power[name] += float(((output - output.mean(axis=1, keepdims=True)) ** 2).sum())
            number[name] += hidden.shape[1]
    return {name: (gram[name] / number[name], power[name] / number[name]) for name in blocks}


def order_of(block: nn.Layer, stats: Stats) -> Tuple[List[int], List[float]]:
    """Hidden channels in the order in which they go, and after each the error as a share of the output's variance."""
    gram, power = stats
    weight = _weight(block)[0].T  # float64[K, outputs]
    size = len(weight)
    inverse = np.linalg.inv(gram + RIDGE * np.eye(size + 1) * np.trace(gram[:size, :size]) / size)
    left, order, errors, error = list(range(size)), [], [], 0.0
    weight = np.vstack([weight, np.zeros((1, weight.shape[1]))])
    while len(left) > 1:
        costs = (weight[left] ** 2).sum(axis=1) / np.diag(inverse)[left]
        worst = left.pop(int(np.argmin(costs)))
        error += float(costs.min())
        order.append(worst)
        errors.append(error / power)
        weight = weight - np.outer(inverse[:, worst], weight[worst] / inverse[worst, worst])
        inverse = inverse - np.outer(inverse[:, worst], inverse[worst]) / inverse[worst, worst]
    return order + left, [*errors, np.inf]


def choose(budget: Budget, orders: Dict[str, Any], masters: Dict[str, str], args: argparse.Namespace) -> Dict[str, int]:
    """How many hidden channels each block loses: always where the error grows least for what is saved."""
    counts = dict.fromkeys(orders, 0)

    def share(of: Dict[str, int]) -> float:
        return budget.share({masters[name]: count for name, count in of.items() if count})

    while share(counts) > args.target_flops:
        rates = {}
        for name, (order, errors) in orders.items():
            further = counts[name] + ALIGN
            if further < len(order):
                lost = errors[further - 1] - (errors[counts[name] - 1] if counts[name] else 0.0)
                rates[name] = lost / (share(counts) - share({**counts, name: further}))
        counts[min(rates, key=lambda name: rates[name])] += ALIGN
    for name, (order, errors) in orders.items():
        lost = errors[counts[name] - 1] if counts[name] else 0.0
        logger.info("%-20s %3d of %3d go, error %.4f", name, counts[name], len(order), lost)
    return counts


def _weight(block: nn.Layer) -> Tuple[np.ndarray, np.ndarray]:
    """What the second pointwise convolution and its normalisation multiply and add, float64[outputs, K], [outputs]."""
    conv, norm = block.channel_mixer.compress.conv, block.channel_mixer.compress.bn
    scale = norm.weight.numpy().astype(np.float64) / np.sqrt(norm._variance.numpy() + norm._epsilon)
    return conv.weight.numpy()[:, :, 0, 0] * scale[:, None], norm.bias.numpy() - norm._mean.numpy() * scale


def fit(
    model: nn.Layer, block: nn.Layer, reference: nn.Layer, other: nn.Layer, pictures: Sequence[Any], name: str
) -> None:
    """Solve the block's second convolution for what the reference's block puts out."""
    old, bias = _weight(block)
    old = np.vstack([old.T, bias])
    gram: Any = 0.0
    product: Any = 0.0
    before, number = 0.0, 0
    pairs = zip(
        watch(model, pictures, [block.channel_mixer.act, block.token_mixer]), watch(reference, pictures, [other])
    )
    for (hidden, inputs), (wanted,) in pairs:
        hidden = np.vstack([hidden, np.ones(hidden.shape[1])])
        wanted = wanted - inputs if block.has_residual else wanted
        gram, product = gram + hidden @ hidden.T, product + hidden @ wanted.T
        before += float(((wanted - old.T @ hidden) ** 2).sum())
        number += hidden.shape[1]
    size = len(old) - 1
    ridge = RIDGE * np.eye(size + 1) * np.trace(gram[:size, :size]) / size
    new = np.linalg.solve(gram + ridge, product + ridge @ old)
    change = new - old
    # |wanted − new h|² = |wanted − old h|² − 2 change · (product − gram old) + change · gram change
    after = before - 2 * float((change * (product - gram @ old)).sum()) + float((change * (gram @ change)).sum())
    logger.info("%-20s error %.4f -> %.4f", name, before / number, after / number)
    conv, norm = block.channel_mixer.compress.conv, block.channel_mixer.compress.bn
    norm.weight.set_value(np.ones(norm.weight.shape, np.float32))
    norm._variance.set_value(np.full(norm.weight.shape, 1 - norm._epsilon, np.float32))
    norm._mean.set_value(np.zeros(norm.weight.shape, np.float32))
    norm.bias.set_value(new[-1].astype(np.float32))
    conv.weight.set_value(np.ascontiguousarray(new[:-1].T[:, :, None, None], dtype=np.float32))


if __name__ == "__main__":
    sys.exit(main())
