"""The result files of PaddleOCR's `predict_system` and `predict_det`: a line a page, named without its folder."""

from __future__ import annotations

import json
import os
from typing import Any, List, Optional

from ppocr.infer.results import OCRResult


class SystemResults:
    """`system_results.txt`: `picture<TAB>[{"transcription": "…", "points": [[x, y] × 4]}, …]`, whole pixels.

    This is the label format of detection too, so that results can be corrected and trained on.
    """

    file = "system_results.txt"

    def begin(self) -> bytes:
        return b""

    def page(self, result: Any, picture: Optional[object] = None) -> bytes:
        return _line(result, self._regions(result))

    def end(self) -> bytes:
        return b""

    def _regions(self, result: OCRResult) -> List[Any]:
        return [
            {"transcription": line.text, "points": [[int(x), int(y)] for x, y in line.box]} for line in result.lines
        ]


class DetResults(SystemResults):
    """`det_results.txt`: `picture<TAB>[[[x, y] × 4], …]`; outlines where polygons were asked for."""

    file = "det_results.txt"

    def _regions(self, result: OCRResult) -> List[Any]:
        return [[list(point) for point in line.polygon or line.box] for line in result.lines]


def _line(result: OCRResult, regions: List[Any]) -> bytes:
    name = os.path.basename(result.file) + (f"_{result.page}" if result.page else "")
    return f"{name}\t{json.dumps(regions, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")
