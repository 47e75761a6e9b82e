"""The host session with a real broker, after the normative statements of Sparkplug 3.0."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from config.settings import Settings
from devices.batch import Said
from devices.codecs import Setup, build_routes
from devices.registry import load_registry
from devices.vocabulary import load_vocabulary
from monitor.intake import Intake
from monitor.metrics import Metrics
from monitor.sparkplug import SparkplugHost, sparkplug_host
from monitor.store.ledger import Ledger
from tests.devices.sparkplug.spb import metric, payload
from tests.support.brokers import BrokerFactory, TestBroker
from tests.support.site import reg_code, write_small_site
from tests.support.wait import until

VOCAB = load_vocabulary()
STATE = "spBv1.0/STATE/city-host"


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass
class Listener:
    """Hears everything of the namespace, and publishes as an edge node would."""

    broker: TestBroker
    heard: list[tuple[str, bytes, int, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ready: list[bool] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, m: self.heard.append(
            (m.topic, bytes(m.payload), m.qos, m.retain)
        )
        self.client.on_connect = lambda c, *_: c.subscribe("spBv1.0/#", 1)
        self.client.on_subscribe = lambda *_: ready.append(True)
        self.client.connect(self.broker.host, self.broker.port)
        self.client.loop_start()
        until(lambda: ready, what="the subscription")

    def states(self) -> list[dict[str, Any]]:
        return [json.loads(data) for topic, data, *_ in self.heard if topic == STATE]

    def send(self, topic: str, data: bytes, qos: int = 0, retain: bool = False) -> None:
        self.client.publish(topic, data, qos, retain).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@dataclass
class Stand:
    host: SparkplugHost
    intake: Intake
    broker: TestBroker
    listener: Listener
    said: list[Said]
    metrics: Metrics

    def figure(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"liftwatch_sparkplug_{name}")

    def start(self) -> None:
        self.host.start()
        until(self.host.online.is_set, what="the host session")
        until(self.listener.states, what="STATE")


@pytest.fixture
def stand(tmp_path: Path, broker_factory: BrokerFactory) -> Iterator[Stand]:
    broker = broker_factory("mosquitto", log_type="all")
    site = write_small_site(tmp_path / "site")
    sparkplug = {"host_id": "city-host", "reorder_s": 0.2}
    ingest = {"batch_ms": 5, "dialects": ["sparkplug"], "sparkplug": sparkplug}
    settings = Settings.model_validate(
        {"site": {"folder": site}, "mqtt": {"url": broker.url}, "ingest": ingest}
    )
    registry = load_registry(site)
    routes = build_routes(Setup(registry, VOCAB, site, settings.ingest))
    metrics = Metrics()
    intake = Intake(
        registry, VOCAB, Ledger(), settings.ingest, 1000, now_ms, metrics, 512, routes
    )  # fmt: skip
    said: list[Said] = []
    host = sparkplug_host(
        settings, routes, intake, lambda s, _links: said.extend(s), now_ms, metrics
    )
    assert host is not None
    listener = Listener(broker)
    yield Stand(host, intake, broker, listener, said, metrics)
    host.stop()
    listener.close()


def test_the_session_is_as_the_specification_wants_it(stand: Stand) -> None:
    """tck-id-message-flow-phid-sparkplug-clean-session-311: clean session MUST be true.
    tck-id-operational-behavior-host-application-connect-will: there MUST be a will.
    tck-id-host-topic-phid-birth-sub-required, tck-id-message-flow-phid-sparkplug-subscription:
    subscriptions come before its own STATE. tck-id-payloads-state-subscribe: with its own STATE
    among them."""
    before = now_ms()
    stand.start()
    log = stand.broker.log
    assert re.search(r"as liftwatch-sparkplug \(p2, c1,", log)
    assert re.search(r"Will message specified \(\d+ bytes\) \(r1, q1\)\.", log)
    subscribed = log.index("Received SUBSCRIBE from liftwatch-sparkplug")
    published = log.index("Received PUBLISH from liftwatch-sparkplug")
    assert subscribed < published
    assert f"\t{STATE} (QoS 1)" in log
    for verb in ("NBIRTH", "NDATA", "NDEATH"):
        assert f"\tspBv1.0/+/{verb}/+ (QoS 1)" in log
    for verb in ("DBIRTH", "DDATA", "DDEATH"):
        assert f"\tspBv1.0/+/{verb}/+/+ (QoS 1)" in log
    assert "CMD" not in log, "commands of other hosts are none of our business"
    # tck-id-host-topic-phid-birth-payload: JSON with online true and the time; retained, QoS 1
    (said,) = stand.listener.states()
    assert said["online"] is True
    assert before <= said["timestamp"] <= now_ms()
    assert set(said) == {"online", "timestamp"}
    assert re.search(rf"PUBLISH from liftwatch-sparkplug \(d0, q1, r1, m\d+, '{STATE}'", log)


def test_it_says_goodbye_before_it_leaves(stand: Stand) -> None:
    """tck-id-operational-behavior-host-application-termination, -death-payload, -death-retained,
    -disconnect-intentional; tck-id-host-topic-phid-death-payload-timestamp-disconnect-clean."""
    stand.start()
    left = now_ms()
    stand.host.stop()
    until(lambda: len(stand.listener.states()) == 2, what="STATE offline")
    last = stand.listener.states()[-1]
    assert last["online"] is False
    assert left <= last["timestamp"] <= now_ms()
    until(lambda: "Received DISCONNECT from liftwatch-sparkplug" in stand.broker.log)
    # tck-id-host-topic-phid-death-retain: whoever comes later sees it
    late = Listener(stand.broker)
    until(late.states, what="the retained STATE")
    assert late.states() == [last]
    late.close()


def test_a_foreign_offline_of_our_name_is_answered(stand: Stand) -> None:
    """tck-id-message-flow-hid-sparkplug-state-message-delivered: a STATE of its own id that says
    offline MUST be answered with online at once, and the timestamp of its will."""
    stand.start()
    first = stand.listener.states()[0]
    stand.listener.send(STATE, b'{"online": false, "timestamp": 1}', 1, True)
    until(lambda: len(stand.listener.states()) == 3, what="online again")
    assert stand.listener.states()[-1] == first
    stand.listener.send(STATE, b"ONLINE", 1, True)  # of version 2.2: nothing to answer


def test_a_lost_connection_is_taken_up_with_a_new_time(stand: Stand) -> None:
    """tck-id-host-topic-phid-death-payload-timestamp-connect and -birth-payload-timestamp: will
    and birth carry the time of their own connection."""
    stand.start()
    first = stand.listener.states()[0]
    stand.broker.restart(kill=True)
    until(lambda: len(stand.listener.states()) >= 2, 30, "STATE after the broker came back")
    assert stand.listener.states()[-1]["online"] is True
    assert stand.listener.states()[-1]["timestamp"] > first["timestamp"]


def test_births_and_data_go_into_the_batch_and_retained_ones_do_not(stand: Stand) -> None:
    lift = reg_code(0)
    stale = payload(1, [metric("speed", 9.0, ts=now_ms())], now_ms())
    stand.listener.send(f"spBv1.0/g/DBIRTH/gw-0/{lift}", stale, 1, True)
    stand.start()
    now = now_ms()
    stand.listener.send("spBv1.0/g/NBIRTH/gw-0", payload(0, [], now))
    born = payload(1, [metric("speed", 1.0, alias=1, ts=now)], now)
    stand.listener.send(f"spBv1.0/g/DBIRTH/gw-0/{lift}", born)
    speeds: list[float] = []

    def heard() -> bool:
        closed = stand.intake.take(0.1)
        if closed is not None:
            speeds.extend(closed.batch.values[:, VOCAB.index("speed")].tolist())
        return bool(speeds)

    until(heard, what="the birth's values")
    assert speeds == [1.0]


def test_what_stays_missing_is_asked_for_by_time_alone(stand: Stand) -> None:
    """tck-id-operational-behavior-host-reordering-rebirth: when the Reorder Timeout elapses."""
    stand.start()
    now = now_ms()
    stand.listener.send("spBv1.0/g/NBIRTH/gw-0", payload(0, [], now))
    stand.listener.send("spBv1.0/g/NDATA/gw-0", payload(5, [], now))
    until(lambda: stand.said, what="the request for a rebirth")
    assert [one.topic for one in stand.said] == ["spBv1.0/g/NCMD/gw-0"]
    until(lambda: stand.figure("rebirths") == 1, what="the figures")
    assert (stand.figure("nodes"), stand.figure("gaps")) == (1, 4)


def varint(number: int) -> bytes:
    made = bytearray()
    while number >= 0x80:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def by_hand(seq: int | None, *metrics: bytes) -> bytes:
    """A payload as protobuf's document describes it, written without a library."""
    body = b"\x08" + varint(now_ms())
    body += b"".join(b"\x12" + varint(len(one)) + one for one in metrics)
    return body if seq is None else body + b"\x18" + varint(seq)


