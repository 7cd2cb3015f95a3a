"""YAML, JSON and text files → plain values. They are parsed here only, so that size and depth are bounded in one place.

A leaf module: any room may import it. Parsers fail in many ways on files made to break them: libyaml's loader overruns
the stack on nested brackets, anchors make small files huge or endless, dates and numbers raise whatever they like.
Here all of that is a `ParseError` with the line.
"""

from __future__ import annotations

import datetime
import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn, Optional, Union

import yaml

MAX_BYTES = 64_000_000  # of a file to parse; label files of a million lines are read line by line
MAX_DEPTH = 64  # lists and mappings inside each other; configurations have 10
MAX_VALUES = 2_000_000  # values in a file, those behind anchors counted each time
MAX_DIGITS = 20  # of a whole number: 64 bits

_SAFE_DEPTH = 400  # libyaml's loader is given files that cannot be deeper than this without a closer look
_SCALARS = (type(None), bool, float, str, datetime.date)  # a datetime is a date


class ParseError(ValueError):
    """What is wrong with a text.

    Attributes:
        problem: in a few words.
        line: counted from 1; None where nobody knows.
    """

    def __init__(self, problem: str, line: Optional[int] = None):
        self.problem, self.line = problem, line
        super().__init__(problem if line is None else f"line {line}: {problem}")


def read_bytes(path: Union[str, Path], limit: int = MAX_BYTES) -> bytes:
    """The contents of a regular file of at most `limit` bytes. A pipe is refused: it may never give anything.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger; `strerror` says it.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is a folder" if stat.S_ISDIR(status.st_mode) else "it is not a regular file")
        with open(path, "rb") as file:
            data = file.read(min(status.st_size, limit) + 1)  # so much is reserved
    except ValueError as error:  # a NUL or half a surrogate pair in the path
        raise OSError(0, f"no file can have this name ({error})") from error
    if len(data) > limit:
        raise OSError(0, f"it is larger than {limit / 1e6:g} MB")
    return data


def read_text(path: Union[str, Path], limit: int = MAX_BYTES) -> str:
    """A regular file of UTF-8; a byte-order mark is left out.

    Raises:
        OSError: as `read_bytes`.
        ParseError: it is not UTF-8; with the line.
    """
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ParseError(f"not UTF-8 (byte {error.start})", line) from error


def parse_json(text: Union[str, bytes]) -> Any:
    """One JSON value.

    Raises:
        ParseError: it is not JSON, nested too deeply, or holds a number of more than 64 bits.
    """
    _check_size(len(text))
    try:
        value = json.loads(text, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise ParseError(f"broken JSON at character {error.pos}: {error.msg}", error.lineno) from error
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8 (byte {error.start})") from error
    except RecursionError:
        _too_deep()
    return _bounded(value)


def parse_yaml(text: str) -> Any:
    """One YAML document of plain values: what `yaml.safe_load` gives, without sets, bytes and endless structures.

    libyaml does it where PyYAML has it: thousands of characters take 20 instead of 170 ms.

    Raises:
        ParseError: it is not YAML, nested too deeply, or holds what a configuration has no use for.
    """
    _check_size(len(text))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # both are safe
    try:
        if "<<" in text or _greatest_depth(text) > _SAFE_DEPTH:
            _check_outline(text, loader)
        value = yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "nesting depth" in str(error.problem):  # PyYAML has a limit of its own from 6.0.4 on, higher than ours
            _too_deep()
        raise ParseError(f"not YAML: {error.problem or error.context}", mark.line + 1 if mark else None) from error
    except yaml.reader.ReaderError as error:
        line = None if error.position is None else text.count("\n", 0, error.position) + 1
        raise ParseError(f"not YAML: {error.reason}", line) from error
    except RecursionError:
        _too_deep()
    except ParseError:
        raise
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        # of scalars that look like dates and numbers: `2020-13-45`, `!!int ""`
        raise ParseError(f"not YAML: a value cannot be understood ({type(error).__name__}: {error})") from error
    return _bounded(value)


def _check_size(length: int) -> None:
    if length > MAX_BYTES:
        raise ParseError(f"larger than {MAX_BYTES / 1e6:g} MB")


def _too_deep() -> NoReturn:
    raise ParseError(f"lists and mappings are nested deeper than {MAX_DEPTH}") from None


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ParseError(f"the whole number {digits[:MAX_DIGITS]}… has more than {MAX_DIGITS} digits")
    return int(digits)


def _greatest_depth(text: str) -> int:
    """No less than the depth of a YAML text: every level needs a bracket, or begins further right than the one around
    it, but for lists, which may begin where their mapping does."""
    brackets = text.count("[") + text.count("{")
    indents = max((2 * (_indent(line) + 1) for line in text.splitlines()), default=0)
    return brackets + indents


def _indent(line: str) -> int:
    """Columns before the last thing that can begin a level in this line."""
    spaces = len(line) - len(line.lstrip(" -?:\t"))
    return spaces + line.count("? ") + line.count(": ")  # `? ? a` and `- a: - b` begin levels within the line


def _check_outline(text: str, loader: Any) -> None:
    """Walk through a YAML text without building anything: its depth, and its size with all aliases written out."""
    sizes: dict[str, int] = {}  # of what each anchor stands for
    open_ones: list[tuple[Optional[str], int]] = []  # anchor of each list or mapping, and the count at its beginning
    count = 0
    for event in yaml.parse(text, Loader=loader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.CollectionStartEvent):
            open_ones.append((event.anchor, count))
            if len(open_ones) > MAX_DEPTH:
                raise ParseError(f"lists and mappings are nested deeper than {MAX_DEPTH}", line)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, begin = open_ones.pop()
            if anchor is not None:
                sizes[anchor] = count - begin
        elif isinstance(event, yaml.AliasEvent):
            count += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
        if count > MAX_VALUES:
            raise ParseError(f"more than {MAX_VALUES / 1e6:g} million values", line)


def _bounded(value: Any) -> Any:
    """The value itself, if it is a tree of bounded depth and size; one that contains itself is endlessly deep."""
    level, depth, count = [value], 0, 0
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, (dict, list)) and depth >= MAX_DEPTH:
                _too_deep()
            if isinstance(item, dict):
                below += item
                below += item.values()
            elif isinstance(item, list):
                below += item
            else:
                _check_scalar(item)
            if count + len(below) > MAX_VALUES:
                raise ParseError(f"more than {MAX_VALUES / 1e6:g} million values")
        count += len(level)
        depth += 1
        level = below
    return value


def _check_scalar(value: Any) -> None:
    if isinstance(value, int) and value.bit_length() > 64:
        raise ParseError("a whole number has more than 64 bits")
    if not isinstance(value, (int, *_SCALARS)):
        raise ParseError(f"a {type(value).__name__} is neither text, number, list nor mapping")
