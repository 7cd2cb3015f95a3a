"""Which samples make which batch."""

from __future__ import annotations

import numpy as np
import pytest

from ppocr.data.datasets import Part
from ppocr.data.samplers import EpochSampler, MultiScaleSampler, Plan, WidthSampler
from ppocr.ops.text_image import padded_width

SCALES = [[320, 32], [320, 48], [320, 64]]


def plan(count=23, batch_size=4, **more):
    return Plan([Part(count)], batch_size, **more)


def indices(sampler, epoch=0):
    return [batch.indices.tolist() for batch in sampler.epoch(epoch)]


def flat(batches):
    return [index for batch in batches for index in batch]


def test_one_epoch():
    batches = indices(EpochSampler(plan()))
    assert [len(batch) for batch in batches] == [4, 4, 4, 4, 4, 3]
    assert sorted(flat(batches)) == list(range(23)) and flat(batches) != list(range(23))


def test_order_is_a_function_of_seed_and_epoch():
    assert indices(EpochSampler(plan(seed=1)), 5) == indices(EpochSampler(plan(seed=1)), 5)
    assert indices(EpochSampler(plan(seed=1)), 5) != indices(EpochSampler(plan(seed=1)), 6)
    assert indices(EpochSampler(plan(seed=1)), 5) != indices(EpochSampler(plan(seed=2)), 5)
    assert flat(indices(EpochSampler(plan(shuffle=False)), 5)) == list(range(23))


def test_drop_last():
    sampler = EpochSampler(plan(drop_last=True))
    assert len(sampler) == 5 and [len(batch) for batch in indices(sampler)] == [4] * 5


@pytest.mark.parametrize("count", range(1, 26))
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_ranks_share_an_epoch(count, training, drop_last, world_size):
    samplers = [
        EpochSampler(plan(count, rank=rank, world_size=world_size, training=training, drop_last=drop_last))
        for rank in range(world_size)
    ]
    shares = [indices(sampler) for sampler in samplers]
    assert [len(sampler) for sampler in samplers] == [len(share) for share in shares]
    together = flat(flat(shares))
    assert len(set(together)) == len(together), "no sample is seen twice"
    if training:
        assert len({len(share) for share in shares}) == 1, "all make equally many batches"
        assert all(batch for share in shares for batch in share), "and none of them is empty"
    if drop_last:
        assert len(together) == count // (4 * world_size) * 4 * world_size
    elif training:
        assert len(together) > count - world_size
    else:
        assert sorted(together) == list(range(count))


def test_the_order_of_steps_does_not_depend_on_the_number_of_processes():
    alone = indices(EpochSampler(plan(24, batch_size=4)))
    pair = [indices(EpochSampler(plan(24, batch_size=2, rank=rank, world_size=2))) for rank in (0, 1)]
    assert [sorted(batch) for batch in alone] == [sorted(a + b) for a, b in zip(*pair)]


def test_shares():
    parts = [Part(100, 0.25), Part(10), Part(3, 0.1)]
    sampler = EpochSampler(Plan(parts, 8))
    epochs = [flat(indices(sampler, epoch)) for epoch in range(30)]
    for epoch in epochs:
        assert len(epoch) == 25 + 10 + 1 and len(set(epoch)) == 36
        assert sum(index < 100 for index in epoch) == 25 and sum(index >= 110 for index in epoch) == 1
        assert set(range(100, 110)) <= set(epoch)
    assert set().union(*epochs) == set(range(113)), "every epoch draws its own share"
    fixed = EpochSampler(Plan(parts, 8, shuffle=False, training=False))
    assert indices(fixed, 0) == indices(fixed, 1)


def test_scales_share_the_pixels():
    sampler = MultiScaleSampler(plan(2000), SCALES, first_bs=96, fix_bs=False)
    batches = sampler.epoch(0)
    full = {batch.size: len(batch.indices) for batch in batches if len(batch.indices) >= 48}
    assert full == {(32, 320): 96, (48, 320): 64, (64, 320): 48}
    assert sorted(flat(indices(sampler))) == list(range(2000))
    assert [batch.size for batch in batches] != [batch.size for batch in sampler.epoch(1)]
    assert len(sampler) == len(batches) == len(sampler.epoch(1))


