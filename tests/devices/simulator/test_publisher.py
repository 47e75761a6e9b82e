from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from devices.codecs import Limits, decode
from devices.codecs.ack import encode_ack
from devices.codecs.topics import topic
from devices.gateway import Address
from devices.registry import Registry, load_registry
from devices.simulator.district import write_district
from devices.simulator.publisher import Publisher, SimClock
from devices.simulator.releases import TOPIC, Releases
from devices.vocabulary import Vocabulary
from tests.devices.simulator.conftest import MORNING_MS, MakeWorld
from tests.support.brokers import TestBroker
from tests.support.wait import until

WEEK_MS = 7 * 86_400_000
QUIET_HOUR_MS = 18 * 3_600_000  # of a week that begins as the epoch did: Friday, 02:00 at UTC+8


class Wire:
    """Keeps what a gateway was given to publish."""

    def __init__(self) -> None:
        self.columns: list[tuple[int | Sequence[int], list[str], dict[str, Any]]] = []
        self.messages: list[tuple[str, int, int, str]] = []

    def publish_columns(
        self, ts_ms: int | Sequence[int], lifts: Sequence[str], columns: Mapping[str, Any]
    ) -> int:
        self.columns.append((ts_ms, list(lifts), dict(columns)))
        return len(self.columns)

    def publish_message(
        self, lift: str, ts_ms: int, code: int, state: Literal["on", "off", "once"] = "once"
    ) -> int:
        self.messages.append((lift, ts_ms, code, state))
        return len(self.messages)


@pytest.mark.parametrize("seconds", [1, 20])
def test_every_sample_leaves_through_its_own_gateway(
    registry: Registry, make: MakeWorld, seconds: int
) -> None:
    world = make(registry)
    wires = {gateway.id: Wire() for gateway in registry.gateways}
    publisher = Publisher(world, wires)
    world.advance(MORNING_MS + seconds * 1000)
    batch = world.drain()
    publisher.publish(batch)
    assert publisher.counts.samples == len(batch)
    told = set()
    for name, wire in wires.items():
        for ts_ms, lifts, columns in wire.columns:
            times = [ts_ms] * len(lifts) if isinstance(ts_ms, int) else ts_ms
            told |= set(zip(lifts, times, strict=True))
            assert all(len(column) == len(lifts) for column in columns.values())
            for reg_code in lifts:
                lift = registry.find(reg_code)
                assert lift is not None and lift.gateway == name
    codes = [registry.lift(row).reg_code for row in batch.lift.tolist()]
    assert told == set(zip(codes, batch.ts_ms.tolist(), strict=True))


def test_lifts_of_one_instant_travel_together(house: Registry, make: MakeWorld) -> None:
    world = make(house)
    wire = Wire()
    world.advance(MORNING_MS + 1000)
    Publisher(world, {"gw-01": wire}).publish(world.drain())
    assert [len(lifts) for _, lifts, _ in wire.columns] == [5]


def test_messages_of_the_controller_keep_their_state(house: Registry, make: MakeWorld) -> None:
    world, wire = make(house), Wire()
    world.inject("prevent_restart", 0, at_ms=MORNING_MS + 60_000, for_s=70)
    world.advance(MORNING_MS + 240_000)
    Publisher(world, {"gw-01": wire}).publish(world.drain())
    assert [(code, state) for _, _, code, state in wire.messages] == [(8, "on"), (8, "off")]


def test_simulated_time_follows_the_parent() -> None:
    clock = SimClock(1_000_000, 500_000, 10.0)
    assert clock.at(500_000) == 1_000_000
    assert clock.at(500_100) == 1_001_000
    assert clock.at(400_000) == 1_000_000


