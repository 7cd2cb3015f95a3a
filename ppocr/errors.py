"""Every error this package raises on purpose. A leaf module: any room may import it.

The message of each names the place (file, line or dotted key), what came, what is allowed and what to do, so that
a command can print `str(error)` as it is.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Sequence, Tuple, Union

# Separators of lines and paragraphs, and what turns the direction of writing, can make one line look like another.
_MISLEADING = (0x2028, 0x2029, 0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {
    code: text.encode("unicode_escape").decode("ascii")
    for code in (*range(0x20), *range(0x7F, 0xA0), *_MISLEADING, *range(0xD800, 0xE000))  # halves of surrogate pairs
    for text in [chr(code)]
}
_ESCAPES_BUT_LINES = {code: text for code, text in _ESCAPES.items() if chr(code) not in "\n\t\f"}


def printable(text: str, *, lines: bool = False) -> str:
    r"""Text as it may be shown on a terminal or in a log: control characters are written as `\n`, `\x1b`, `\u202e`.

    File names, dictionaries and labels may hold what moves the cursor, changes colours or begins a line that looks
    like one of ours.

    Args:
        lines: keep line breaks, tabs and form feeds, for text that is meant to have several lines.
    """
    return text.translate(_ESCAPES_BUT_LINES if lines else _ESCAPES)


def suggest(word: Any, choices: Iterable[str]) -> str:
    """`"; did you mean 'x'?"`, or the list of choices when nothing is near."""
    import difflib  # with what it imports itself, it is a quarter of what `ppocr --help` needs

    choices = [str(choice) for choice in choices]  # a file may have numbers for keys
    near = difflib.get_close_matches(str(word), choices, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; choose one of {', '.join(choices)}" if choices else ""


class PPOCRError(Exception):
    r"""Base class: `except PPOCRError` catches whatever this package can tell the user about.

    Args:
        message: one sentence, or several, which `str()` gives a line each. Control characters in them are escaped.

    Attributes:
        problems: the sentences.
    """

    def __init__(self, message: Union[str, Sequence[str]] = ""):
        self.problems: List[str] = [printable(line) for line in ([message] if isinstance(message, str) else message)]
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> Tuple[Any, ...]:  # pickle (worker processes) would pass the joined text
        return type(self), (self.problems,)


class ConfigError(PPOCRError):
    """One or more mistakes in a configuration, all found in one pass; each begins with the dotted key."""


class InputError(PPOCRError):
    """A picture or document that cannot be read.

    Attributes:
        source: the file's path, or `-` for standard input, or what the caller passed.
        reason: why, in a few words.
    """

    def __init__(self, source: str, reason: str):
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")

    def __reduce__(self) -> Tuple[Any, ...]:  # two arguments: pickle must be told
        return type(self), (self.source, self.reason)


class LabelError(PPOCRError):
    """A line of a label or results file that does not follow its format (`file:line: reason`)."""


class SampleError(PPOCRError):
    """One sample of a data set that cannot be used.

    Attributes:
        place: where it is listed (`file:line`), or what it was made from.
        reason: why, in a few words.
        kind: what to count it under.
    """

    def __init__(self, place: str, reason: str, kind: str = "bad sample"):
        self.place, self.reason, self.kind = place, reason, kind
        super().__init__(f"{place}: {reason}")

    def __reduce__(self) -> Tuple[Any, ...]:  # three arguments: pickle must be told
        return type(self), (self.place, self.reason, self.kind)


class DataError(PPOCRError):
    """A data set that cannot be used as a whole: too many bad samples, or samples that do not make a batch."""


class TrainingError(PPOCRError):
    """A training run that cannot go on."""


class ModelError(PPOCRError):
    """A model directory or a set of weights that is incomplete or does not fit."""


class FetchError(PPOCRError):
    """Official weights could not be obtained, verified or stored; nothing half-written was left."""


class SlimError(PPOCRError):
    """PaddleSlim is missing or another one, or a network, plan or file is not what slimming can work on."""


class MissingExtraError(PPOCRError):
    """A feature needs packages that the base install leaves out."""

    def __init__(self, feature: str, extra: str):
        self.feature, self.extra = feature, extra
        super().__init__(f'{feature} needs packages that are not installed: pip install "ppocr[{extra}]"')

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.feature, self.extra)
