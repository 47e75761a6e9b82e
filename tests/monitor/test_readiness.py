"""Ready is who serves what is live; a backlog, however large, is work and no trouble."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import health
from monitor.health import readiness, report
from tests.monitor.test_pipeline import Hand
from tests.support.site import reg_code


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    one = Hand(tmp_path)
    one.service.receiver.connected.set()
    one.service.backfill.listening.set()
    one.pipeline.pulse_ms = one.now_ms
    yield one
    one.close()


def offer(hand: Hand, kind: str, ts_ms: int) -> None:
    hand.seq += 1
    said = {"v": 1, "boot": 1, "seq": hand.seq, "lift": reg_code(0), "ts": ts_ms}
    payload = json.dumps(said | {"values": {"speed": 0}}).encode()
    hand.service.intake.offer(f"lift/v1/gw-0/{kind}", payload, (0, hand.seq))


def test_a_backlog_is_named_and_no_reason(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LIVE_MS", -1)  # as if whatever waits had waited for long
    for hour in range(20):
        offer(hand, "backfill", hand.now_ms - hour * 3_600_000)
    assert readiness(hand.service) == {"ready": True, "reasons": []}
    told = {part["name"]: part for part in report(hand.service)["parts"]}
    assert told["backfill"]["ok"] and told["backfill"]["detail"]["en"].startswith("20 rows")


def test_live_data_that_waits_is_the_reason(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(hand, "telemetry", hand.now_ms)
    assert readiness(hand.service)["ready"]
    monkeypatch.setattr(health, "LIVE_MS", -1)
    found = readiness(hand.service)
    assert not found["ready"]
    assert found["reasons"][0]["en"].startswith("live data has waited for")
    assert report(hand.service)["reasons"] == found["reasons"]


def test_a_pipeline_that_stands_is_the_reason(hand: Hand) -> None:
    hand.pipeline.pulse_ms = hand.now_ms - health.PULSE_MS - 1000
    assert readiness(hand.service)["reasons"][0]["en"] == "has stood for 11 s"


def test_no_connection_for_back_fill_is_named_and_no_reason(hand: Hand) -> None:
    hand.service.backfill.listening.clear()
    found = report(hand.service)
    told = {part["name"]: part for part in found["parts"]}
    assert found["ready"] and not told["backfill"]["ok"]
