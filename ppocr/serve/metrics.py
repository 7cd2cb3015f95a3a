"""What a server counts, in Prometheus' form; numbers only, nothing of what is read."""

from __future__ import annotations

from typing import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("ppocr_requests", "Requests answered", ["status"], registry=self._registry)
        self._pages = Counter("ppocr_pages", "Pages", ["outcome"], registry=self._registry)
        self._replaced = Counter("ppocr_workers_replaced", "Worker processes replaced", registry=self._registry)
        self._seconds = Histogram(
            "ppocr_page_seconds", "Seconds of reading a page", buckets=SECONDS, registry=self._registry
        )

    def watch(self, name: str, value: Callable[[], float]) -> None:
        """Show what `value` gives whenever somebody asks."""
        Gauge(f"ppocr_{name}", name.replace("_", " "), registry=self._registry).set_function(value)

    def request(self, status: int) -> None:
        self._requests.labels(str(status)).inc()

    def page(self, seconds: float) -> None:
        self._pages.labels("read").inc()
        self._seconds.observe(seconds)

    def page_failed(self) -> None:
        self._pages.labels("failed").inc()

    def worker_replaced(self) -> None:
        self._replaced.inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)
