"""The rows that become of pages, and their columns."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Optional, Union

from ppocr.errors import InputError, MissingExtraError
from ppocr.infer.io.sources import Page
from ppocr.infer.results import OCRResult

Row = Dict[str, Any]
COLUMNS = ("path", "page", "sha256", "width", "height", "angle", "text", "lines", "error")


def schema() -> Any:
    """The columns of the Parquet files: `pyarrow.Schema`.

    `page` is null for a file that could not be opened at all; `text` and `lines` are null where `error` is not. A box
    is x, y of the four corners, pixels, clockwise from the text's own top-left corner.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    pa = arrow()
    line = pa.struct([("text", pa.string()), ("score", pa.float32()), ("box", pa.list_(pa.float32()))])
    kinds = (
        pa.string(),
        pa.int32(),
        pa.string(),
        pa.int32(),
        pa.int32(),
        pa.int32(),
        pa.string(),
        pa.list_(line),
        pa.string(),
    )
    return pa.schema(list(zip(COLUMNS, kinds)))


def arrow() -> Any:
    """The package pyarrow, with its Parquet part.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("reading in bulk", "bulk") from error
    return pyarrow


def row_of(path: str, sha256: Optional[str], page: Optional[Page], result: Union[OCRResult, InputError]) -> Row:
    """The row of one page.

    Args:
        path: of its file.
        sha256: of the file's content; None if it could not be read.
        page: what was read; None if it could not be opened.
        result: what came of it.
    """
    row: Row = dict.fromkeys(COLUMNS)
    row.update(path=path, sha256=sha256, page=None if page is None else page.index)
    if isinstance(result, InputError):
        row["error"] = result.reason
        return row
    lines: List[Row] = [
        {"text": line.text, "score": line.score, "box": [value for point in line.box for value in point]}
        for line in result.lines
    ]
    row.update(width=result.width, height=result.height, angle=result.angle, text=result.text, lines=lines)
    return row


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
