"""The outbox worker: delivers at least once, under one key per page and channel.

1. In one transaction: record how the last attempts ended (a receipt, or a failure with the time of
   the next try) and claim what is due, per channel no more than it has room for; a lease returns it
   after a crash.
2. Send, bounded by the channel's time-out.

Any number of workers may run on one database.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from alerts.notify import queue
from alerts.notify.channel import Channel, DeliveryError, Item, Receipt
from alerts.notify.queue import Outcome, RetryPolicy

log = structlog.get_logger("liftwatch.outbox")
UNREADY = "no such channel is set up here"


@dataclass
class OutboxWorker:
    """Delivers what stands in the outbox. `clock_ms` is wall time in epoch ms."""

    engine: Engine
    channels: Mapping[str, Channel]
    clock_ms: Callable[[], int]
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    poll_s: float = 0.5
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    _busy: dict[str, set[asyncio.Task[None]]] = field(default_factory=dict, init=False)
    _ended: list[Outcome] = field(default_factory=list, init=False)
    _awake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _open: bool = field(default=False, init=False)
    _reserved: Counter[str] = field(default_factory=Counter, init=False)
    _left: threading.Event = field(default_factory=threading.Event, init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)

    # -- what the desk hands over, from its own thread (see alerts.desk.handing) ------------------

    def reserve(self, channel: str, wanted: int) -> int:
        """Keep room for so many pages at most; return for how many there is."""
        if not self._open or channel not in self.channels:
            return 0
        with self._guard:
            granted = max(0, min(wanted, self._room(channel)))
            self._reserved[channel] += granted
            return granted

    def release(self, channel: str, count: int) -> None:
        """The room is not needed after all."""
        with self._guard:
            self._reserved[channel] -= count

    def lease_ms(self, channel: str) -> int:
        """Return how long a page of this channel is leased."""
        # A lease outlives the attempt, or a slow receiver would be sent the page twice.
        timeout_s = self.channels[channel].timeout_s if channel in self.channels else 0.0
        return round(max(self.policy.lease_s, 2 * timeout_s) * 1000)

    def send(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Send what was committed as leased, each in its reserved room."""
        if self._loop is not None:
            left = self._left = threading.Event()
            with suppress(RuntimeError):  # the loop has ended meanwhile: the lease returns them
                self._loop.call_soon_threadsafe(self._take, [dict(row) for row in rows], left)

    def breathe(self, longest_s: float) -> None:
        """Wait until what was handed over last has left, but no longer than this."""
        self._left.wait(longest_s)

    def _take(self, rows: list[dict[str, Any]], left: threading.Event) -> None:
        under_way = set()
        for row in rows:
            self.release(row["channel"], 1)
            under_way.add(self._begin(row["channel"], row))

        def ended(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            if not under_way:
                left.set()

        for task in tuple(under_way):
            task.add_done_callback(ended)

    def _begin(self, name: str, row: dict[str, Any]) -> asyncio.Task[None]:
        busy = self._busy.setdefault(name, set())
        task = asyncio.create_task(self._deliver(self.channels.get(name), row))
        busy.add(task)
        task.add_done_callback(busy.discard)
        return task

    def _room(self, name: str) -> int:
        channel = self.channels.get(name)
        taken = len(self._busy.get(name, ())) + self._reserved[name]
        return (channel.concurrency if channel else 64) - taken

    def wake(self) -> None:
        """Look at the outbox now; safe to call from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._awake.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; then finish what is under way and close the channels."""
        self._loop, self._open = asyncio.get_running_loop(), True
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._awake.clear()
                try:
                    await self.start_due()
                except SQLAlchemyError as error:
                    log.error("outbox cannot be read, trying again", error=str(error))
                awake = asyncio.create_task(self._awake.wait())
                await asyncio.wait(
                    {awake, stopping}, timeout=self.poll_s, return_when=asyncio.FIRST_COMPLETED
                )
                awake.cancel()
        finally:
            stopping.cancel()
            self._open = False
            await self.settle()
            for channel in self.channels.values():
                await channel.close()

    async def start_due(self) -> int:
        """Record what has ended, claim what is due and start sending it.

        Returns how many pages were started. Raises SQLAlchemyError; what has ended is then
        recorded the next time, or, should we end before, the lease returns the page.
        """
        started = await self._turn(tuple(self.channels))
        if all(self._want(name).room > 0 for name in self.channels):
            # Channels that contacts name but this service has not: their pages must not wait.
            known = tuple(self.channels)
            unready = await asyncio.to_thread(queue.other_channels, self.engine, known)
            if unready:
                started += await self._turn(unready)
        return started

    async def _turn(self, names: Sequence[str]) -> int:
        ended, self._ended = self._ended, []
        try:
            rows = await asyncio.to_thread(
                queue.turn, self.engine, ended, [self._want(name) for name in names],
                self.clock_ms(), self.name, self.policy,
            )  # fmt: skip
        except SQLAlchemyError:
            self._ended = ended + self._ended
            raise
        for name, claimed in rows.items():
            for row in claimed:
                self._begin(name, row)
        return sum(map(len, rows.values()))

    def _want(self, name: str) -> queue.Want:
        return queue.Want(name, self._room(name), self.lease_ms(name))

    async def settle(self) -> None:
        """Wait until every attempt under way has ended and is recorded."""
        while tasks := [task for busy in self._busy.values() for task in busy]:
            await asyncio.wait(tasks)
        ended, self._ended = self._ended, []
        try:
            await asyncio.to_thread(
                queue.turn, self.engine, ended, (), self.clock_ms(), self.name, self.policy
            )
        except SQLAlchemyError as error:
            log.error("outcome not recorded, the lease returns the page", error=str(error))

    async def drain(self) -> None:
        """Deliver what is due now, wait for it, and return; for tools and tests."""
        while await self.start_due():
            await self.settle()

    async def _deliver(self, channel: Channel | None, row: dict[str, Any]) -> None:
        item = Item(
            row["key"], row["address"], row["lang"], orjson.loads(row["payload"]), row["attempts"]
        )
        try:
            receipt = await self._attempt(channel, item)
        except DeliveryError as error:
            log.warning(
                "page not delivered", key=row["key"], attempt=row["attempts"], error=str(error)
            )
            ended = Outcome(row, self.clock_ms(), error=str(error), final=error.final)
        else:
            ended = Outcome(row, self.clock_ms(), receipt)
        self._ended.append(ended)
        self._awake.set()  # to be recorded, and there is room again

    async def _attempt(self, channel: Channel | None, item: Item) -> Receipt:
        if channel is None:
            raise DeliveryError(UNREADY, final=True)
        try:
            async with asyncio.timeout(channel.timeout_s):
                return await channel.send(item)
        except TimeoutError:
            raise DeliveryError(f"no answer within {channel.timeout_s:g} s") from None
        except DeliveryError:
            raise
        except Exception as error:
            log.exception("channel failed", key=item.key)
            raise DeliveryError(f"{type(error).__name__}: {error}") from error
