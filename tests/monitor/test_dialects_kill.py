"""SIGKILL while gateways without numbers of ours publish: every sample in history exactly once."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from pathlib import Path
from queue import SimpleQueue

import duckdb
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.brokers import TestBroker
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site

KILLS = max(3, int(os.environ.get("LIFTWATCH_KILLS", "10")) // 10)
LIFTS = 4  # gw-0 has every third of twelve


class Publisher:
    """A ThingsBoard gateway that repeats every fifth message, as after a lost PUBACK."""

    def __init__(self, broker: TestBroker) -> None:
        self.published: Counter[tuple[str, int]] = Counter()
        self._stopping = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        ts_ms, number = 0, 0
        while not self._stopping.wait(0.01):
            ts_ms, number = max(ts_ms + 1, int(time.time() * 1000)), number + 1
            lift = reg_code(3 * (number % LIFTS))
            body = json.dumps({lift: [{"ts": ts_ms, "values": {"speed": 0.5}}]})
            for _ in range(2 if number % 5 == 0 else 1):
                self._client.publish("tb/gw-0/v1/gateway/telemetry", body, 1)
            self.published[lift, ts_ms] += 1

    def finish(self) -> None:
        """Stop; a last message that is answered tells when all before it is durable."""
        self._stopping.set()
        self._thread.join()
        answers: SimpleQueue[bytes] = SimpleQueue()
        self._client.on_message = lambda _c, _u, message: answers.put(message.payload)
        self._client.on_subscribe = lambda *_: answers.put(b"")
        self._client.subscribe("lift/v1/gw-1/ack", 1)
        assert answers.get(timeout=30) == b""
        last = {"v": 1, "boot": 1, "seq": 1, "lift": reg_code(1), "ts": int(time.time() * 1000)}
        body = json.dumps(last | {"values": {"speed": 0}})
        self._client.publish("lift/v1/gw-1/telemetry", body, 1)
        self.published[reg_code(1), last["ts"]] += 1
        assert b'"durable":1' in answers.get(timeout=60)
        self._client.disconnect()
        self._client.loop_stop()


def in_history(file: Path) -> Counter[tuple[str, int]]:
    db = duckdb.connect(str(file), read_only=True)
    rows = db.execute("SELECT reg_code, ts_ms FROM sample JOIN lift ON slot = lift").fetchall()
    db.close()
    return Counter(rows)


def test_nothing_lost_and_nothing_doubled(
    tmp_path: Path, spawn: Spawn, mosquitto: TestBroker
) -> None:
    write_small_site(tmp_path / "site")
    env = {"LIFTWATCH_INGEST__DIALECTS": '["thingsboard"]'}
    service = ServiceProcess(spawn, tmp_path, mosquitto.url, env).start()
    publisher = Publisher(mosquitto)
    for kill in range(KILLS):
        time.sleep(0.4 + 0.13 * kill)  # not waited for: any moment will do
        service.kill()
        service.start(wait_ready=kill % 2 == 0)
    service.wait_ready()
    publisher.finish()
    assert service.stop() == 0
    found = in_history(service.history)
    assert found == publisher.published, (found - publisher.published, publisher.published - found)
