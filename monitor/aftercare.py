"""What is done about pages after they were sent: gateways are asked, and told when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError

from alerts.notify import receipts
from alerts.notify.channel import Item
from alerts.notify.gateway import GatewayChannel
from alerts.notify.gateway_file import Poll, ReceiptSpec
from alerts.notify.receipts import Fate
from alerts.replies.notes import write_resolved
from monitor.incoming import Incoming

log = structlog.get_logger("liftwatch.receipts")


@dataclass
class Aftercare:
    """Goes round every `every_s`. All it has to do stands in the database."""

    incoming: Incoming
    clock: Callable[[], int]
    every_s: float = 2.0

    async def run(self, stop: asyncio.Event) -> None:
        """Go round until `stop` is set."""
        while not stop.is_set():
            try:
                await self.round()
            except SQLAlchemyError as error:
                log.error("outbox cannot be read, trying again", error=str(error))
            try:
                await asyncio.wait_for(stop.wait(), self.every_s)
            except TimeoutError:
                continue

    async def round(self) -> None:
        """Ask whom there is to ask, tell whom there is to tell."""
        desk = self.incoming.replies.desk
        for name in self.incoming.channels:
            found = self.incoming.gateway(name)
            if found is not None and found[1].poll is not None:
                await self._ask_about(name, *found, found[1].poll)
        if await asyncio.to_thread(write_resolved, desk, self.clock()):
            self.incoming.replies.wake()

    async def _ask_about(
        self, name: str, channel: GatewayChannel, spec: ReceiptSpec, poll: Poll
    ) -> None:
        engine, again_ms = self.incoming.replies.desk.engine, round(poll.every_s * 1000)
        rows = await asyncio.to_thread(receipts.to_ask, engine, name, self.clock(), again_ms)
        await asyncio.gather(*(self._ask(channel, spec, poll, row) for row in rows))

    async def _ask(
        self, channel: GatewayChannel, spec: ReceiptSpec, poll: Poll, row: dict[str, Any]
    ) -> None:
        page = orjson.loads(row["payload"])
        item = Item(row["key"], row["address"], row["lang"], page, row["attempts"])
        told = await channel.ask(item, row["ref"] or "")
        now_ms = self.clock()
        if told is not None:
            await asyncio.to_thread(self.incoming.take_report, row, told, spec, now_ms)
        last = told is not None and (
            told.fate in (Fate.READ, Fate.FAILED) or (told.fate is Fate.REACHED and not spec.read)
        )
        if last or now_ms > row["delivered_ms"] + poll.for_s * 1000:
            engine = self.incoming.replies.desk.engine
            await asyncio.to_thread(receipts.stop_asking, engine, row["id"])
