"""Every way out before a real receiver that fails, hangs, is slow, and then well again: nothing is
lost, nothing is sent anew after acknowledgement, and every page has one key."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiomqtt
import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.model import Step
from alerts.notify.channel import Channel
from alerts.notify.email import EmailChannel
from alerts.notify.gateway import GatewayChannel
from alerts.notify.gateway_file import load_gateways
from alerts.notify.longtail import LongTailChannel
from alerts.notify.mqtt import MqttChannel
from alerts.notify.outbox import OutboxWorker
from alerts.notify.queue import RetryPolicy
from alerts.notify.webhook import WebhookChannel
from config.secrets import Secrets
from tests.alerts.conftest import CAR, CAR_2, House, raised
from tests.alerts.notify.test_outbox import Clock, Make
from tests.support.brokers import TestBroker
from tests.support.smtp import SmtpServer
from tests.support.wait import until_async
from tests.support.webhook import Webhook

S = 1000
TIMEOUT_S = 1.2
COUNT = 4


class Way:
    """One channel and the receiver behind it."""

    name = ""
    address = ""

    def channel(self) -> Channel:
        raise NotImplementedError

    async def fail(self) -> None: ...

    async def hang(self) -> None: ...

    async def slow(self) -> None: ...

    async def heal(self) -> None: ...

    def keys(self) -> list[str]:
        """Keys of the pages that were taken, in order, repeats too."""
        raise NotImplementedError


class HttpWay(Way):
    """Anything that ends at the web-hook receiver."""

    def __init__(self, hook: Webhook) -> None:
        self.hook = hook

    async def fail(self) -> None:
        self.hook.fail(COUNT, 503)

    async def hang(self) -> None:
        self.hook.hang(COUNT - 1)

    async def slow(self) -> None:
        self.hook.slow(TIMEOUT_S / 8, 1)

    def keys(self) -> list[str]:
        return [one.headers["idempotency-key"] for one in self.hook.accepted]


class Hook(HttpWay):
    name = "webhook"

    def channel(self) -> Channel:
        self.address = self.hook.url
        return WebhookChannel("s", TIMEOUT_S, COUNT)


class Alertmanager(HttpWay):
    name = "alertmanager"

    def channel(self) -> Channel:
        self.address = self.hook.url
        return WebhookChannel("s", TIMEOUT_S, COUNT, "alertmanager")


class Sms(HttpWay):
    name = "sms"
    address = "13900000000"

    def __init__(self, hook: Webhook, folder: Path) -> None:
        super().__init__(hook)
        self.folder = folder

    def channel(self) -> Channel:
        text = (
            f'[sms]\nurl = "{self.hook.url}"\nform = {{ to = "{{to}}", text = "{{short}}" }}\n'
            'headers = { Idempotency-Key = "{key}" }\n'
        )
        (self.folder / "channels.toml").write_text(text, "utf-8")
        secrets, zone = Secrets(environment={}), ZoneInfo("Asia/Shanghai")
        spec = load_gateways(self.folder, secrets)["sms"]
        return GatewayChannel(spec, secrets, zone, timeout_s=TIMEOUT_S)


class LongTail(HttpWay):
    """apprise carries no key of ours: the page's link says whose it is."""

    name = "apprise"

    def channel(self) -> Channel:
        self.address = f"json://127.0.0.1:{self.hook.port}/x"
        return LongTailChannel(Secrets(environment={}), ("json",), TIMEOUT_S, COUNT)

    def keys(self) -> list[str]:
        return [one.json["title"] for one in self.hook.accepted]


class Mail(Way):
    name = "email"
    address = "zhang@example.org"

    def __init__(self, server: SmtpServer) -> None:
        self.server = server

    def channel(self) -> Channel:
        server = self.server
        return EmailChannel(
            server.host, server.port, starttls=False, timeout_s=TIMEOUT_S, concurrency=COUNT
        )

    async def fail(self) -> None:
        self.server.fail(COUNT)

    async def hang(self) -> None:
        self.server.hang(COUNT - 1)

    async def slow(self) -> None:
        self.server.slow(TIMEOUT_S / 8)

    def keys(self) -> list[str]:
        return [one["X-Idempotency-Key"] for one in self.server.messages]


