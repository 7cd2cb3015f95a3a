"""Who may send a body: decided before it is read, by key, origin, size, and what the server has in hand already."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Dict, Mapping, MutableMapping, Optional
from urllib.parse import urlsplit

from ppocr.serve.settings import ServeSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = ("/", "/health", "/ready", "/openapi.json")  # without a key: they tell nothing of what is read
BODY_PATHS = ("/ocr", "/jobs")
RETRY_AFTER_SECONDS = 2
DRAIN_SECONDS = 10.0  # that a refused client gets to finish sending; it would not hear the answer before
PASS = "ppocr.pass"  # key of the request's pass in the scope


class TooLarge(Exception):
    """A body that is longer than was said, or than is allowed."""


class TooSlow(Exception):
    """A body that takes too long to arrive."""


class Budget:
    """Requests and bytes in hand, with an upper limit for each. Used in the event loop alone."""

    def __init__(self, settings: ServeSettings):
        self._settings = settings
        self.requests = self.bytes = 0

    def enter(self, size: int) -> Optional[Pass]:
        """A pass for a body of this size; None when there is no room."""
        is_full = self.requests >= self._settings.max_requests or self.bytes + size > self._settings.max_bytes
        if is_full and self.requests:  # one alone is always let in
            return None
        self.requests += 1
        self.bytes += size
        return Pass(self, size)


@dataclass
class Pass:
    """Room that was given; whoever has it returns it once.

    Attributes:
        kept: somebody beyond the request (a job) returns it.
    """

    budget: Budget
    size: int
    kept: bool = False
    is_returned: bool = False

    def give_back(self) -> None:
        if not self.is_returned:
            self.is_returned = True
            self.budget.requests -= 1
            self.budget.bytes -= self.size


class Admission:
    """ASGI middleware.

    Args:
        app: what is behind it.
        settings: the limits and the key.
        budget: shared with what keeps bodies beyond their request.
        refused: is told the status of each answer given here.
    """

    def __init__(self, app: App, *, settings: ServeSettings, budget: Budget, refused: Callable[[int], None]):
        self._app, self._settings, self._budget, self._refused = app, settings, budget, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path, has_body = scope["path"], scope["method"] == "POST"
        if path not in OPEN_PATHS and not _shows_key(headers, self._settings.api_key):
            return await self._refuse(send, receive, 401, "the API key is missing or wrong", has_body=has_body)
        if scope["method"] not in ("GET", "HEAD") and not _is_same_origin(headers):
            return await self._refuse(send, receive, 403, "a page of another site may not ask", has_body=has_body)
        if not has_body or path not in BODY_PATHS:
            return await self._app(scope, receive, send)
        size = _declared_size(headers)
        limit = self._settings.max_body_bytes
        if size is not None and size > limit:
            return await self._refuse(send, receive, 413, f"the body is larger than {limit} bytes")
        admitted = self._budget.enter(limit if size is None else size)
        if admitted is None:
            return await self._refuse(send, receive, 503, "too much to do already; try again later")
        scope[PASS] = admitted
        try:
            await self._app(scope, _bounded(receive, admitted.size, self._settings.body_seconds), send)
        finally:
            if not admitted.kept:
                admitted.give_back()

    async def _refuse(self, send: Send, receive: Receive, status: int, why: str, *, has_body: bool = True) -> None:
        self._refused(status)
        body = json.dumps({"detail": why}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers.append((b"connection", b"close"))
        if status == 503:
            headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if has_body:
            # Closing while the client still sends would reset the connection, and with it the answer.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_drain(receive), DRAIN_SECONDS)
        await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _bounded(receive: Receive, size: int, seconds: float) -> Receive:
    """`receive` for a body of at most `size` bytes that is there within some seconds."""
    taken, deadline, is_complete = 0, asyncio.get_running_loop().time() + seconds, False

    async def bounded() -> Message:
        nonlocal taken, is_complete
        if is_complete:  # what follows is the wait for the client to leave, which has no limit
            return await receive()
        left = deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.001))
        except asyncio.TimeoutError:
            raise TooSlow from None
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            is_complete = not message.get("more_body")
            if taken > size:
                raise TooLarge
        return message

    return bounded


def _shows_key(headers: Mapping[str, str], key: Optional[str]) -> bool:
    if key is None:
        return True
    scheme, _, token = headers.get("authorization", "").partition(" ")
    shown = headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
    return secrets.compare_digest(shown.encode("utf-8", "replace"), key.encode("utf-8"))


def _is_same_origin(headers: Mapping[str, str]) -> bool:
    """Browsers say which page asks; other programs say nothing."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _declared_size(headers: Mapping[str, str]) -> Optional[int]:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def problem(status: int, why: str) -> Dict[str, Any]:
    """The body of every answer that is no result."""
    return {"detail": why, "status": status}
