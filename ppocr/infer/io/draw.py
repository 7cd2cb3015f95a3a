"""A picture of what was found: the page with its boxes on the left, the texts in the same places on the right."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Iterator, Optional, Sequence

import cv2
import numpy as np

from ppocr.errors import PPOCRError
from ppocr.infer.results import TextLine
from ppocr.utils.atomic import replacing_file

MAX_PIXELS, MAX_SIDE = 25_000_000, 30_000  # larger pages are drawn smaller; OpenCV warps no side beyond 32,767
_COLOURS = ((200, 90, 20), (40, 150, 40), (40, 40, 210), (180, 60, 180), (0, 130, 220), (150, 150, 0))  # BGR, by turns
_TEXT_SHARE = 0.8  # of the box's height
_FIRST_CJK = "\u2e80"

# In order of preference; the first group has Chinese, Japanese and Korean characters.
_CJK_FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "NotoSansSC-Regular.ttf",
    "SourceHanSansSC-Regular.otf", "SourceHanSansCN-Regular.otf", "wqy-zenhei.ttc", "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf", "NotoSerifCJK-Regular.ttc", "uming.ttc",  # Linux
    "PingFang.ttc", "Hiragino Sans GB.ttc", "STHeiti Light.ttc", "Arial Unicode.ttf",  # macOS
    "msyh.ttc", "simsun.ttc", "simhei.ttf", "Deng.ttf", "malgun.ttf",  # Windows
)  # fmt: skip
_LATIN_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Helvetica.ttc", "arial.ttf")

_NO_FONT = (
    "drawing: no font with Chinese characters was found; install one (Debian, Ubuntu: apt install fonts-noto-cjk or"
    " fonts-wqy-zenhei; Fedora: dnf install google-noto-sans-cjk-fonts) or name one with --font or PPOCR_FONT"
)


class Painter:
    """Draws results.

    Args:
        font: a font file; None takes `$PPOCR_FONT`, else the first suitable font of the system.

    Raises:
        PPOCRError: the file that was named is not a font.
    """

    def __init__(self, font: Optional[str] = None):
        named = font or os.environ.get("PPOCR_FONT")
        found = named or find_font(_CJK_FONTS)
        self._has_cjk = found is not None
        self._file = found or find_font(_LATIN_FONTS)
        self._face = 0
        self._fonts: dict[int, Any] = {}
        if self._file:
            try:
                self._face = _simplified_chinese_face(self._file)
            except OSError as error:
                raise PPOCRError(f"{self._file}: cannot be used as a font: {error}") from error

    def draw(self, image: np.ndarray, lines: Sequence[TextLine], *, beside: bool = True) -> np.ndarray:
        """Draw one page.

        Args:
            image: uint8[H, W, 3], BGR; not changed.
            lines: in pixels of `image`.
            beside: also draw the texts, on a white page to the right.

        Returns:
            uint8[h, w, 3], BGR; w is twice the page's width with `beside`.

        Raises:
            PPOCRError: a text needs a font that the system lacks.
        """
        height, width = image.shape[:2]
        scale = min(1.0, MAX_SIDE / max(height, width), (MAX_PIXELS / (height * width)) ** 0.5)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            left = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        else:
            left = image.copy()
        right = np.full_like(left, 255)
        thickness = max(1, round(max(left.shape[:2]) / 900))
        for number, line in enumerate(lines):
            colour = _COLOURS[number % len(_COLOURS)]
            box = np.array(line.box, np.float32) * scale
            outline = np.array(line.polygon, np.float32) * scale if line.polygon else box
            _outline(left, outline, colour, thickness)
            if beside:
                self._write(right, line.text, box)
                _outline(right, outline, colour, thickness)
        return np.hstack([left, right]) if beside else left

    def _write(self, canvas: np.ndarray, text: str, box: np.ndarray) -> None:
        """Set `text` into `box` as large as it fits, along the box's own direction."""
        from PIL import Image, ImageDraw

        if not text:
            return
        if not self._has_cjk and max(text) >= _FIRST_CJK:
            raise PPOCRError(_NO_FONT)
        # The label is twice the size of the box, so that small letters survive the warp.
        width = max(2, round(2 * float(np.linalg.norm(box[1] - box[0]))))
        height = max(2, round(2 * float(np.linalg.norm(box[3] - box[0]))))
        length = self._font(100).getlength(text) / 100
        size = int(min(height * _TEXT_SHARE, width / max(length, 1e-6)))
        label = Image.new("L", (width, height))
        ImageDraw.Draw(label).text((0, height / 2), text, fill=255, font=self._font(max(4, size)), anchor="lm")

        x, y, w, h = cv2.boundingRect(box)
        x_end, y_end = min(x + w, canvas.shape[1]), min(y + h, canvas.shape[0])
        x, y = max(0, x), max(0, y)
        if x >= x_end or y >= y_end:
            return
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        transform = cv2.getPerspectiveTransform(corners, box - np.array([x, y], np.float32))
        ink = cv2.warpPerspective(np.asarray(label), transform, (x_end - x, y_end - y), flags=cv2.INTER_AREA)
        region = canvas[y:y_end, x:x_end]
        np.minimum(region, 255 - ink[..., None], out=region)

    def _font(self, size: int) -> Any:
        from PIL import ImageFont

        if size not in self._fonts:
            if self._file:
                self._fonts[size] = ImageFont.truetype(self._file, size, index=self._face)
            else:
                self._fonts[size] = ImageFont.load_default(size)
        return self._fonts[size]


def save_picture(path: Path, image: np.ndarray) -> None:
    """Write a JPEG file; unlike `cv2.imwrite`, to any path on any system.

    Raises:
        PPOCRError: the file cannot be written.
    """
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
    try:
        with replacing_file(path) as temporary:
            temporary.write_bytes(data.tobytes())
    except OSError as error:
        raise PPOCRError(f"{path}: cannot be written: {error.strerror or error}") from error


def find_font(names: Sequence[str]) -> Optional[str]:
    """The first of these file names that lies in one of the system's font folders."""
    wanted = {name.lower(): rank for rank, name in enumerate(names)}
    best: tuple[int, str] = (len(names), "")
    for folder in _font_folders():
        for parent, _, files in os.walk(folder):
            for name in files:
                rank = wanted.get(name.lower(), len(names))
                if rank < best[0]:
                    best = (rank, os.path.join(parent, name))
        if best[0] == 0:
            break
    return best[1] or None


def _font_folders() -> Iterator[Path]:
    home = Path.home()
    if sys.platform == "win32":
        yield Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"
        yield home / "AppData/Local/Microsoft/Windows/Fonts"
    elif sys.platform == "darwin":
        yield from (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    else:
        yield Path("/usr/share/fonts")
        yield from (Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts")


def _simplified_chinese_face(file: str) -> int:
    """A collection holds one face per country: the number of the one for simplified Chinese, else 0."""
    from PIL import ImageFont

    for index in range(16 if file.lower().endswith((".ttc", ".otc")) else 1):
        try:
            family = ImageFont.truetype(file, 10, index=index).getname()[0] or ""
        except OSError:
            if index == 0:
                raise
            break
        if family.endswith((" SC", " CN")):
            return index
    return 0


def _outline(canvas: np.ndarray, points: np.ndarray, colour: tuple[int, int, int], thickness: int) -> None:
    cv2.polylines(canvas, [np.round(points).astype(np.int32)], True, colour, thickness, cv2.LINE_AA)
