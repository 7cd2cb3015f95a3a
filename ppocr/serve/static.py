"""The web page: one file, with a policy that lets it load nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib import resources
from typing import Dict, Tuple

from fastapi.responses import Response


async def page_response() -> Response:
    """`page.html`, which may run its own script and talk to this server, and nothing else."""
    content, headers = _page()
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)


@functools.lru_cache(maxsize=1)
def _page() -> Tuple[bytes, Dict[str, str]]:
    content = resources.files("ppocr.serve").joinpath("page.html").read_bytes()
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hashes(content, b'script')}",
            f"style-src {_hashes(content, b'style')}",
            "img-src blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
    return content, {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }


def _hashes(content: bytes, tag: bytes) -> str:
    """The hashes by which the policy knows the page's own scripts or styles."""
    texts = re.findall(b"<%s>(.*?)</%s>" % (tag, tag), content, re.S)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in texts)