class Mqtt(Way):
    name = "mqtt"
    address = "liftwatch/v1/pages/anda/zhang"

    def __init__(self, broker: TestBroker) -> None:
        self.broker, self.heard = broker, list[str]()
        self.ready = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    def channel(self) -> Channel:
        broker = self.broker
        return MqttChannel(broker.host, broker.port, timeout_s=TIMEOUT_S, concurrency=COUNT)

    async def _listen(self) -> None:
        while True:
            try:
                async with aiomqtt.Client(self.broker.host, self.broker.port, timeout=2) as client:
                    await client.subscribe("liftwatch/v1/pages/#", qos=1)
                    self.ready.set()
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        self.heard.append(json.loads(message.payload)["key"])
            except aiomqtt.MqttError:
                self.ready.clear()
                await asyncio.sleep(0.05)

    async def fail(self) -> None:
        await asyncio.to_thread(self.broker.stop)

    async def hang(self) -> None:
        await asyncio.to_thread(self.broker.start)
        await asyncio.wait_for(self.ready.wait(), 10)
        os.kill(self.broker.pid, signal.SIGSTOP)

    async def slow(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(TIMEOUT_S / 8, os.kill, self.broker.pid, signal.SIGCONT)

    async def heal(self) -> None:
        os.kill(self.broker.pid, signal.SIGCONT)
        await asyncio.wait_for(self.ready.wait(), 10)

    def keys(self) -> list[str]:
        return self.heard


@pytest.fixture(params=["webhook", "alertmanager", "sms", "apprise", "email", "mqtt"])
async def way(
    request: pytest.FixtureRequest, webhook: Webhook, tmp_path: Path
) -> AsyncIterator[Way]:
    kind = request.param
    if kind == "mqtt":
        made: Way = Mqtt(request.getfixturevalue("mosquitto"))
        await asyncio.wait_for(made.ready.wait(), 10)  # type: ignore[attr-defined]
    elif kind == "email":
        made = Mail(request.getfixturevalue("smtp_server"))
    elif kind == "sms":
        made = Sms(webhook, tmp_path)
    else:
        made = {"webhook": Hook, "alertmanager": Alertmanager, "apprise": LongTail}[kind](webhook)
    yield made
    if isinstance(made, Mqtt):
        made.task.cancel()


def key_of(way: Way, alert: int, house: House) -> str:
    if isinstance(way, LongTail):
        with reading(house.engine) as conn:
            query = select(outbox.c.payload).where(outbox.c.alert_id == alert)
            return str(json.loads(conn.execute(query).scalar() or "{}")["title"]["zh"])
    return f"{alert}:maintenance:zhang:{way.name}"


async def test_nothing_is_lost_and_nothing_comes_after_acknowledgement(
    way: Way, tmp_path: Path, site_directory: Make
) -> None:
    channel = way.channel()

    def address(who: str) -> str:
        return f'{way.name} = "{way.address if who == "zhang" else _other(way)}"'

    house, clock = House(f"sqlite:///{tmp_path / 'night.db'}", site_directory(address)), Clock()
    policy = RetryPolicy(first_s=1, cap_s=2, lease_s=10)
    worker = OutboxWorker(house.engine, {way.name: channel}, clock, policy)
    rows: Callable[[], list[Any]] = lambda: _rows(house)  # noqa: E731

    async def later(seconds: float) -> None:
        clock.ms += round(seconds * S)
        await asyncio.wait_for(worker.drain(), 20)

    await way.fail()
    for rule, car in (("16", CAR), ("16", CAR_2), ("4", CAR), ("4", CAR_2)):
        house.raise_(raised(rule, car, people=None))
    await later(0)
    assert [(state, tries) for state, tries in rows()] == [("due", 1)] * COUNT
    assert way.keys() == []
    house.act(1, Step.ACKNOWLEDGE, "zhang", clock.ms)  # while nobody could be reached
    await way.hang()
    await later(5)
    assert [(state, tries) for state, tries in rows()][1:] == [("due", 2)] * (COUNT - 1)
    await way.slow()
    for _ in range(4):
        await later(5)
    await way.heal()
    await later(60)
    await until_async(lambda: len(set(way.keys())) == COUNT - 1)
    assert [state for state, _ in rows()] == ["withdrawn"] + ["delivered"] * (COUNT - 1)
    taken = Counter(way.keys())
    assert set(taken) == {key_of(way, alert, house) for alert in (2, 3, 4)}
    if not isinstance(way, Mqtt):  # what a stopped broker had in its pipe comes once more
        assert set(taken.values()) == {1}
    assert key_of(way, 1, house) not in taken
    await channel.close()
    house.engine.dispose()


def _other(way: Way) -> str:
    return way.address if isinstance(way, Sms) else f"{way.address}x"


def _rows(house: House) -> list[tuple[str, int]]:
    query = select(outbox.c.state, outbox.c.attempts).order_by(outbox.c.id)
    with reading(house.engine) as conn:
        return [(state, tries) for state, tries in conn.execute(query)]
