"""Texts made to break parsers: each is a ParseError within a second, whatever the parser beneath does with it."""

from __future__ import annotations

import os
import time

import pytest

from ppocr.errors import ConfigError, LabelError, ModelError
from ppocr.parse import MAX_DEPTH, ParseError, parse_json, parse_yaml, read_bytes

LAUGHS = "\n".join(["a0: &a0 [x, x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))])
MERGES = "\n".join(
    ["a0: &a0 {x: 1}", *(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 12))]
)

YAML_BOMBS = {
    "brackets": ("[" * 100_000, "nested deeper"),
    "braces": ("{a: " * 100_000, "nested deeper"),
    "dashes": ("- " * 50_000, "nested deeper"),
    "questions": ("? " * 50_000, "nested deeper"),
    "indents": ("\n".join(" " * depth + "a:" for depth in range(3000)), "nested deeper"),
    "contains itself": ("&a [*a]", "nested deeper"),
    "aliases of aliases": (LAUGHS, "million values"),
    "merges of merges": (MERGES, "million values"),
    "no date": ("a: 2020-13-45", "month must be in"),
    "no number": ('a: !!int ""', "cannot be understood"),
    "no time": ("a: !!timestamp now", "cannot be understood"),
    "a number of 5000 digits": ("a: " + "1" * 5000, "whole number|cannot be understood"),
    "a number of 100,000 bits": ("a: 0x" + "f" * 25_000, "64 bits"),
    "base 60": ("a: 1" + ":1" * 1000, "64 bits"),
    "a set": ("a: !!set {b}", "a set is neither"),
    "a call": ("!!python/object/apply:os.system [echo]", "could not determine a constructor"),
    "half a surrogate pair": ("a: \ud800", "not YAML"),
    "a list as a key": ("? [a]\n: b", "unhashable"),
}


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_yaml(name):
    text, message = YAML_BOMBS[name]
    begin = time.perf_counter()
    with pytest.raises(ParseError, match=message):
        parse_yaml(text)
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 100_000, "nested deeper"),
        ("[" * 65 + "]" * 65, "nested deeper"),
        ("1" * 5000, "more than 20 digits"),
        ("[1", "broken JSON at character 2"),
        (b"\xff\xfe\xff", "not UTF-8"),
    ],
)
def test_json(text, message):
    with pytest.raises(ParseError, match=message):
        parse_json(text)


def test_what_is_allowed_goes_through():
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_yaml(deepest) == parse_json(deepest)
    assert parse_yaml("base: &base {x: 1}\nchild: {<<: *base, y: 2}")["child"] == {"x": 1, "y": 2}
    brackets = ["[", "{", "- ", "? "] * 2000  # a dictionary may hold any character
    assert parse_yaml("\n".join(f"- '{entry}'" for entry in brackets)) == brackets
    assert parse_json("18446744073709551615") == 2**64 - 1


def test_only_regular_files_of_bounded_size_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(101))
    for path, reason in (
        (tmp_path / "pipe", "not a regular file"), (tmp_path, "folder"), ("/dev/zero", "not a regular file"),
        (tmp_path / "large", "larger than"), ("a\0b", "no file can have this name"),
        ("a\ud800b", "no file can have this name"), (tmp_path / "none", "No such file"),
    ):  # fmt: skip
        with pytest.raises(OSError) as caught:
            read_bytes(path, 100)
        assert reason in caught.value.strerror


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_a_configuration_and_a_model_directory(name, tmp_path):
    from ppocr.config import load_config
    from ppocr.infer.model_dir import open_model

    for file in ("config.yml", "inference.yml"):
        (tmp_path / file).write_bytes(YAML_BOMBS[name][0].encode("utf-8", "surrogatepass"))
    (tmp_path / "inference.json").write_text('{"program": {"regions": [{"blocks": [{"ops": []}]}]}}')
    (tmp_path / "inference.pdiparams").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"config\.yml"):
        load_config(tmp_path / "config.yml")
    with pytest.raises(ModelError, match=r"inference\.yml"):
        open_model(str(tmp_path), "rec")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("[" * 100_000, "nested deeper"),
        ('[{"transcription": "a", "points": [[1e308, 0], [1e308, 1e308], [0, 1e308], [0, 0]]}]', "expected a list"),
        ('[{"transcription": "a", "points": [[NaN, 0], [9, 0], [9, 9], [0, 9]]}]', "expected a list"),
        ('[{"transcription": "a", "points": [[%s, 0], [9, 0], [9, 9], [0, 9]]}]' % ("9" * 400), "more than 20 digits"),
    ],
)
def test_labels(label, message, tmp_path):
    from ppocr.data.labels import read_detection_labels

    (tmp_path / "labels.txt").write_text(f"a.jpg\t{label}\n")
    with pytest.raises(LabelError, match=rf"labels\.txt:1: .*{message}"):
        read_detection_labels(tmp_path / "labels.txt", check_pictures=False)


@pytest.mark.parametrize(
    "states", ["[1]", "null", "[" * 100_000, '{"epoch": "1"}', '{"epoch": -1}', '{"epoch": 1e400}', '{"best": []}']
)
def test_states(states, tmp_path):
    import paddle

    from ppocr.engine.checkpoint import check_states, load_checkpoint, read_states

    for suffix in (".pdparams", ".pdopt"):
        paddle.save({}, str(tmp_path / f"latest{suffix}"))
    (tmp_path / "latest.states").write_text(states)
    with pytest.raises(ModelError, match=r"latest\.states: not written by this program"):
        check_states(load_checkpoint(tmp_path / "latest").states, "latest.states")
    assert isinstance(read_states(tmp_path / "latest"), dict)
