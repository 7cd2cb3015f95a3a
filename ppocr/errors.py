"""Every error this package raises on purpose. A leaf module: any room may import it.

The message of each names the place (file, line or dotted key), what came, what is allowed and what to do, so that
a command can print `str(error)` as it is.
"""

from __future__ import annotations

from typing import Any, Sequence, Tuple


class PPOCRError(Exception):
    """Base class: `except PPOCRError` catches whatever this package can tell the user about."""


class ConfigError(PPOCRError):
    """One or more mistakes in a configuration, all found in one pass.

    Attributes:
        problems: one sentence each, starting with the dotted key.
    """

    def __init__(self, problems: Sequence[str]):
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> Tuple[Any, ...]:  # pickle (worker processes) would pass the joined text as the list
        return type(self), (self.problems,)


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
