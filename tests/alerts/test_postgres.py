"""One chain on PostgreSQL, end to end: raise, page, tap, restart, and two taps at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from alerts.database.access import reading
from alerts.desk import inbox
from alerts.directory.units import Directory
from alerts.journal import audit
from alerts.model import ActResult, Step
from alerts.notify.outbox import OutboxWorker
from alerts.notify.webhook import WebhookChannel
from tests.alerts.conftest import CAR_2, CAR_3, T0, House, cleared, raised
from tests.support.postgres import cluster, programs
from tests.support.wait import until
from tests.support.webhook import Webhook

FOLDER = programs()
S = 1000


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    assert FOLDER is not None, "no PostgreSQL here: bash scripts/system.sh postgresql"
    with cluster(FOLDER) as found:
        yield found


@dataclass
class Rig:
    house: House
    worker: OutboxWorker
    now: list[int]
    webhook: Webhook

    async def at(self, after_s: int) -> None:
        self.now[0] = T0 + after_s * S
        self.house.desk.tick(self.now[0])
        await self.worker.drain()

    def told(self) -> list[str]:
        return [one.path.rsplit("/", 1)[1] for one in self.webhook.accepted]


@pytest.fixture
def rig(
    url: str, site_directory: Callable[[Callable[[str], str]], Directory], webhook: Webhook
) -> Iterator[Rig]:
    directory = site_directory(lambda who: f'webhook = "{webhook.url}/{who}"')
    house, now = House(url, directory), [T0]
    worker = OutboxWorker(house.engine, {"webhook": WebhookChannel()}, lambda: now[0])
    yield Rig(house, worker, now, webhook)
    house.engine.dispose()


async def test_a_chain_goes_its_way_over_a_restart(rig: Rig) -> None:
    house = rig.house
    house.desk.rehearse(T0)
    house.raise_(raised())
    await rig.worker.drain()
    assert set(rig.told()) == {"desk1", "pm1", "zhang"}
    house.restart()
    rig.worker.engine = house.engine
    assert house.raise_(raised()) == [], "what is known already changes nothing"
    assert house.act(1, Step.ACCEPT, "zhang", T0 + 20 * S).changed
    for after_s in (30, 60, 180, 300):
        await rig.at(after_s)
    assert rig.told()[3:] == ["pm2"], "the use unit has not answered; nobody else is called"
    house.restart()
    rig.worker.engine = house.engine
    house.act(1, Step.ARRIVE, "zhang", T0 + 400 * S)
    house.act(1, Step.FREE, "zhang", T0 + 500 * S)
    house.raise_(cleared(raised(), T0 + 510 * S))
    await rig.at(3600)
    assert len(rig.told()) == 4
    assert house.alert()["rescue_state"] == "freed"
    with reading(house.engine) as conn:
        assert not list(audit.check(conn))
    await rig.worker.channels["webhook"].close()


async def test_pages_leave_with_the_commit_of_their_alert(rig: Rig) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(rig.worker.run(stop))
    await asyncio.sleep(0)
    rig.house.desk.sender = rig.worker
    await asyncio.to_thread(rig.house.raise_, raised(subject=CAR_3))
    await asyncio.to_thread(until, lambda: len(rig.told()) >= 3)
    stop.set()
    await running
    assert rig.house.pages("due", "leased") == []


def test_what_is_accepted_is_worked_off_once_after_a_restart(rig: Rig) -> None:
    house, before = rig.house, len(rig.house.alerts(open_only=False, limit=1000))
    many = [raised("16", f"7{i:019d}", people=None) for i in range(40)]
    ends = [cleared(one, T0 + S) for one in many[:20]]
    house.desk.accept(T0, many + ends)
    house.restart()
    house.desk.accept(T0 + S, [*many, *ends, raised("1", many[-1].subject)])
    found = house.alerts(limit=1000, subject=many[-1].subject)
    assert {one["rule"] for one in found} == {"1", "16"}, "the rescue, after what its lift said"
    while house.desk.waiting:
        house.desk.work_off(T0 + 2 * S)
    every = house.alerts(open_only=False, limit=1000)
    assert len(every) == before + 41
    assert len([one for one in every if one["cleared_ms"] == T0 + S]) == 20
    with reading(house.engine) as conn:
        assert inbox.empty(conn)
        assert not list(audit.check(conn))


def test_two_taps_at_once_have_one_winner(rig: Rig) -> None:
    rig.house.raise_(raised(subject=CAR_2))
    ident = max(one["id"] for one in rig.house.alerts())
    start, found = threading.Barrier(2), list[ActResult]()

    def tap(who: str) -> None:
        mine = House(rig.house.url, rig.house.directory)
        start.wait()
        found.append(mine.act(ident, Step.ACCEPT, who, T0 + 20 * S))
        mine.engine.dispose()

    taps = [threading.Thread(target=tap, args=(who,)) for who in ("zhang", "li")]
    for one in taps:
        one.start()
    for one in taps:
        one.join()
    assert sorted(one.changed for one in found) == [False, True]
    assert all(one.ok for one in found)
