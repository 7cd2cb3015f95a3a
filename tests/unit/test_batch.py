"""Reading in bulk without networks: inputs, shards, rows, and what a killed worker leaves behind."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter

import cv2
import numpy as np
import pytest

from ppocr.errors import InputError, PPOCRError
from ppocr.infer.results import OCRResult, TextLine

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from ppocr.batch import reader as reader_module  # noqa: E402
from ppocr.batch.inputs import Item, shards_of  # noqa: E402
from ppocr.batch.job import ATTEMPTS, MANIFEST, MAX_DEATHS, Job, Settings, read_shard  # noqa: E402
from ppocr.batch.rows import COLUMNS, row_of  # noqa: E402


def png(shade):
    return cv2.imencode(".png", np.full((8, 12, 3), shade, np.uint8))[1].tobytes()


def text_of(data):
    return f"shade {cv2.imdecode(np.frombuffer(data, np.uint8), 1)[0, 0, 0]}"


class FakeOCR:
    """Says which shade a page has."""

    def __init__(self, options):
        self.options = options

    def stream(self, pages):
        for page in pages:
            if isinstance(page, InputError):
                yield page
                continue
            height, width = page.image.shape[:2]
            line = TextLine(f"shade {page.image[0, 0, 0]}", 0.75, ((0, 0), (9, 0), (9, 5), (0, 5)))
            yield OCRResult(page.source, page.index, width, height, 0.1, (line,))


@pytest.fixture
def page_reader(monkeypatch):
    monkeypatch.setattr(reader_module, "OCR", FakeOCR)
    return reader_module.PageReader()


@pytest.fixture
def folder(tmp_path):
    """Three pictures, one text file, a tar file of two pictures and a note, a Parquet file of two row groups."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (1, 2, 10):
        (folder / f"p{number}.png").write_bytes(png(number))
    (folder / "note.txt").write_text("no picture")
    with tarfile.open(folder / "pack.tar", "w") as archive:
        for name, data in (("a/1.png", png(11)), ("a/1.txt", b"label"), ("a/2.png", png(12))):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    table = pa.table({"path": ["x.png", "y.png", "z.png"], "bytes": [png(21), png(22), png(23)]})
    pq.write_table(table, folder / "set.parquet", row_group_size=2)
    return folder


def test_inputs_become_shards_and_files(folder):
    shards = list(shards_of([str(folder)], 2))
    assert [(shard.number, shard.kind, shard.group) for shard in shards] == [
        (0, "tar", 0), (1, "parquet", 0), (2, "parquet", 1), (3, "files", 0), (4, "files", 0),
    ]  # fmt: skip
    read = [[(item.path[len(str(folder)) + 1 :], text_of(item.load())) for item in shard.items()] for shard in shards]
    assert read == [
        [("pack.tar/a/1.png", "shade 11"), ("pack.tar/a/2.png", "shade 12")],
        [("set.parquet/x.png", "shade 21"), ("set.parquet/y.png", "shade 22")],
        [("set.parquet/z.png", "shade 23")],
        [("p1.png", "shade 1"), ("p2.png", "shade 2")],
        [("p10.png", "shade 10")],
    ]
    assert [shard.line() for shard in shards_of([str(folder)], 2)] == [shard.line() for shard in shards]
    assert [shard.paths for shard in shards_of([str(folder / "p?.png")], 8)] == [
        (str(folder / "p1.png"), str(folder / "p2.png"))
    ]


def test_pictures_as_data_sets_store_them(tmp_path):
    table = pa.table({"image": [{"bytes": png(5), "path": "five.png"}, {"bytes": png(6), "path": None}]})
    pq.write_table(table, tmp_path / "hub.parquet")
    (shard,) = shards_of([str(tmp_path / "hub.parquet")], 8)
    assert [(item.path.rsplit("/", 1)[1], text_of(item.load())) for item in shard.items()] == [
        ("five.png", "shade 5"), ("0.1", "shade 6"),
    ]  # fmt: skip


def test_an_object_store(folder):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for path in folder.iterdir():
        memory.pipe_file(f"/bucket/in/{path.name}", path.read_bytes())
    try:
        shards = list(shards_of(["memory://bucket/in"], 8))
        items = [item for shard in shards for item in shard.items()]
        assert Counter(text_of(item.load()) for item in items) == {
            f"shade {n}": 1 for n in (1, 2, 10, 11, 12, 21, 22, 23)
        }
        assert {item.path.split("://")[0] for item in items} == {"memory"}
        assert [shard.paths for shard in shards_of(["memory://bucket/in/p1*.png"], 8)] == [
            ("memory://bucket/in/p1.png", "memory://bucket/in/p10.png")
        ]
        with pytest.raises(InputError, match="nothing to read"):
            list(shards_of(["memory://bucket/other"], 8))
        with pytest.raises(InputError, match="cannot be read"):
            Item("memory://bucket/in/gone.png").load()
    finally:
        memory.rm("/bucket", recursive=True)


