"""Polling controllers and publishing what changed; after every failure it comes back by itself.

While a controller does not answer, nothing is published for its lift: the service then sees a
silent lift, which is the truth. After it is back its whole state is told anew.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from config.secrets import Secrets
from devices.cancel import cancel_all
from devices.fieldbus.plan import Plan, Raw, Reader, ReadError, Source
from devices.fieldbus.readers import reader_of
from devices.gateway import AsyncGateway, GatewayError, StoreFull

log = logging.getLogger(__name__)
RETRY_S, RETRY_MOST_S = 1.0, 30.0


@dataclass
class State:
    """How a source stands: `trouble` is None while it answers."""

    source: Source
    trouble: str | None = "not read yet"
    outside: dict[str, float] = field(default_factory=dict)
    """Channel → the last value that the service would refuse: a wrong scale, or a wrong place."""


OnChange = Callable[[State], None]


class SourceRunner:
    """One controller: read, compare, publish."""

    def __init__(
        self, source: Source, gateway: AsyncGateway, secrets: Secrets, tell: OnChange
    ) -> None:
        self.state = State(source)
        self._source, self._gateway, self._secrets, self._tell = source, gateway, secrets, tell
        self._last: dict[str, float] = {}
        self._on: dict[int, bool] = {}
        self._whole_at_ms = 0

    async def run(self) -> None:
        """Poll for ever."""
        wait_s = RETRY_S
        while True:
            reader: Reader | None = None
            try:
                reader = reader_of(self._source, self._secrets)
                await reader.open()
                await self._poll(reader)
            except GatewayError:
                raise  # a library or the store: nothing to wait for
            except Exception as error:  # one controller must not end the others
                if not isinstance(error, ReadError):
                    log.exception("source %s failed", self._source.name)
                wait_s = RETRY_S if self.state.trouble is None else min(wait_s * 2, RETRY_MOST_S)
                self._note(str(error) or type(error).__name__)
            finally:
                if reader is not None:
                    await reader.close()
            await asyncio.sleep(wait_s)

    async def _poll(self, reader: Reader) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            found = await reader.read()
            if self.state.trouble is not None:
                self._last, self._whole_at_ms = {}, 0  # after a silence the whole state is told
            self._note(None)
            await self._publish(list(found))
            next_at = max(next_at + self._source.period_s, loop.time())
            await asyncio.sleep(next_at - loop.time())

    def _note(self, trouble: str | None) -> None:
        changed = trouble != self.state.trouble
        self.state.trouble = trouble
        if changed:
            self._tell(self.state)

    async def _publish(self, found: list[Raw]) -> None:
        now_ms = self._gateway.sync.now_ms()
        rules = self._source.channels
        values = {
            rule.channel.name: rule.of(raw)
            for rule, raw in zip(rules, found[: len(rules)], strict=True)
        }
        for rule in rules:
            name, value = rule.channel.name, values[rule.channel.name]
            if not rule.fits(value) and name not in self.state.outside:
                self.state.outside[name] = value
                self._tell(self.state)  # the service refuses it by name; here it is seen at once
        try:
            await self._messages(found[len(rules) :], now_ms)
            await self._columns(values, now_ms)
        except StoreFull as error:
            self._note(str(error))

    async def _messages(self, found: list[Raw], now_ms: int) -> None:
        stands: dict[int, bool] = {}  # several places may tell one code
        for rule, raw in zip(self._source.alarms, found, strict=True):
            on = rule.of(raw)
            if on is not None:
                stands[rule.code] = on or stands.get(rule.code, False)
        for code, on in stands.items():
            # told at the first reading too: it may have ended while nobody looked
            if on != self._on.get(code):
                state: Literal["on", "off"] = "on" if on else "off"
                await self._gateway.publish_message(self._source.lift, now_ms, code, state)
                self._on[code] = on

    async def _columns(self, values: dict[str, float], now_ms: int) -> None:
        whole = now_ms - self._whole_at_ms >= self._source.heartbeat_s * 1000
        told = {
            name: value
            for name, value in values.items()
            if not math.isnan(value) and (whole or self._last.get(name) != value)
        }
        if not told:
            return
        columns = {name: [value] for name, value in told.items()}
        await self._gateway.publish_columns(now_ms, [self._source.lift], columns)
        self._last |= told
        if whole:
            self._whole_at_ms = now_ms


async def run_plan(plan: Plan, secrets: Secrets, tell: OnChange, stop: asyncio.Event) -> None:
    """Run a gateway until `stop`; what is not yet durable stays in its store.

    Raises GatewayError, ReadError where it cannot begin (a secret, a library, the store).
    """
    password = None
    if plan.password is not None:
        password = secrets.get(plan.password)
        if password is None:
            where = secrets.where(plan.password)
            raise ReadError(f"the secret {plan.password} is missing: {where}")
    async with (
        AsyncGateway(
            plan.name,
            store=plan.store,
            url=plan.url,
            username=plan.username,
            password=password,
            ca_file=plan.ca_file,
            cert_file=plan.cert_file,
            key_file=plan.key_file,
            when_full="thin",
        ) as gateway,
        asyncio.TaskGroup() as group,
    ):
        runners = [SourceRunner(one, gateway, secrets, tell) for one in plan.sources]
        tasks = [group.create_task(one.run()) for one in runners]
        await stop.wait()
        await cancel_all(tasks)


async def read_once(source: Source, secrets: Secrets) -> list[Raw]:
    """Read every point of a source once. Raises ReadError, GatewayError."""
    reader = reader_of(source, secrets)
    try:
        await reader.open()
        return list(await reader.read())
    finally:
        await reader.close()
