"""Bytes of a picture file → upright BGR frames.

The one place where pictures are decoded. Whatever the file holds (grey, 16 bits, palette, CMYK, alpha, EXIF rotation,
many frames), callers get `uint8[H, W, 3]` in BGR order. The header is judged before any pixel is decoded, so that a
decompression bomb costs nothing.
"""

from __future__ import annotations

import importlib
import io
import zlib
from pathlib import Path
from typing import Any, Iterator

import cv2
import numpy as np

from ppocr.errors import InputError

DEFAULT_MAX_PIXELS = 200_000_000
MAX_SIDE = 65_535  # pixels; JPEG can hold no more, and what follows has limits of the kind
MAX_FRAME_BYTES = 700_000_000  # for decoding a frame: pixels of some formats cost more; grows with `max_pixels`
MAX_GROWTH = 2000  # pixels of all frames together, for each byte of the file …
MAX_FRAMES_PIXELS = 800_000_000  # … of small files

# Bytes of memory for a pixel while Pillow decodes a frame and we convert it in bands: its own, and ours (3).
_BYTES = {"1": 4, "L": 4, "P": 7, "I;16": 7, "I": 11, "F": 11, "RGB": 7, "CMYK": 7, "YCbCr": 7, "LAB": 7}
_PLAIN_BYTES = 6  # OpenCV copies what it has decoded
_ALPHA_BYTES = 16
_ANIMATION_BYTES = 8  # the frame before, and the one that is put together

# Pillow's own format detection compares sizes with a process-wide limit (and warns); its plugins, called directly,
# leave the decision to us. Only formats of this table are opened: the fewer decoders hostile files reach, the better.
_PLUGINS = {
    b"\xff\xd8\xff": ("PIL.JpegImagePlugin", "JpegImageFile"),  # of an MPO file this reads the main picture only
    b"\x89PNG\r\n\x1a\n": ("PIL.PngImagePlugin", "PngImageFile"),
    b"RIFF": ("PIL.WebPImagePlugin", "WebPImageFile"),
    b"II*\0": ("PIL.TiffImagePlugin", "TiffImageFile"),
    b"MM\0*": ("PIL.TiffImagePlugin", "TiffImageFile"),
    b"II+\0": ("PIL.TiffImagePlugin", "TiffImageFile"),  # BigTIFF
    b"MM\0+": ("PIL.TiffImagePlugin", "TiffImageFile"),
    b"GIF8": ("PIL.GifImagePlugin", "GifImageFile"),
    b"BM": ("PIL.BmpImagePlugin", "BmpImageFile"),
}

# Pillow's plugins raise whatever they like on damaged files; any of it says no more than "damaged".
_DAMAGED = Exception

_BAND_PIXELS = 1 << 20  # converted at once, where a whole picture would need several copies

_ORIENTATION = 0x0112  # the EXIF tag
_SNIFFED = "PNG, JPEG, BMP, WebP, TIFF or GIF"


