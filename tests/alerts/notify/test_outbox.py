from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from alerts.database.access import reading, writing
from alerts.database.tables import outbox
from alerts.directory.units import Directory
from alerts.model import Step
from alerts.notify.channel import DeliveryError, Item, Receipt
from alerts.notify.outbox import OutboxWorker
from alerts.notify.queue import RetryPolicy
from alerts.notify.webhook import WebhookChannel
from tests.alerts.conftest import CAR_2, T0, House, raised
from tests.support import by_hand
from tests.support.wait import until_async
from tests.support.webhook import Webhook

S = 1000
POLICY = RetryPolicy(attempts=4, first_s=2, cap_s=5, next_channel_after=2, lease_s=30)
Make = Callable[[Callable[[str], str]], Directory]


class Clock:
    """Wall time that only a test moves."""

    def __init__(self) -> None:
        self.ms = T0

    def __call__(self) -> int:
        return self.ms


class Rig:
    """A desk with one fault alert (one page, to zhang) and a worker before a real receiver."""

    def __init__(self, house: House, webhook: Webhook) -> None:
        self.house, self.webhook, self.clock = house, webhook, Clock()
        self.opened: list[WebhookChannel] = []
        self.worker = self.make()

    def make(self, name: str = "w1", timeout_s: float = 5.0) -> OutboxWorker:
        # The receiver's listen queue holds five: more at once and the system resets some.
        channel = WebhookChannel("s", timeout_s=timeout_s, concurrency=2)
        self.opened.append(channel)
        return OutboxWorker(
            self.house.engine, {"webhook": channel}, self.clock, POLICY, poll_s=0.05, name=name
        )

    def rows(self) -> list[dict[str, Any]]:
        with reading(self.house.engine) as conn:
            found = conn.execute(select(outbox).order_by(outbox.c.id)).mappings()
            return [dict(row) for row in found]

    def row(self, key: str) -> dict[str, Any]:
        return next(row for row in self.rows() if row["key"] == key)

    async def after(self, seconds: float) -> None:
        self.clock.ms += round(seconds * S)
        await self.worker.drain()


@pytest.fixture
async def rig(tmp_path: Path, site_directory: Make, webhook: Webhook) -> AsyncIterator[Rig]:
    def address(who: str) -> str:
        lines = f'webhook = "{webhook.url}/{who}"\n'
        if who == "zhang":
            lines += 'email = "zhang@example.org"\nchannels = ["webhook", "email"]\n'
        return lines

    house = House(f"sqlite:///{tmp_path / 'outbox.db'}", site_directory(address))
    made = Rig(house, webhook)
    yield made
    for channel in made.opened:
        await channel.close()
    house.engine.dispose()


PAGE = "1:maintenance:zhang:webhook"
MAIL = "1:maintenance:zhang:email"


async def test_a_receipt_is_kept(rig: Rig) -> None:
    rig.house.raise_(raised("16", people=None))
    await rig.after(1)
    row = rig.row(PAGE)
    assert (row["state"], row["delivered_ms"], row["receipt"]) == ("delivered", T0 + S, "HTTP 200")
    line = rig.house.alert()["timeline"][-1]
    assert (line["kind"], line["data"]["contact"]) == ("delivered", "zhang")
    await rig.after(3600)
    assert len(rig.webhook.requests) == 1


async def test_failures_wait_longer_each_time_then_succeed_under_one_key(rig: Rig) -> None:
    rig.webhook.fail(3, status=503)
    rig.house.raise_(raised("16", people=None))
    waits = []
    for _ in range(4):
        await rig.worker.drain()
        row = rig.row(PAGE)
        waits.append(row["next_ms"] - rig.clock.ms)
        await rig.after(row["next_ms"] / S - rig.clock.ms / S - 0.001)
        assert rig.row(PAGE)["attempts"] == row["attempts"]  # not a moment too early
        rig.clock.ms += 1
    assert waits[:3] == [2 * S, 4 * S, 5 * S]
    assert [r.status for r in rig.webhook.requests] == [503, 503, 503, 200]
    assert {r.headers["idempotency-key"] for r in rig.webhook.requests} == {PAGE}
    assert rig.row(PAGE)["state"] == "delivered"


