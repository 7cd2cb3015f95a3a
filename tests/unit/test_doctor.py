"""`ppocr doctor`: what a bug report needs, and exit status 1 if something is wrong."""

import json
import subprocess
from pathlib import Path

import pytest

from ppocr.cli import diagnosis
from ppocr.cli.diagnosis import TEXT, Trial
from ppocr.cli.main import main
from ppocr.infer import model_dir


@pytest.fixture
def trials(monkeypatch):
    """Engines are not run."""
    monkeypatch.setattr(diagnosis, "try_engine", lambda engine, models: Trial(engine, "ok", TEXT, 20.0, 900.0))


def page(text):
    return json.dumps({"seconds": 0.02, "lines": [{"text": text}]})


def test_all_is_well(ink_family, trials, capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "python 3." in out and "cores" in out and "memory" in out and out.endswith("nothing is wrong\n")
    assert "ink/det: 0.0 MB, whole (no hashes: sizes and shapes checked)" in out
    assert f"paddle: ok, read {TEXT!r} in 20 ms" in out
    assert str(Path.home()) not in out


def test_a_damaged_model_is_named(ink_family, trials, tmp_path, capsys):
    (tmp_path / "models" / "ink" / "rec" / "inference.pdiparams").write_bytes(b"x")
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {"versions", "system", "models", "caches", "engines", "problems"} == set(found)
    assert ["inference.pdiparams: damaged" in problem for problem in found["problems"]] == [True]
    states = {model["name"]: bool(model["problem"]) for model in found["models"]}
    slim = dict.fromkeys(("slim/cls", "slim/det", "slim/rec"), False)
    assert states == {"ink/cls": False, "ink/det": False, "ink/rec": True, **slim}
    assert found["system"]["cores"] >= 1 and found["versions"]["numpy"]


def test_without_models_it_says_how_to_get_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PPOCR_HOME", str(tmp_path / "none"))
    monkeypatch.setattr(model_dir, "SHIPPED", tmp_path / "none")  # a package without models
    assert main(["doctor"]) == 1
    assert "ppocr models fetch tiny" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "out", "err", "state", "problem"),
    [
        (0, page("check 2580 "), "", "ok", ""),
        (0, page("Chek 25"), "", "failed", "read 'Chek 25' where"),
        (1, "", "ppocr: no such engine", "failed", "ended with status 1: ppocr: no such engine"),
        (-11, "", "", "failed", "died of signal 11: no message"),
    ],
)
def test_what_an_engine_made_of_the_picture(status, out, err, state, problem, monkeypatch):
    done = subprocess.CompletedProcess([], status, out, err)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    trial = diagnosis.try_engine("paddle")
    assert trial.state == state and problem in trial.problem and bool(trial.problem) == bool(problem)


def test_an_engine_that_is_not_installed_is_no_problem(monkeypatch):
    assert diagnosis.try_engine("no_such_engine") == Trial("no_such_engine", "not installed")
