"""Reading results back: the JSON lines of `ppocr ocr --format jsonl`, ours or another engine's."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Union

from ppocr.errors import LabelError
from ppocr.infer.results import OCRResult
from ppocr.parse import ParseError, parse_json, read_text

MAX_BYTES = 4_000_000_000  # of a results file


def read_results(path: Union[str, Path]) -> list[OCRResult]:
    """Read a results file, one page a line (schema: docs/results.md).

    Of the page only `file` and `lines` are required, of a line `text` and `box`, so that other engines' output is
    easily brought into this form; what else is left out counts as 0, scores as 1.

    Raises:
        LabelError: with every mistake of the file, `file:line: reason`.
    """
    try:
        text = read_text(path, MAX_BYTES)
    except OSError as error:
        raise LabelError(f"{path}: cannot be read: {error.strerror}") from error
    except ParseError as error:
        raise LabelError(f"{path}:{error.line}: {error.problem}") from error
    results, problems = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            results.append(_parse(line))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            problems.append(f"{path}:{number}: {_reason(error)}")
    if problems:
        more = [f"… and {len(problems) - 20} more problems"] if len(problems) > 20 else []
        raise LabelError(problems[:20] + more)
    return results


def _parse(line: str) -> OCRResult:
    record: Any = parse_json(line)
    if not isinstance(record, dict):
        raise TypeError('expected an object {"file": …, "lines": […]}')
    lines = record["lines"]
    if not isinstance(lines, list) or not all(isinstance(item, dict) for item in lines):
        raise TypeError('lines: expected a list of objects {"text": …, "score": …, "box": …}')
    page = {"page": 0, "width": 0, "height": 0, "seconds": 0.0, **record}
    result = OCRResult.from_dict({**page, "lines": [{"score": 1.0, **item} for item in lines]})
    numbers = [number for item in result.lines for point in (*item.box, (item.score,)) for number in point]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("box, score: expected finite numbers")
    return result


def _reason(error: Exception) -> str:
    if isinstance(error, ParseError):
        return error.problem
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    return str(error)
