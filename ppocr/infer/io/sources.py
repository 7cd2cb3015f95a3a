"""What the user names → pages: files, folders, globs, standard input, bytes, arrays; pictures and PDF documents.

Everything is read lazily, one page at a time, and nothing ever reaches the network.
"""

from __future__ import annotations

import glob
import logging
import os
import re
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Iterable, Iterator, Optional, Sequence, Tuple, Union

import numpy as np

from ppocr.errors import InputError
from ppocr.infer.results import TextLine
from ppocr.infer.words import Span
from ppocr.ops.images import DEFAULT_MAX_PIXELS, composite, decode_image, to_uint8

DEFAULT_DPI = 144
MAX_PDF_PIXELS = 50_000_000  # an A0 poster at 144 DPI has 32 million; larger pages are rendered at a lower DPI
MAX_FILE_BYTES = 1_000_000_000  # of a picture or document
READ_BYTES = 1 << 24  # at once

SUFFIXES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".bmp",
        ".dib",
        ".webp",
        ".tif",
        ".tiff",
        ".gif",
        ".apng",
        ".mpo",
        ".pdf",
    }
)

Source = Union[str, Path, bytes, np.ndarray]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Page:
    """One picture to read.

    Attributes:
        source: the path as it was given, `-` for standard input, empty for a picture in memory.
        index: 0-based number of the page or frame in its file.
        image: `uint8[H, W, 3]`, BGR, upright.
        dpi: pixels per inch where the document says how large it is (PDF), else 0.
        characters: that a PDF page holds as text.
        layer: its lines, in the order of the file, where they need not be read (`ReadOptions.pdf_text`).
    """

    source: str
    index: int
    image: np.ndarray
    dpi: float = 0.0
    characters: int = 0
    layer: Optional[Tuple[TextLine, ...]] = None


@dataclass(frozen=True)
class ReadOptions:
    """How files are opened, and how far.

    Attributes:
        dpi: pixels per inch at which PDF pages are rendered; lower for pages that would exceed `MAX_PDF_PIXELS`.
        max_pixels: larger pictures are refused before they are decoded.
        max_pages: pages or frames of a file that are read; that there are more is an error after the last of them.
        seconds: that rendering a PDF page may take.
        pdf_text: the text that PDF pages hold: `"skip"` reads all of them as pictures, `"auto"` takes text where it can
            stand for what is seen (`ppocr.infer.io.pdf_text`), `"force"` wherever there is any.
    """

    dpi: float = DEFAULT_DPI
    max_pixels: int = DEFAULT_MAX_PIXELS
    max_pages: int = 10_000
    seconds: float = 60.0
    pdf_text: str = "skip"


def expand(paths: Sequence[str]) -> list[str]:
    """Folders (recursively) and glob patterns → the files in them, in natural order (`page2` before `page10`).

    What names nothing is kept, so that reading it says why.
    """
    found: list[str] = []
    for path in paths:
        if path == "-" or _is_url(path) or os.path.lexists(path):
            matches = [path]
        else:
            matches = sorted(glob.glob(path, recursive=True), key=_natural) if glob.has_magic(path) else []
        for match in matches or [path]:
            found += (_files_in(match) or [match]) if os.path.isdir(match) else [match]
    return found


def read_pages(source: Source, options: ReadOptions = ReadOptions(), **overrides: Any) -> Iterator[Page]:
    """Every page of one source.

    Args:
        source: a path, `-` (standard input), the bytes of a file, or an array: `[H, W]` grey, `[H, W, 3]` BGR or
            `[H, W, 4]` BGRA, of uint8, uint16 or float.
        options: how files are opened.
        overrides: single options by name, replacing those of `options`.

    Raises:
        InputError: at the first page that cannot be read.
    """
    for page in _read(source, replace(options, **overrides), 0):
        if isinstance(page, InputError):
            raise page
        yield page


def read_all(
    sources: Iterable[Source], options: ReadOptions = ReadOptions(), *, first: int = 0
) -> Iterator[Union[Page, InputError]]:
    """Every page of many sources; what cannot be read is yielded as the error, in its place, and the rest goes on.

    Args:
        sources: as for `read_pages`.
        options: how files are opened.
        first: 0-based page to begin with in each source.
    """
    for source in sources:
        yield from _read(source, options, first)


def page_error(page: Page, error: Exception) -> InputError:
    """What becomes of a page whose reading failed in a way that nobody foresaw: the others are to be read."""
    logger.debug("%s, page %d", page.source, page.index + 1, exc_info=error)
    where = f"page {page.index + 1}: " if page.index else ""
    found = InputError(page.source or "<array>", f"{where}cannot be read ({type(error).__name__}: {error})")
    found.__cause__ = error
    return found


def _read(source: Source, options: ReadOptions, first: int) -> Iterator[Union[Page, InputError]]:
    _, label = _names(source)
    try:
        yield from _pages(source, options, first)
    except InputError as error:
        yield error
    except Exception as error:  # whatever a decoder may raise, the other sources are to be read
        logger.debug("%s", label, exc_info=True)
        found = InputError(label, f"cannot be read ({type(error).__name__}: {error})")
        found.__cause__ = error
        yield found


