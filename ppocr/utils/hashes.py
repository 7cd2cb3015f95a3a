"""SHA-256 of files, computed once for each state of a file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path
from typing import List, Optional

from ppocr.utils.atomic import replacing_file
from ppocr.utils.cache import cache_folder

SETTLED_SECONDS = 1.0  # since the last change; clocks of file systems are coarse, so another one might not be seen
MANY = 500  # remembered files, beyond which those that are gone are forgotten


def file_sha256(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def remembered_sha256(path: Path) -> str:
    """`file_sha256`, remembered in the cache folder until the file's size or one of its times changes.

    Raises:
        OSError: it cannot be read.
    """
    real = os.path.realpath(path)
    record = hash_memory() / f"{hashlib.sha256(os.fsencode(real)).hexdigest()[:24]}.json"
    state = _state(path)
    known = _read(record)
    if known and known[1:] == [real, *state]:
        return known[0]
    digest = file_sha256(path)
    is_settled = time.time() - max(state[1:3]) / 1e9 > SETTLED_SECONDS
    if is_settled and _state(path) == state:  # else it was changed meanwhile
        with contextlib.suppress(OSError, ValueError):  # a cache that cannot be written costs time, no more
            _keep(record, json.dumps([digest, real, *state]))
    return digest


def hash_memory() -> Path:
    """Where hashes are remembered: a small file for each file."""
    return cache_folder() / "hashes"


def _state(path: Path) -> List[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _read(record: Path) -> Optional[list]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return known if isinstance(known, list) and len(known) == 6 and isinstance(known[0], str) else None


def _keep(record: Path, text: str) -> None:
    with replacing_file(record, durable=False) as temporary:
        temporary.write_text(text, encoding="utf-8")
    records = list(record.parent.glob("*.json"))
    if len(records) > MANY:
        for other in records:
            known = _read(other)
            if known is None or not os.path.exists(str(known[1])):
                other.unlink(missing_ok=True)