def test_a_payload_made_by_hand_and_mosquitto_pub(stand: Stand) -> None:
    """No library on the other side at all: bytes, and the broker's own client."""
    stand.start()
    lift, node = reg_code(0), "spBv1.0/g/{}/gw-0"

    def publish(topic: str, data: bytes) -> None:
        where = ["-h", stand.broker.host, "-p", str(stand.broker.port), "-t", topic]
        subprocess.run(["mosquitto_pub", *where, "-s"], input=data, check=True)

    bd_seq = b"\x0a\x05bdSeq" + b"\x20\x04" + b"\x58\x07"  # name, datatype Int64, long_value 7
    publish(node.format("NBIRTH"), by_hand(0, bd_seq))
    speed = b"\x0a\x05speed" + b"\x10\x01" + b"\x20\x09" + b"\x65" + struct.pack("<f", 0.25)
    trapped = b"\x0a\x07code/93" + b"\x10\x02" + b"\x20\x0b" + b"\x70\x00"
    publish(node.format("DBIRTH") + f"/{lift}", by_hand(1, speed, trapped))
    publish(node.format("DDATA") + f"/{lift}", by_hand(2, b"\x10\x02" + b"\x70\x01"))
    publish(node.format("NDEATH"), by_hand(None, bd_seq))

    speeds: list[float] = []
    codes: list[tuple[int, int]] = []
    facts: list[tuple[bool, int | None]] = []

    def over() -> bool:
        closed = stand.intake.take(0.1)
        if closed is not None:
            assert (closed.said, closed.quarantine, closed.answers) == ([], [], [])
            speeds.extend(closed.batch.values[:, VOCAB.index("speed")].tolist())
            messages = closed.batch.messages
            codes.extend(zip(messages.code.tolist(), messages.state.tolist(), strict=True))
            facts.extend((fact.online, fact.lift) for _, fact in closed.links)
        return (False, None) in facts

    until(over, what="the death of the node")
    assert speeds == [0.25]
    assert codes == [(93, 0), (93, 1)]
    assert facts == [(True, None), (True, 0), (False, None), *[(False, i) for i in (0, 3, 6, 9)]]