def _pages(source: Source, options: ReadOptions, first: int) -> Iterator[Union[Page, InputError]]:
    name, label = _names(source)
    if isinstance(source, np.ndarray):
        yield Page(name, 0, _from_array(source, label))
        return
    data = source if isinstance(source, bytes) else load_file(source, label)
    if b"%PDF-" in data[:1024]:  # readers accept junk before the header
        yield from _pdf_pages(data, name, label, options, first)
        return
    for index, frame in enumerate(decode_image(data, label, max_pixels=options.max_pixels)):
        if index >= options.max_pages:
            raise InputError(label, f"only the first {options.max_pages} frames were read (--max-pages)")
        if index >= first:
            yield Page(name, index, frame)


def _names(source: Source) -> tuple[str, str]:
    """What results and what error messages call it."""
    if isinstance(source, (bytes, np.ndarray)):
        return "", "<array>" if isinstance(source, np.ndarray) else "<bytes>"
    if not isinstance(source, (str, Path)):
        raise TypeError(f"expected a path, bytes or an array, came {type(source).__name__}")
    return str(source), str(source)


def load_file(source: Union[str, Path], label: str = "") -> bytes:
    """The content of a local file, of `MAX_FILE_BYTES` at most; `-` is standard input.

    Args:
        source: its path.
        label: what error messages call it, if not by its path.

    Raises:
        InputError: it cannot be read, is no file, or is too large.
    """
    label = label or str(source)
    if source == "-":
        return _bounded(sys.stdin.buffer, label)
    if _is_url(str(source)):
        raise InputError(label, "only local files are read; download it first")
    try:
        mode = os.stat(source).st_mode
        if stat.S_ISDIR(mode):
            raise InputError(label, "the folder holds no pictures")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):  # a device may never end
            raise InputError(label, "not a file")
        with open(source, "rb") as file:
            return _bounded(file, label)
    except FileNotFoundError:
        raise InputError(label, "no such file") from None
    except MemoryError:
        raise InputError(label, "the file is larger than the memory") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(label, getattr(error, "strerror", None) or str(error)) from error


def _bounded(file: BinaryIO, label: str) -> bytes:
    data = bytearray()
    while len(data) <= MAX_FILE_BYTES:
        part = file.read(READ_BYTES)
        if not part:
            return bytes(data)
        data += part
    raise InputError(label, f"it is larger than {MAX_FILE_BYTES / 1e6:g} MB")


def _from_array(array: np.ndarray, label: str) -> np.ndarray:
    array = np.asarray(array)  # a matrix keeps two dimensions, whatever is asked of it
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise InputError(label, f"expected [H, W], [H, W, 3] BGR or [H, W, 4] BGRA, came shape {list(array.shape)}")
    if array.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise InputError(label, f"expected uint8, uint16 or float, came {array.dtype}")
    array = np.ascontiguousarray(to_uint8(array).reshape(array.shape))
    if array.shape[2] == 4:
        return composite(array)
    return array if array.shape[2] == 3 else np.repeat(array, 3, axis=2)


def _pdf_pages(
    data: bytes, name: str, label: str, options: ReadOptions, first: int
) -> Iterator[Union[Page, InputError]]:
    """Render one page after another; a page that fails is yielded as an error and the next ones go on."""
    from ppocr.infer.io.pdf_pages import Rendered, render_pages  # with what starts a process: 5 ms that pictures spare

    limits = {"max_pixels": min(MAX_PDF_PIXELS, options.max_pixels), "last": options.max_pages}
    text = options.pdf_text
    for page in render_pages(data, dpi=options.dpi, first=first, seconds=options.seconds, text=text, **limits):
        if isinstance(page, Rendered):
            layer = None if page.lines is None else tuple(_layer_line(*line) for line in page.lines)
            yield Page(name, page.number, page.image, page.dpi, page.characters, layer)
        else:
            yield InputError(label, page.reason)


def _layer_line(text: str, box: Sequence[float], spans: Sequence[Tuple[float, float]]) -> TextLine:
    corners = tuple((float(x), float(y)) for x, y in zip(box[::2], box[1::2]))
    places = tuple(Span(character, 1.0, begin, end) for character, (begin, end) in zip(text, spans))
    return TextLine(text, 1.0, corners, spans=places)  # type: ignore[arg-type]


def _is_url(path: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def _files_in(folder: str) -> list[str]:
    """Pictures and documents beneath a folder, hidden ones left out."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [
            os.path.join(parent, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES
        ]
        found += [path for path in paths if _is_readable_kind(path)]
    return sorted(found, key=_natural)


def _is_readable_kind(path: str) -> bool:
    """Not a pipe or a device that may never give anything; what is not there any more is told when it is read."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode)


def _natural(path: str) -> list[Any]:
    """Numbers by value; the folder separator first, so that a folder's files stay together."""
    parts = re.split(r"(\d+)", path.replace(os.sep, "\0"))
    return [(int(part), "") if part.isdigit() and part.isascii() else (-1, part.lower()) for part in parts] + [
        (0, path)
    ]
