"""A POST over a connection that stays open: what a web hook needs, and no more.

A general client spends some 2 ms of CPU on a request; h11 over asyncio's streams spends 0.2 ms, and
in a flood that decides when the last firm is told. No redirects, no cookies, no proxies (see
`proxied`): whoever gives the address gets the request.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import h11
import httpx

LONGEST: Final = 65_536  # bytes of an answer that are read; a connection with more is given up
IDLE_S: Final = 30.0  # a connection unused for longer is not trusted to be there still
_SAFE: Final = "/%:@!$&'()*+,;=~-._"


class BadAddress(ValueError):
    """This is no address of a web hook."""


class PostFailed(Exception):
    """No answer: the receiver cannot be reached, or breaks off, or speaks no HTTP."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads."""

    tls: bool
    host: str
    port: int
    path: str
    authority: str
    login: str | None = None


@lru_cache(maxsize=1000)
def target_of(url: str) -> Target:
    """Return where a URL leads. Raises BadAddress."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError as error:
        raise BadAddress(str(error)) from None
    if parts.scheme not in ("http", "https") or not host:
        raise BadAddress("http://… or https://…")
    tls = parts.scheme == "https"
    path = quote(parts.path or "/", _SAFE)
    if parts.query:
        path += "?" + quote(parts.query, _SAFE + "?")
    shown = f"[{host}]" if ":" in host else host
    login = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(pair.encode()).decode()
    at = shown if port is None else f"{shown}:{port}"
    return Target(tls, host, port or (443 if tls else 80), path, at, login)


@lru_cache(maxsize=1000)
def proxied(host: str) -> bool:
    """True where the environment says that a host is reached through a proxy."""
    proxies = getproxies()
    return bool(proxies.keys() & {"http", "https", "all"}) and not proxy_bypass(host)


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@dataclass
class _Line:
    """One open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))
    used_s: float = 0.0
    answered: bool = False

    def drop(self) -> None:
        self.writer.transport.abort()

    async def exchange(self, request: h11.Request, body: bytes) -> int:
        """Send a request; return the status of its answer."""
        self.answered = False
        data = self.state.send(request) or b""
        data += self.state.send(h11.Data(data=body)) or b""
        self.writer.write(data + (self.state.send(h11.EndOfMessage()) or b""))
        status = read = 0
        while True:
            event = self.state.next_event()
            if event is h11.NEED_DATA:
                some = await self.reader.read(LONGEST)
                self.answered = self.answered or bool(some)
                self.state.receive_data(some)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                read += len(event.data)
                if read > LONGEST:
                    return status
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return status


class Poster:
    """Keeps connections open, at most `keep` of them while they are idle."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._idle: dict[tuple[bool, str, int], list[_Line]] = {}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer. Raises BadAddress or PostFailed.

        A connection that was idle may have been closed by the other side meanwhile: then, and only
        then, the request is sent once more, over a new one. The caller bounds the time.
        """
        to = target_of(url)
        request = _request(to, body, headers)
        line = self._take(to)
        if line is not None:
            try:
                return await self._over(line, to, request, body)
            except PostFailed:
                if line.answered:
                    raise
        try:
            tls = _trust() if to.tls else None
            line = _Line(*await asyncio.open_connection(to.host, to.port, ssl=tls))
        except OSError as error:
            raise PostFailed(_said(error)) from None
        return await self._over(line, to, request, body)

    async def _over(self, line: _Line, to: Target, request: h11.Request, body: bytes) -> int:
        whole = False
        try:
            status = await line.exchange(request, body)
            if line.state.our_state is h11.DONE and line.state.their_state is h11.DONE:
                line.state.start_next_cycle()
                line.used_s = asyncio.get_running_loop().time()
                whole = True
        except (OSError, h11.ProtocolError) as error:
            raise PostFailed(_said(error)) from None
        finally:  # also when the time is up: what is half said is of no use
            if not whole:
                line.drop()
        if not status:
            raise PostFailed("the connection was closed before an answer came")
        if whole:
            self._put_back(to, line)
        return status

    def _take(self, to: Target) -> _Line | None:
        idle = self._idle.get((to.tls, to.host, to.port), [])
        now_s = asyncio.get_running_loop().time()
        while idle:
            line = idle.pop()
            if now_s - line.used_s < IDLE_S and not line.reader.at_eof():
                return line
            line.drop()
        return None

    def _put_back(self, to: Target, line: _Line) -> None:
        if sum(map(len, self._idle.values())) >= self._keep:
            oldest = min((some[0] for some in self._idle.values() if some), key=lambda x: x.used_s)
            oldest.drop()
            for some in self._idle.values():
                if some and some[0] is oldest:
                    some.pop(0)
        self._idle.setdefault((to.tls, to.host, to.port), []).append(line)

    async def close(self) -> None:
        """Let go of connections."""
        for idle in self._idle.values():
            for line in idle:
                line.drop()
        self._idle.clear()


def _request(to: Target, body: bytes, headers: Mapping[str, str]) -> h11.Request:
    named = [("Host", to.authority), ("Content-Length", str(len(body))), *headers.items()]
    if to.login is not None:
        named.append(("Authorization", to.login))
    return h11.Request(method="POST", target=to.path, headers=named)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