async def test_the_next_channel_is_tried_and_a_missing_one_does_not_wait(rig: Rig) -> None:
    rig.webhook.fail(2)
    rig.house.raise_(raised("16", people=None))
    await rig.after(0)
    assert [row["key"] for row in rig.rows()] == [PAGE]
    await rig.after(2)
    # E-mail is not set up here: that page is dead at once and says why; the hook goes on.
    assert rig.row(MAIL)["state"] == "dead"
    assert "set up" in rig.row(MAIL)["last_error"]
    await rig.after(10)
    assert rig.row(PAGE)["state"] == "delivered"
    kinds = rig.house.kinds()
    assert kinds == [
        "raised", "paged", "sending", "failed", "sending", "next_channel", "failed", "sending",
        "undelivered", "sending", "delivered",
    ]  # fmt: skip


async def test_dead_after_the_last_try(rig: Rig) -> None:
    rig.webhook.always(500)
    rig.house.raise_(raised("16", people=None))
    for _ in range(10):
        await rig.after(6)
    assert rig.row(PAGE)["state"] == "dead"
    assert len(rig.webhook.requests) == POLICY.attempts
    assert "HTTP 500" in rig.row(PAGE)["last_error"]


async def test_an_address_that_never_takes_it_is_not_tried_again(rig: Rig) -> None:
    rig.webhook.fail(1, status=404)
    rig.house.raise_(raised("16", people=None))
    await rig.after(0)
    assert rig.row(PAGE)["state"] == "dead"
    assert rig.row(MAIL)["key"] == MAIL
    await rig.after(600)
    assert len(rig.webhook.requests) == 1


async def test_nothing_is_sent_after_acceptance(rig: Rig) -> None:
    rig.webhook.always(503)
    rig.house.raise_(raised())
    await rig.after(0)
    before = len(rig.webhook.requests)
    rig.house.act(1, Step.ACKNOWLEDGE, "pm1", T0 + S)
    rig.house.act(1, Step.ACCEPT, "zhang", T0 + S)
    rig.webhook.always(200)
    for _ in range(20):
        await rig.after(30)
        rig.house.desk.tick(rig.clock.ms)
    await rig.worker.drain()
    assert len(rig.webhook.requests) == before
    assert {row["state"] for row in rig.rows() if row["step"] != "arrival_warning"} == {"withdrawn"}
    assert rig.row(PAGE)["reason"] == "accepted"


async def test_a_page_under_way_when_it_is_overtaken_is_not_repeated(rig: Rig) -> None:
    rig.house.raise_(raised("16", people=None))
    rig.webhook.hang(1)
    rig.worker = rig.make(timeout_s=2.0)
    await rig.worker.start_due()
    await until_async(lambda: len(rig.webhook.requests) == 1)
    rig.house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + S)
    await rig.worker.settle()
    row = rig.row(PAGE)
    assert (row["state"], row["reason"]) == ("withdrawn", "acknowledged")
    assert "2 s" in row["last_error"] or "Timeout" in row["last_error"]
    await rig.after(600)
    assert len(rig.webhook.requests) == 1


async def test_a_worker_that_vanished_gives_its_page_back_after_the_lease(rig: Rig) -> None:
    rig.house.raise_(raised("16", people=None))
    lease = 30 * S
    taken = by_hand.claim(rig.house.engine, "webhook", 5, T0, "gone", lease)
    assert [row["key"] for row in taken] == [PAGE]
    await rig.after(29)
    assert rig.webhook.requests == []
    await rig.after(1)
    assert [r.headers["idempotency-key"] for r in rig.webhook.accepted] == [PAGE]
    # The first worker comes back to life and tells of its attempt: too late, nothing changes.
    assert not by_hand.delivered(rig.house.engine, taken[0], "gone", T0 + 40 * S, Receipt("late"))
    assert by_hand.failed(rig.house.engine, taken[0], "gone", T0, POLICY, "x", False) is None
    assert rig.row(PAGE)["receipt"] == "HTTP 200"


async def test_a_vanished_page_that_was_overtaken_stays_unsent(rig: Rig) -> None:
    rig.house.raise_(raised("16", people=None), raised("16", CAR_2, people=None))
    by_hand.claim(rig.house.engine, "webhook", 1, T0, "gone", 30 * S)
    rig.house.act(1, Step.ACKNOWLEDGE, "zhang", T0 + S)
    await rig.after(60)
    keys = [r.headers["idempotency-key"] for r in rig.webhook.requests]
    assert keys == ["2:maintenance:zhang:webhook"]
    assert rig.row(PAGE)["state"] == "withdrawn"


