"""A running server: workers, application, signals."""

from __future__ import annotations

import logging
import signal
import socket
from typing import Any

import uvicorn

from ppocr.serve.admission import Budget
from ppocr.serve.app import create_app
from ppocr.serve.metrics import Metrics
from ppocr.serve.pool import WorkerPool
from ppocr.serve.settings import ServeSettings

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 15
BACKLOG = 1024  # connections that the system keeps until they are taken
MAX_HEADER_BYTES = 32_768


def build(settings: ServeSettings) -> tuple[Any, WorkerPool]:
    """The application, and its pool, which is yet to be started."""
    budget, metrics = Budget(settings), Metrics()
    pool = WorkerPool(settings.readers, settings.workers, replaced=metrics.worker_replaced)
    metrics.watch("requests_in_hand", lambda: budget.requests)
    metrics.watch("bytes_in_hand", lambda: budget.bytes)
    metrics.watch("files_waiting", lambda: pool.waiting)
    metrics.watch("workers_alive", lambda: pool.alive)
    return create_app(settings, pool, metrics, budget), pool


def serve(settings: ServeSettings, *, host: str, port: int, grace_seconds: float) -> None:
    """Answer requests until SIGTERM or Ctrl-C; then take no new ones, answer those in work, and return.

    Args:
        settings: of the application.
        host, port: where to listen.
        grace_seconds: that requests in work get to end.

    Raises:
        PPOCRError: the models cannot be used.
        OSError: the address cannot be used.
    """
    app, pool = build(settings)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # addresses name jobs, and nobody asked to be written down
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(grace_seconds)),
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        lifespan="on",
    )
    pool.start()
    logger.info("listening at http://%s:%d", host, listening.getsockname()[1])
    # uvicorn raises the signal again when it has put everything in order; that is no reason to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening])
