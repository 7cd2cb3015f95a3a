"""`ppocr check-data`, `ppocr lmdb` and `ppocr augment`."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from ppocr.cli.augment import CELL
from ppocr.cli.main import main

SQUARE = [[2, 2], [30, 2], [30, 20], [2, 20]]


@pytest.fixture
def pictures(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 60, 3), 90, np.uint8))
    (tmp_path / "broken.png").write_bytes((tmp_path / "a.png").read_bytes()[:-20])
    return tmp_path


def det_line(points, picture="a.png", text="x"):
    return f"{picture}\t{json.dumps([{'transcription': text, 'points': points}])}"


def write(folder, lines, name="labels.txt"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err


def test_every_problem_of_detection_labels(pictures, capsys):
    labels = write(pictures, [
        det_line(SQUARE),
        det_line(SQUARE, "none.png"),
        det_line(SQUARE, "broken.png"),
        "a.png\t[{]",
        det_line(SQUARE[:3], "none.png"),
        det_line([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]),
        det_line([[x + 60, y] for x, y in SQUARE]),
        "a.png",
        det_line([[x + 60, y] for x, y in SQUARE], text="###"),
    ])  # fmt: skip
    status, lines, _ = run(capsys, "check-data", labels, "--task", "det")
    assert status == 1
    assert [line.replace(f"{labels}:", "").replace(f"{pictures}/", "") for line in lines[:-1]] == [
        "2: none.png: No such file or directory",
        "3: the picture is truncated",
        "4: broken JSON at character 2: Expecting property name enclosed in double quotes",
        "5: region 0: points: expected 4 or more, came 3",
        "5: none.png: No such file or directory",
        "6: region 0 'x': sides of the polygon cross",
        "7: region 0 'x': lies outside the picture of 60 x 40 pixels",
        "8: expected `picture<TAB>label`",
    ]
    assert lines[-1] == (
        f"{labels}: 9 samples; 5 texts, 1 of them ignored; 8 problems in 7 samples: 2 missing picture, 1 broken JSON, "
        "1 broken line, 1 crossing polygon, 1 polygon outside the picture, 1 unreadable picture, 1 wrong points"
    )


def test_every_problem_of_recognition_labels(pictures, capsys):
    labels = write(pictures, ["a.png\tab", "a.png\t ", "a.png\tabcd", "a.png\txay", "a.png\txayx", "a.png\ta\tb"])
    characters = write(pictures, ["a", "b", "c", "d"], "dict.txt")
    arguments = ("check-data", labels, "--dict", characters, "--max-text-length", 3, "--no-pictures")
    status, lines, _ = run(capsys, *arguments)
    assert status == 1
    assert [line.replace(f"{labels}:", "") for line in lines[:-1]] == [
        "2: the text is empty; leave pictures without text out",
        "3: 4 characters; max_text_length is 3: 'abcd'",
        "4: characters outside the dictionary: 'xy'",
        "5: 4 characters; max_text_length is 3: 'xayx'",
        "5: characters outside the dictionary: 'xy'",
        "6: expected `picture<TAB>text`, found 2 tabs",
        "6: characters outside the dictionary: '\\t'",
    ]
    assert "6 samples; pictures not read; 7 problems in 5 samples" in lines[-1]
    assert run(capsys, "check-data", write(pictures, ["a.png\tanything"]))[:2] == (
        0,
        [f"{labels}: 1 samples; no problems"],
    )


def test_directions(pictures, capsys):
    labels = write(pictures, ["a.png\t0", "a.png\t180", "a.png\t90"])
    status, lines, _ = run(capsys, "check-data", labels, "--task", "cls")
    assert status == 1 and lines[0] == f"{labels}:3: expected one of 0, 180, came '90'" and len(lines) == 2


def test_many_pictures_in_workers(pictures, capsys):
    labels = write(pictures, ["a.png\tx"] * 200 + ["broken.png\ty"] + ["a.png\tz"] * 20)
    status, lines, _ = run(capsys, "check-data", labels, "--workers", 2)
    found = "221 samples; 1 problems in 1 samples: 1 unreadable picture"
    assert status == 1 and lines == [f"{labels}:201: the picture is truncated", f"{labels}: {found}"]


def test_what_to_check_must_be_said(capsys):
    assert run(capsys, "check-data")[0] == 1
    assert run(capsys, "check-data", "x.txt", "-c", "y.yml")[0] == 1


CONFIG = """
Global: {{character_dict_path: {folder}/dict.txt, max_text_length: 3}}
Architecture: {{model_type: rec}}
Train: &train
  dataset:
    name: {dataset}
    {source}
    transforms:
      - DecodeImage:
      - RecAug:
      - CTCLabelEncode:
      - RecResizeImg: {{image_shape: [3, 32, 100]}}
      - KeepKeys: {{keep_keys: [image, label, length]}}
  loader: {{batch_size_per_card: 2, num_workers: 2}}
