"""The commands of PaddleOCR's documentation are understood: see commands.txt."""

import argparse
import importlib
import shlex
from pathlib import Path

import pytest
import yaml

from compat import table
from ppocr.cli import main as cli
from ppocr.cli.options import options_from
from ppocr.cli.paddleocr_flags import run, translate
from ppocr.cli.training import config_from

LINES = Path(__file__).with_name("commands.txt").read_text(encoding="utf-8").splitlines()
COMMANDS = [line for line in LINES if line.startswith("tools/")]
REFUSED = [line[1:] for line in LINES if line.startswith("!")]
OURS = {
    "train": ("train",), "eval": ("eval",), "export_model": ("export",), "infer_det": ("predict", "--task", "det"),
    "infer_rec": ("predict", "--task", "rec"), "infer_cls": ("predict", "--task", "cls"), "predict_det": ("detect",),
    "predict_rec": ("recognize",), "predict_cls": ("classify",), "predict_system": ("ocr",),
}  # fmt: skip
FILES = {file.rsplit("/", 1)[1]: (family, file) for family, file in table.entries()}


def split(line):
    """(our command, its first arguments, PaddleOCR's arguments)."""
    script, *arguments = line.split(" ")
    name, *first = OURS[Path(script).stem]
    return name, first, arguments


def parsed(name, arguments):
    module = importlib.import_module(cli.COMMANDS[name][0])
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(arguments)


def test_there_are_67():
    assert len(COMMANDS) == len(set(COMMANDS)) == 67


@pytest.mark.parametrize("line", [line for line in COMMANDS if "/infer/" not in line])
def test_training_commands(line, home, tmp_path):
    name, first, (flag, file, *rest) = split(line)
    path = tmp_path / "config.yml"
    path.write_text(yaml.safe_dump(table.tree(*FILES[file[2:]])), encoding="utf-8")
    args = parsed(name, [*first, flag, str(path), *rest])
    config = config_from(args)
    for override in args.opt:
        key, _, value = override.partition("=")
        if key not in ("Global.load_static_weights", "Global.label_list"):
            assert config.plain(key) == yaml.safe_load(value)


@pytest.mark.parametrize("line", [line for line in COMMANDS if "/infer/" in line])
def test_prediction_commands(line, home):
    name, _, arguments = split(line)
    ours, _ = translate(name, arguments)
    args = parsed(name, ours)
    given = dict(argument[2:].split("=", 1) for argument in arguments)
    assert args.paths == [given["image_dir"]]
    options = options_from(args)
    for kind in ("det", "rec"):
        if f"{kind}_model_dir" in given:
            assert getattr(options, kind) == given[f"{kind}_model_dir"]


@pytest.mark.parametrize("line", REFUSED)
def test_other_algorithms_are_refused(line, capsys):
    name, _, arguments = split(line)
    assert run(name, [argument for argument in map(shlex.quote, arguments) if argument]) == 2
    assert "algorithm" in capsys.readouterr().err
