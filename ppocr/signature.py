"""The constructor's signature as a schema: which keys a configuration may set, and of which types."""

from __future__ import annotations

import inspect
import math
import typing
from typing import Any, Callable, Collection, Mapping, Sequence

from ppocr.errors import suggest


def signature_problems(
    factory: Callable[..., Any], arguments: Mapping[str, Any], path: str, *, label: str, given: Collection[str] = ()
) -> list[str]:
    """Compare `arguments` with the signature of `factory`: unknown, missing and wrongly typed keys."""
    parameters = inspect.signature(factory).parameters
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)  # YAML may set what has a name
    named = [name for name, parameter in parameters.items() if parameter.kind not in open_ended]
    allowed = [name for name in named if name not in given and name != "self"]
    unknown = [key for key in arguments if key not in allowed]
    problems = [f"{path}.{key}: {label} has no parameter {key!r}{suggest(key, allowed)}" for key in unknown]
    problems += [
        f"{path}.{name}: missing; {label} needs it"
        for name in allowed
        if parameters[name].default is inspect.Parameter.empty and name not in arguments
    ]
    hints = _type_hints(factory)
    for key in allowed:
        if key in arguments and key in hints and not _fits(arguments[key], hints[key]):
            problems.append(f"{path}.{key}: expected {_describe(hints[key])}, came {arguments[key]!r}")
    return problems


def _type_hints(factory: Callable[..., Any]) -> dict[str, Any]:
    target = factory.__init__ if inspect.isclass(factory) else factory
    try:
        return typing.get_type_hints(target)
    except (TypeError, NameError):  # annotations newer than this Python, or for type checkers only
        return {}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value from YAML can stand for `hint`; annotations beyond YAML's reach are not judged."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin is typing.Union:
        return any(_fits(value, option) for option in options)
    if origin is typing.Literal:
        return value in options
    if hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    if isinstance(origin, type) and issubclass(origin, Collection):
        return isinstance(value, (list, tuple)) and _items_fit(value, options)
    return True


def _items_fit(values: Sequence[Any], options: Sequence[Any]) -> bool:
    """Whether the items of a list fit `List[x]` or `Tuple[x, y, …]`."""
    if len(options) == 1 or options[1:] == (Ellipsis,):
        return all(_fits(value, options[0]) for value in values)
    return not options or (len(values) == len(options) and all(map(_fits, values, options)))


def _describe(hint: Any) -> str:
    """A type hint in the words of YAML."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(option) for option in options)
    if origin is typing.Union:
        return " or ".join(_describe(option) for option in options)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping"
    if isinstance(origin, type) and issubclass(origin, Collection):
        return "a list"
    return "null" if hint is type(None) else getattr(hint, "__name__", str(hint))
