"""The characters a configuration names. Apart from `build`, so that commands about data need not load Paddle."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from ppocr.config import Config
from ppocr.errors import ConfigError
from ppocr.ops.charset import Charset

SHIPPED = Path(__file__).resolve().with_name("dict")  # dictionaries that the package brings


def build_charset(config: Config) -> Optional[Charset]:
    """The characters that `Global` names, with the space if it says so; None where it names none.

    Raises:
        ConfigError: if there is no such file, or it is not a dictionary.
    """
    path = config.options.character_dict_path
    if path is None:
        return None
    try:
        return Charset(read_dictionary(path), config.options.use_space_char)
    except ConfigError as error:
        raise ConfigError([f"Global.character_dict_path: {problem}" for problem in error.problems]) from error


def read_dictionary(name: str) -> List[str]:
    """The characters of a dictionary (see `find_dictionary`), in its order.

    Raises:
        ConfigError: if there is no such file, or it is not a dictionary.
    """
    return Charset.from_file(find_dictionary(name)).characters


def find_dictionary(name: str) -> Path:
    """A file; else one that the package brings, by its name alone or as configurations write it.

    Args:
        name: a path, `ppocr_keys_v1.txt`, or `ppocr/utils/dict/ppocr_keys_v1.txt`.

    Raises:
        ConfigError: if there is neither.
    """
    root = SHIPPED.parents[2]
    for candidate in (Path(name), root / name, SHIPPED / name):
        if candidate.is_file():
            return candidate
    shipped = ", ".join(sorted(file.name for file in SHIPPED.glob("*.txt")))
    raise ConfigError([f"{name}: there is no such dictionary; the package brings {shipped}"])
