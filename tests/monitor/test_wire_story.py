"""A stranger's gateway: docs/wire.md and mosquitto_pub, nothing else, against the real service."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from monitor.broker import GATEWAY_USER, SERVICE_USER, EmbeddedBroker, free_port
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

WIRE = Path(__file__).parents[2] / "docs" / "wire.md"


def doc_block(name: str) -> str:
    found = re.search(rf"<!-- try: {name} -->\n```sh\n(.*?)```", WIRE.read_text("utf-8"), re.S)
    assert found, f"docs/wire.md has no block {name!r}"
    return found[1]


class Stranger:
    """Runs the document's own commands, and listens to the answers as `mosquitto_sub` would."""

    def __init__(self, broker: EmbeddedBroker, lift: str, gateway: str) -> None:
        self.env = {
            "PATH": "/usr/sbin:/usr/bin:/bin:/opt/homebrew/bin:/usr/local/bin",
            "BROKER_HOST": "127.0.0.1",
            "BROKER_PORT": str(broker.port),
            "MQTT_USER": GATEWAY_USER,
            "MQTT_PASSWORD": broker.credentials.gateway,
            "LIFT": lift,
            "GATEWAY": gateway,
        }
        self.acks: list[dict[str, Any]] = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(GATEWAY_USER, broker.credentials.gateway)
        subscribed: list[bool] = []
        client.on_subscribe = lambda *_: subscribed.append(True)
        client.on_message = lambda _c, _u, m: self.acks.append(json.loads(m.payload))
        client.connect("127.0.0.1", broker.port)
        client.subscribe(f"lift/v1/{gateway}/ack", 1)
        client.loop_start()
        until(lambda: subscribed, what="the subscription")
        self.client = client
        self.second = 0

    def run(self, name: str, **env: str) -> None:
        # The document takes the second as boot: two of its commands in one second are one boot.
        until(lambda: int(time.time()) > self.second, what="the next second")
        self.second = int(time.time())
        subprocess.run(["bash", "-eu", "-c", doc_block(name)], env=self.env | env, check=True)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def service(tmp_path: Path, spawn: Spawn) -> Any:
    broker = EmbeddedBroker(tmp_path / "broker", free_port(0))
    broker.start()
    write_small_site(tmp_path / "site")
    env = {
        "LIFTWATCH_MQTT__USERNAME": SERVICE_USER,
        "LIFTWATCH_MQTT__PASSWORD": broker.credentials.service,
    }
    running = ServiceProcess(spawn, tmp_path, broker.url, env).start()
    yield running, broker
    running.stop()
    broker.stop()


def alerts(service: ServiceProcess) -> list[tuple[str, str, str, str]]:
    db = sqlite3.connect(service.database)
    rows = db.execute("SELECT rule, subject, severity, alarm_state FROM alert ORDER BY id")
    found = rows.fetchall()
    db.close()
    return found


def test_the_document_alone_is_enough(service: tuple[ServiceProcess, EmbeddedBroker]) -> None:
    running, broker = service
    stranger = Stranger(broker, reg_code(0), "gw-0")
    try:
        stranger.run("alarm")
        until(lambda: stranger.acks, what="the acknowledgement")
        assert stranger.acks[-1]["durable"] == 1
        assert stranger.acks[-1]["refused"] == []
        critical = ("2", reg_code(0), "critical", "unacknowledged")
        until(lambda: critical in alerts(running), what="the alert for trapped passengers")

        stranger.acks.clear()
        stranger.run("broken")
        until(lambda: stranger.acks, what="the answer to what is broken")
        (refused,) = stranger.acks[-1]["refused"]
        assert stranger.acks[-1]["durable"] == 1
        assert (refused["reason"], refused["field"]) == ("out_of_range", "speed")
        assert (refused["value"], refused["limit"]) == ("35.0", "-20..20 m/s")
        assert refused["way_out"]["zh"]
        assert refused["way_out"]["en"]
    finally:
        stranger.close()


def test_plain_samples_alone_find_the_trapped_passenger(
    service: tuple[ServiceProcess, EmbeddedBroker],
) -> None:
    running, broker = service
    stranger = Stranger(broker, reg_code(3), "gw-0")
    try:
        stranger.run("telemetry", SAMPLES="2", PERIOD="0.2")
        until(lambda: stranger.acks and stranger.acks[-1]["durable"] == 2, what="durable")
        # 30 s of hold pass although nothing more is said
        wanted = ("1", reg_code(3), "critical", "unacknowledged")
        until(lambda: wanted in alerts(running), 60, "the alert for trapped passengers")
    finally:
        stranger.close()
