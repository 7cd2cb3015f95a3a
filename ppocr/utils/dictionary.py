"""The characters a configuration names. Apart from `build`, so that commands about data need not load Paddle."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Iterator, List, Optional

from ppocr.config import Config
from ppocr.errors import ConfigError
from ppocr.ops.charset import Charset
from ppocr.utils.cache import cache_folder

SHIPPED = Path(__file__).resolve().with_name("dict")  # dictionaries that the package brings
USUAL_FOLDER = "ppocr/utils/"  # where PaddleOCR keeps its own, those of most languages in `dict/` in it
ALPHANUMERIC = string.digits + string.ascii_lowercase  # what PaddleOCR's recognisers without a dictionary read


def fetched_dictionaries() -> Path:
    """Where PaddleOCR's dictionaries are after `ppocr models fetch dictionaries`, in its own folders."""
    return cache_folder() / "dictionaries"


def build_charset(config: Config) -> Optional[Charset]:
    """The characters that `Global` names, with the space if it says so; None for a task without characters.

    A recogniser with `character_dict_path: null` reads `0-9a-z`, and texts are made lower case, as in PaddleOCR.

    Raises:
        ConfigError: if there is no such file, or it is not a dictionary.
    """
    options = config.options
    path = options.character_dict_path
    if path is None:
        if not _is_null(config):
            return None
        characters = string.printable[:94] if options.character_type == "EN_symbol" else ALPHANUMERIC
        return Charset(characters, options.use_space_char, lower=options.character_type != "EN_symbol")
    try:
        return Charset(read_dictionary(path), options.use_space_char)
    except ConfigError as error:
        raise ConfigError([f"Global.character_dict_path: {problem}" for problem in error.problems]) from error


def _is_null(config: Config) -> bool:
    """Whether a recogniser's configuration has an empty `character_dict_path`, and did not merely forget it."""
    return config.at("Architecture.model_type") == "rec" and "character_dict_path" in config.at("Global", {})


def read_dictionary(name: str) -> List[str]:
    """The characters of a dictionary (see `find_dictionary`), in its order.

    Raises:
        ConfigError: if there is no such file, or it is not a dictionary.
    """
    return Charset.from_file(find_dictionary(name)).characters


def find_dictionary(name: str) -> Path:
    """A file; else one that the package brings or that was fetched, by its name alone or as configurations write it.

    PaddleOCR has two lists called `en_dict.txt`: 95 characters in `ppocr/utils`, 63 in `ppocr/utils/dict`. The path
    decides; the name alone means the first.

    Args:
        name: a path, `ppocr_keys_v1.txt`, or `ppocr/utils/dict/ppocr_keys_v1.txt`.

    Raises:
        ConfigError: if there is neither.
    """
    for candidate in _candidates(name):
        if candidate.is_file():
            return candidate
    shipped = ", ".join(sorted(file.name for file in SHIPPED.glob("*.txt")))
    hint = "" if fetched_dictionaries().is_dir() else "; for PaddleOCR's other ones: ppocr models fetch dictionaries"
    raise ConfigError([f"{name}: there is no such dictionary; the package brings {shipped}{hint}"])


def _candidates(name: str) -> Iterator[Path]:
    path, fetched = Path(name), fetched_dictionaries()
    yield path
    yield SHIPPED.parents[2] / name
    yield SHIPPED / path.name
    before, usual, rest = path.as_posix().rpartition(USUAL_FOLDER)
    if usual and (not before or before.endswith("/")):
        yield fetched / rest
    yield fetched / path.name
    yield fetched / "dict" / path.name