class Service:
    """Takes what comes over a real broker, decodes it, and acknowledges it as durable."""

    def __init__(self, broker: TestBroker, registry: Registry, vocab: Vocabulary) -> None:
        self._registry, self._vocab = registry, vocab
        self.samples = self.messages = self.first_ms = 0
        self.refused: list[object] = []
        self._ready = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
        client.on_connect = lambda c, *_: c.subscribe("lift/v1/+/+", qos=1)
        client.on_subscribe = lambda *_: self._ready.set()
        client.on_message = self._message
        client.connect(broker.host, broker.port)
        client.loop_start()
        until(self._ready.is_set, what="the service listens")

    def _message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        _, _, gateway, kind = message.topic.split("/")
        if kind not in ("telemetry", "message"):
            return
        now_ms = int(time.time() * 1000)
        self.first_ms = self.first_ms or now_ms
        found = decode(
            message.topic, message.payload, now_ms, self._registry, self._vocab, Limits()
        )
        self.refused += found.refusals
        self.samples += len(found.batch)
        self.messages += len(found.batch.messages)
        client.publish(topic(gateway, "ack"), encode_ack(found.boot, found.seq, now_ms), qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_the_command_publishes_over_a_real_broker_and_counts(
    any_broker: TestBroker, vocab: Vocabulary, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    write_district(site, lifts=40, gateways=6)
    service = Service(any_broker, load_registry(site), vocab)
    wall_ms = int(time.time() * 1000)
    # always the same hour of the week: at a busy one no car of so few is free for the first trap
    epoch_ms = wall_ms - wall_ms % WEEK_MS + QUIET_HOUR_MS - WEEK_MS
    command = [
        sys.executable, "-m", "devices.simulator", "--site", str(site), "--mqtt", any_broker.url,
        "--speed", "20", "--seconds", "60", "--intensity", "5", "--json",
        "--epoch-ms", str(epoch_ms), "--wall-ms", str(wall_ms),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        service.close()
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    assert service.refused == []
    assert line["durable"] and line["lifts"] == 40 and line["samples_published"] > 1500
    assert (service.samples, service.messages) == (
        line["samples_published"], line["messages_published"],
    )  # fmt: skip
    first = line["labels"][0]
    late_s = 20 * (service.first_ms - wall_ms) / 1000  # simulated time while the program started
    begun_s = (first["start_ms"] - epoch_ms) / 1000
    assert first["rule"] == "1" and 10 <= begun_s <= 13 + late_s


def test_nothing_is_said_in_the_name_of_a_real_gateway(
    any_broker: TestBroker, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    write_district(site, lifts=12, gateways=3)
    heard: set[str] = set()
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, m: heard.add(m.topic.split("/")[2])
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(any_broker.host, any_broker.port)
    client.subscribe("lift/v1/+/telemetry", 1)
    client.loop_start()
    try:
        assert subscribed.wait(10)
        command = [
            sys.executable, "-m", "devices.simulator", "--site", str(site), "--mqtt",
            any_broker.url, "--seconds", "2", "--real", "gw-02,elsewhere", "--json",
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
            until(lambda: len(heard) >= 2, 30, "the other gateways")
            running.terminate()
    finally:
        client.disconnect()
        client.loop_stop()
    assert heard == {"gw-01", "gw-03"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--mqtt", "http://x"], "mqtt://HOST:PORT"),
        (["--mqtt", "mqtt://x", "--speed", "0"], "--speed"),
        (["--mqtt", "mqtt://x", "--intensity", "500"], "0..100"),
        ([], "--mqtt URL"),
    ],
)
def test_a_wrong_option_is_one_line(district: Path, options: list[str], says: str) -> None:
    command = [sys.executable, "-m", "devices.simulator", "--site", str(district), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert says in done.stderr and "Traceback" not in done.stderr


def test_help_that_has_come_is_heard(mosquitto: TestBroker) -> None:
    releases = Releases(Address.of(mosquitto.url))
    sender = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
    sender.connect(mosquitto.host, mosquitto.port)
    sender.loop_start()
    came: list[str] = []

    def heard() -> bool:
        sender.publish(TOPIC, "31105001992014000001", qos=1)
        came.extend(releases.take())
        return bool(came)

    try:
        until(heard, what="the release arrives")
    finally:
        releases.close()
        sender.disconnect()
        sender.loop_stop()
    assert came[0] == "31105001992014000001"


def test_absent_values_stay_absent(registry: Registry, make: MakeWorld) -> None:
    world = make(registry)
    wires = {gateway.id: Wire() for gateway in registry.gateways}
    world.advance(MORNING_MS + 5000)
    Publisher(world, wires).publish(world.drain())
    retrofit = next(g.id for g in registry.gateways if g.vendor == "heguang")
    for _, _, columns in wires[retrofit].columns:
        assert "motor_current" not in columns and "speed" in columns
        assert not np.isnan(columns["speed"]).any()