Eval: *train
"""


def config(folder, dataset="SimpleDataSet", source=""):
    write(folder, ["a", "b", "c"], "dict.txt")
    path = folder / "config.yml"
    path.write_text(CONFIG.format(folder=folder, dataset=dataset, source=source))
    return path


def test_the_data_of_a_configuration(pictures, capsys):
    labels = write(pictures, ["a.png\tab", "a.png\tabx"])
    path = config(pictures, source=f"label_file_list: [{labels}]")
    status, lines, _ = run(capsys, "check-data", "-c", path)
    problem, found = f"{labels}:2: characters outside the dictionary: 'x'", "2 samples; 1 problems in 1 samples"
    assert status == 1 and lines[0::2] == [problem, problem]
    assert [line.startswith(f"{name}: {found}") for name, line in zip(("Train", "Eval"), lines[1::2])] == [True, True]


def test_several_settings_after_one_o(pictures, capsys):
    path = config(pictures, source=f"label_file_list: [{write(pictures, ['a.png' + chr(9) + 'abca'])}]")
    assert run(capsys, "check-data", "-c", path)[0] == 1, "four characters are more than three"
    settings = ("Global.max_text_length=4", "Eval.dataset.name=null")
    status, lines, _ = run(capsys, "check-data", "-c", path, "-o", *settings)
    assert (status, lines) == (0, ["Train: 1 samples; no problems"])


def test_a_set_that_cannot_be_opened_does_not_hide_the_others(pictures, capsys):
    good = write(pictures, ["a.png\tab"])
    status, lines, complaints = run(capsys, "check-data", pictures / "none.txt", good)
    assert status == 1 and lines == [f"{good}: 1 samples; no problems"] and "none.txt: cannot be read" in complaints


def test_packing_into_lmdb(pictures, capsys):
    pytest.importorskip("lmdb")
    labels = write(pictures, ["a.png\tab", "none.png\tc", "a.png\tabx"])
    status, lines, complaints = run(capsys, "lmdb", labels, "--output", pictures / "db")
    assert status == 1 and not lines
    assert complaints.splitlines() == [
        f"ppocr: {labels}:2: {pictures}/none.png: No such file or directory", f"{pictures}/db: 2 samples"
    ]  # fmt: skip
    path = config(pictures, "LMDBDataSet", f"data_dir: {pictures}/db")
    status, lines, _ = run(capsys, "check-data", "-c", path)
    assert status == 1 and lines[0] == f"{pictures}/db:2: characters outside the dictionary: 'x'"
    again = run(capsys, "lmdb", write(pictures, ["a.png\tc"]), "--output", pictures / "db")
    assert again[0] == 0, "replaces a database"
    status, _, complaints = run(capsys, "lmdb", labels, "--output", pictures)
    assert status == 1 and "exists and is no LMDB database" in complaints
    (pictures / "db2").mkdir()
    assert run(capsys, "lmdb", write(pictures, ["none.png\tc"]), "--output", pictures / "db2")[0] == 1
    assert list((pictures / "db2").iterdir()) == [], "nothing half-made is left"


def test_sheets(pictures, capsys):
    labels = write(pictures, ["a.png\tab", "a.png\tc", "none.png\ta"])
    path = config(pictures, source=f"label_file_list: [{labels}]")
    status, _, complaints = run(capsys, "augment", "-c", path, "--output", pictures / "sheet.png", "--epochs", 3)
    assert status == 1 and "none.png: No such file" in complaints  # told, and the others are drawn
    sheet = cv2.imread(str(pictures / "sheet.png"))
    assert sheet.shape[1] == pytest.approx(4 * CELL, abs=40) and (sheet < 250).any()
    again = run(capsys, "augment", "-c", path, "--output", pictures / "again.png", "--epochs", 3)
    assert again[0] == 1 and (pictures / "again.png").read_bytes() == (pictures / "sheet.png").read_bytes()
    run(capsys, "augment", "-c", path, "--output", pictures / "other.png", "--epochs", 3, "--seed", 1)
    assert (pictures / "other.png").read_bytes() != (pictures / "sheet.png").read_bytes()
    steps = run(capsys, "augment", "-c", path, "--output", pictures / "steps.jpg", "--steps", "--samples", 1)
    assert steps[0] == 0 and (pictures / "steps.jpg").stat().st_size > 1000
    assert run(capsys, "augment", "-c", path, "--output", pictures / "no/such.png")[0] == 1
    assert run(capsys, "augment", "-c", path, "--output", pictures / "sheet.what")[0] == 1
