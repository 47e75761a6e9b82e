"""The live feed: journal lines as server-sent events.

A reader is a cursor over the journal, nothing more: it reads from the database what lies behind
its cursor. So nothing can be lost between two reads, a reader that comes back goes on where it
was (Last-Event-ID), and a slow one costs no memory. The hub only says that there is something
new.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from alerts.database.access import reading
from alerts.desk import queries
from monitor.web.find import veiled_line
from monitor.web.ports import ServicePort

POLL_S = 0.5
BEAT_S = 1.0
CHECK_S = 15.0
PAGE = 200
MOST_READERS = 500
log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[bool]]


class Hub:
    """Knows the newest journal line and wakes the readers when there is a newer one."""

    def __init__(self, port: ServicePort) -> None:
        self._port = port
        self._woken = asyncio.Event()
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._pulse = (0, time.monotonic())
        self.head = 0
        self.readers = 0
        self.closed = False

    async def start(self) -> None:
        """Begin to watch the journal; belongs to the running event loop."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody reads any more
                loop.call_soon_threadsafe(self._woken.set)

        self.head = await run_in_threadpool(self.newest)
        self._port.on_journal(wake)
        self._task = asyncio.create_task(self._watch(), name="feed")

    async def close(self) -> None:
        """End all streams; a server that waits for its connections can then stop."""
        self.closed = True
        if self._task is not None:
            self._task.cancel()
        async with self._news:
            self._news.notify_all()

    def newest(self) -> int:
        """Return the id of the newest journal line."""
        with reading(self._port.engine) as conn:
            return queries.newest_line(conn)

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_S)
            self._woken.clear()
            self._feel_pulse()
            try:
                head = await run_in_threadpool(self.newest)
            except SQLAlchemyError:
                log.exception("the feed cannot read the journal; it tries again")
                continue
            if head != self.head:
                async with self._news:
                    self.head = head
                    self._news.notify_all()

    def _feel_pulse(self) -> None:
        pulse_ms = self._port.pulse_ms()
        if pulse_ms != self._pulse[0]:
            self._pulse = (pulse_ms, time.monotonic())

    async def _wait(self, cursor: int, timeout_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(lambda: self.head > cursor or self.closed)

    def _read(self, cursor: int, scope: str | None) -> list[dict[str, Any]]:
        with reading(self._port.engine) as conn:
            chains = self._port.desk.chains
            lines = queries.feed_since(conn, cursor, unit=scope, limit=PAGE, chains=chains)
        return [veiled_line(line, scope) for line in lines]

    async def stream(
        self, after: int | None, scope: str | None, allowed: Check
    ) -> AsyncIterator[str]:
        """Yield events after a journal id (None = from now on), until the reader goes.

        `journal` carries a line with its alert as it stands; `beat` comes each second and moves
        the reader's id past lines that are not for it; `reset` says that the journal is another
        one than the reader knew, so its page has to be loaded anew.
        """
        cursor = self.head if after is None else after
        self.readers += 1
        try:
            yield "retry: 1000\n\n"
            if cursor > self.head:
                cursor = self.head = await run_in_threadpool(self.newest)
                if after is not None and after > cursor:
                    yield _event("reset", cursor, {})
            checked = beaten = time.monotonic()
            yield self._beat(cursor)
            while not self.closed:
                await self._wait(cursor, max(0.0, beaten + BEAT_S - time.monotonic()))
                # Ids have no gaps and come in order of commit: all up to `head` is there.
                head = self.head
                if head > cursor:
                    lines = await run_in_threadpool(self._read, cursor, scope)
                    for line in lines:
                        yield _event("journal", line["id"], line)
                    last = lines[-1]["id"] if lines else cursor
                    cursor = last if len(lines) == PAGE else max(last, head)
                now = time.monotonic()
                if now - checked >= CHECK_S:
                    checked = now
                    if not await allowed():
                        return
                if now - beaten >= BEAT_S:
                    beaten = now
                    yield self._beat(cursor)
        finally:
            self.readers -= 1

    def _beat(self, cursor: int) -> str:
        # Measured here and not by the service's clock, which a demo may run faster.
        behind_ms = round((time.monotonic() - self._pulse[1]) * 1000)
        data = {"now_ms": self._port.now_ms(), "behind_ms": behind_ms}
        return _event("beat", cursor, data)


def _event(kind: str, ident: int, data: object) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {ident}\nevent: {kind}\ndata: {text}\n\n"