@pytest.mark.parametrize("form", ["table", "frame", "dict"])
def test_rows_in_rows_out(page_reader, form, tmp_path):
    (tmp_path / "a.png").write_bytes(png(7))
    columns = {
        "path": [str(tmp_path / "a.png"), "b.png", "c.png", str(tmp_path / "d.png")],
        "bytes": [None, png(9), b"no", None],
    }
    if form == "table":
        answer = page_reader(pa.table(columns)).to_pydict()
    elif form == "frame":
        frame = pytest.importorskip("pandas").DataFrame(columns)
        (found,) = page_reader.map_frames(iter([frame]))
        assert type(found) is type(frame)
        answer = found.to_dict("list")
    else:
        answer = page_reader(columns)
    assert tuple(answer) == COLUMNS
    assert list(answer["path"]) == columns["path"]
    assert list(answer["text"])[:2] == ["shade 7", "shade 9"]
    assert answer["lines"][1][0]["text"] == "shade 9" and list(answer["lines"][1][0]["box"]) == [0, 0, 9, 0, 9, 5, 0, 5]
    assert [error is None for error in answer["error"]] == [True, True, False, False]
    assert "no such file" in answer["error"][3] and len(answer["sha256"][2]) == 64


def job(output, folder, **changes):
    return Job(output, [str(folder)], Settings(), files_per_shard=2, **changes)


def texts(output):
    return Counter(pq.read_table(sorted(output.glob("part-*.parquet"))).column("text").to_pylist())


def test_a_job_goes_on_where_it_was_stopped(folder, tmp_path, page_reader):
    output = tmp_path / "out"
    first = job(output, folder)
    assert [shard.number for shard in first.left()] == [0, 1, 2, 3, 4]
    for shard in first.shards[:3]:
        first.tell(read_shard(output, shard, page_reader.rows))
    (output / "part-000001.parquet").write_bytes(b"damaged")
    second = job(output, folder)
    assert [shard.number for shard in second.left()] == [1, 3, 4]
    for shard in second.left():
        read_shard(output, shard, page_reader.rows)
    done = second.close()
    assert [json.loads(line)["shard"] for line in (output / MANIFEST).read_text().splitlines()] == [0, 1, 2, 3, 4]
    assert [finished.rows for finished in done] == [2, 2, 1, 2, 1] and not any((output / ATTEMPTS).iterdir())
    assert texts(output) == {f"shade {n}": 1 for n in (1, 2, 10, 11, 12, 21, 22, 23)}
    (folder / "p3.png").write_bytes(png(3))
    with pytest.raises(PPOCRError, match="another job"):
        job(output, folder)


class Death(BaseException):
    """Stands for SIGKILL."""


def test_the_file_that_kills_its_readers_is_given_up_and_the_rest_is_read(folder, tmp_path, page_reader):
    output = tmp_path / "out"
    (shard,) = Job(output, [str(folder / "*.png")], Settings()).left()
    opened = []

    def read(items):
        for item in items:
            opened.append(item.path[-6:])
            if item.path.endswith("p2.png"):
                raise Death
            yield from page_reader.rows([item])

    for _ in range(1 + MAX_DEATHS):
        with pytest.raises(Death):
            read_shard(output, shard, read)
        assert not list(output.glob("part*"))
    opened.clear()
    finished = read_shard(output, shard, read)
    assert ((finished.rows, finished.errors) == (3, 1) and opened == ["p1.png", "10.png"]) or opened == [
        "/p1.png"[-6:],
        "p10.png"[-6:],
    ]
    table = pq.read_table(output / finished.file).to_pydict()
    assert table["text"] == ["shade 1", None, "shade 10"]
    assert table["error"][1] == f"the process that read it died {MAX_DEATHS} times"


def test_a_damaged_tar_file_gives_what_can_be_read_and_an_error(folder, tmp_path, page_reader):
    data = (folder / "pack.tar").read_bytes()
    (tmp_path / "half.tar").write_bytes(data[: data.index(png(12)) + 40])
    (shard,) = Job(tmp_path / "out", [str(tmp_path / "half.tar")], Settings()).left()
    finished = read_shard(tmp_path / "out", shard, page_reader.rows)
    table = pq.read_table(tmp_path / "out" / finished.file).to_pydict()
    assert table["text"][0] == "shade 11" and table["error"][-1].startswith("cannot be read (ReadError")
    assert finished.errors == 1


def test_a_row_of_what_could_not_be_opened():
    row = row_of("a.png", None, None, InputError("a.png", "no such file"))
    assert row == {**dict.fromkeys(COLUMNS), "path": "a.png", "error": "no such file"}
