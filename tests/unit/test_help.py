"""`--help` of every command and action, and what options of one name mean everywhere."""

import argparse
import importlib
import re

import pytest

from ppocr.cli.main import COMMANDS, main

ACTIONS = {"models": ("fetch", "list", "path", "import"), "synth": ("lines", "directions", "pages", "fonts", "dict")}
LINES = [[name] for name in COMMANDS] + [[name, action] for name, actions in ACTIONS.items() for action in actions]


def options_of(name):
    """(parser's name, option) of a command and of its actions."""
    parser = argparse.ArgumentParser(prog=name)
    importlib.import_module(COMMANDS[name][0]).add_arguments(parser)
    parsers = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            parsers += action.choices.values()
    return [(each.prog, action) for each in parsers for action in each._actions if action.option_strings]


EVERY = [pair for name in COMMANDS for pair in options_of(name)]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_help_is_shown_within_120_columns(line, capsys):
    assert main([*line, "--help"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"usage: ppocr {' '.join(line)} ") and shown.err == ""
    assert all(len(row) <= 120 for row in shown.out.splitlines())


def test_every_action_is_tried_above():
    found = {name: tuple(action.choices) for name in COMMANDS for action in subcommands(name)}
    assert found == ACTIONS


def subcommands(name):
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[name][0]).add_arguments(parser)
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]


def test_the_overview_names_every_command(capsys):
    assert main(["--help"]) == 0
    listed = re.findall(r"^  ([a-z-]+)  +\S", capsys.readouterr().out.partition("commands:\n")[2], re.MULTILINE)
    assert listed == list(COMMANDS)


def test_one_letter_means_one_thing():
    meanings = {"-h": "--help", "-c": "--config", "-o": "--opt", "-i": "--input", "-p": "--profiler_options"}
    for place, option in EVERY:
        for short in (name for name in option.option_strings if not name.startswith("--")):
            assert meanings.get(short) in option.option_strings, f"{place}: {option.option_strings}"


def test_what_is_written_is_named_by_output():
    for place, option in EVERY:
        assert not {"--out", "--out-dir", "--output-dir", "--out-file"} & set(option.option_strings), place
        if "--output" in option.option_strings:
            assert option.metavar in ("FILE", "DIR", "JSON"), place


def test_every_option_has_a_help_text():
    silent = [f"{place} {option.option_strings[0]}" for place, option in EVERY if not option.help]
    assert silent == []


def test_the_older_spelling_out_is_understood_as_a_beginning(tmp_path):
    assert main(["synth", "dict", "en63", "--out", str(tmp_path / "dict.txt")]) == 0
    assert len((tmp_path / "dict.txt").read_text(encoding="utf-8").splitlines()) == 63


def test_o_takes_several_settings_in_every_command_that_has_it():
    for place, option in EVERY:
        if "-o" in option.option_strings:
            assert option.nargs == "+" and type(option).__name__ == "_ExtendAction", place
