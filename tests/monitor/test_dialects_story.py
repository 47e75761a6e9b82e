"""Other forms than our JSON, through a real broker into history: packed, and ThingsBoard's own
client; and what a site no longer asks for stays away."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from queue import SimpleQueue

import duckdb
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from devices.codecs import Ack, decode_ack
from devices.codecs.packed import encode_packed
from devices.vocabulary import load_vocabulary
from tests.support.brokers import Mosquitto
from tests.support.process import Spawn
from tests.support.site import ServiceProcess, reg_code, write_small_site
from tests.support.wait import until

SCRIPT = Path(__file__).parents[1] / "peers" / "thingsboard_gateway.py"
PYTHON = Path(sys.prefix) / "peers" / "thingsboard" / "bin" / "python"
VOCAB = load_vocabulary()
NAMES = f"""
ignore = ["rssi"]
[devices]
"Lift B" = "{reg_code(3)}"
[channels]
velocity = "speed"
"""


def _metric(service: ServiceProcess, name: str) -> float:
    found = re.search(rf"^liftwatch_{name} (\S+)$", service.get("/metrics")[1], re.M)
    return float(found[1]) if found else 0.0


def _packed(broker: Mosquitto, ts_ms: int) -> Ack:
    """Publish one packed message as gw-1 and return the answer to it."""
    answers: SimpleQueue[bytes] = SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, message: answers.put(message.payload)
    client.on_subscribe = lambda *_: answers.put(b"")
    client.connect(broker.host, broker.port)
    client.loop_start()
    client.subscribe("lift/v1/gw-1/ack", 1)
    assert answers.get(timeout=10) == b""
    lifts = [reg_code(1), reg_code(4), reg_code(2)]
    columns = {"speed": [1.5, None, 1.0], "people": [2, 0, 1]}
    client.publish(
        "lift/v1/gw-1/telemetry", encode_packed(VOCAB, 9, 1, ts_ms, lifts, columns), 1
    )  # fmt: skip
    ack = decode_ack(answers.get(timeout=10))
    client.disconnect()
    client.loop_stop()
    assert ack is not None
    return ack


def test_a_packed_message_is_answered_like_any_other(tmp_path: Path, spawn: Spawn) -> None:
    broker = Mosquitto(tmp_path / "broker", mount="tb/gw-0/")
    broker.start()
    write_small_site(tmp_path / "site")
    ts_ms = int(time.time() * 1000)
    for dialects in ('["thingsboard-bare"]', "[]"):
        env = {"LIFTWATCH_INGEST__DIALECTS": dialects}
        service = ServiceProcess(spawn, tmp_path, broker.url, env).start()
        try:
            until(lambda s=service: _metric(s, "broker_connected"), what="the broker")
            client = mqtt.Client(CallbackAPIVersion.VERSION2)
            client.connect(broker.host, broker.port)
            client.loop_start()
            body = json.dumps({reg_code(3): [{"ts": ts_ms, "values": {"speed": 1.25}}]})
            client.publish("v1/gateway/telemetry", body, 1).wait_for_publish(10)
            client.disconnect()
            client.loop_stop()
            ack = _packed(broker, ts_ms)  # what came before it is through as well
            assert (ack.boot, ack.durable, ack.gaps) == (9, 1, ())
        finally:
            service.stop()
    broker.end()
    assert [refused.field for refused in ack.refused] == []
    db = duckdb.connect(str(service.history), read_only=True)
    rows = db.execute(
        "SELECT reg_code, ts_ms, speed, people FROM sample JOIN lift ON slot = lift ORDER BY 1"
    ).fetchall()
    assert rows == [
        (reg_code(1), ts_ms, 1.5, 2),
        (reg_code(3), ts_ms, 1.25, None),
        (reg_code(4), ts_ms, None, 0),
    ]
    kept = db.execute("SELECT topic, reason FROM quarantine").fetchall()
    assert kept == [("lift/v1/gw-1/telemetry", "wrong_gateway")], "the bare topic was given back"


def test_their_client_their_topics_our_history(tmp_path: Path, spawn: Spawn) -> None:
    broker = Mosquitto(tmp_path / "broker", mount="tb/gw-0/")
    broker.start()
    write_small_site(tmp_path / "site")
    (tmp_path / "site" / "thingsboard.toml").write_text(NAMES, "utf-8")
    env = {"LIFTWATCH_INGEST__DIALECTS": '["thingsboard"]'}
    service = ServiceProcess(spawn, tmp_path, broker.url, env).start()
    ts_ms = int(time.time() * 1000) - 5000
    try:
        until(lambda: _metric(service, "broker_connected"), what="the service at the broker")
        command = [PYTHON, SCRIPT, "127.0.0.1", broker.mounted_port, reg_code(0), "Lift B", ts_ms]
        subprocess.run([str(part) for part in command], check=True, timeout=60)
        until(lambda: _metric(service, "samples_total") == 5, what="five samples")
        until(lambda: _metric(service, 'refused_total{reason="out_of_range"}'), what="a refusal")
        until(lambda: _metric(service, "lifts_connected") == 1, what="one of two still there")
    finally:
        service.stop()
        broker.end()
    db = duckdb.connect(str(service.history), read_only=True)
    rows = db.execute(
        "SELECT reg_code, ts_ms, speed, car_position, door_closed, people FROM sample"
        " JOIN lift ON slot = lift ORDER BY reg_code, ts_ms"
    ).fetchall()
    first = [(reg_code(0), ts_ms + 1000 * i, 0.5 * i, i, 1, None) for i in range(3)]
    assert rows[:3] == first
    assert (rows[3][0], *rows[3][2:]) == (reg_code(0), None, None, None, 3)
    assert (rows[4][0], *rows[4][2:]) == (reg_code(3), 1.25, None, None, None)
    assert rows[4][1] >= ts_ms + 5000, "without a time it is that of receipt"
    kept = db.execute("SELECT gateway, topic, reason FROM quarantine").fetchall()
    assert kept == [("gw-0", "tb/gw-0/v1/gateway/telemetry", "out_of_range")]


def test_a_gateway_on_the_listener_of_another_is_refused(tmp_path: Path) -> None:
    """The ACL line of docs/thingsboard.md, on a real broker."""
    line = "pattern write tb/%u/v1/gateway/#"
    assert line in (Path(__file__).parents[2] / "docs" / "thingsboard.md").read_text("utf-8")
    acl = f"user service\ntopic read tb/#\n{line}\n"
    users = {"service": "s", "gw-0": "a", "gw-1": "b"}
    broker = Mosquitto(tmp_path / "broker", users=users, acl=acl, mount="tb/gw-0/")
    broker.start()

    def client(user: str, port: int) -> mqtt.Client:
        made = mqtt.Client(CallbackAPIVersion.VERSION2)
        made.username_pw_set(user, users[user])
        made.connect(broker.host, port)
        made.loop_start()
        return made

    heard: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
    clients = [client("service", broker.port)]
    clients[0].on_subscribe = lambda *_: heard.put(("", b""))
    clients[0].on_message = lambda _c, _u, message: heard.put((message.topic, message.payload))
    try:
        clients[0].subscribe("tb/#", 1)
        assert heard.get(timeout=10) == ("", b"")
        for user in ("gw-1", "gw-0"):
            clients.append(client(user, broker.mounted_port))
            clients[-1].publish("v1/gateway/telemetry", user, 1).wait_for_publish(10)
        assert heard.get(timeout=10) == ("tb/gw-0/v1/gateway/telemetry", b"gw-0")
    finally:
        for one in clients:
            one.disconnect()
            one.loop_stop()
        broker.end()
