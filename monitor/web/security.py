"""Response headers that keep a page to what it is: no foreign host, no inline script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{tiles}; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
STRICT = _POLICY.format(tiles="")


def with_tiles(origin: str) -> str:
    """Return the policy of a page with a map: pictures of one tile server too, nothing else."""
    return _POLICY.format(tiles=f" {origin}" if origin else "")


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


def add_headers(headers: MutableHeaders, https: bool = False) -> None:
    """Add the headers that a response has not set itself."""
    headers.setdefault("Content-Security-Policy", STRICT)
    headers.setdefault("Cache-Control", "no-store")
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


class BodyLimit:
    """ASGI middleware: the API reads no body without end.

    Starlette's own limit answers in plain text, whatever the application says; this one raises
    where the body is read, so that the refusal is a problem document like all others.
    """

    def __init__(self, app: ASGIApp, most: int, under: str) -> None:
        self.app, self.most, self.under = app, most, under

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in below a path."""
        if scope["type"] != "http" or not scope["path"].startswith(self.under):
            await self.app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        size = 0

        async def counted() -> Message:
            nonlocal size
            if told.isdecimal() and int(told) > self.most:
                raise HTTPException(413)
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.most:
                raise HTTPException(413)
            return message

        await self.app(scope, counted, send)


class SecurityHeaders:
    """ASGI middleware; plain so that it does not stand between the feed and its reader."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to every HTTP response that has not set its own."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, self._wrap(send))

    def _wrap(self, send: Send) -> Callable[[Message], Awaitable[None]]:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), self.https)
            await send(message)

        return with_headers
