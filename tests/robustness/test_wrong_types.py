"""An `inference.yml` with a value of a wrong type anywhere in PreProcess or PostProcess is read, or refused by name."""

from __future__ import annotations

import copy

import pytest
import yaml
from surfaces import SPECS, read_spec

from ppocr.errors import ConfigError, ModelError

VALUES = (True, 7, -1, 0.5, float("nan"), 10**40, "x", [], [None], ["a", 1], [[0]], {}, {"a": 1}, {None: None})


def places(node, path=()):
    """Where a value can be put: each key and index."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def replaced(tree, path, value):
    tree = copy.deepcopy(tree)
    node = tree
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return tree


@pytest.mark.parametrize("spec", SPECS, ids=["det", "rec", "cls"])
def test_a_wrong_value_anywhere(spec, tmp_path):
    ends = {}
    for path in places({key: spec[key] for key in ("PreProcess", "PostProcess")}):
        for value in VALUES:
            changed = replaced(spec, path, value)
            try:
                read_spec(yaml.safe_dump(changed).encode(), tmp_path)
            except (ConfigError, ModelError) as error:
                ends[path, repr(value)] = str(error)
    sections = [("PreProcess",), ("PostProcess",)]
    whole = {(path, repr(value)) for path in sections for value in VALUES if not isinstance(value, dict)}
    assert whole <= set(ends)  # a section is a mapping
    assert all(len(line) < 1000 for error in ends.values() for line in error.splitlines())
