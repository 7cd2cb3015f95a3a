"""What the user names → pages: files, folders, globs, standard input, bytes, arrays; pictures and PDF documents.

Everything is read lazily, one page at a time, and nothing ever reaches the network.
"""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Iterator, Sequence, Union

import numpy as np

from ppocr.errors import InputError
from ppocr.ops.images import DEFAULT_MAX_PIXELS, composite, decode_image, to_uint8

DEFAULT_DPI = 144
MAX_PDF_PIXELS = 50_000_000  # an A0 poster at 144 DPI has 32 million; larger pages are rendered at a lower DPI

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

_PDFIUM = threading.Lock()  # PDFium is not thread-safe: one call at a time in the whole process


@dataclass(frozen=True, eq=False)
class Page:
    """One picture to read.

    Attributes:
        source: the path as it was given, `-` for standard input, empty for a picture in memory.
        index: 0-based number of the page or frame in its file.
        image: `uint8[H, W, 3]`, BGR, upright.
        dpi: pixels per inch where the document says how large it is (PDF), else 0.
    """

    source: str
    index: int
    image: np.ndarray
    dpi: float = 0.0


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


def read_pages(source: Source, *, dpi: float = DEFAULT_DPI, max_pixels: int = DEFAULT_MAX_PIXELS) -> Iterator[Page]:
    """Every page of one source.

    Args:
        source: a path, `-` (standard input), the bytes of a file, or an array: `[H, W]` grey, `[H, W, 3]` BGR or
            `[H, W, 4]` BGRA, of uint8, uint16 or float.
        dpi: pixels per inch at which PDF pages are rendered; lower for pages that would exceed `MAX_PDF_PIXELS`.
        max_pixels: larger pictures are refused before they are decoded.

    Raises:
        InputError: at the first page that cannot be read.
    """
    for page in _read(source, dpi, max_pixels):
        if isinstance(page, InputError):
            raise page
        yield page


def read_all(
    sources: Iterable[Source], *, dpi: float = DEFAULT_DPI, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Iterator[Union[Page, InputError]]:
    """Every page of many sources; what cannot be read is yielded as the error, in its place, and the rest goes on."""
    for source in sources:
        yield from _read(source, dpi, max_pixels)


def _read(source: Source, dpi: float, max_pixels: int) -> Iterator[Union[Page, InputError]]:
    name, label = _names(source)
    try:
        if isinstance(source, np.ndarray):
            yield Page(name, 0, _from_array(source, label))
            return
        data = source if isinstance(source, bytes) else _load(source, label)
        if b"%PDF-" in data[:1024]:  # readers accept junk before the header
            yield from _pdf_pages(data, name, label, dpi, min(MAX_PDF_PIXELS, max_pixels))
            return
        for index, frame in enumerate(decode_image(data, label, max_pixels=max_pixels)):
            yield Page(name, index, frame)
    except InputError as error:
        yield error


def _names(source: Source) -> tuple[str, str]:
    """What results and what error messages call it."""
    if isinstance(source, (bytes, np.ndarray)):
        return "", "<array>" if isinstance(source, np.ndarray) else "<bytes>"
    if not isinstance(source, (str, Path)):
        raise TypeError(f"expected a path, bytes or an array, came {type(source).__name__}")
    return str(source), str(source)


def _load(source: Union[str, Path], label: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    if _is_url(str(source)):
        raise InputError(label, "only local files are read; download it first")
    try:
        mode = os.stat(source).st_mode
        if stat.S_ISDIR(mode):
            raise InputError(label, "the folder holds no pictures")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):  # a device may never end
            raise InputError(label, "not a file")
        return Path(source).read_bytes()
    except FileNotFoundError:
        raise InputError(label, "no such file") from None
    except MemoryError:
        raise InputError(label, "the file is larger than the memory") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(label, getattr(error, "strerror", None) or str(error)) from error


def _from_array(array: np.ndarray, label: str) -> np.ndarray:
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


def _pdf_pages(data: bytes, name: str, label: str, dpi: float, max_pixels: int) -> Iterator[Union[Page, InputError]]:
    """Render one page after another; a page that fails is yielded as an error and the next ones go on."""
    import pypdfium2  # 70 ms that pictures need not pay

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(data)
            document.init_forms()  # filled-in forms are text too
            count = len(document)
        except pypdfium2.PdfiumError as error:
            encrypted = "password" in str(error).lower()
            raise InputError(label, "the PDF is encrypted" if encrypted else "the PDF is damaged") from error
    try:
        if not count:
            raise InputError(label, "the PDF has no pages")
        for index in range(count):
            try:
                with _PDFIUM:
                    image, actual_dpi = _render(document, index, dpi, max_pixels)
            except (pypdfium2.PdfiumError, MemoryError, ValueError):
                yield InputError(label, f"page {index + 1} of the PDF cannot be rendered")
                continue
            yield Page(name, index, image, actual_dpi)
    finally:
        with _PDFIUM:
            document.close()


def _render(document: Any, index: int, dpi: float, max_pixels: int) -> tuple[np.ndarray, float]:
    """One page as `uint8[H, W, 3]` BGR on white, and the DPI it was rendered at."""
    import pypdfium2

    page = document[index]
    try:
        width, height = page.get_size()  # points, after the page's own rotation
        wanted = width * height * (dpi / 72) ** 2
        scale = dpi / 72 * min(1.0, (max_pixels / max(wanted, 1)) ** 0.5)
        bitmap = page.render(scale=scale, force_bitmap_format=pypdfium2.raw.FPDFBitmap_BGR, may_draw_forms=True)
        try:
            return bitmap.to_numpy().copy(), scale * 72  # the view dies with the bitmap
        finally:
            bitmap.close()
    finally:
        page.close()


def _is_url(path: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path) is not None


def _files_in(folder: str) -> list[str]:
    """Pictures and documents beneath a folder, hidden ones left out."""
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            os.path.join(parent, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES
        ]
    return sorted(found, key=_natural)


def _natural(path: str) -> list[Any]:
    """Numbers by value; the folder separator first, so that a folder's files stay together."""
    parts = re.split(r"(\d+)", path.replace(os.sep, "\0"))
    return [(int(part), "") if part.isdigit() and part.isascii() else (-1, part.lower()) for part in parts] + [
        (0, path)
    ]
