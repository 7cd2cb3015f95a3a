"""docs/add_a_backbone.md is true: its files are written, its commands run, and what it shows is what they say."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ppocr.cli.main import main
from ppocr.registry import KINDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "add_a_backbone.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {}  # path → content: the blocks that begin with the name of a file
for _language, _text in BLOCKS:
    if _language in ("python", "yaml"):
        _name, _, _body = _text.partition("\n")
        FILES[_name.removeprefix("# ")] = _body
SHELL = [text.splitlines() for language, text in BLOCKS if language == "bash"]
SHOWN = [text.splitlines() for language, text in BLOCKS if not language]  # what the commands before them say
LINE = 'ppocr/registry.py, in BACKBONES["det"]'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A directory with the page's files and the sample set, to work in."""
    for name, text in FILES.items():
        if name != LINE:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "train_data/sample", tmp_path / "train_data/sample")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place not in ("", str(tmp_path))])
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "home"))
    for registry in KINDS.values():
        monkeypatch.setattr(registry, "_registered", {})
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("my_package")]:
        del sys.modules[name]


def ppocr(line, capsys):
    """Status, standard output and standard error of one of the page's commands."""
    program, *arguments = shlex.split(line)
    assert program == "ppocr"
    status = main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_page_has_what_this_test_runs():
    assert set(FILES) == {"my_package/my_net.py", "my_det.yml", "my_package/my_loss.py", "train_mine.py", LINE}
    assert [len(lines) for lines in SHELL] == [3, 1, 1, 1, 1] and len(SHOWN) == 2


def test_a_network_in_a_package_of_ones_own(folder, capsys):
    train, export, detect = SHELL[0]
    assert ppocr(train, capsys)[0] == 0
    assert ppocr(export, capsys)[0] == 0
    for name in [name for name in sys.modules if name.startswith("my_package")]:
        del sys.modules[name]
    shutil.rmtree(folder / "my_package")  # what was exported does not need it
    status, output, _ = ppocr(detect, capsys)
    assert status == 0 and "receipt.jpg" in output


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_mistakes_are_told_as_shown(folder, capsys, number):
    status, _, complaints = ppocr(SHELL[1 + number][0], capsys)
    told = complaints.replace("ppocr: ", "").replace(f"{folder}/", "").splitlines()
    assert status == 1 and told == SHOWN[number]


def test_registered_names_in_a_program(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(folder))  # as for `python train_mine.py`
    runpy.run_path("train_mine.py")
    assert (folder / "output/mine/latest.pdparams").is_file()
    assert "MapDistance" in KINDS["loss"]


def test_a_loss_named_by_its_place(folder, capsys):
    assert ppocr(SHELL[3][0], capsys)[0] == 0
    assert (folder / "output/my_det/latest.pdparams").is_file()


def test_every_kind_is_on_the_page():
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| `", PAGE, re.MULTILINE)
    assert {kind for row in rows for kind in re.findall(r"`(\w+)`", row)} == {*KINDS, "rec_backbone"}


def test_one_file_and_one_line_in_this_project(tmp_path):
    """In a copy of the package; the contract tests are those of the repository, as they are."""
    shutil.copytree(ROOT / "ppocr", tmp_path / "ppocr", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "ppocr/modeling/backbones/my_net.py").write_text(FILES["my_package/my_net.py"], encoding="utf-8")
    table = tmp_path / "ppocr/registry.py"
    before, after = table.read_text(encoding="utf-8").split('"det": Registry("detection backbone", _MODELING, {\n')
    start = before + '"det": Registry("detection backbone", _MODELING, {\n'
    table.write_text(start + FILES[LINE] + after, encoding="utf-8")
    _, *arguments = shlex.split(SHELL[4][0])
    assert arguments[:3] == ["-m", "pytest", "tests/contract/test_networks.py"]
    arguments[2] = str(ROOT / arguments[2])
    command = [sys.executable, *arguments, "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-vv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for case in ("MyNet", "MyNet-hardswish"):
        assert f"test_detection_backbone[{case}] PASSED" in done.stdout
