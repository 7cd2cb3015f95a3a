"""What a server may do, in one immutable record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

from ppocr.infer.options import OCROptions


@dataclass(frozen=True)
class ServeSettings:
    """Settings of a server.

    Attributes:
        readers: name of a language (or family) → how its reader is made; the first one is the default.
        workers: processes that read.
        api_key: that requests must show; None lets everybody in.
        max_requests: read at once or waiting; more are answered 503.
        max_bytes: of all bodies held in memory.
        max_body_bytes: of one body; larger ones are answered 413.
        max_files: in one request.
        max_pixels: of one picture.
        max_pages: of one file.
        page_seconds: that reading a page may take.
        body_seconds: that sending a body may take.
        job_seconds: that the result of a job is kept after its end.
        max_jobs: kept, running ones included.
        max_job_bytes: of the result of one job.
    """

    readers: Mapping[str, OCROptions]
    workers: int = 1
    api_key: Optional[str] = None
    max_requests: int = 64
    max_bytes: int = 512_000_000
    max_body_bytes: int = 64_000_000
    max_files: int = 50
    max_pixels: int = 100_000_000
    max_pages: int = 1_000
    page_seconds: float = 60.0
    body_seconds: float = 60.0
    job_seconds: float = 3_600.0
    max_jobs: int = 100
    max_job_bytes: int = 1_000_000_000

    @property
    def default_reader(self) -> str:
        return next(iter(self.readers))
