"""Pages that leave with the commit of their alert: once, in the room there is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.database.access import reading
from alerts.database.tables import outbox
from alerts.desk.handing import transaction
from alerts.directory.units import Directory
from alerts.journal import audit
from alerts.model import Step
from alerts.notify.outbox import OutboxWorker
from alerts.notify.webhook import WebhookChannel
from tests.alerts.conftest import CAR, CAR_2, T0, House, raised
from tests.support.wait import until_async
from tests.support.webhook import Webhook

S = 1000


class Hands:
    """A sender with room for so many pages, that keeps them."""

    name = "hands"

    def __init__(self, room: int) -> None:
        self.room, self.rows = room, list[dict[str, Any]]()

    def reserve(self, channel: str, wanted: int) -> int:
        granted = min(self.room, wanted)
        self.room -= granted
        return granted

    def release(self, channel: str, count: int) -> None:
        self.room += count

    def lease_ms(self, channel: str) -> int:
        return 60 * S

    def send(self, rows: Sequence[dict[str, Any]]) -> None:
        self.rows += rows

    def breathe(self, longest_s: float) -> None:
        """Nothing is on its way."""


@pytest.fixture
def rig(
    tmp_path: Path, site_directory: Callable[[Callable[[str], str]], Directory], webhook: Webhook
) -> House:
    directory = site_directory(lambda who: f'webhook = "{webhook.url}/{who}"')
    return House(f"sqlite:///{tmp_path / 'handing.db'}", directory)


def rows(house: House) -> dict[str, dict[str, Any]]:
    with reading(house.engine) as conn:
        return {row["key"]: dict(row) for row in conn.execute(select(outbox)).mappings()}


def test_what_has_room_is_leased_and_the_rest_is_due(rig: House) -> None:
    hands = rig.desk.sender = Hands(2)
    rig.raise_(raised())
    assert len(hands.rows) == 2 and hands.room == 0
    found = rows(rig)
    for handed in hands.rows:
        row = found[handed["key"]]
        assert (row["id"], row["state"], row["lease_owner"]) == (handed["id"], "leased", "hands")
        assert (row["attempts"], row["lease_until_ms"]) == (1, T0 + 60 * S)
    assert [row["state"] for row in found.values()].count("due") == 1
    assert rig.kinds().count("sending") == 2, "said before it leaves, as by the worker"


def test_what_is_not_committed_is_not_sent_and_its_room_is_free_again(rig: House) -> None:
    hands = Hands(5)
    with pytest.raises(RuntimeError), transaction(rig.engine, T0, hands) as work:
        hands.reserve("webhook", 1)
        work.handed.append({"channel": "webhook"})
        raise RuntimeError
    assert (hands.rows, hands.room) == ([], 5)


def test_a_rehearsal_leaves_nothing(rig: House) -> None:
    hands = rig.desk.sender = Hands(5)
    rig.desk.rehearse(T0)
    assert rows(rig) == {} and rig.alerts() == [] and hands.rows == []
    rig.raise_(raised())
    assert rig.alert(1)["id"] == 1
    with reading(rig.engine) as conn:
        assert list(audit.check(conn)) == []


@asynccontextmanager
async def sending(house: House, clock: Callable[[], int]) -> AsyncIterator[OutboxWorker]:
    worker = OutboxWorker(house.engine, {"webhook": WebhookChannel()}, clock, poll_s=0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    await until_async(lambda: worker.reserve("webhook", 0) == 0 and worker._open)
    house.desk.sender = worker
    yield worker
    stop.set()
    await running


async def test_each_person_gets_one_page_whatever_way_it_leaves(
    rig: House, webhook: Webhook
) -> None:
    async with sending(rig, lambda: T0):
        for subject in (CAR, CAR_2):
            await asyncio.to_thread(rig.raise_, raised(subject=subject))
        await until_async(lambda: {row["state"] for row in rows(rig).values()} == {"delivered"})
    keys = [one.headers["idempotency-key"] for one in webhook.accepted]
    assert sorted(keys) == sorted(rows(rig)), "each once"
    with reading(rig.engine) as conn:
        assert list(audit.check(conn)) == []


async def test_many_threads_never_get_more_room_than_there_is(rig: House) -> None:
    async with sending(rig, lambda: T0) as worker:
        start, got = threading.Barrier(4), list[int]()

        def grab() -> None:
            start.wait()
            got.append(worker.reserve("webhook", 9))

        await asyncio.gather(*(asyncio.to_thread(grab) for _ in range(4)))
        assert sum(got) == worker.channels["webhook"].concurrency
        worker.release("webhook", sum(got))
        assert worker.reserve("sms", 1) == 0, "a channel that is not set up has no room"


async def test_a_crash_after_the_commit_costs_a_lease_and_no_page(
    rig: House, webhook: Webhook
) -> None:
    rig.desk.sender = Hands(9)  # takes them and is never heard of again
    rig.raise_(raised("16", people=None))
    now = [T0 + 59 * S]
    worker = OutboxWorker(rig.engine, {"webhook": WebhookChannel()}, lambda: now[0])
    await worker.drain()
    assert webhook.requests == []
    now[0] += 2 * S
    await worker.drain()
    assert len(webhook.accepted) == 1
    await worker.channels["webhook"].close()


async def test_a_page_in_a_vanished_hand_is_not_sent_after_a_tap(
    rig: House, webhook: Webhook
) -> None:
    rig.desk.sender = Hands(9)
    rig.raise_(raised("16", people=None))
    rig.act(1, Step.ACCEPT, "zhang", T0 + 5 * S)
    worker = OutboxWorker(rig.engine, {"webhook": WebhookChannel()}, lambda: T0 + 3600 * S)
    await worker.drain()
    assert webhook.requests == []
    await worker.channels["webhook"].close()
