"""How every answer of the API goes out: with an ETag, and with the address of the next page."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi.encoders import jsonable_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from monitor.web import problems

PRIVATE = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Language, Authorization, Cookie",
}


class ApiJson(JSONResponse):
    """JSON that knows the request it answers.

    A list says where the next page is: `next` beside `next_cursor`, and a Link header. An answer to
    GET carries a weak ETag of its content; a reader that has it already (If-None-Match) gets 304.
    """

    def render(self, content: Any) -> bytes:
        """Return compact UTF-8; NaN is no JSON and raises ValueError."""
        self.content = content
        return _bytes(content)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or 304."""
        request = Request(scope)
        if request.method not in ("GET", "HEAD") or self.status_code != 200:
            await super().__call__(scope, receive, send)
            return
        response: Response = self
        if isinstance(self.content, dict) and "next_cursor" in self.content:
            self._point(request)
        tag = tag_of(bytes(self.body))
        self.headers["ETag"] = tag
        self.headers.update(PRIVATE)
        if _has(request.headers.get("if-none-match"), tag):
            response = Response(status_code=304, headers={"ETag": tag, **PRIVATE})
        if response is self:
            await super().__call__(scope, receive, send)
        else:
            await response(scope, receive, send)

    def _point(self, request: Request) -> None:
        cursor = self.content["next_cursor"]
        address = None
        if cursor is not None:
            kept = [(k, v) for k, v in parse_qsl(request.url.query, True) if k != "cursor"]
            address = f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"
            self.headers["Link"] = f'<{address}>; rel="next"'
        self.body = _bytes({**self.content, "next": address})
        self.headers["Content-Length"] = str(len(self.body))


def _bytes(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def tag_of(body: bytes) -> str:
    """Return the weak ETag of a body."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'


def _has(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    known = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in known or tag.removeprefix("W/") in known


def must_match(request: Request, current: object) -> None:
    """Refuse a change of something that is not as the asker saw it.

    `current` is what GET answers now. Raises Problem 412 when the request has an If-Match that
    does not fit; without one, the last to write wins. Tags are compared weakly: they are of the
    content, so equal ones mean that nothing was changed.
    """
    header = request.headers.get("if-match")
    if header is None:
        return
    tag = tag_of(_bytes(jsonable_encoder(current)))
    if not _has(header, tag):
        raise problems.changed_meanwhile(tag)
