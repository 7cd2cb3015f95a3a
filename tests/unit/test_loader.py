"""Batches: the same however they are made, and honest about bad samples."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppocr.data import workers
from ppocr.data.loader import Loader, build_loader
from ppocr.data.pipeline import LoadedBatch, Pipeline
from ppocr.data.samplers import EpochSampler, Plan, parts_of
from ppocr.errors import ConfigError, DataError, SampleError
from ppocr.ops.charset import Charset

CHARSET = Charset("0123456789")
STEPS = [
    {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
    {"RecAug": None},
    {"CTCLabelEncode": None},
    {"RecResizeImg": {"image_shape": [3, 32, 100]}},
    {"KeepKeys": {"keep_keys": ["image", "label", "length", "text"]}},
]


@pytest.fixture
def lines(tmp_path):
    """A label file of 22 noisy crops; the text of each is its number."""
    for number in range(22):
        image = np.random.default_rng(number).integers(0, 256, (30, 60 + number, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{number}.png\t{number}\n" for number in range(22)))
    return path


def section(path, *, steps=STEPS, **loader):
    return {
        "dataset": {"name": "SimpleDataSet", "label_file_list": [str(path)], "transforms": steps},
        "loader": {"batch_size_per_card": 4, "shuffle": True, **loader},
    }


def loader_of(path, *, workers=0, **more):
    return build_loader(section(path, num_workers=workers), task="rec", charset=CHARSET, seed=7, **more)


def equal(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[key], other[key]) and type(one[key]) is type(other[key]) for key in one
    )


def test_batches(lines):
    loader = loader_of(lines)
    batches = list(loader.epoch(0))
    assert len(loader) == len(batches) == 6
    assert [batch["number"] for batch in batches] == list(range(6))
    assert batches[0]["image"].shape == (4, 3, 32, 100) and batches[0]["image"].dtype == np.float32
    assert batches[0]["label"].shape == (4, 25) and batches[0]["length"].shape == (4,)
    for batch in batches:
        for place, text in zip(batch["places"], batch["text"]):
            assert place == f"{lines}:{int(text) + 1}"


def test_workers_change_nothing(lines):
    here = loader_of(lines)
    there = loader_of(lines, workers=2)
    try:
        for epoch in (0, 3):
            expected, made = list(here.epoch(epoch)), list(there.epoch(epoch))
            assert len(expected) == len(made) and all(map(equal, expected, made))
        resumed = list(there.epoch(3, start_batch=4))
        assert [batch["number"] for batch in resumed] == [4, 5] and all(map(equal, expected[4:], resumed))
        for batch in there.epoch(3):  # stopping early leaves nothing behind for the next epoch
            assert batch["number"] == 0
            break
        assert all(map(equal, expected, there.epoch(3)))
    finally:
        there.close()
    assert list(map(equal, expected, there.epoch(3))) == [True] * 6  # new workers
    there.close()


def test_a_batch_that_was_handed_out_stays(lines):
    """Shared memory is written again; what the caller holds must be its own."""
    loader = loader_of(lines, workers=1)
    kept = list(loader.epoch(0))
    copies = [batch["image"].copy() for batch in kept]
    list(loader.epoch(1))
    loader.close()
    assert all(np.array_equal(batch["image"], copy) for batch, copy in zip(kept, copies))


def test_resuming_makes_the_same_batches(lines):
    whole = list(loader_of(lines).epoch(2))
    resumed = list(loader_of(lines).epoch(2, start_batch=3))
    assert all(map(equal, whole[3:], resumed)) and len(resumed) == 3


def test_ranks_partition_the_epoch(lines):
    shares = [list(loader_of(lines, rank=rank, world_size=2).epoch(1)) for rank in (0, 1)]
    texts = [text for share in shares for batch in share for text in batch["text"]]
    assert sorted(map(int, texts)) == list(range(22)) and len(shares[0]) == len(shares[1])
    alone = {text: image for batch in loader_of(lines).epoch(1) for text, image in zip(batch["text"], batch["image"])}
    for batch in (batch for share in shares for batch in share):
        for text, image in zip(batch["text"], batch["image"]):
            assert np.array_equal(image, alone[text]), "a sample looks the same whoever makes it"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_sample_is_skipped_counted_and_named(lines, workers, caplog):
    (lines.parent / "5.png").unlink()
    loader = loader_of(lines, workers=workers)
    with caplog.at_level(logging.WARNING, logger="ppocr"):
        for epoch in (0, 1):
            batches = list(loader.epoch(epoch))
            assert sum(len(batch["places"]) for batch in batches) == 21
            assert loader.skipped == [(f"{lines}:6", f"{lines.parent}/5.png: No such file or directory")]
    loader.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"left out: {lines}:6: {lines.parent}/5.png: No such file or directory"
    ], "told once, not in every epoch"


def test_too_many_bad_samples_stop_the_run(lines):
    (lines.parent / "5.png").unlink()
    (lines.parent / "7.png").write_bytes(b"not a picture")
    with pytest.raises(DataError) as caught:
        list(loader_of(lines).epoch(0))
    message = str(caught.value)
    assert "2 bad samples in an epoch of 22, more than 5%" in message and "check-data" in message
    assert f"{lines}:6: " in message and f"{lines}:8: not a picture" in message


class Numbers:
    """Twenty numbers, of which some are bad."""

    def __init__(self, bad=()):
        self.bad = bad

    def __len__(self):
        return 40

    def read(self, index, rng):
        if index in self.bad:
            raise SampleError(f"number:{index}", "bad")
        return {"image": np.full(3, index), "place": f"number:{index}"}


def numbers(bad=(), steps=(), batch_size=4, workers=0, **more):
    dataset = Numbers(bad)
    plan = Plan(parts_of(dataset), batch_size, shuffle=False, **more)
    return Loader(
        Pipeline(dataset, steps, seed=0), EpochSampler(plan), samples=40, workers=workers, world_size=plan.world_size
    )


def test_a_batch_of_bad_samples_is_left_out_and_keeps_its_number():
    batches = list(numbers(bad=(3,), batch_size=1).epoch(0))
    assert [batch["number"] for batch in batches] == [n for n in range(40) if n != 3]


def test_processes_that_train_together_cannot_leave_out_a_batch():
    with pytest.raises(DataError, match="the other processes wait"):
        list(numbers(bad=(2,), batch_size=1, world_size=2).epoch(0))


def explode(sample):
    return {"image": 1 / (len(sample["image"]) - 3)}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_mistake_of_the_code_is_not_a_bad_sample(workers):
    loader = numbers(steps=[("Explode", explode)], workers=workers)
    with pytest.raises(DataError, match="number:0: Explode failed: ZeroDivisionError: division by zero"):
        list(loader.epoch(0))
    loader.close()


def odd_shape(sample):
    return {"image": np.zeros(3 + (int(sample["image"][0]) == 2))}


def test_samples_of_different_shapes():
    with pytest.raises(DataError, match=r"number:2: 'image' has shape \[4\], but \[3\] at number:0"):
        list(numbers(steps=[("Odd", odd_shape)]).epoch(0))


def test_a_worker_that_dies():
    loader = numbers(workers=2)
    batches = loader.epoch(0)
    next(batches)
    os.kill(loader._pool._processes[1].pid, signal.SIGKILL)
    with pytest.raises(DataError, match="a worker process of the loader died of SIGKILL"):
        list(batches)
    assert not any(process.is_alive() for process in loader._pool._processes)


def test_every_mistake_of_a_section_is_told_at_once():
    wrong = {
        "dataset": {
            "name": "SimpleDataset", "label_file_lists": [],
            "transforms": [{"DecodeImage": {"img_mod": "BGR"}}, {"RecAugg": None}, "KeepKeys"],
        },
        "loader": {"batch_size": 3, "num_workers": "two"},
        "samplers": {},
        "sampler": {"name": "MultiScaleSampler", "scale": 1},
        "batch_transforms": [{"MixUp": None}],
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        build_loader(wrong, task="rec")
    told = [problem.split(":")[0] for problem in caught.value.problems]
    assert sorted(told) == sorted([
        "Train.samplers", "Train.dataset.name", "Train.dataset.transforms.0.DecodeImage.img_mod",
        "Train.dataset.transforms.1.RecAugg.name", "Train.dataset.transforms.2", "Train.batch_transforms.0.MixUp.name",
        "Train.loader.batch_size", "Train.loader.num_workers", "Train.sampler.scale", "Train.sampler.scales",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch_size_per_card": 0}, "Train.loader.batch_size_per_card: expected 1 or more, came 0"),
        ({"num_workers": -1}, "Train.loader.num_workers: expected 0 or more, came -1"),
    ],
)
def test_numbers_out_of_range(lines, options, told):
    with pytest.raises(ConfigError) as caught:
        build_loader(section(lines, **options), task="rec", charset=CHARSET)
    assert caught.value.problems == [told]


def test_texts_without_a_dictionary(lines):
    with pytest.raises(ConfigError, match=r"Global\.character_dict_path: missing; CTCLabelEncode of Train needs"):
        build_loader(section(lines), task="rec")
    with pytest.raises(ConfigError, match=r"Train\.loader: expected a mapping, came \['x'\]"):
        build_loader({**section(lines), "loader": ["x"]}, task="rec", charset=CHARSET)


def test_too_few_samples_for_a_batch(lines):
    few = section(lines, batch_size_per_card=16, drop_last=True)
    with pytest.raises(ConfigError, match=r"22 samples make no full batch in each of 2 processes; .* at most 11, or"):
        build_loader(few, task="rec", charset=CHARSET, world_size=2)
    assert len(build_loader(few, task="rec", charset=CHARSET)) == 1


def test_settings_of_a_step_overrule_the_builder(lines):
    steps = [*STEPS[:2], {"CTCLabelEncode": {"max_text_length": 3}}, *STEPS[3:]]
    loader = build_loader(section(lines, steps=steps), task="rec", charset=CHARSET, max_text_length=25)
    assert next(loader.epoch(0))["label"].shape == (4, 3)


def test_several_sizes(lines):
    with_sampler = {
        **section(lines),
        "sampler": {"name": "MultiScaleSampler", "scales": [[96, 32], [96, 48]], "first_bs": 4},
    }
    shapes = {batch["image"].shape[1:] for batch in build_loader(with_sampler, task="rec", charset=CHARSET).epoch(0)}
    assert shapes == {(3, 32, 96), (3, 48, 96)}


def test_mixing_directions(lines):
    lines.write_text("".join(f"{number}.png\t{180 * (number % 2)}\n" for number in range(22)))
    steps = [
        STEPS[0],
        {"ClsLabelEncode": None},
        {"ClsResizeImg": {"image_shape": [3, 48, 192]}},
        {"KeepKeys": {"keep_keys": ["image", "label"]}},
    ]
    mixing = {**section(lines, steps=steps), "batch_transforms": [{"Mixup": {"alpha": 1.0}}]}
    first, again = (next(build_loader(mixing, task="cls", label_list=["0", "180"]).epoch(0)) for _ in range(2))
    assert first["label"].shape == (4, 2) and np.array_equal(first["image"], again["image"])


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="other systems refuse at once")
def test_too_little_shared_memory(monkeypatch):
    """Docker gives 64 MB: writing to pages that are not there would kill the worker."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = set(os.listdir("/dev/shm"))
    slot, made = workers._Slot(), LoadedBatch({"image": np.arange(6.0)}, ["a"], [])
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", refuse)
        packed = slot.pack(made)
    assert packed.layout == [] and packed.made is made and set(os.listdir("/dev/shm")) == before
    assert slot.pack(made).layout == [("image", "<f8", (6,), 0)], "tried again with the next batch"
    slot.free()


KILLED = """
import sys, time
from ppocr.data.loader import build_loader
sys.path.insert(0, {tests!r})
from test_loader import CHARSET, section

if __name__ == "__main__":
    loader = build_loader(section({lines!r}, num_workers=2), task="rec", charset=CHARSET)
    batches = loader.epoch(0)
    next(batches)
    print(*[process.pid for process in loader._pool._processes], loader._pool._memories[0, 0].name, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and /dev/shm")
def test_workers_die_with_their_parent(lines, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(KILLED.format(tests=str(Path(__file__).parent), lines=str(lines)))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        *pids, memory = parent.stdout.readline().split()
        assert (Path("/dev/shm") / memory).exists()
        parent.kill()
    until = time.monotonic() + 20
    while time.monotonic() < until and any(alive(pid) for pid in pids):
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)
    assert not (Path("/dev/shm") / memory).exists()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
