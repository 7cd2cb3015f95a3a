"""Results files: our own, other engines', broken ones."""

from __future__ import annotations

import json

import pytest

from ppocr.errors import LabelError
from ppocr.infer.io.results_file import read_results
from ppocr.infer.results import OCRResult, TextLine

BOX = [[0, 0], [10, 0], [10, 5], [0, 5]]
CORNERS = ((0, 0), (10, 0), (10, 5), (0, 5))


def test_our_own_results_come_back(tmp_path):
    results = [
        OCRResult("店.png", 0, 640, 480, 0.25, (TextLine("店 Shop", 0.9, CORNERS),)),
        OCRResult("scan.tif", 3, 10, 10, 0.5, ()),
    ]
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(json.dumps(r.to_dict(), ensure_ascii=False) for r in results) + "\n\n", encoding="utf-8")
    assert read_results(path) == results


def test_other_engines_may_leave_out_what_they_do_not_know(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({"file": "a.png", "lines": [{"text": "x", "box": BOX}]}), encoding="utf-8-sig")
    assert read_results(path) == [OCRResult("a.png", 0, 0, 0, 0.0, (TextLine("x", 1.0, CORNERS),))]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "broken JSON at character 1"),
        ("[]", "expected an object"),
        ({"lines": []}, "'file' is missing"),
        ({"file": "a"}, "'lines' is missing"),
        ({"file": "a", "lines": None}, "lines: expected a list"),
        ({"file": "a", "lines": ["x"]}, "lines: expected a list"),
        ({"file": "a", "lines": [{"text": "x"}]}, "'box' is missing"),
        ({"file": "a", "lines": [{"text": "x", "box": BOX[:3]}]}, "a box has 4 corners, came 3"),
        ({"file": "a", "lines": [{"text": "x", "box": [[0, float("nan")]] * 4}]}, "expected finite numbers"),
        ({"file": "a", "lines": [{"text": "x", "score": float("nan"), "box": [[0, 0]] * 4}]}, "score: expected"),
        ({"file": "a", "page": "one", "lines": []}, "invalid literal"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, line, message):
    path = tmp_path / "results.jsonl"
    good = json.dumps({"file": "a", "lines": []})
    bad = line if isinstance(line, str) else json.dumps(line)
    path.write_text(f"{good}\n{bad}\n{bad}\n", encoding="utf-8")
    with pytest.raises(LabelError) as caught:
        read_results(path)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{path}:2: ")
    assert second.startswith(f"{path}:3: ")
    assert message in first


def test_unreadable_files(tmp_path):
    with pytest.raises(LabelError, match="cannot be read: No such file"):
        read_results(tmp_path / "none.jsonl")
    (tmp_path / "results.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(LabelError, match="not UTF-8"):
        read_results(tmp_path / "results.jsonl")
