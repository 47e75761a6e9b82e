"""Boots that were not new, copies, clocks, lanes: what the SDK does when life is not simple."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.gateway import AsyncGateway, Batching, ClockOffset, Gateway, Packed, StoreFull
from devices.gateway.clock import ClockCheck
from tests.devices.responder import Responder
from tests.devices.wire import NOW, code, taken
from tests.support.brokers import TestBroker
from tests.support.wait import until

Open = Callable[..., Gateway]


@pytest.fixture
def service(mosquitto: TestBroker) -> Iterator[Responder]:
    one = Responder(mosquitto)
    yield one
    one.close()


@pytest.fixture
def opened(tmp_path: Path, mosquitto: TestBroker) -> Iterator[Open]:
    made: list[Gateway] = []

    def make(file: str = "gw-01.db", **options: Any) -> Gateway:
        base = {"url": mosquitto.url, "reconnect_s": 0.3}
        made.append(Gateway("gw-01", store=tmp_path / file, **(base | options)))
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()


def one_row(gateway: Gateway, i: int) -> None:
    gateway.publish_rows(code(1), [(NOW + i, {"speed": 1.0})])


def test_a_boot_that_the_service_knows_from_another_life_is_given_up(
    service: Responder, opened: Open
) -> None:
    """A lost store and a clock that starts at the same time: the numbers were used before."""
    old = opened("old.db", clock=lambda: 1000.0).start()
    for i in range(5):
        one_row(old, i)
        assert old.flush(10.0)
    old.close()
    fresh = opened("fresh.db", clock=lambda: 1000.0, batching=Batching(rows=1))
    assert fresh.boot == old.boot
    for i in range(100, 120):
        one_row(fresh, i)
    fresh.start()
    assert fresh.flush(10.0)
    assert fresh.boot > old.boot
    assert fresh.counters.renumbered >= 1
    assert service.times(fresh.boot) == [NOW + i for i in range(100, 120)]  # all, once


def test_a_number_that_was_used_before_is_given_up_alone(service: Responder, opened: Open) -> None:
    gateway = opened(batching=Batching(rows=1)).start()
    one_row(gateway, 0)
    assert gateway.flush(10.0)
    service.lose = {2}
    one_row(gateway, 1)
    until(lambda: not service.lose)
    first = gateway.boot
    why = {"reason": "seq_back", "seq": 2, "way_out": {}}
    ack = {"v": 1, "boot": first, "durable": 2, "ts": 0, "refused": [why]}
    gateway._forwarder.take(json.dumps(ack).encode())
    assert gateway.flush(10.0)
    assert gateway.boot > first
    assert service.times() == [NOW, NOW + 1]


def test_an_answer_to_somebody_else_of_our_name_deletes_nothing(
    service: Responder, opened: Open
) -> None:
    service.deaf = True
    gateway = opened().start()
    one_row(gateway, 0)
    until(lambda: gateway.counters.published == 1)
    gateway._forwarder.take(b"not an answer")
    other = {"v": 1, "boot": gateway.boot + 5, "durable": 99, "ts": 0}
    gateway._forwarder.take(json.dumps(other).encode())
    gateway._forwarder.take(json.dumps(other).encode())
    until(lambda: gateway.counters.strangers == 1)
    assert gateway.pending == 1


def test_a_wiped_store_begins_under_a_boot_of_its_own(service: Responder, opened: Open) -> None:
    first = opened("a.db").start()
    one_row(first, 0)
    assert first.flush(10.0)
    first.close()
    second = opened("b.db").start()
    one_row(second, 1)
    assert second.flush(10.0)
    assert second.boot > first.boot
    assert service.times() == [NOW, NOW + 1]


def test_alarms_go_first_then_what_is_live_then_the_backlog(
    service: Responder, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = opened(batching=Batching(rows=100), backfill_per_s=2000.0)
    for i in range(3000):
        one_row(gateway, i)
    gateway._lanes._recent.clear()  # as if it all had come long ago
    one_row(gateway, 900_000)
    gateway.publish_message(code(1), NOW, 93)
    gateway.start()
    begun = time.monotonic()
    assert gateway.flush(20.0)
    took = time.monotonic() - begun
    bodies = [service.kept[gateway.boot][seq] for _, seq in service.arrivals]
    assert bodies[0]["code"] == 93
    assert bodies[1]["ts"] == NOW + 900_000
    later = [ts for body in bodies[2:] for ts in body["ts"]]
    assert later == [NOW + i for i in range(3000)]  # oldest first
    assert took > 1.0  # and not faster than asked


def test_live_samples_do_not_wait_for_the_backlog(service: Responder, opened: Open) -> None:
    gateway = opened(batching=Batching(rows=50), backfill_per_s=500.0)
    for i in range(5000):
        one_row(gateway, i)
    gateway._lanes._recent.clear()
    gateway.start()
    until(lambda: gateway.counters.durable > 100)
    for i in range(10):
        one_row(gateway, 900_000 + i)
    live = [NOW + 900_000 + i for i in range(10)]
    until(lambda: service.times()[-10:] == live)
    assert gateway.backlog > 1000
    until(lambda: gateway.delays)
    assert max(gateway.delays) < 2.0


def test_the_packed_form_is_what_the_codec_reads(service: Responder, opened: Open) -> None:
    gateway = opened(encoding=Packed())
    raw: list[bytes] = []
    gateway._link.publish = lambda kind, payload: bool(raw.append(payload)) or True  # type: ignore[method-assign]
    gateway.publish_columns(NOW, [code(0), code(1)], {"speed": [0.1, None], "people": [2, 3]})
    gateway.start()
    gateway._forwarder.up()
    until(lambda: raw)
    decoded = taken(raw[0], "telemetry")
    assert decoded.refusals == [] and (decoded.boot, decoded.seq) == (gateway.boot, 1)
    assert decoded.batch.values[:, 9].tolist() == [2, 3]
    assert decoded.batch.values[0, 16] == pytest.approx(0.1)


@pytest.mark.parametrize("off_s", [-7200.0, 0.0, 150.0])
def test_the_clock_is_compared_with_the_services(off_s: float) -> None:
    check = ClockCheck()
    for trip in (4.0, 0.2, 1.0):  # answers over a line of changing length
        steady = 100.0 + trip
        ours = 1_000_000.0 + steady
        sent = (ours * 1000, steady * 1000)
        heard = ((ours + trip) * 1000, (steady + trip) * 1000)
        check.hear(sent, heard, round((ours + trip * 0.9 + off_s) * 1000))
    assert check.best is not None
    assert abs(check.best.offset_ms - off_s * 1000) <= check.best.uncertain_ms <= 101
    assert check.best.wrong == (abs(off_s) > 120)


def test_a_wrong_clock_is_told_and_marked(service: Responder, opened: Open) -> None:
    told: list[ClockOffset] = []
    gateway = opened(clock=lambda: time.time() - 300.0, on_clock=told.append).start()
    one_row(gateway, 0)
    assert gateway.flush(10.0)
    until(lambda: told)
    assert told[0].wrong and abs(told[0].offset_ms - 300_000) < 15_000
    until(lambda: "clock_off_ms" in service.statuses[-1])
    assert abs(service.statuses[-1]["clock_off_ms"] + 300_000) < 15_000
    one_row(gateway, 1)
    assert gateway.flush(10.0) and len(told) == 1  # once


def test_a_jump_of_our_clock_starts_the_comparison_afresh() -> None:
    check = ClockCheck()
    check.hear((1e9, 1000.0), (1e9 + 10, 1010.0), 10**9)
    check.hear((1e9 + 3.6e6, 2000.0), (1e9 + 3.6e6 + 900, 2900.0), 10**9 + 2000)
    assert check.best is not None and check.best.offset_ms < -3_500_000


def test_asyncio_has_the_same_face(
    service: Responder, mosquitto: TestBroker, tmp_path: Path
) -> None:
    async def life() -> list[str]:
        service.refuse = {2}
        async with AsyncGateway("gw-01", store=tmp_path / "a.db", url=mosquitto.url) as gateway:
            await gateway.publish_columns(NOW, [code(0)], {"speed": [0.5]})
            assert await gateway.flush(10.0)
            await gateway.publish_rows(code(0), [(NOW + 1, {"speed": 0.7})])
            refused = await asyncio.wait_for(anext(gateway.refusals()), 10.0)
            await gateway.publish_message(code(0), NOW, 93, "on")
            assert await gateway.flush(10.0)
            assert gateway.sync.pending == 0
            return [refused.why.reason]

    assert asyncio.run(life()) == ["out_of_range"]
    assert service.times() == [NOW, NOW + 1]


def test_asyncio_hears_what_is_wrong(mosquitto: TestBroker, tmp_path: Path) -> None:
    async def life() -> None:
        options = {"store": tmp_path / "a.db", "url": "mqtt://127.0.0.1:1", "max_store_bytes": 100}
        async with AsyncGateway("gw-01", **options) as gateway:
            with pytest.raises(StoreFull):
                for i in range(100):
                    await gateway.publish_rows(code(0), [(NOW + i, {"speed": i / 7})])

    asyncio.run(life())
