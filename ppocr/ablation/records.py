"""The file that a table's results are kept in: written after every row, so that a stopped measurement goes on."""

from __future__ import annotations

import json
import platform
import shlex
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Dict, Sequence

from ppocr import __version__
from ppocr.errors import PPOCRError
from ppocr.parse import ParseError, parse_json, read_text
from ppocr.utils.atomic import replacing_file
from ppocr.utils.cpu import available_cores, processor


def about() -> Dict[str, Any]:
    """Where and by which versions something was measured."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor()[0],
        "cores": available_cores(),
        "python": platform.python_version(),
        "ppocr": __version__,
        "paddle": version("paddlepaddle"),
    }


def command_line(name: str, arguments: Sequence[str]) -> str:
    """A command as others may repeat it: absolute paths are this machine's, so their last part alone is kept."""
    return f"{name} {shlex.join(Path(word).name if Path(word).is_absolute() else word for word in arguments)}"


def read_record(path: Path) -> Dict[str, Any]:
    """What a results file holds; an empty mapping where there is none.

    Raises:
        PPOCRError: it cannot be read.
    """
    if not path.exists():
        return {}
    try:
        record = parse_json(read_text(path))
    except (OSError, ParseError) as error:
        raise PPOCRError(f"{path}: cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise PPOCRError(f"{path}: expected the results of a table, came {type(record).__name__}")
    return record


def write_record(path: Path, record: Dict[str, Any]) -> None:
    """Put `record` in the place of an older one.

    Raises:
        PPOCRError: the file cannot be written.
    """
    try:
        with replacing_file(path) as temporary:
            temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise PPOCRError(f"{path}: cannot be written: {error.strerror or error}") from error
