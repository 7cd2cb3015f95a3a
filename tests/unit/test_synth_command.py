"""Synthetic text as users get it: written by the command, and read by a loader from YAML."""

import numpy as np
import pytest
import yaml
from synth_fonts import CHINESE, make_font

from ppocr.cli.main import main
from ppocr.data.labels import read_detection_labels, read_recognition_labels
from ppocr.data.lmdb_dataset import LMDBDataSet
from ppocr.data.loader import build_loader
from ppocr.data.synth.languages import ASCII
from ppocr.errors import ConfigError
from ppocr.ops.charset import Charset
from ppocr.ops.images import decode_image


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Arguments and YAML keys for a font and a text of our own."""
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "home"))
    font = str(make_font(tmp_path / "font.ttf", ASCII + CHINESE))
    text = tmp_path / "en.txt"
    text.write_text("some words to be read\nand some more of them\n", encoding="utf-8")
    flags = ["--fonts", font, "--lang", "en", "--corpus", f"en={text}"]
    return flags, {"fonts": [font], "lang": "en", "corpus": {"en": [str(text)]}}


def test_lines_are_written_and_workers_change_nothing(sources, tmp_path, capsys):
    out = [tmp_path / name for name in ("one", "two")]
    for folder, workers in zip(out, "12"):
        command = ["synth", "lines", "--count", "24", "--workers", workers, "--output", str(folder), "--height", "48"]
        assert main([*command, *sources[0]]) == 0
    assert "24 samples" in capsys.readouterr().err
    labels = [read_recognition_labels(folder / "labels.txt") for folder in out]
    assert [label.text for label in labels[0]] == [label.text for label in labels[1]]
    for one, two in zip(*labels):
        assert one.path.read_bytes() == two.path.read_bytes()
        assert next(decode_image(one.path.read_bytes(), "")).shape[0] == 48


def test_pages_and_lines_are_written(sources, tmp_path):
    pages, turned = tmp_path / "pages", tmp_path / "directions"
    flags = sources[0]
    assert main(["synth", "pages", "--count", "3", "--size", "200x240", "--output", str(pages), *flags]) == 0
    read = read_detection_labels(pages / "labels.txt")
    assert len(read) == 3 and sum(len(page.regions) for page in read) > 5
    assert next(decode_image(read[0].path.read_bytes(), "")).shape == (200, 240, 3)
    pytest.importorskip("lmdb")
    assert main(["synth", "directions", "--count", "12", "--lmdb", "--output", str(turned), *flags]) == 0
    database = LMDBDataSet(str(turned))
    assert {database.read(i, np.random.default_rng(0))["label"] for i in range(len(database))} == {"0", "180"}


@pytest.mark.parametrize(("arguments", "status", "told"), [
    (["--lang", "xx"], 1, "'xx' is not known"),
    (["--fonts", "/nowhere"], 1, "does not exist"),
    (["--corpus", "words.txt"], 1, "expected LANG=FILE"),
    (["--backgrounds", "."], 1, "no pictures"),
    (["--difficulty", "0.9,0.1"], 2, "invalid number from 0 to 1"),
    (["--count", "0"], 2, "invalid whole number above 0"),
    (["--dict", "none.txt"], 1, "there is no such dictionary"),
])  # fmt: skip
def test_mistakes_are_told(sources, tmp_path, monkeypatch, capsys, arguments, status, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    command = ["synth", "lines", "--count", "2", "--output", "out", *sources[0]]
    arguments = [argument if argument != "." else "empty" for argument in arguments]
    assert main([*command, *arguments]) == status
    assert told in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_nothing_is_written_over(sources, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("keep")
    assert main(["synth", "lines", "--count", "2", "--output", str(tmp_path), *sources[0]]) == 1
    assert "exists already" in capsys.readouterr().err and (tmp_path / "mine.txt").read_text() == "keep"


def test_fonts_are_listed_with_what_to_install(sources, capsys):
    fonts = sources[0][:2]
    assert main(["synth", "fonts", "--lang", "zh,en", *fonts]) == 0
    listed = capsys.readouterr().out
    assert "zh Chinese: 1 families, 1 faces" in listed and "Test Sans" in listed and "fonts-noto-cjk" in listed
    assert "without a font:" in listed
    assert main(["synth", "fonts", "--lang", "ko", *fonts]) == 1


def test_a_dictionary_is_built(tmp_path):
    assert main(["synth", "dict", "en63", "--output", str(tmp_path / "d.txt")]) == 0
    assert Charset.from_file(tmp_path / "d.txt").num_classes == 64


SECTIONS = """
rec:
  dataset:
    name: SynthLines
    length: 12
    difficulty: [0.0, 1.0]
    transforms:
      - DecodeImage: {}
      - CTCLabelEncode:
      - RecResizeImg: {image_shape: [3, 32, 160]}
      - KeepKeys: {keep_keys: [image, label, length]}
  loader: {batch_size_per_card: 4, shuffle: true, num_workers: 0}
cls:
  dataset:
    name: SynthDirections
    length: 12
    transforms:
      - DecodeImage: {}
      - ClsLabelEncode:
      - ClsResizeImg: {image_shape: [3, 48, 192]}
      - KeepKeys: {keep_keys: [image, label]}
  loader: {batch_size_per_card: 6, num_workers: 0}
det:
  dataset:
    name: SynthPages
    length: 2
    difficulty: 0.4
    size: [256, 256]
    transforms:
      - DecodeImage: {}
      - DetLabelEncode:
      - MakeBorderMap: {}
      - MakeShrinkMap: {}
      - NormalizeImage: {}
      - ToCHWImage:
      - KeepKeys: {keep_keys: [image, threshold_map, threshold_mask, shrink_map, shrink_mask]}
  loader: {batch_size_per_card: 2, num_workers: 0}
"""


@pytest.mark.parametrize("task", ["rec", "cls", "det"])
def test_yaml_names_the_data_sets(sources, task):
    section = yaml.safe_load(SECTIONS)[task]
    section["dataset"].update(sources[1])
    loader = build_loader(section, task=task, charset=Charset([*ASCII], use_space_char=True), seed=3)
    first, second, again = list(loader.epoch(0)), list(loader.epoch(1)), list(loader.epoch(0))
    assert sum(len(batch["places"]) for batch in first) == len(loader.pipeline.dataset) and not loader.skipped
    keys = section["dataset"]["transforms"][-1]["KeepKeys"]["keep_keys"]
    for one, two in zip(first, again):
        assert all(np.array_equal(one[key], two[key]) for key in keys)
    assert not np.array_equal(first[0]["image"], second[0]["image"])  # never the same twice
    if task == "det":
        assert first[0]["shrink_map"].max() == 1
    if task == "cls":
        assert set(np.concatenate([batch["label"] for batch in first + second]).tolist()) == {0, 1}


def test_yaml_mistakes_are_told_with_their_key(sources):
    section = yaml.safe_load(SECTIONS)["rec"]
    section["dataset"].update(sources[1], difficulty=3)
    with pytest.raises(ConfigError, match=r"Train\.dataset: difficulty: expected a number from 0 to 1"):
        build_loader(section, task="rec", charset=Charset([*ASCII]))
    section["dataset"].update(difficulty=0.5, heigth=3)
    with pytest.raises(ConfigError, match="did you mean 'height'"):
        build_loader(section, task="rec", charset=Charset([*ASCII]))
