"""A small client: `Client("http://127.0.0.1:8000").read("scan.pdf")`; the standard library alone."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Union

from ppocr.errors import InputError, PPOCRError
from ppocr.infer.results import OCRResult


class Client:
    """Talks to one server.

    Args:
        url: of the server.
        api_key: if it wants one.
        seconds: that an answer may take.
        attempts: at a server that has too much to do.
    """

    def __init__(self, url: str, *, api_key: Optional[str] = None, seconds: float = 300.0, attempts: int = 5):
        self._url, self._seconds, self._attempts = url.rstrip("/"), seconds, attempts
        self._headers = {"X-API-Key": api_key} if api_key else {}

    def read(self, source: Union[str, Path, bytes], **options: Any) -> List[OCRResult]:
        """Every page of a picture or document; options as of POST /ocr.

        Raises:
            InputError: a page cannot be read.
            PPOCRError: the server refuses.
        """
        return list(self.stream(source, **options))

    def stream(self, source: Union[str, Path, bytes], **options: Any) -> Iterator[OCRResult]:
        """The same, page by page as the server reads them."""
        name = "" if isinstance(source, bytes) else Path(source).name
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        with self._open({**options, "format": "jsonl", "name": name or "upload"}, data) as answer:
            for line in answer:
                record: Dict[str, Any] = json.loads(line)
                if "error" in record:
                    raise InputError(record["file"], record["error"])
                yield OCRResult.from_dict(record)

    def _open(self, options: Dict[str, Any], data: bytes) -> Any:
        url = f"{self._url}/ocr?{urllib.parse.urlencode(options)}"
        request = urllib.request.Request(url, data, {"Content-Type": "application/octet-stream", **self._headers})
        for attempt in range(self._attempts):
            try:
                return urllib.request.urlopen(request, timeout=self._seconds)
            except urllib.error.HTTPError as error:
                if error.code != 503 or attempt == self._attempts - 1:
                    raise PPOCRError(f"{self._url}: {error.code}: {_detail(error)}") from error
                time.sleep(float(error.headers.get("Retry-After") or 1))
            except urllib.error.URLError as error:
                raise PPOCRError(f"{self._url}: {error.reason}") from error
        raise AssertionError("unreachable")


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(100_000))["detail"])
    except (ValueError, KeyError, TypeError):
        return error.reason
