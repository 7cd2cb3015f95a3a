"""Whether a model directory's files are those that were written: sizes and SHA-256, or what the graph asks for.

A network computes something with whatever weights it gets, so a damaged file would read as nonsense, or as an empty
page. Directories that this package writes begin their `inference.yml` with a section that lists every file:

    Files:
      inference.json: {size: 279961, sha256: "0ce8…"}
      inference.pdiparams: {size: 1891197, sha256: "75da…"}
      inference.yml: {size: 401, sha256: "c83f…"}

The last line is about what follows the section. Who changes a file on purpose writes `inference.yml: changed` in the
place of its size and hash. Other programs pass over the section. Where it is missing, the hashes of the
`manifest.json` of a fetched family count, and else the types and shapes of the weights must be those of the graph.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence, Tuple

from ppocr.errors import ModelError
from ppocr.infer.parameters import check_parameters
from ppocr.parse import parse_json, read_bytes
from ppocr.utils.hashes import file_sha256, remembered_sha256

SECTION = "Files"
MANIFEST = "manifest.json"
_BLOCK = re.compile(rb"Files:[ \r]*(?:\n((?:[ ]+[^\n]*\n)*)|\Z)")
_LINE = re.compile(r"  ([\w.-]+): (?:changed|\{size: (\d+), sha256: \"([0-9a-f]{64})\"\})\s*")


@dataclass(frozen=True)
class Seal:
    """What a file was when it was written. `size` is in bytes, None where only the hash is known."""

    size: Optional[int]
    sha256: str


def write_sealed(spec: Path, text: str) -> None:
    """Write `inference.yml` with the sizes and hashes of the other files in its directory, which must be complete.

    Raises:
        OSError: it cannot be written.
    """
    body = text.encode("utf-8")
    files = sorted(path for path in spec.parent.iterdir() if path.is_file() and path.name != spec.name)
    lines = [_line(path.name, path.stat().st_size, file_sha256(path)) for path in files]
    lines.append(_line(spec.name, len(body), hashlib.sha256(body).hexdigest()))
    spec.write_bytes("".join([f"{SECTION}:\n", *lines]).encode("utf-8") + body)


def seal_again(spec: Path) -> None:
    """Write the sizes and hashes anew after files came into a directory or changed; the settings stay as they are.

    Raises:
        OSError: it cannot be written.
        ModelError: the section `Files` is damaged.
    """
    _, body = _sealed(spec)
    write_sealed(spec, (spec.read_bytes() if body is None else body).decode("utf-8"))


def _line(name: str, size: int, sha256: str) -> str:
    return f'  {name}: {{size: {size}, sha256: "{sha256}"}}\n'


def check_files(directory: Path, spec: Path, programs: Sequence[Path], params: Path) -> Tuple[str, ...]:
    """Check the files of a model directory; sizes each time, hashes once for each state of a file.

    Args:
        directory: the model directory.
        spec: its `inference.yml`, which need not exist.
        programs: its graphs.
        params: its weights.

    Returns:
        The names of the files whose hash is known; none for a directory that no program of ours wrote.

    Raises:
        ModelError: a file is missing or is not what was written; names it, and says what to do.
    """
    try:
        seals, body = _sealed(spec)
        if body is None:
            seals = _listed(directory)
        for name, seal in seals.items():
            if name == spec.name and body is not None:
                _check_bytes(directory / name, body, seal)
            else:
                _check_file(directory / name, seal)
        if params.name not in seals:
            for program in programs:
                check_parameters(program, params)
        return tuple(seals)
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read: {error.strerror}") from error
    except ModelError as error:
        raise ModelError(f"{error}; {_advice(directory, spec)}") from error


def check_fetched_weights(path: Path) -> None:
    """Compare weights to train on with the manifest of the fetched family that they belong to, if to any.

    Raises:
        ModelError: they are others.
    """
    seal = _listed(path.parent, path.name).get(path.name)
    if seal is not None:
        try:
            _check_file(path, seal)
        except ModelError as error:
            raise ModelError(f"{error}; {_advice(path.parent, path)}") from error


def _sealed(spec: Path) -> Tuple[Mapping[str, Seal], Optional[bytes]]:
    """The section `Files` at the beginning of `inference.yml`, and what follows it; empty if it does not have one."""
    if not spec.is_file():
        return {}, None
    data = read_bytes(spec)
    if not data.strip():
        raise ModelError(f"{spec}: damaged: empty")
    block = _BLOCK.match(data)
    if block is None:
        return {}, None
    seals: Dict[str, Optional[Seal]] = {}
    for line in (block.group(1) or b"").decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise ModelError(f"{spec}: damaged in its section {SECTION}: {line.strip()[:60]!r}")
        name, size, sha256 = found.groups()
        seals[name] = Seal(int(size), sha256) if sha256 else None
    if list(seals)[-1:] != [spec.name]:
        raise ModelError(f"{spec}: damaged: its section {SECTION} is cut short")
    return {name: seal for name, seal in seals.items() if seal}, data[block.end() :]


def _listed(directory: Path, prefix: str = "inference.") -> Mapping[str, Seal]:
    """What the manifest of a fetched family says of files in one of its directories; empty where there is none."""
    try:
        files = parse_json(read_bytes(directory.parent / MANIFEST))["files"]
        own = f"{directory.name}/{prefix}"
        return {Path(name).name: Seal(None, str(digest)) for name, digest in files.items() if name.startswith(own)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _check_file(path: Path, seal: Seal) -> None:
    if not path.is_file():
        raise ModelError(f"{path}: missing")
    size = path.stat().st_size
    if seal.size is not None and size != seal.size:
        raise ModelError(f"{path}: damaged: {size} bytes instead of {seal.size}")
    if remembered_sha256(path) != seal.sha256:
        raise ModelError(f"{path}: damaged: its SHA-256 is not the one it was written with")


def _check_bytes(path: Path, body: bytes, seal: Seal) -> None:
    if seal.size != len(body):
        raise ModelError(f"{path}: damaged: {len(body)} bytes after its section {SECTION} instead of {seal.size}")
    if hashlib.sha256(body).hexdigest() != seal.sha256:
        raise ModelError(f"{path}: damaged: its SHA-256 is not the one it was written with")


def _advice(directory: Path, spec: Path) -> str:
    if (directory.parent / MANIFEST).is_file():
        return f"get the models again: ppocr models fetch {directory.parent.name}"
    return f"export or copy the model again (if it was changed on purpose: docs/model_directory.md, {SECTION})"
