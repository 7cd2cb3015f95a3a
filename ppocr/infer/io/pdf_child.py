"""The process that renders PDF pages and takes their text out; started by `pdf_pages` as a script.

PDFium reads files of strangers, in C++: it may crash, take all the memory, or never end. Here that ends this process
only, whose memory the system limits.

Standard input: for each document a line of JSON (`Request` in `pdf_pages`) and the file. Standard output: messages,
each the length of its head in 4 bytes, the head in JSON, and for a page its pixels. First `{"count": …}` or
`{"error": …}`, then for each page `{"page", "width", "height", "dpi", "characters", "lines"}` and bytes of BGR rows, or
`{"page", "error"}`. `lines` are those of `pdf_text`, null where the page is to be read.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any, BinaryIO, Mapping


def main() -> None:
    """Serve documents until standard input ends."""
    sys.path[:] = sys.argv[1:]  # where our parent finds packages
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while True:
        line = stdin.readline()
        if not line:
            return
        request = json.loads(line)
        data = stdin.read(request["size"])
        if len(data) < request["size"]:  # our parent is gone
            return
        _limit_memory(request["memory"] + 2 * len(data))
        try:
            _serve(data, request, stdout)
        except MemoryError:
            _send(stdout, {"error": "it needs more memory than is allowed"})
            return  # with what it still holds
        stdout.flush()


def _serve(data: bytes, request: Mapping[str, Any], out: BinaryIO) -> None:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        document.init_forms()  # filled-in forms are text too
        count = len(document)
    except pypdfium2.PdfiumError as error:
        encrypted = "password" in str(error).lower()
        _send(out, {"error": "the PDF is encrypted" if encrypted else "the PDF is damaged"})
        return
    try:
        _send(out, {"count": count})
        for index in range(request["first"], min(count, request["last"])):
            _limit_seconds(request["seconds"])
            try:
                _render(document, index, request, out)
            except (pypdfium2.PdfiumError, MemoryError, ValueError, ArithmeticError) as error:
                _send(out, {"page": index, "error": f"{type(error).__name__}: {error}"})
    finally:
        document.close()


def _render(document: Any, index: int, request: Mapping[str, Any], out: BinaryIO) -> None:
    """Send one page, on white; nothing is sent before all of it is there."""
    import pypdfium2

    page = document[index]
    try:
        width, height = page.get_size()  # points, after the page's own rotation
        scale = _scale(width, height, request)
        bitmap = page.render(scale=scale, force_bitmap_format=pypdfium2.raw.FPDFBitmap_BGR, may_draw_forms=True)
        try:
            head = {"page": index, "width": bitmap.width, "height": bitmap.height, "dpi": scale * 72}
            head.update(_text(page, bitmap, request["text"]))
            rows, row = memoryview(bitmap.buffer).cast("B"), bitmap.width * 3
            _send(out, head)
            for begin in range(0, bitmap.height * bitmap.stride, bitmap.stride):  # rows may be padded
                out.write(rows[begin : begin + row])
            out.flush()
        finally:
            bitmap.close()
    finally:
        page.close()


def _text(page: Any, bitmap: Any, wanted: str) -> Mapping[str, Any]:
    """How many characters the page holds, and its lines if they are wanted and can be used."""
    import pypdfium2

    from ppocr.infer.io.pdf_text import text_layer  # which imports nothing more

    try:
        count, is_usable, lines = text_layer(page, bitmap.width, bitmap.height)
    except (pypdfium2.PdfiumError, ValueError, ArithmeticError):
        return {"characters": 0, "lines": None}
    is_taken = bool(lines) and (wanted == "force" or (wanted == "auto" and is_usable))
    return {"characters": count, "lines": lines if is_taken else None}


def _scale(width: float, height: float, request: Mapping[str, Any]) -> float:
    """Pixels per point: by the resolution asked for, less where the page would exceed the limits."""
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise ValueError(f"a page of {width:g} x {height:g} points")
    wanted = request["dpi"] / 72
    by_side = request["max_side"] / max(width, height)
    by_area = (request["max_pixels"] / (width * height)) ** 0.5
    return min(wanted, by_side, by_area)


def _send(out: BinaryIO, head: Mapping[str, Any]) -> None:
    text = json.dumps(head).encode()
    out.write(len(text).to_bytes(4, "big") + text)
    out.flush()


def _limit_memory(count: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_seconds(seconds: float) -> None:
    """Our parent watches the time; this is for when it is killed meanwhile."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    allowed = int(used.ru_utime + used.ru_stime + seconds) + 5
    if hard == resource.RLIM_INFINITY or allowed < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


if __name__ == "__main__":
    main()
