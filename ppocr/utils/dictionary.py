"""The characters a configuration names. Apart from `build`, so that commands about data need not load Paddle."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from ppocr.config import Config
from ppocr.errors import ConfigError
from ppocr.ops.charset import Charset


def build_charset(config: Config) -> Optional[Charset]:
    """The characters that `Global` names, with the space if it says so; None where it names none.

    Raises:
        ConfigError: if there is no such file, or it is not a dictionary.
    """
    characters = read_characters(config)
    return None if characters is None else Charset(characters, config.options.use_space_char)


def read_characters(config: Config) -> Optional[List[str]]:
    """What the file `Global.character_dict_path` lists, or None where that is not set.

    Raises:
        ConfigError: if there is no such file, or it is not a dictionary.
    """
    path = config.options.character_dict_path
    if path is None:
        return None
    file = find_dictionary(path)
    try:
        return Charset.from_file(file).characters
    except ConfigError as error:
        raise ConfigError([f"Global.character_dict_path: {problem}" for problem in error.problems]) from error


def find_dictionary(path: str) -> Path:
    """The file itself, else the one that the package brings (`ppocr/utils/dict/….txt`).

    Raises:
        ConfigError: if there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (Path(path), package.parent / path):
        if candidate.is_file():
            return candidate
    shipped = ", ".join(f"ppocr/utils/dict/{file.name}" for file in sorted((package / "utils/dict").glob("*.txt")))
    raise ConfigError([f"Global.character_dict_path: there is no file {path}; the package brings {shipped}"])
