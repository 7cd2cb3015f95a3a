"""`ppocr/bench/protocol.py` for runners whose environments have no ppocr: it needs the standard library alone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "ppocr" / "bench"))

from protocol import (
    Line,
    Pages,
    Recognise,
    StageSeconds,
    arguments,
    one_by_one,
    page,
    peak_rss_mb,
    rss_mb,
    serve,
)  # fmt: skip

__all__ = [
    "Line", "Pages", "Recognise", "StageSeconds", "arguments", "one_by_one", "page", "peak_rss_mb", "rss_mb", "serve",
]  # fmt: skip
