"""Both label formats, and what is said about mistakes in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppocr.data.labels import polygon_fault, read_detection_labels, read_recognition_labels
from ppocr.errors import LabelError

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
BOW_TIE = [[0, 0], [10, 10], [10, 0], [0, 10]]
LINE = [[0, 0], [10, 0], [5, 0], [2, 0]]


def write(tmp_path: Path, *lines: object, pictures: tuple = ("a.png", "b.png")) -> Path:
    """A label file; a line that is not text is the list of regions of `a.png`."""
    for picture in pictures:
        (tmp_path / picture).touch()
    text = [line if isinstance(line, str) else "a.png\t" + json.dumps(line, ensure_ascii=False) for line in lines]
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


def region(text: object = "x", points: object = SQUARE, **more: object) -> dict:
    return {"transcription": text, "points": points, **more}


def problems(path: Path, read=read_detection_labels, **options) -> list:
    with pytest.raises(LabelError) as caught:
        read(path, **options)
    return [line.replace(str(path), "FILE") for line in str(caught.value).splitlines()]


def test_detection_labels(tmp_path):
    path = write(
        tmp_path, [region("店 Shop", difficult=False), region("###"), region("*"), region("")], "", "b.png\t[]"
    )
    first, second = read_detection_labels(path)
    assert first.picture == "a.png"
    assert first.path == tmp_path / "a.png"
    assert first.place == f"{path}:1"
    assert [r.text for r in first.regions] == ["店 Shop", "###", "*", ""]
    assert [r.ignore for r in first.regions] == [False, True, True, True]
    assert first.regions[0].points == ((0, 0), (10, 0), (10, 10), (0, 10))
    assert second.regions == ()
    assert second.place == f"{path}:3"


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = write(tmp_path)
    path.write_bytes("\ufeffa.png\t[]\r\nb.png\t[]\r\n".encode())
    assert [page.picture for page in read_detection_labels(path)] == ["a.png", "b.png"]


def test_root(tmp_path):
    (tmp_path / "pictures").mkdir()
    path = write(tmp_path, [region()], pictures=("pictures/a.png",))
    assert read_detection_labels(path, root=tmp_path / "pictures")[0].path == tmp_path / "pictures" / "a.png"
    assert len(problems(path)) == 1


def test_polygon_of_many_corners(tmp_path):
    points = [[0, 0], [5, 1], [10, 0], [10, 10], [5, 9], [0, 10]]
    assert len(read_detection_labels(write(tmp_path, [region(points=points)]))[0].regions[0].points) == 6


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.png [] ", "expected `picture<TAB>a list of regions`"),
        ("\t[]", "expected `picture<TAB>"),
        ("c.png\t[]", "no picture at"),
        ("a.png\t[{]", "broken JSON at character 2"),
        ("a.png\t{}", "expected a list of regions, came '{}'"),
        (["x"], 'region 0: expected {"transcription": …, "points": …}, came \'"x"\''),
        ([{"points": SQUARE}], "region 0: has no 'transcription'"),
        ([{"transcription": "x"}], "region 0: has no 'points'"),
        ([region(7)], "region 0: transcription: expected a string, came 7"),
        ([region(points=SQUARE[:3])], "region 0: points: expected 4 or more, came 3"),
        ([region(points=[[0, 0, 0]] * 4)], "region 0: points: expected a list of [x, y]"),
        ([region(points=[["0", 0]] * 4)], "region 0: points: expected a list of [x, y]"),
        ([region(points=[[float("nan"), 0]] * 4)], "region 0: points: expected a list of [x, y]"),
        ([region(points="0,0")], "region 0: points: expected a list of [x, y], came '\"0,0\"'"),
        ([region(), region("shop", BOW_TIE)], "region 1 'shop': sides of the polygon cross"),
        ([region(points=LINE)], "region 0 'x': the polygon has no area"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, line, message):
    (told,) = problems(write(tmp_path, [region()], line))
    assert told.startswith("FILE:2: ")
    assert message in told


def test_all_mistakes_at_once(tmp_path):
    path = write(tmp_path, "nothing", [region(points=BOW_TIE), {}], "c.png\t[", [region()])
    told = problems(path)
    assert [line.split(" ")[0] for line in told] == ["FILE:1:", "FILE:2:", "FILE:2:", "FILE:2:", "FILE:3:", "FILE:3:"]


def test_a_file_full_of_mistakes_is_summed_up(tmp_path):
    told = problems(write(tmp_path, *["nothing"] * 50))
    assert len(told) == 21
    assert told[-1] == "… and 30 more problems"


def test_repair(tmp_path):
    path = write(tmp_path, [region("shop", BOW_TIE), region("line", LINE), region("fine")])
    (page,) = read_detection_labels(path, repair=True)
    shop, line, fine = page.regions
    assert set(shop.points) == {(0, 0), (10, 0), (10, 10), (0, 10)}
    assert not polygon_fault(shop.points)
    assert (shop.ignore, line.ignore, fine.ignore) == (False, True, False)
    assert page.repairs == (
        f"{path}:1: region 0 'shop': sides of the polygon cross; its convex hull was taken",
        f"{path}:1: region 1 'line': the polygon has no area; it was ignored",
    )


def test_repair_does_not_excuse_other_mistakes(tmp_path):
    assert "expected 4 or more" in problems(write(tmp_path, [region(points=[[0, 0]])]), repair=True)[0]


def test_missing_pictures_can_be_allowed(tmp_path):
    path = write(tmp_path, "far/away.png\t[]")
    assert read_detection_labels(path, check_pictures=False)[0].path == tmp_path / "far" / "away.png"


@pytest.mark.parametrize("read", [read_detection_labels, read_recognition_labels])
def test_unreadable_files(tmp_path, read):
    assert "No such file" in problems(tmp_path / "none.txt", read)[0]
    path = write(tmp_path, "")
    assert problems(path, read) == ["FILE: the file has no labels"]
    path.write_bytes("a.png\t店".encode("gbk"))
    with pytest.raises(LabelError, match=r":1: not UTF-8 \(byte 6\)"):
        read(path)


def test_recognition_labels(tmp_path):
    path = write(tmp_path, "a.png\t 店 Shop ", "b.png\t[]")
    first, second = read_recognition_labels(path)
    assert (first.text, second.text) == (" 店 Shop ", "[]")  # spaces are text
    assert first.path == tmp_path / "a.png"
    assert second.place == f"{path}:2"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.png text", "expected `picture<TAB>the text`"),
        ("a.png\t ", "the text is empty"),
        ("a.png\tone\ttwo", "expected `picture<TAB>text`, found 2 tabs"),
        ("c.png\ttext", "no picture at"),
    ],
)
def test_recognition_mistakes(tmp_path, line, message):
    (told,) = problems(write(tmp_path, "a.png\tfine", line), read_recognition_labels)
    assert told.startswith("FILE:2: ")
    assert message in told