def test_scales_with_one_batch_size():
    batches = MultiScaleSampler(plan(300), SCALES, first_bs=32).epoch(0)
    assert sorted(len(batch.indices) for batch in batches)[1:] == [32] * 9


def test_scales_are_rounded_to_what_the_network_takes():
    batches = MultiScaleSampler(plan(30), [[101, 50], 64], first_bs=8, divided_factor=[8, 16]).epoch(0)
    assert {batch.size for batch in batches} == {(48, 96), (64, 64)}


@pytest.mark.parametrize("count", [1, 2, 3, 50, 301])
def test_ranks_share_the_scales(count):
    samplers = [
        MultiScaleSampler(plan(count, rank=rank, world_size=2), SCALES, first_bs=6, fix_bs=False) for rank in (0, 1)
    ]
    first, second = (sampler.epoch(3) for sampler in samplers)
    assert [batch.size for batch in first] == [batch.size for batch in second]
    assert all(len(a.indices) - len(b.indices) in (0, 1) and len(b.indices) for a, b in zip(first, second))
    together = np.concatenate([batch.indices for batch in [*first, *second]] or [np.zeros(0)])
    assert len(set(together.tolist())) == len(together) >= count - 1


def test_scales_that_are_none():
    with pytest.raises(ValueError, match="scales: expected"):
        MultiScaleSampler(plan(), [[1, 2, 3]])


def widths(height):
    """Of 200 crops: most are short, one is very long."""
    rng = np.random.default_rng(3)
    return np.append(rng.integers(10, 900, 199), 9000) * height // 48


def width_sampler(batch_size=8, **more):
    count = more.pop("count", 200)
    return WidthSampler(Plan([Part(count)], batch_size, widths=widths, **more), longest=1984)


def test_batches_of_crops_about_equally_wide():
    sampler, natural = width_sampler(), widths(48)
    batches = sampler.epoch(0)
    assert len(batches) == len(sampler) and sorted(flat(indices(sampler))) == list(range(200))
    for batch in batches:
        assert len(batch.indices) and batch.size[0] == 48
        needed = max(padded_width(min(width, 1984)) for width in natural[batch.indices].tolist())
        assert batch.size[1] in (needed, padded_width(1984 - 1)), "as wide as its widest crop needs"
    columns = [len(batch.indices) * batch.size[1] for batch in batches]
    assert np.median(columns) == pytest.approx(8 * 320, rel=0.25)
    padded = sum(columns) / sum(min(width, 1984) for width in natural.tolist())
    assert padded < 1.25, "little is computed for nothing"


def test_widths_come_in_random_order():
    sizes = [batch.size[1] for batch in width_sampler().epoch(0)]
    assert sizes != sorted(sizes) and indices(width_sampler(), 0) != indices(width_sampler(), 1)
    assert len(width_sampler().epoch(0)) == len(width_sampler().epoch(7)), "the schedule counts on it"


def test_processes_share_crops_of_all_widths():
    parts = [width_sampler(batch_size=4, rank=rank, world_size=2) for rank in (0, 1)]
    assert sorted(flat(indices(parts[0])) + flat(indices(parts[1]))) == list(range(200))
    assert len(parts[0].epoch(0)) == len(parts[1].epoch(0)) == len(parts[0])


def test_few_crops_make_no_empty_batch():
    """A long crop costs more than a batch; two processes need two batches."""
    plan = Plan([Part(2)], 1, world_size=2, widths=lambda height: np.array([9000, 10]))
    assert [len(batch.indices) for batch in WidthSampler(plan).epoch(0)] == [1]


def test_widths_that_nobody_knows():
    with pytest.raises(ValueError, match="SimpleDataSet"):
        WidthSampler(Plan([Part(5)], 1))
