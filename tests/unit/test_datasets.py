"""Label files and LMDB databases as data sets."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ppocr.data.datasets import LabelFile, SimpleDataSet
from ppocr.data.lmdb_dataset import LMDBDataSet, write_lmdb
from ppocr.errors import DataError, LabelError, SampleError

RNG = np.random.default_rng(0)


def label_file(folder, text, name="labels.txt"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_lines_of_a_label_file(tmp_path):
    file = LabelFile(label_file(tmp_path, "\ufeffa.png\tx\r\n\n  \nb.png\ty z\n\r\nc.png\t\u2028"))
    assert [file.line(row) for row in range(len(file))] == ["a.png\tx", "b.png\ty z", "c.png\t\u2028"]
    assert [file.place(row) for row in range(len(file))] == [f"{file.path}:{number}" for number in (1, 4, 6)]
    copy = pickle.loads(pickle.dumps(file))
    assert copy.line(1) == "b.png\ty z"


@pytest.mark.parametrize("text", ["", "\n", " \r\n\n"])
def test_a_label_file_without_labels(tmp_path, text):
    with pytest.raises(LabelError, match="the file has no labels"):
        LabelFile(label_file(tmp_path, text))


def test_a_label_file_that_is_not_there(tmp_path):
    with pytest.raises(LabelError, match="cannot be read: No such file"):
        LabelFile(tmp_path / "none.txt")


def test_a_line_that_is_not_utf8(tmp_path):
    file = LabelFile(label_file(tmp_path, b"a.png\tx\nb.png\t\xff\n"))
    with pytest.raises(SampleError, match=r"labels\.txt:2: not UTF-8 \(byte 6\)"):
        file.line(1)


def test_reading(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.png").write_bytes(b"picture")
    one, two = label_file(tmp_path, "deep/a.png\tx y\n"), label_file(tmp_path / "deep", "no tab\na.png\tz\nb.png\tz\n")
    dataset = SimpleDataSet([str(one), str(two)])
    assert len(dataset) == 4
    first = dataset.read(0, RNG)
    assert bytes(first["image"]) == b"picture" and first["label"] == "x y" and first["place"] == f"{one}:1"
    assert dataset.read(2, RNG)["place"] == f"{two}:2"
    with pytest.raises(SampleError, match=r"labels\.txt:1: expected `picture<TAB>label`"):
        dataset.read(1, RNG)
    with pytest.raises(SampleError, match=r"labels\.txt:3: .*deep/b\.png: No such file"):
        dataset.read(3, RNG)
    assert dataset.label(3) == (f"{two}:3", "z")
    elsewhere = SimpleDataSet([str(one)], data_dir=str(tmp_path / "deep"))
    with pytest.raises(SampleError, match=r"deep/deep/a\.png"):
        elsewhere.read(0, RNG)


@pytest.mark.parametrize(
    ("ratios", "message"), [([1, 1, 1], "3 ratios for 2 label files"), ([0.5, 0], "above 0"), ([2, 1], "at most 1")]
)
def test_wrong_ratios(tmp_path, ratios, message):
    name = str(label_file(tmp_path, "a\tb\n"))
    with pytest.raises(ValueError, match=message):
        SimpleDataSet([name, name], ratio_list=ratios)


def test_lmdb(tmp_path):
    pytest.importorskip("lmdb")
    samples = [(f"picture {number}".encode() * 3, f"text {number} 店") for number in range(5)]
    for name, part in (("set/a", samples[:2]), ("set/b", samples[2:])):
        (tmp_path / name).mkdir(parents=True)
        assert write_lmdb(tmp_path / name, part) == len(part)
    dataset = pickle.loads(pickle.dumps(LMDBDataSet(str(tmp_path / "set"))))
    assert len(dataset) == 5 and [part.count for part in dataset.parts] == [2, 3]
    read = [dataset.read(index, RNG) for index in range(5)]
    assert [(bytes(sample["image"]), sample["label"]) for sample in read] == samples
    assert [sample["place"] for sample in read[1:3]] == [f"{tmp_path}/set/a:2", f"{tmp_path}/set/b:1"]
    with pytest.raises(DataError, match="no LMDB database"):
        LMDBDataSet(str(tmp_path / "other"))


def test_lmdb_has_the_layout_that_others_read(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    write_lmdb(tmp_path, [(b"one", "eins"), (b"two", "zwei")])
    with lmdb.open(str(tmp_path), readonly=True, lock=False) as database, database.begin() as transaction:
        assert dict(transaction.cursor()) == {
            b"num-samples": b"2",
            b"image-000000001": b"one", b"label-000000001": b"eins",
            b"image-000000002": b"two", b"label-000000002": b"zwei",
        }  # fmt: skip


def test_lmdb_grows_beyond_its_first_size(tmp_path, monkeypatch):
    pytest.importorskip("lmdb")
    monkeypatch.setattr("ppocr.data.lmdb_dataset.INITIAL_MAP_BYTES", 1 << 16)
    monkeypatch.setattr("ppocr.data.lmdb_dataset.SAMPLES_PER_TRANSACTION", 3)
    write_lmdb(tmp_path, ((bytes(50_000), str(number)) for number in range(10)))
    dataset = LMDBDataSet(str(tmp_path))
    assert [dataset.label(index)[1] for index in range(10)] == [str(number) for number in range(10)]


def test_damaged_lmdb(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(tmp_path)) as database, database.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"3")
        transaction.put(b"label-000000001", b"no picture")
        transaction.put(b"image-000000002", b"no label")
        transaction.put(b"label-000000003", b"\xff")
    dataset = LMDBDataSet(str(tmp_path))
    for index, message in enumerate(["no entry image-000000001", "no entry label-000000002", "not UTF-8"]):
        with pytest.raises(SampleError, match=f":{index + 1}: .*{message}"):
            dataset.read(index, RNG)


def test_lmdb_without_a_count(tmp_path):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(tmp_path)) as database, database.begin(write=True) as transaction:
        transaction.put(b"num-samples", b"many")
    with pytest.raises(DataError, match="num-samples"):
        LMDBDataSet(str(tmp_path))


def test_one_lmdb_for_two_data_sets(tmp_path):
    """LMDB refuses to open a database twice in a process; training and evaluation may share one."""
    pytest.importorskip("lmdb")
    write_lmdb(tmp_path, [(b"one", "eins")])
    first, second = LMDBDataSet(str(tmp_path)), LMDBDataSet(str(tmp_path))
    assert first.label(0) == second.label(0)
