"""`ppocr eval-system` from the command line: a results file, our models (stood in for), and what can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterable, Sequence

import cv2
import numpy as np
import pytest

import ppocr.infer.pipeline
from ppocr.cli.main import main
from ppocr.errors import InputError
from ppocr.infer.results import OCRResult, TextLine


def corners(left: float, top: float, width: float = 100, height: float = 20) -> list:
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


# What is on the two pages of the set, and what an engine says of them.
TRUTH = {
    "one.png": [("Total 10", corners(0, 0)), ("CASH", corners(0, 40)), ("###", corners(0, 80))],
    "two.png": [("谢谢惠顾", corners(5, 5))],
}
FOUND = {
    "one.png": [("TOTAL10", corners(1, 0), 0.9), ("COSH", corners(0, 41), 0.6), ("junk", corners(10, 82, 50, 10), 0.8)],
    "two.png": [("谢谢惠顾", corners(5, 5), 0.95)],
}


def make_set(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    lines = []
    for name, regions in TRUTH.items():
        cv2.imwrite(str(folder / "images" / name), np.full((110, 130, 3), 255, np.uint8))
        records = [{"transcription": text, "points": points} for text, points in regions]
        lines.append(f"images/{name}\t{json.dumps(records, ensure_ascii=False)}")
    (folder / "dev.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder / "dev.txt"


def result(file: object, lines: Sequence[tuple], **more: object) -> dict:
    lines = [{"text": text, "score": score, "box": box} for text, box, score in lines]
    return {"file": str(file), "page": 0, "width": 130, "height": 110, "seconds": 0.1, "lines": lines, **more}


def write_results(path: Path, results: Iterable[dict]) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in results), encoding="utf-8")
    return str(path)


@pytest.fixture
def labels(tmp_path) -> Path:
    return make_set(tmp_path / "set")


@pytest.fixture
def results(tmp_path, labels) -> str:
    return write_results(
        tmp_path / "results.jsonl", [result(labels.parent / "images" / name, lines) for name, lines in FOUND.items()]
    )


def report(capsys, *arguments: object, status: int = 0) -> dict:
    assert main(["eval-system", *map(str, arguments), "--format", "json"]) == status
    return json.loads(capsys.readouterr().out)


def counts(figures: dict) -> tuple:
    return figures["matched"], figures["predicted"], figures["expected"]


def test_json_report(capsys, labels, results):
    answer = report(capsys, labels, "--results", results)
    assert answer["rules"] == {"ignore_width": True, "ignore_case": True, "ignore_spaces": True, "iou": 0.5}
    total = answer["total"]
    assert total["pages"] == 2
    assert counts(total["end_to_end"]) == (2, 3, 3)
    assert total["end_to_end"]["f"] == pytest.approx(2 / 3, abs=1e-6)
    assert counts(total["detection"]) == (3, 3, 3)
    assert counts(total["characters"]) == (14, 15, 15)
    assert counts(total["words"]) == (1, 3, 4)
    assert total["matched_lines"] == {
        "lines": 3, "right": 2, "accuracy": 0.666667, "edits": 1, "characters": 15, "character_error_rate": 0.066667,
    }  # fmt: skip
    (only,) = answer["sets"]
    assert only == {"labels": str(labels), **total, "missing": []}
    assert "seconds" not in answer


def test_text_report(capsys, labels, results):
    assert main(["eval-system", str(labels), "--results", results, "--per-page"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert rows["images/one.png"][:4] == ["1", "0.5000", "0.5000", "0.5000"]
    assert rows["images/two.png"] == ["1"] + ["1.0000"] * 9 + ["0.0000"]
    assert " ".join(rows[str(labels)]) == "2 0.6667 0.6667 0.6667 1.0000 1.0000 1.0000 0.9333 0.2857 0.6667 0.0667"
    assert "total" not in rows  # of a single set it would only repeat the row


def test_several_sets_and_their_total(capsys, tmp_path, labels, results):
    other = make_set(tmp_path / "other")
    records = [json.loads(line) for line in Path(results).read_text().splitlines()]
    records.append(result(other.parent / "images" / "two.png", []))
    records.append(result(other.parent / "images" / "one.png", FOUND["one.png"]))
    both = write_results(tmp_path / "both.jsonl", records)
    answer = report(capsys, labels, other, "--results", both, "--per-page")
    assert [counts(entry["end_to_end"]) for entry in answer["sets"]] == [(2, 3, 3), (1, 2, 3)]
    assert counts(answer["total"]["end_to_end"]) == (3, 5, 6)
    pages = answer["sets"][1]["per_page"]
    assert [page["picture"] for page in pages] == ["images/one.png", "images/two.png"]
    assert counts(pages[1]["end_to_end"]) == (0, 0, 1)
    assert main(["eval-system", str(labels), str(other), "--results", both]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["total", "4"]


@pytest.mark.parametrize(
    ("options", "matched"),
    [
        ((), 2),
        (("--exact",), 1),
        (("--no-ignore-case",), 1),
        (("--spaces",), 1),
        (("--no-nfkc",), 2),
        (("--iou", "0.99"), 1),
        (("--drop-score", "0.92"), 1),
    ],
)
def test_options_that_change_what_is_right(capsys, labels, results, options, matched):
    assert report(capsys, labels, "--results", results, *options)["total"]["end_to_end"]["matched"] == matched


def test_limit(capsys, labels, results):
    assert report(capsys, labels, "--results", results, "--limit", 1)["total"]["pages"] == 1
    assert main(["eval-system", str(labels), "--limit", "0"]) == 2


def test_results_are_found_by_the_end_of_their_path(capsys, tmp_path, labels):
    other = make_set(tmp_path / "other")
    elsewhere = [
        result(f"/on/another/machine/{folder}/images/{name}", FOUND[name])
        for folder in ("set", "other")
        for name in FOUND
    ]
    results = write_results(tmp_path / "r.jsonl", elsewhere)
    assert counts(report(capsys, labels, other, "--results", results)["total"]["end_to_end"]) == (4, 6, 6)
    assert counts(report(capsys, labels, "--results", results)["total"]["end_to_end"]) == (2, 3, 3)
    by_name = write_results(tmp_path / "r.jsonl", [result(name, FOUND[name]) for name in FOUND])
    assert counts(report(capsys, labels, "--results", by_name)["total"]["end_to_end"]) == (2, 3, 3)


def test_ambiguous_names_are_not_guessed(capsys, tmp_path, labels):
    results = [result(f"/{folder}/one.png", FOUND["one.png"]) for folder in "ab"] + [
        result("/a/two.png", FOUND["two.png"])
    ]
    answer = report(capsys, labels, "--results", write_results(tmp_path / "r.jsonl", results), status=1)
    assert answer["sets"][0]["missing"] == ["images/one.png"]


def test_missing_pages_count_as_empty_and_are_told(capsys, tmp_path, labels):
    results = write_results(tmp_path / "r.jsonl", [result("two.png", FOUND["two.png"]), result("scan.png", [])])
    assert main(["eval-system", str(labels), "--results", results, "--format", "json"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "ppocr: 1 of 2 pages have no result and count as empty: images/one.png\n"
    answer = json.loads(captured.out)
    assert answer["sets"][0]["missing"] == ["images/one.png"]
    assert counts(answer["total"]["end_to_end"]) == (1, 1, 3)
    assert main(["eval-system", str(labels), "--results", results, "--per-page"]) == 1
    assert "no result" in capsys.readouterr().out


def test_only_the_first_page_of_a_file_is_labelled(capsys, labels, tmp_path):
    pages = [result(name, FOUND[name]) for name in FOUND] + [result("one.png", FOUND["two.png"], page=1)]
    results = write_results(tmp_path / "r.jsonl", pages)
    assert counts(report(capsys, labels, "--results", results)["total"]["end_to_end"]) == (2, 3, 3)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "no page of the labels is in {results}, which is empty"),
        ([result("other.png", [])], "no page of the labels is in {results}; it has other.png, for example"),
        ([result("one.png", []), result("one.png", [])], "{results}: more than one result for"),
        ([{"file": "one.png"}], "{results}:1: 'lines' is missing"),
    ],
)
def test_wrong_results(capsys, tmp_path, labels, records, message):
    results = write_results(tmp_path / "r.jsonl", records)
    assert main(["eval-system", str(labels), "--results", results]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("ppocr: " + message.format(results=results))


def test_wrong_labels(capsys, tmp_path):
    (tmp_path / "bad.txt").write_text("one.png [] \n")
    assert main(["eval-system", str(tmp_path / "bad.txt")]) == 1
    assert f"{tmp_path / 'bad.txt'}:1: expected `picture<TAB>" in capsys.readouterr().err


def test_crossing_regions_are_repaired_and_told(capsys, tmp_path):
    bow_tie = [[0, 0], [100, 20], [100, 0], [0, 20]]
    record = json.dumps([{"transcription": "A", "points": bow_tie}])
    (tmp_path / "labels.txt").write_text(f"a.png\t{record}\n")
    results = write_results(tmp_path / "r.jsonl", [result("a.png", [("A", corners(0, 0), 1.0)])])
    assert main(["eval-system", str(tmp_path / "labels.txt"), "--results", results, "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert "labels.txt:1: region 0 'A': sides of the polygon cross" in captured.err
    assert json.loads(captured.out)["total"]["end_to_end"]["f"] == 1


class FakeOCR:
    """Knows the pages by name; refuses what it was told to refuse."""

    options: Any = None

    def __init__(self, options: Any):
        FakeOCR.options = options

    def stream(self, pages):
        for page in pages:
            if isinstance(page, InputError):
                yield page
                continue
            lines = [
                TextLine(text, score, tuple(map(tuple, box))) for text, box, score in FOUND[Path(page.source).name]
            ]
            yield OCRResult(page.source, page.index, 130, 110, 0.1, tuple(lines))


def test_models(capsys, monkeypatch, labels):
    monkeypatch.setattr(ppocr.infer.pipeline, "OCR", FakeOCR)
    answer = report(capsys, labels, "--cls", "none", "--rec", "some/dir", "--threads", 2)
    assert counts(answer["total"]["end_to_end"]) == (2, 3, 3)
    assert answer["seconds"] > 0
    assert (FakeOCR.options.det, FakeOCR.options.cls, FakeOCR.options.rec) == ("default", None, "some/dir")
    assert FakeOCR.options.threads == 2
    assert main(["eval-system", str(labels)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("2 pages in ")


def test_pictures_that_cannot_be_read(capsys, monkeypatch, labels):
    monkeypatch.setattr(ppocr.infer.pipeline, "OCR", FakeOCR)
    (labels.parent / "images" / "one.png").write_bytes(b"not a picture")
    assert main(["eval-system", str(labels), "--format", "json"]) == 1
    captured = capsys.readouterr()
    assert str(labels.parent / "images" / "one.png") in captured.err
    answer = json.loads(captured.out)
    assert answer["sets"][0]["missing"] == ["images/one.png"]
    assert counts(answer["total"]["end_to_end"]) == (1, 1, 3)
