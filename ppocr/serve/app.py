"""The application: what each address answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any, AsyncIterator, Dict, List, Optional, Tuple

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from ppocr import __version__
from ppocr.errors import InputError
from ppocr.serve.admission import PASS, RETRY_AFTER_SECONDS, Admission, Budget, TooLarge, TooSlow, problem
from ppocr.serve.jobs import RUNNING, Job, Jobs
from ppocr.serve.metrics import Metrics
from ppocr.serve.openapi import CANCEL, JOB, JOBS, OCR, RESULT
from ppocr.serve.pool import WorkerPool
from ppocr.serve.process import PageDone, Work
from ppocr.serve.reading import Answer, ClientGone, read_pages
from ppocr.serve.settings import ServeSettings
from ppocr.serve.static import page_response
from ppocr.serve.uploads import (
    MEDIA_TYPES,
    BadRequest,
    RequestOptions,
    form_of,
    page_options,
    read_options,
    read_request,
)

logger = logging.getLogger(__name__)

ERRORS_HEADER = "X-OCR-Errors"  # how many pages could not be read, where the form has no place for that
CLIENT_CLOSED = 499


def create_app(settings: ServeSettings, pool: WorkerPool, metrics: Metrics, budget: Budget) -> FastAPI:
    """The application over a pool that was started; it closes the pool at its end."""
    server = _Server(settings, pool, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        server.jobs = Jobs(settings, pool, metrics)
        server.jobs.start()
        yield
        await server.jobs.close()
        await asyncio.to_thread(pool.close)

    app = FastAPI(
        title="ppocr",
        version=__version__,
        description="Text in pictures and PDF documents. Forms of answers: docs/results.md.",
        lifespan=lifespan,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
    )
    app.add_middleware(Admission, settings=settings, budget=budget, refused=metrics.request)
    app.get("/", include_in_schema=False)(page_response)
    app.get("/health", summary="The server runs")(server.health)
    app.get("/ready", summary="Workers have their models", responses={503: {}})(server.ready)
    app.get("/info", summary="What may be asked")(server.info)
    app.get("/metrics", summary="Counters, in Prometheus' form")(server.metrics_text)
    app.post("/ocr", **OCR)(server.ocr)
    app.post("/jobs", **JOBS)(server.start_job)
    app.get("/jobs/{name}", **JOB)(server.job)
    app.get("/jobs/{name}/result", **RESULT)(server.job_result)
    app.delete("/jobs/{name}", **CANCEL)(server.remove_job)
    return app


class _Server:
    """The answers; one method for each address."""

    jobs: Jobs

    def __init__(self, settings: ServeSettings, pool: WorkerPool, metrics: Metrics):
        self.settings, self.pool, self.metrics = settings, pool, metrics

    async def health(self) -> Dict[str, str]:
        return {"status": "ok", "version": __version__}

    async def ready(self) -> Response:
        alive = self.pool.alive
        body = {"workers": alive, "wanted": self.settings.workers}
        return JSONResponse(body, 200 if alive else 503)

    async def info(self) -> Dict[str, Any]:
        names = ("max_body_bytes", "max_files", "max_pages", "max_pixels")
        limits = {name: getattr(self.settings, name) for name in names}
        return {"version": __version__, "languages": list(self.settings.readers), **limits}

    async def metrics_text(self) -> Response:
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def ocr(self, request: Request) -> Response:
        begin = time.perf_counter()
        try:
            works, form, options = await self._works(request)
            answer = Answer(form, options)
            if form == "jsonl":
                response: Response = await self._stream(request, works, answer)
            else:
                response = await self._whole(request, works, form, answer)
        except BadRequest as error:
            response = self._problem(error.status, str(error))
        except ClientGone:
            response = self._problem(CLIENT_CLOSED, "the client has gone")
        self._log("/ocr", response.status_code, begin)
        return response

    async def start_job(self, request: Request) -> Response:
        begin = time.perf_counter()
        try:
            works, form, options = await self._works(request)
            job = self.jobs.add(works, form, Answer(form, options), request.scope.get(PASS))
        except BadRequest as error:
            return self._problem(error.status, str(error))
        if job is None:
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return self._problem(503, "too many jobs are kept already; delete some", headers)
        self._log("/jobs", 202, begin)
        return JSONResponse(job.to_dict(), 202, {"Location": f"/jobs/{job.id}"})

    async def job(self, name: str) -> Response:
        job = self.jobs.get(name)
        return JSONResponse(job.to_dict()) if job else self._no_job()

    async def job_result(self, name: str) -> Response:
        job = self.jobs.get(name)
        if job is None:
            return self._no_job()
        if job.status == RUNNING:
            return self._problem(409, "the job is still running")
        return FileResponse(job.path, media_type=MEDIA_TYPES[job.form])

    async def remove_job(self, name: str) -> Response:
        job: Optional[Job] = self.jobs.get(name)
        if job is None:
            return self._no_job()
        await self.jobs.remove(job)
        return Response(status_code=204)

    async def _works(self, request: Request) -> Tuple[List[Work], str, RequestOptions]:
        """Raises BadRequest."""
        try:
            uploads, options = await read_request(request, self.settings)
        except TooLarge:
            raise BadRequest(413, f"the body is larger than {self.settings.max_body_bytes} bytes") from None
        except TooSlow:
            raise BadRequest(408, f"the body took longer than {self.settings.body_seconds:g} seconds") from None
        form = form_of(options, request.headers.get("accept", ""))
        reading, reader = read_options(options, self.settings), options.lang or self.settings.default_reader
        pages = page_options(options, form)
        works = [Work(upload.data, upload.name, reader, reading, pages, form == "pdf") for upload in uploads]
        return works, form, options

    async def _whole(self, request: Request, works: List[Work], form: str, answer: Answer) -> Response:
        parts = [answer.begin()]
        pages = read_pages(self.pool, works, self.metrics, is_gone=request.is_disconnected)
        try:
            async for page in pages:
                parts.append(answer.page(page))
        finally:
            await pages.aclose()  # type: ignore[attr-defined]
        parts.append(answer.end())
        if answer.errors and not answer.pages:
            raise BadRequest(422, "; ".join(answer.errors))
        self.metrics.request(200)
        headers = {ERRORS_HEADER: str(len(answer.errors))} if answer.errors else {}
        return Response(b"".join(parts), 200, headers, media_type=MEDIA_TYPES[form])

    async def _stream(self, request: Request, works: List[Work], answer: Answer) -> Response:
        pages = read_pages(self.pool, works, self.metrics, is_gone=request.is_disconnected)
        try:
            first = await pages.__anext__()
        except StopAsyncIteration:
            raise BadRequest(422, "there are no pages") from None
        if isinstance(first.result, InputError) and not first.next_page and len(works) == 1:
            await pages.aclose()  # type: ignore[attr-defined]
            raise BadRequest(422, str(first.result))
        self.metrics.request(200)

        async def lines(first: PageDone) -> AsyncIterator[bytes]:
            try:
                yield answer.page(first)
                async for page in pages:
                    yield answer.page(page)
            except ClientGone:
                return
            finally:
                await pages.aclose()  # type: ignore[attr-defined]

        return StreamingResponse(lines(first), media_type=MEDIA_TYPES["jsonl"])

    def _no_job(self) -> Response:
        return self._problem(404, "there is no such job (any more)")

    def _problem(self, status: int, why: str, headers: Optional[Dict[str, str]] = None) -> Response:
        self.metrics.request(status)
        return JSONResponse(problem(status, why), status, headers)

    def _log(self, path: str, status: int, begin: float) -> None:
        logger.info("POST %s: %d in %.3f s", path, status, time.perf_counter() - begin)