def decode_image(data: bytes, source: str, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Iterator[np.ndarray]:
    """Decode every frame of a picture, one at a time.

    Args:
        data: the whole file.
        source: what error messages call it.
        max_pixels: larger frames are refused before they are decoded.

    Yields:
        `uint8[H, W, 3]`, BGR, EXIF rotation applied, transparency composited (see `composite`).

    Raises:
        InputError: empty, truncated, damaged, too large, or not a picture of a known format.
    """
    picture = _open(data, source)
    _check_size(picture.size, source, max_pixels)
    allowed = max(MAX_GROWTH * len(data), MAX_FRAMES_PIXELS, max_pixels)  # pixels of all frames together
    chunks = _check_png(data, source) if picture.format == "PNG" else frozenset()
    if _is_plain(picture, data, chunks):
        _check_memory(picture, source, max_pixels, needed=_PLAIN_BYTES)
        frame = _decode_plain(picture, data)
        if frame is not None:
            yield frame
            return
    _check_memory(picture, source, max_pixels)
    index = 0
    while True:
        try:
            picture.seek(index)
        except EOFError:
            return
        except MemoryError as error:
            raise InputError(source, f"frame {index + 1} needs more memory than there is") from error
        except _DAMAGED as error:
            raise InputError(source, _reason(error, index)) from error
        _check_size(picture.size, source, max_pixels)
        _check_memory(picture, source, max_pixels)
        allowed -= picture.size[0] * picture.size[1]
        if allowed < 0:
            raise InputError(source, f"the frames from number {index + 1} on are too large for a file of its size")
        try:
            yield _to_bgr(picture)
        except MemoryError as error:
            raise InputError(source, f"{_format_size(picture.size)} need more memory than there is") from error
        except _DAMAGED as error:
            raise InputError(source, _reason(error, index)) from error
        index += 1


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture file's first frame, upright, from its header alone.

    Raises:
        InputError: it cannot be read, or is not a picture of a known format.
    """
    try:
        picture = _open(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    width, height = picture.size
    turned = "exif" in picture.info and _orientation(picture) >= 5
    return (height, width) if turned else (width, height)


def composite(image: np.ndarray) -> np.ndarray:
    """Lay a transparent picture on the plain background on which its visible parts stand out most.

    A logo may be black or white on nothing: white, black and mid-grey are tried against the brightness along the
    visible edges (where glyphs meet the background), and the one that leaves the least legible tenth clearest wins.

    Args:
        image: `uint8[H, W, 4]`, BGR and straight (not premultiplied) alpha.

    Returns:
        `uint8[H, W, 3]`.
    """
    alpha = np.ascontiguousarray(image[..., 3])
    if int(alpha.min()) == 255:
        return cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)
    background = _contrasting_background(image, alpha)
    out = np.empty((*image.shape[:2], 3), np.uint8)
    rows = max(1, _BAND_PIXELS // image.shape[1])  # in bands, to keep 16-bit intermediates of huge pictures small
    for top in range(0, image.shape[0], rows):
        band = slice(top, top + rows)
        opacity = alpha[band, :, None].astype(np.uint16)
        mixed = image[band, :, :3] * opacity + background * (255 - opacity)
        out[band] = (mixed + 127) // 255  # 127: rounds to the nearest instead of down
    return out


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Scale grey values of any depth to 8 bits.

    Scanners store 10, 12 or 14 bits in 16 without saying so; the full scale is therefore the smallest such power that
    holds the brightest pixel. Floating-point pictures are taken as [0, 1] or [0, 255] if they fit, else stretched.

    Args:
        values: `integer or float[H, W]`.

    Returns:
        `uint8[H, W]`.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "f":
        values = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        if low < 0 or high > 255:
            values = values - low
            scale = 255.0 / max(high - low, 1e-30)
        else:
            scale = 255.0 if high <= 1 else 1.0
        return np.clip(values * scale + 0.5, 0, 255).astype(np.uint8)
    top = int(values.max())
    full = next((scale for scale in (255, 1023, 4095, 16383, 65535) if top <= scale), top)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        native = np.ascontiguousarray(values, dtype=np.uint16)  # big-endian files come byte-swapped
        return cv2.convertScaleAbs(native, alpha=255.0 / full)
    return np.clip(values * (255.0 / full) + 0.5, 0, 255).astype(np.uint8)


def orient(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture upright by its EXIF orientation (1–8; anything else is taken as 1)."""
    if orientation == 2:
        return cv2.flip(image, 1)
    if orientation == 3:
        return cv2.rotate(image, cv2.ROTATE_180)
    if orientation == 4:
        return cv2.flip(image, 0)
    if orientation == 5:
        return cv2.transpose(image)
    if orientation == 6:
        return cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)
    if orientation == 7:
        return cv2.flip(cv2.transpose(image), -1)
    if orientation == 8:
        return cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return image


def _open(data: bytes, source: str) -> Any:
    """Read the header; Pillow decodes lazily."""
    if not data:
        raise InputError(source, "the file is empty")
    plugin = next((plugin for magic, plugin in _PLUGINS.items() if data.startswith(magic)), None)
    if plugin is None or (data[:4] == b"RIFF" and data[8:12] != b"WEBP"):
        raise InputError(source, f"not a picture ({_SNIFFED})")
    module, name = plugin
    try:
        return getattr(importlib.import_module(module), name)(io.BytesIO(data))
    except ImportError as error:  # a Pillow built without this format
        raise InputError(source, f"this installation of Pillow cannot read it: {error}") from error
    except MemoryError as error:
        raise InputError(source, "it needs more memory than there is") from error
    except _DAMAGED as error:
        raise InputError(source, f"not a readable picture ({_short(error)})") from error


def _check_memory(picture: Any, source: str, max_pixels: int, *, needed: int = 0) -> None:
    """How much decoding a frame needs depends on its format: a GIF takes three times as much as a PNG.

    Args:
        needed: bytes for a pixel, where it is known.
    """
    if not needed:
        needed = _ALPHA_BYTES if "transparency" in picture.info else _BYTES.get(picture.mode, _ALPHA_BYTES)
        is_animated = picture.format == "GIF" or (picture.format in ("PNG", "WEBP") and picture.is_animated)
        needed += _ANIMATION_BYTES if is_animated else 0
    most = int(max(1.0, max_pixels / DEFAULT_MAX_PIXELS) * MAX_FRAME_BYTES / needed)
    if picture.size[0] * picture.size[1] > most:
        limit = f"{most / 1e6:.3g} million for {picture.format or 'a picture'} of mode {picture.mode}"
        raise InputError(source, f"{_format_size(picture.size)} exceed the limit of {limit}")


def _check_size(size: tuple[int, int], source: str, max_pixels: int) -> None:
    if max(size) > MAX_SIDE:
        raise InputError(source, f"{_format_size(size)}: a side exceeds the limit of {MAX_SIDE}")
    if size[0] * size[1] > max_pixels:
        raise InputError(source, f"{_format_size(size)} exceed the limit of {max_pixels / 1e6:g} million")


