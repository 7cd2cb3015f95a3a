"""Small files made to eat memory, time or the terminal; written by code, so that none is stored."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Callable, Dict

import numpy as np
from PIL import Image


def packed(byte: bytes, count: int) -> bytes:
    """What zlib makes of so many equal bytes; the block for a million of them is repeated, not computed again."""
    whole, rest = divmod(count, 1 << 20)
    packer, block = zlib.compressobj(9), byte * (1 << 20)
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for _ in range(whole):
        check = zlib.adler32(block, check)
    check = zlib.adler32(byte * rest, check)
    end = zlib.compressobj(9, wbits=-15)
    tail = end.compress(byte * rest) + end.flush()
    head = first + again * (whole - 1) if whole else b"\x78\xda"
    return head + tail + struct.pack(">I", check)


def gif(width: int, height: int, frames: int = 1) -> bytes:
    """A GIF of empty frames; each a few bytes, whatever its size."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b";"


def png(width: int, height: int, colour: int = 0, depth: int = 1) -> bytes:
    """A PNG of zeros, compressed 1000 times."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    data = packed(b"\0", height * (1 + (width * channels * depth + 7) // 8))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_text(size: int) -> bytes:
    """A PNG with a compressed comment of `size` bytes."""
    small = png(8, 8)
    comment = _chunk(b"zTXt", b"Comment\0\0" + packed(b"\0", size))
    return small[:33] + comment + small[33:]


def tiff(width: int, height: int) -> bytes:
    """A TIFF whose rows are all the same few bytes."""
    data = packed(b"\0", width * height // 64)
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8),
        (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(data)),
    ]  # fmt: skip
    table = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + table


def jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 255).save(buffer, "JPEG", quality=1)
    return buffer.getvalue()


def pdf(media: str = "0 0 200 100", content: bytes = b"", count: int = 1, filters: str = "", extra: str = "") -> bytes:
    """A PDF of one page object, whatever the tree says."""
    stream = f"<< /Length {len(content)} {filters} >>\nstream\n".encode() + content + b"\nendstream"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [3 0 R] /Count {count} >>".encode(),
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{media}] /Contents 4 0 R {extra} >>".encode(),
        stream,
    ]
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    return out + head + table + b"trailer << /Root 1 0 R /Size 5 >>\nstartxref\n%d\n%%%%EOF\n" % len(out)


def triple_flate() -> bytes:
    """A content stream packed three times: two gigabytes of spaces."""
    twice = zlib.compress(zlib.compress(packed(b" ", 2_000_000_000), 9), 9)
    return pdf(content=twice, filters="/Filter [/FlateDecode /FlateDecode /FlateDecode]")


def paths(megabytes: int) -> bytes:
    """Curves across the page, millions of them, each with a wide transparent brush."""
    dice = np.random.default_rng(0)
    curve = b"%d %d m %d %d %d %d %d %d c S\n"
    lines = [curve % tuple(row) for row in dice.integers(0, 3000, (20_000, 8)).tolist()]
    content = b"90 w [3 2] 0 d 1 j\n" + b"".join(lines) * (megabytes * 1_000_000 // sum(map(len, lines)))
    return pdf("0 0 3000 3000", content)


BOMBS: Dict[str, Callable[[], bytes]] = {
    "one frame of 190 million pixels.gif": lambda: gif(14_000, 13_600),
    "500 frames of 13000 x 13000.gif": lambda: gif(13_000, 13_000, 500),
    "3000 frames of 5000 x 5000.gif": lambda: gif(5000, 5000, 3000),
    "a side of a million.png": lambda: png(1_000_000, 3),
    "196 million grey pixels.png": lambda: png(14_000, 14_000, 0, 8),
    "108 million colour pixels.png": lambda: png(12_000, 9000, 2, 8),
    "99 million pixels with alpha.png": lambda: png(11_000, 9000, 6, 8),
    "a comment of 300 MB.png": lambda: png_text(300_000_000),
    "a header of 4 billion pixels.tif": lambda: tiff(65_000, 65_000),
    "a strip of 30 x 40000.png": lambda: png(40_000, 30, 0, 8),
    "a jpeg of 195 million pixels.jpg": lambda: jpeg(65_000, 3000),
    "a page of 1e9 x 0.01 points.pdf": lambda: pdf("0 0 1000000000 0.01"),
    "a page of 1e30 points.pdf": lambda: pdf("0 0 1e30 1e30"),
    "a page without area.pdf": lambda: pdf("0 0 0 0"),
    "a million pages.pdf": lambda: pdf(count=1_000_000),
    "two billion pages.pdf": lambda: pdf(count=2_000_000_000),
    "two gigabytes in three layers.pdf": triple_flate,
    "nine megabytes of paths.pdf": lambda: paths(9),
    "a million nested dictionaries.pdf": lambda: pdf(extra="/A " + "<< /A " * 300_000),
    "forms within forms.pdf": lambda: pdf(content=b"q " * 2_000_000),
}
