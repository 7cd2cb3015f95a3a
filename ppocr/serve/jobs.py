"""Jobs: files that are read after their request was answered; results lie in a folder for a while."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from ppocr.serve.admission import Pass
from ppocr.serve.metrics import Metrics
from ppocr.serve.pool import WorkerPool
from ppocr.serve.process import Work
from ppocr.serve.reading import Answer, read_pages
from ppocr.serve.settings import ServeSettings

CLEAN_SECONDS = 5.0  # between two looks for results that were kept long enough

RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass
class Job:
    """One job.

    Attributes:
        id: names it; nobody can guess it.
        form: of its result.
        files: that it reads.
        status: running, done or failed.
        answer: pages and errors so far.
        path: of the result.
        ended: time.monotonic() of its end.
    """

    id: str
    form: str
    files: int
    answer: Answer
    path: Path
    status: str = RUNNING
    reason: str = ""
    ended: Optional[float] = None
    task: Optional[asyncio.Task[None]] = field(default=None, repr=False)

    def to_dict(self) -> Dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status,
            "format": self.form,
            "files": self.files,
            "pages": self.answer.pages,
            "errors": list(self.answer.errors),
            "reason": self.reason,
        }


class Jobs:
    """The jobs of one server. Their results lie in a folder that only its user may open, and go with the server."""

    def __init__(self, settings: ServeSettings, pool: WorkerPool, metrics: Metrics):
        self._settings, self._pool, self._metrics = settings, pool, metrics
        self._jobs: Dict[str, Job] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="ppocr-jobs-"))
        self._cleaner: Optional[asyncio.Task[None]] = None

    def start(self) -> None:
        self._cleaner = asyncio.create_task(self._clean())

    def add(self, works: Sequence[Work], form: str, answer: Answer, admitted: Optional[Pass]) -> Optional[Job]:
        """Begin a job; None when there are too many. `admitted` is given back when the files are read."""
        self._forget_old()
        if len(self._jobs) >= self._settings.max_jobs:
            return None
        name = secrets.token_urlsafe(16)
        job = Job(name, form, len(works), answer, self._folder / name)
        self._jobs[name] = job
        if admitted is not None:
            admitted.kept = True
        job.task = asyncio.create_task(self._run(job, works, admitted))
        return job

    def get(self, name: str) -> Optional[Job]:
        return self._jobs.get(name)

    async def remove(self, job: Job) -> None:
        """Stop a job and forget what it read."""
        if job.task is not None:
            job.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await job.task
        self._forget(job)

    async def close(self) -> None:
        if self._cleaner is not None:
            self._cleaner.cancel()
        for job in list(self._jobs.values()):
            await self.remove(job)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _run(self, job: Job, works: Sequence[Work], admitted: Optional[Pass]) -> None:
        try:
            with open(job.path, "wb") as file:
                await asyncio.to_thread(file.write, job.answer.begin())
                pages = read_pages(self._pool, works, self._metrics)
                try:
                    async for page in pages:
                        await asyncio.to_thread(file.write, job.answer.page(page))
                        if file.tell() > self._settings.max_job_bytes:
                            raise OSError(f"the result is larger than {self._settings.max_job_bytes} bytes")
                finally:
                    await pages.aclose()  # type: ignore[attr-defined]
                await asyncio.to_thread(file.write, job.answer.end())
            job.status = DONE if job.answer.pages or not job.answer.errors else FAILED
        except OSError as error:  # the disk
            job.status, job.reason = FAILED, error.strerror or str(error)
        finally:
            job.ended = time.monotonic()
            if admitted is not None:
                admitted.give_back()

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        with contextlib.suppress(OSError):
            job.path.unlink()

    def _forget_old(self) -> None:
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.ended is not None and now - job.ended > self._settings.job_seconds:
                self._forget(job)

    async def _clean(self) -> None:
        while True:
            await asyncio.sleep(CLEAN_SECONDS)
            self._forget_old()
