"""The live feed: journal lines as server-sent events.

A reader is a cursor over the journal, nothing more: it reads from the database what lies behind
its cursor. So nothing can be lost between two reads, a reader that comes back goes on where it
was (Last-Event-ID), and a slow one costs no memory. The hub only says that there is something
new; readers who stand at the same place share one read and one text of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple, get_args

import orjson
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from alerts.database.access import reading
from alerts.desk import queries
from alerts.model import Aside, Role
from monitor.quarantine.runs import Kind
from monitor.web.find import veiled_line
from monitor.web.ports import ServicePort

POLL_S = 0.5
BEAT_S = 1.0
SHARED_S = 0.05
"""Readers woken together share one beat; it tells the time, so it must be of this moment."""
CHECK_S = 15.0
PACE_S = 0.1
"""Between two calls to the readers: of a flood they hear in groups, of a single alert at once."""
PAGE = 200
MOST_READERS = 500
KEPT = 32
"""Reads kept for readers who are a little behind; the journal is only ever added to."""
LEAN = ("id", "at_ms", "alert_id", "kind")
log = logging.getLogger(__name__)

_ORDERS = frozenset(
    f"{kind.value}_{turn}"
    for kind in Aside
    if kind is not Aside.NONE
    for turn in ("began", "ended")
)
_ROOM = frozenset(
    {"registry", "handover_given", "handover_taken"}
    | {f"quarantine_{kind}{asked}" for kind in get_args(Kind) for asked in ("", "_asked")}
)
BESIDE: dict[Role, frozenset[str] | None] = {
    Role.ADMIN: None,
    Role.OPERATOR: _ORDERS | _ROOM,
    Role.VIEWER: _ORDERS,
    Role.FIRM: frozenset(),
}
"""Kinds of lines of no alert that a role is told, as far as it may read of the same by other ways;
None = all. A kind that stands nowhere here is for administrators."""


class Sight(NamedTuple):
    """What a reader may see: the unit whose alerts (None = all), and as what."""

    scope: str | None
    role: Role


Place = tuple[int, Sight, bool]
"""Where a reader stands: cursor, sight, and whether it wants lean lines."""
Check = Callable[[], Awaitable[bool]]


class Hub:
    """Knows the newest journal line and wakes the readers when there is a newer one."""

    def __init__(self, port: ServicePort) -> None:
        self._port = port
        self._woken = asyncio.Event()
        self._news = asyncio.Event()  # another one after each call; who waits holds the old one
        self._tasks: list[asyncio.Task[None]] = []
        self._pulse = (0, time.monotonic())
        self._beaten = (-1, 0.0, b"")  # the last beat: its cursor, when it was made, its text
        self._reads: OrderedDict[Place, asyncio.Task[tuple[bytes, int]]] = OrderedDict()
        self.head = 0
        self.readers = 0
        self.beats = 0
        self.closed = False

    async def start(self) -> None:
        """Begin to watch the journal; belongs to the running event loop."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody reads any more
                loop.call_soon_threadsafe(self._woken.set)

        self.head = await run_in_threadpool(self.newest)
        self._port.on_journal(wake)
        self._tasks = [
            asyncio.create_task(self._watch(), name="feed"),
            asyncio.create_task(self._tick(), name="feed beat"),
        ]

    async def close(self) -> None:
        """End all streams; a server that waits for its connections can then stop."""
        self.closed = True
        for task in self._tasks:
            task.cancel()
        self._call()

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
            if head < self.head:
                self._reads.clear()  # another journal than before
            if head != self.head:
                self.head = head
                self._call()
                await asyncio.sleep(PACE_S + self.readers / 1000)

    def _feel_pulse(self) -> None:
        pulse_ms = self._port.pulse_ms()
        if pulse_ms != self._pulse[0]:
            self._pulse = (pulse_ms, time.monotonic())

    async def _tick(self) -> None:
        # One clock for all readers, and beside the journal: a beat comes where that stands still.
        while True:
            await asyncio.sleep(BEAT_S)
            self.beats += 1
            self._call()

    def _call(self) -> None:
        """Wake all readers."""
        called, self._news = self._news, asyncio.Event()
        called.set()

    async def _events(self, cursor: int, head: int, sight: Sight, lean: bool) -> tuple[bytes, int]:
        """Return events after a cursor as they are sent, and the cursor behind them."""
        place = (cursor, sight, lean)
        task = self._reads.get(place)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            read = run_in_threadpool(self._read, cursor, head, sight, lean)
            task = self._reads[place] = asyncio.create_task(read)
            if len(self._reads) > KEPT:
                self._reads.popitem(last=False)
        # A reader that goes must not take the others' read with it.
        return await asyncio.shield(task)

    def _read(self, cursor: int, head: int, sight: Sight, lean: bool) -> tuple[bytes, int]:
        scope, beside = sight.scope, BESIDE[sight.role]
        with reading(self._port.engine) as conn:
            if lean:
                found = queries.journal_since(conn, cursor, unit=scope, beside=beside, limit=PAGE)
                lines = [{name: line[name] for name in LEAN} for line in found]
            else:
                chains = self._port.desk.chains
                found = queries.feed_since(
                    conn, cursor, unit=scope, beside=beside, limit=PAGE, chains=chains
                )
                lines = [veiled_line(line, scope) for line in found]
        # No further than the head: so readers meet again at the same places, and one who comes
        # back is never ahead of what the hub knows.
        told = [line for line in lines if line["id"] <= head]
        behind = told[-1]["id"] if told and len(lines) == PAGE else head
        return b"".join(_event("journal", line["id"], line) for line in told), behind

    async def stream(
        self, after: int | None, sight: Sight, allowed: Check, lean: bool = False
    ) -> AsyncIterator[bytes]:
        """Yield events after a journal id (None = from now on), until the reader goes.

        `journal` carries a line with its alert as it stands (`lean`: only which alert and what
        happened, for a console that fetches rows anyway); `beat` comes each second and moves
        the reader's id past lines that are not for it; `reset` says that the journal is another
        one than the reader knew, so its page has to be loaded anew.
        """
        cursor = self.head if after is None else after
        self.readers += 1
        try:
            yield b"retry: 1000\n\n"
            if cursor > self.head:
                newest = await run_in_threadpool(self.newest)
                if cursor > newest:  # of another journal than this one
                    cursor = newest
                    yield _event("reset", cursor, {})
            checked, beaten = time.monotonic(), self.beats
            yield self._beat(cursor)
            while not self.closed:
                news = self._news
                if self.head <= cursor and self.beats == beaten:
                    await news.wait()
                # Ids have no gaps and come in order of commit: all up to `head` is there.
                head, told = self.head, b""
                if head > cursor:
                    told, cursor = await self._events(cursor, head, sight, lean)
                if time.monotonic() - checked >= CHECK_S:
                    checked = time.monotonic()
                    if not await allowed():
                        return
                if self.beats != beaten:
                    beaten = self.beats
                    told += self._beat(cursor)
                if told:
                    yield told  # one piece a turn: each costs a way through all layers
        finally:
            self.readers -= 1

    def _beat(self, cursor: int) -> bytes:
        now_s = time.monotonic()
        of, made_s, told = self._beaten
        if of == cursor and now_s - made_s < SHARED_S:
            return told
        # Measured here and not by the service's clock, which a demo may run faster.
        behind_ms = round((now_s - self._pulse[1]) * 1000)
        data = {"now_ms": self._port.now_ms(), "behind_ms": behind_ms}
        told = _event("beat", cursor, data)
        self._beaten = (cursor, now_s, told)
        return told


def _event(kind: str, ident: int, data: object) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (ident, kind.encode(), orjson.dumps(data))
