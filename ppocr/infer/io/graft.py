"""The searchable PDF keeps the pages of PDF documents: their text is laid over them instead of over a picture.

`pikepdf` does it, in a process of its own (`graft_child`) with bounds on memory and time. Where it cannot, pages stay
the pictures that `ppocr.infer.io.pdf` wrote.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from ppocr.infer.io.pdf import Picture
from ppocr.infer.results import OCRResult
from ppocr.utils.children import python_program, tied_to_us

MAX_BYTES = 1_000_000_000  # of address space, beside so many times the size of all documents:
BYTES_PER_BYTE = 4
SECONDS, SECONDS_PER_PAGE = 60, 2
INSTALL = "pip install 'ppocr[pdf]'"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OutputPage:
    """Where a page of the searchable PDF comes from.

    Attributes:
        source: path of the picture or document.
        page: 0-based number in it.
        is_kept: the original page takes the place of its picture …
        has_text: … with the text that was read over it …
        turn: … set upright from so many degrees clockwise.
    """

    source: str
    page: int
    is_kept: bool = False
    has_text: bool = False
    turn: int = 0


@dataclass(frozen=True)
class Plan:
    """What the process is asked for: `pdf` with pictures → `output` with the original pages."""

    pdf: str
    output: str
    pages: Sequence[OutputPage]
    memory: int
    seconds: int


def is_available() -> bool:
    return importlib.util.find_spec("pikepdf") is not None


def output_page(result: OCRResult, picture: Optional[Picture], *, upright: bool) -> OutputPage:
    """What becomes of a page.

    One that holds text which was not used is written as a picture: with two texts over each other, words would be found
    twice.
    """
    turn = result.angle if upright else 0
    if result.file == "-" or picture is None or not picture.is_document or (picture.has_text and not result.is_layer):
        return OutputPage(result.file, result.page)
    return OutputPage(os.path.abspath(result.file), result.page, True, not result.is_layer, turn)


def put_in_original_pages(pdf: Path, pages: Sequence[OutputPage]) -> List[Tuple[str, str]]:
    """Put the original pages into a searchable PDF, which is written anew.

    Args:
        pdf: written by `ppocr.infer.io.pdf.PdfWriter`.
        pages: of all its pages.

    Returns:
        Of each source whose pages stay pictures its path and why; an empty path for all of them.
    """
    if not any(page.is_kept for page in pages):
        return []
    if not is_available():
        return [("", f"pikepdf is not installed ({INSTALL})")]
    sizes = sum(os.path.getsize(path) for path in {str(pdf), *(page.source for page in pages if page.is_kept)})
    seconds = SECONDS + SECONDS_PER_PAGE * len(pages)
    target = pdf.with_name(pdf.name + ".new")
    plan = Plan(str(pdf), str(target), pages, MAX_BYTES + BYTES_PER_BYTE * sizes, seconds)
    try:
        done = _run(plan)
        problems = json.loads(done.stdout)["problems"] if done.returncode == 0 else {"": _how(done)}
        if done.returncode == 0:
            os.replace(target, pdf)
        return list(problems.items())
    except subprocess.TimeoutExpired:
        return [("", f"it took longer than {2 * seconds} seconds")]
    finally:
        target.unlink(missing_ok=True)


def _run(plan: Plan) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [python_program(), str(Path(__file__).with_name("graft_child.py")), *sys.path],
        input=json.dumps(asdict(plan)).encode(),
        capture_output=True,
        timeout=2 * plan.seconds,
        check=False,
        **tied_to_us(),
    )


def _how(done: subprocess.CompletedProcess[bytes]) -> str:
    logger.debug("putting in original pages: %s", done.stderr.decode("utf-8", "replace"))
    if done.returncode < 0:
        return f"pikepdf died of signal {-done.returncode}"
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return last or f"pikepdf ended with status {done.returncode}"
