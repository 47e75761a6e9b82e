"""A backlog of an outage and live samples meet at the real service, over a real broker."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

ROWS, KEPT, EVERY = 1000, 240, 4  # samples a message, messages of a backlog, live after so many
SPEED = [0.0] * ROWS


class Sender:
    """A gateway that sends all at once, and notes what each answer settles."""

    def __init__(self, broker: TestBroker) -> None:
        self.boot = int(time.time() * 1000)
        self.settled: list[set[int]] = []  # after each answer
        self.told_backfill: bool | None = None
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sender")
        self.client.max_inflight_messages_set(200)
        self._listening = threading.Event()
        self.client.on_subscribe = lambda *_: self._listening.set()
        self.client.on_message = self._answer
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        self.client.subscribe("lift/v1/gw-0/ack", 1)
        until(self._listening.is_set, what="the sender listens")

    def _answer(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        ack = json.loads(message.payload)
        self.told_backfill = ack["backfill"]
        if ack["boot"] == self.boot:
            gone = {s for low, high in ack["gaps"] for s in range(low, high + 1)}
            # behind the 32nd gap nothing is said
            told = ack["highest"] if len(ack["gaps"]) < 32 else ack["gaps"][-1][1]
            self.settled.append(set(range(1, max(told, ack["durable"]) + 1)) - gone)

    def send(self, kind: str, seq: int, body: dict[str, Any]) -> None:
        said = {"v": 1, "boot": self.boot, "seq": seq} | body
        self.client.publish(f"lift/v1/gw-0/{kind}", json.dumps(said), qos=1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def backlog(seq: int, from_ms: int) -> dict[str, Any]:
    """A message of a thousand seconds of a lift."""
    times = [from_ms + (seq * ROWS + i) * 1000 for i in range(ROWS)]
    return {"ts": times, "lifts": [reg_code(0)] * ROWS, "columns": {"speed": SPEED}}


@pytest.fixture
def service(tmp_path: Path, spawn: Spawn, mosquitto: TestBroker) -> ServiceProcess:
    write_small_site(tmp_path / "site")
    return ServiceProcess(spawn, tmp_path, mosquitto.url).start()


def test_live_samples_overtake_a_backlog_and_nothing_is_lost_or_doubled(
    service: ServiceProcess, mosquitto: TestBroker, tmp_path: Path
) -> None:
    sender = Sender(mosquitto)
    from_ms = sender.boot - 70 * 3_600_000  # what was kept ends before now
    live: dict[int, int] = {}  # seq of a live message: how many of the backlog went before it
    seq = 0
    for number in range(1, KEPT + 1):
        seq += 1
        sender.send("backfill", seq, backlog(number, from_ms))
        if number % EVERY == 0:
            seq += 1
            live[seq] = number
            now = int(time.time() * 1000)
            sender.send("telemetry", seq, {"lift": reg_code(0), "ts": now, "values": {"speed": 1}})
    until(lambda: sender.settled and len(sender.settled[-1]) == seq, 60, what="all is durable")
    sender.close()
    assert sender.told_backfill is True
    first_told = [next(i for i, done in enumerate(sender.settled) if s in done) for s in live]
    assert first_told == sorted(first_told), "live samples are confirmed in their order"
    overtaken = [
        before - len([s for s in sender.settled[at] if s < mine and s not in live])
        for (mine, before), at in zip(live.items(), first_told, strict=True)
    ]
    assert all(number >= 0 for number in overtaken)
    assert sum(overtaken) > len(live), f"in one queue it would be nothing: {overtaken}"
    assert service.get("/readyz")[0] == 200
    assert service.stop() == 0
    db = duckdb.connect(str(tmp_path / "var" / "history" / "history.duckdb"), read_only=True)
    row = db.execute(
        "SELECT count(*), count(DISTINCT ts_ms), sum(late::INT) FROM sample"
    ).fetchone()
    db.close()
    assert row == (KEPT * ROWS + len(live), KEPT * ROWS + len(live), KEPT * ROWS)
