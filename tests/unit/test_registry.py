"""The registry: a constructor's signature is the schema, and every mistake is told at once."""

from __future__ import annotations

import sys
import types
from types import MappingProxyType
from typing import List, Literal, Optional, Sequence, Union

import pytest

from ppocr.errors import ConfigError, suggest
from ppocr.registry import KINDS, TEACHERS, Registry

ALL_REGISTRIES = [*KINDS.values(), TEACHERS]


class Wheel:
    def __init__(
        self,
        in_channels: int,
        radius: float,
        spokes: int = 32,
        tyre: Literal["road", "mud"] = "road",
        name_tag: Optional[str] = None,
        holes: Sequence[int] = (1, 2),
        brakes: Union[bool, List[str]] = False,
        anything=None,
    ):
        if spokes < 0:
            raise ValueError(f"spokes must not be negative, came {spokes}")
        self.arguments = (in_channels, radius, spokes, tyre, name_tag, holes, brakes, anything)


class Sail:
    def __init__(self, area: float):
        self.area = area


@pytest.fixture
def parts(monkeypatch):
    module = types.ModuleType("garage.parts")
    module.Wheel, module.Sail = Wheel, Sail
    monkeypatch.setitem(sys.modules, "garage", types.ModuleType("garage"))
    monkeypatch.setitem(sys.modules, "garage.parts", module)
    return Registry("part", "garage", {"Wheel": ".parts:Wheel", "Sail": ".parts:Sail"})


def test_builds_with_what_yaml_and_the_builder_give(parts):
    spec = MappingProxyType({"name": "Wheel", "radius": 2, "holes": (3, 4)})
    wheel = parts.build(spec, "Bike.Front", in_channels=3, out_channels=7)  # out_channels: not for a wheel
    assert wheel.arguments == (3, 2, 32, "road", None, (3, 4), False, None)


def test_all_problems_at_once(parts):
    spec = {"name": "Wheel", "spoke": 3, "tyre": "ice", "name_tag": 5, "in_channels": 1}
    with pytest.raises(ConfigError) as caught:
        parts.build(spec, "Bike.Front", in_channels=3)
    assert sorted(caught.value.problems) == [
        "Bike.Front.in_channels: Wheel has no parameter 'in_channels'; choose one of radius, spokes, tyre, name_tag, "
        "holes, brakes, anything",
        "Bike.Front.name_tag: expected str or null, came 5",
        "Bike.Front.radius: missing; Wheel needs it",
        "Bike.Front.spoke: Wheel has no parameter 'spoke'; did you mean 'spokes'?",
        "Bike.Front.tyre: expected one of 'road', 'mud', came 'ice'",
    ]
    assert str(caught.value).count("\n") == 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("radius", 2), ("radius", 2.5), ("spokes", 7), ("name_tag", None), ("name_tag", "x"), ("holes", [1]),
        ("holes", (1,)), ("brakes", True), ("brakes", ["rim"]), ("anything", object()), ("tyre", "mud"),
    ],
)  # fmt: skip
def test_values_that_fit(parts, key, value):
    assert parts.problems({"name": "Wheel", "radius": 1, key: value}, "W", {"in_channels"}) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("radius", "2"), ("radius", True), ("radius", None), ("spokes", 7.0), ("spokes", True), ("name_tag", 1),
        ("holes", 1), ("holes", "12"), ("brakes", 1), ("brakes", "rim"), ("tyre", None),
    ],
)  # fmt: skip
def test_values_of_the_wrong_type(parts, key, value):
    expected = {
        "holes": "a list",
        "brakes": "bool or a list",
        "tyre": "one of 'road', 'mud'",
        "name_tag": "str or null",
    }
    problem, *more = parts.problems({"name": "Wheel", "radius": 1, key: value}, "W", {"in_channels"})
    assert problem == f"W.{key}: expected {expected.get(key, Wheel.__init__.__annotations__[key])}, came {value!r}"
    assert not more


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"name": "Weel"}, "P.name: no part is called 'Weel'; did you mean 'Wheel'?"),
        ({"name": "Rudder"}, "P.name: no part is called 'Rudder'; choose one of Sail, Wheel"),
        ({"name": ["Wheel"]}, "P.name: no part is called ['Wheel']; did you mean 'Wheel'?"),
        ({"radius": 1}, "P.name: missing; choose one of Sail, Wheel"),
        ("Wheel", "P: expected a mapping with a 'name', came 'Wheel'"),
        (None, "P: expected a mapping with a 'name', came None"),
    ],
)
def test_what_is_no_specification(parts, spec, problem):
    assert parts.problems(spec, "P") == [problem]


def test_a_value_that_only_the_constructor_judges(parts):
    with pytest.raises(ConfigError, match=r"^P: spokes must not be negative, came -1$"):
        parts.build({"name": "Wheel", "radius": 1, "spokes": -1}, "P", in_channels=3)


def test_modules_are_imported_when_first_needed():
    registry = Registry("part", "garage_that_is_not_there", {"Wheel": ".parts:Wheel"})
    assert registry.names() == ["Wheel"]
    assert registry.problems({"name": "Whel"}, "P") == ["P.name: no part is called 'Whel'; did you mean 'Wheel'?"]
    with pytest.raises(ModuleNotFoundError):
        registry.resolve("Wheel")


@pytest.mark.parametrize(
    ("word", "choices", "expected"),
    [
        ("scal", ["scale", "layers"], "; did you mean 'scale'?"),
        ("xyz", ["scale", "layers"], "; choose one of scale, layers"),
        ("xyz", [], ""),
        (5, ["scale"], "; choose one of scale"),
    ],
)
def test_suggest(word, choices, expected):
    assert suggest(word, choices) == expected


@pytest.mark.parametrize(
    ("registry", "name"), [(registry, name) for registry in ALL_REGISTRIES for name in registry.names()]
)
def test_every_line_of_the_tables_leads_to_a_class_with_an_explicit_signature(registry, name):
    import inspect

    parameters = inspect.signature(registry.resolve(name)).parameters.values()
    assert not [p.name for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    assert not [p.name for p in parameters if p.annotation is p.empty]
