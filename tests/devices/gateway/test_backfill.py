"""Back-fill has a topic of its own where the service reads it, and is never lost where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.gateway import Batching, Gateway
from tests.devices.responder import Responder
from tests.devices.wire import NOW, code
from tests.support.brokers import TestBroker
from tests.support.wait import until

Open = Callable[..., Gateway]
ROWS = 400


@pytest.fixture
def service(mosquitto: TestBroker) -> Iterator[Responder]:
    one = Responder(mosquitto)
    one.backfill = True
    yield one
    one.close()


@pytest.fixture
def opened(tmp_path: Path, mosquitto: TestBroker) -> Iterator[Open]:
    made: list[Gateway] = []

    def make(**options: Any) -> Gateway:
        base = {"url": mosquitto.url, "reconnect_s": 0.3, "batching": Batching(rows=20)}
        made.append(Gateway("gw-01", store=tmp_path / "gw-01.db", **(base | options)))
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()


def after_an_outage(gateway: Gateway) -> None:
    """Hold a backlog, and one sample of now: its answer tells what the service reads."""
    gateway.publish_rows(code(1), [(NOW + i, {"speed": 1.0}) for i in range(ROWS)])
    gateway._lanes._recent.clear()  # as if it all had come long ago
    gateway.publish_rows(code(1), [(NOW + 900_000, {"speed": 1.0})])


def kinds(service: Responder) -> list[str]:
    return [kind for _, kind in service.kinds]


EVERYTHING = [*(NOW + i for i in range(ROWS)), NOW + 900_000]


def test_a_backlog_goes_by_its_own_topic(service: Responder, opened: Open) -> None:
    gateway = opened()
    after_an_outage(gateway)
    gateway.start()
    assert gateway.flush(20.0)
    assert kinds(service) == ["telemetry"] + ["backfill"] * (ROWS // 20)
    assert service.times() == EVERYTHING
    assert gateway.counters.resent == 0


def test_a_service_that_does_not_read_it_gets_it_the_plain_way(
    service: Responder, opened: Open
) -> None:
    service.backfill = False
    gateway = opened()
    after_an_outage(gateway)
    gateway.start()
    assert gateway.flush(20.0)
    assert set(kinds(service)) == {"telemetry"}
    assert service.times() == EVERYTHING


def test_where_the_broker_lets_nothing_through_it_arrives_all_the_same(
    service: Responder, opened: Open
) -> None:
    service.shut = True
    gateway = opened(resend_s=1.0)
    after_an_outage(gateway)
    gateway.start()
    assert gateway.flush(30.0)
    assert set(kinds(service)) == {"telemetry"}
    assert service.times() == EVERYTHING
    assert 0 < gateway.counters.resent <= 16, "what was on its way, and then no more by that topic"


def test_what_live_samples_overtook_is_not_taken_for_lost(service: Responder, opened: Open) -> None:
    service.hold = True
    gateway = opened()
    after_an_outage(gateway)
    gateway.start()
    until(lambda: "backfill" in kinds(service), what="the backlog is on its way")
    for i in range(10):
        gateway.publish_rows(code(1), [(NOW + 900_001 + i, {"speed": 1.0})])
        until(lambda i=i: len(gateway.delays) >= 2 + i, what="live samples are confirmed")
    assert gateway.backlog or gateway.pending, "while the backlog waits"
    assert gateway.counters.resent == 0
    service.let_go()
    assert gateway.flush(20.0)
    assert gateway.counters.resent == 0
    assert service.times() == [*EVERYTHING, *(NOW + 900_001 + i for i in range(10))]


def test_one_that_is_lost_on_the_way_is_sent_again_at_once(
    service: Responder, opened: Open
) -> None:
    gateway = opened(resend_s=60.0)
    service.lose = {5}
    after_an_outage(gateway)
    gateway.start()
    assert gateway.flush(20.0), "long before everything would be sent again"
    assert service.times() == EVERYTHING
    assert [kind for seq, kind in service.kinds if seq == 5] == ["backfill", "telemetry"]