def _is_plain(picture: Any, data: bytes, chunks: frozenset[bytes]) -> bool:
    """Whether OpenCV, the faster decoder, gives the same pixels: one intact frame of opaque 8-bit grey or colour."""
    if picture.mode not in ("L", "RGB") or "transparency" in picture.info:
        return False
    if picture.format == "JPEG":
        return data.endswith(b"\xff\xd9")  # OpenCV decodes a truncated JPEG as far as it goes, without an error
    # An animated PNG has frames that OpenCV would not see, and EXIF data would turn the picture.
    turned = chunks & {b"eXIf"} or {"Raw profile type exif", "XML:com.adobe.xmp"} & set(picture.info)
    return picture.format == "PNG" and b"acTL" not in chunks and not turned


def _decode_plain(picture: Any, data: bytes) -> np.ndarray | None:
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    # A size that differs from the header's means a file that decoders understand differently: Pillow decides.
    if frame is None or frame.shape[1::-1] != picture.size:
        return None
    if picture.format == "PNG":  # asked for EXIF data, Pillow would decode the picture to look behind its pixels
        return frame
    return orient(frame, _orientation(picture))


def _check_png(data: bytes, source: str) -> frozenset[bytes]:
    """Check the CRC of every chunk that matters (a few percent of the decoding time); returns the kinds of chunks.

    Pillow does not, and would return noise; libpng does, but reports on standard error.
    """
    kinds: set[bytes] = set()
    view, position = memoryview(data), 8
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(view[position : position + 4], "big")
        kind = bytes(view[position + 4 : position + 8])
        # A lower-case first letter marks chunks that decoders may ignore (PNG, section 5.4); damage in them does no
        # harm.
        is_critical = not kind[:1].islower() and end + 4 <= len(data)
        if is_critical and zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise InputError(source, "the picture is damaged (wrong checksum)")
        if kind == b"IEND":
            return frozenset(kinds)
        kinds.add(kind)
        position = end + 4
    raise InputError(source, "the picture is truncated")


def _to_bgr(picture: Any) -> np.ndarray:
    picture.load()
    mode = picture.mode
    if mode in ("I", "F") or mode.startswith("I;"):
        frame = cv2.cvtColor(to_uint8(np.asarray(picture)), cv2.COLOR_GRAY2BGR)
    elif mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        rgba = picture if mode == "RGBA" else picture.convert("RGBA")
        frame = composite(cv2.cvtColor(np.asarray(rgba), cv2.COLOR_RGBA2BGRA))
    else:
        frame = _opaque(picture)
    return orient(frame, _orientation(picture))


def _opaque(picture: Any) -> np.ndarray:
    """uint8[H, W, 3] of a loaded picture without transparency; in bands, to need little more than that."""
    width, height = picture.size
    frame = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        band = picture.crop((0, top, width, min(height, top + rows)))
        if picture.mode in ("L", "1", "LAB"):  # lightness alone is as legible, and Pillow cannot convert LAB
            grey = band.getchannel(0) if picture.mode == "LAB" else band.convert("L")
            cv2.cvtColor(np.asarray(grey), cv2.COLOR_GRAY2BGR, dst=frame[top : top + rows])
        else:
            cv2.cvtColor(np.asarray(band.convert("RGB")), cv2.COLOR_RGB2BGR, dst=frame[top : top + rows])
    return frame


def _orientation(picture: Any) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except _DAMAGED:  # broken EXIF data say nothing; the pixels are still good
        return 1


def _contrasting_background(image: np.ndarray, alpha: np.ndarray) -> int:
    strongest = int(alpha.max())
    if strongest == 0:
        return 255
    # The edge is where visible meets invisible: there a glyph must differ from what it lies on. Only the brightness of
    # these pixels counts, so a large plain area does not decide.
    visible = (alpha >= (strongest + 1) // 2).astype(np.uint8)
    edges = cv2.bitwise_and(visible, cv2.dilate(1 - visible, np.ones((5, 5), np.uint8)))
    chosen = edges if edges.any() else visible
    grey = cv2.cvtColor(image, cv2.COLOR_BGRA2GRAY)
    histogram = cv2.calcHist([grey], [0], chosen, [256], [0, 256]).ravel()

    def contrast(background: int) -> int:
        by_contrast = np.bincount(np.abs(np.arange(256) - background), weights=histogram, minlength=256)
        return int(np.searchsorted(np.cumsum(by_contrast), 0.1 * histogram.sum()))

    return max((255, 0, 128), key=contrast)  # the first of equals: white, as paper


def _reason(error: BaseException, frame: int) -> str:
    where = f"frame {frame + 1} is" if frame else "the picture is"
    text = _short(error)
    return f"{where} truncated" if "truncated" in text.lower() else f"{where} damaged ({text})"


def _short(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def _format_size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} pixels"
