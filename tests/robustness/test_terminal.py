"""Names and texts of strangers must not steer the terminal, and standard streams may be closed."""

from __future__ import annotations

import os
import pickle
import pty
import subprocess
import sys

import pytest

from ppocr.errors import ConfigError, InputError, LabelError, PPOCRError, SampleError, printable

HOSTILE = "a\x1b[2J\nppocr: all well\r\u202egpj.\x9b0m\u2028x.png"


@pytest.mark.parametrize(
    "error",
    [
        PPOCRError(HOSTILE), ConfigError([HOSTILE, "b"]), InputError(HOSTILE, HOSTILE), LabelError([HOSTILE]),
        SampleError(HOSTILE, HOSTILE),
    ],
)  # fmt: skip
def test_errors_have_a_line_for_each_problem_and_nothing_that_steers(error):
    assert not {"\x1b", "\r", "\u202e", "\x9b", "\u2028"} & set(str(error))
    assert len(str(error).split("\n")) == len(error.problems)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)


def test_printable_keeps_what_is_harmless():
    assert printable("é 中\u3000 \\n") == "é 中\u3000 \\n"
    assert printable("a\tb\nc\x00", lines=True) == "a\tb\nc\\x00"
    assert printable("a\tb\nc\x00") == "a\\tb\\nc\\x00"


def run(*arguments, before="", after="", environment=None):
    line = f"{before} {sys.executable} -m ppocr {' '.join(arguments)} {after}"
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, timeout=120, env={**os.environ, **(environment or {})}
    )


def test_a_hostile_file_name_on_standard_error(tmp_path):
    path = tmp_path / HOSTILE.encode("utf-8", "surrogateescape").decode("utf-8")
    path.write_bytes(b"no picture")
    done = subprocess.run(
        [sys.executable, "-m", "ppocr", "ocr", str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert r"a\x1b[2J\nppocr: all well\r\u202egpj.\x9b0m\u2028x.png: not a picture" in done.stderr


@pytest.mark.parametrize("argument", ["--engine=$'\\e[2J'", "$'no\\e[2J'", "--no-such$'\\e[2J'"])
def test_hostile_arguments(argument):
    done = run("ocr" if argument.startswith("-") else "", argument, "x")
    assert done.returncode == 2 and b"\x1b" not in done.stderr and b"\\x1b[2J" in done.stderr


def test_texts_on_a_terminal_are_escaped_and_in_files_are_not(tmp_path, monkeypatch):
    from ppocr.cli.output import Output

    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        with Output(None) as out:
            out.open(lambda: b"")
            out.write(b"a\x1b[2Jb\n")
    assert os.read(leader, 100).replace(b"\r\n", b"\n") == b"a\\x1b[2Jb\n"
    with Output(str(tmp_path / "out.txt")) as out:
        out.open(lambda: b"")
        out.write(b"a\x1b[2Jb\n")
    assert (tmp_path / "out.txt").read_bytes() == b"a\x1b[2Jb\n"


@pytest.mark.parametrize(
    ("closing", "status", "told"),
    [
        ("<&-", 1, b"no such file"),
        ("2>&-", 1, b""),
        (">&-", 1, b"no such file"),
        ("<&- >&- 2>&-", 1, b""),
    ],
)  # fmt: skip
def test_closed_streams(closing, status, told):
    done = run("ocr", "/none.png", "--format", "tsv", after=closing)
    assert done.returncode == status and told in done.stderr
    assert b"Traceback" not in done.stderr


def test_results_for_a_closed_standard_output_are_an_error():
    done = run("ocr", "/none.png", "--format", "json", after=">&-")  # a list has a beginning, even without pages
    assert done.returncode == 1 and b"standard output: cannot be written" in done.stderr


def test_a_mistake_of_the_program_has_a_status_of_its_own(monkeypatch, capsys):
    from ppocr.cli import main

    monkeypatch.setitem(main.COMMANDS, "ocr", ("ppocr.no_such_module", ""))
    assert main.main(["ocr"]) == 70
    assert "unexpected ModuleNotFoundError" in capsys.readouterr().err