async def test_several_workers_send_each_page_once(rig: Rig) -> None:
    many = [raised("4", f"{i:020d}", people=None) for i in range(40)]  # critical: none is gathered
    rig.house.raise_(*many)  # unknown lifts: two people of the bureau each
    workers = [rig.make(f"w{i}") for i in range(3)]
    await asyncio.gather(*(worker.drain() for worker in workers))
    keys = Counter(r.headers["idempotency-key"] for r in rig.webhook.accepted)
    assert len(keys) == 80
    assert set(keys.values()) == {1}


async def test_the_most_urgent_goes_first(rig: Rig) -> None:
    rig.house.raise_(raised("16", CAR_2, people=None))
    rig.house.raise_(raised(at_ms=T0 + S))
    rows = by_hand.claim(rig.house.engine, "webhook", 3, T0 + S, "w", 1000)
    assert {row["alert_id"] for row in rows} == {2}


async def test_a_slow_receiver_is_cut_off_and_holds_up_nobody(rig: Rig) -> None:
    rig.webhook.hang(1)
    rig.house.raise_(raised("16", people=None))
    rig.worker = rig.make(timeout_s=2.0)
    await rig.worker.start_due()
    await until_async(lambda: len(rig.webhook.requests) == 1)
    rig.house.raise_(raised("16", CAR_2, people=None))
    await rig.worker.start_due()
    await until_async(lambda: len(rig.webhook.accepted) == 1)
    await rig.worker.settle()
    assert rig.row(PAGE)["state"] == "due"
    await rig.after(10)
    assert rig.row(PAGE)["state"] == "delivered"


async def test_the_running_worker_wakes_delivers_and_stops(rig: Rig) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(rig.worker.run(stop))
    await asyncio.to_thread(rig.house.raise_, raised("16", people=None))
    rig.worker.wake()
    await until_async(lambda: len(rig.webhook.accepted) == 1)
    await until_async(lambda: rig.row(PAGE)["state"] == "delivered")
    rig.webhook.stop()
    rig.house.raise_(raised("16", CAR_2, people=None))
    await until_async(lambda: rig.row("2:maintenance:zhang:webhook")["attempts"] == 1)
    rig.webhook.start()
    rig.clock.ms += 60 * S
    await until_async(lambda: rig.row("2:maintenance:zhang:webhook")["state"] == "delivered")
    stop.set()
    await asyncio.wait_for(running, 5)


class Odd:
    """A channel with a fault of its own."""

    timeout_s, concurrency = 1.0, 2

    async def send(self, item: Item) -> Receipt:
        if item.attempt == 1:
            raise KeyError("bug")
        raise DeliveryError("refused for good", final=True)

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_fault_inside_a_channel_counts_as_a_failed_try(rig: Rig) -> None:
    rig.house.raise_(raised("16", people=None))
    rig.worker = OutboxWorker(rig.house.engine, {"webhook": Odd()}, rig.clock, POLICY)
    await rig.after(0)
    assert rig.row(PAGE)["last_error"] == "KeyError: 'bug'"
    await rig.after(5)
    assert (rig.row(PAGE)["state"], rig.row(PAGE)["last_error"]) == ("dead", "refused for good")


async def test_when_another_way_reached_the_person_the_first_one_rests(rig: Rig) -> None:
    rig.webhook.always(500)
    rig.house.raise_(raised("16", people=None))
    await rig.after(0)
    await rig.after(2)
    with writing(rig.house.engine) as conn:  # e-mail is set up after all
        conn.execute(update(outbox).where(outbox.c.key == MAIL).values(state="due", next_ms=0))
    row = by_hand.claim(rig.house.engine, "email", 1, rig.clock.ms, "w2", 1000)[0]
    assert by_hand.delivered(rig.house.engine, row, "w2", rig.clock.ms, Receipt("250 OK"))
    assert (rig.row(PAGE)["state"], rig.row(PAGE)["reason"]) == ("withdrawn", "delivered by email")
    rig.webhook.always(200)
    await rig.after(600)
    assert rig.webhook.accepted == []
