"""A platform above is told everything once it can hear, in order, under the same keys after a
crash, and nothing that is not its own; with a real receiver and a real broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from alerts.notify.signing import SIGNATURE_V2, TIMESTAMP, check
from config.errors import ConfigError
from config.secrets import Secrets
from devices.batch import STATE_ON, MessageRows, TelemetryBatch
from devices.vocabulary import load_vocabulary
from monitor.store.history import History
from monitor.upstream.courier import Courier
from monitor.upstream.deliveries import Deliveries
from monitor.upstream.send import SendError, sender
from monitor.upstream.sources import SETTLE_MS, Sources
from monitor.upstream.tier_file import FILE, STREAMS, load_tiers
from tests.alerts.conftest import (
    CAR,
    CAR_2,
    T0,
    TZ,
    House,
    cleared,
    house,
    raised,
    registry,
    site_directory,
)
from tests.support.brokers import TestBroker
from tests.support.wait import until
from tests.support.webhook import Received, Webhook

__all__ = ["house", "site_directory"]  # fixtures
VOCAB = load_vocabulary()
DAY = 86_400_000


@dataclass
class World:
    """A history, a desk and a clock, with a courier to whatever upstream.toml says."""

    folder: Path
    house: House
    history: History
    now_ms: int = T0

    def courier(self, text: str, **secrets: str) -> Courier:
        (self.folder / FILE).write_text(text, "utf-8")
        (tier,) = load_tiers(self.folder, VOCAB)
        known = registry()
        self.history.number_lifts([lift.reg_code if lift else "" for lift in known.slots])
        sources = Sources(self.history, self.house.engine, known, VOCAB, TZ, lambda: self.now_ms)
        environment = {f"LIFTWATCH_KEY_{name.upper()}": value for name, value in secrets.items()}
        way = sender(tier, Secrets(None, environment), lambda: self.now_ms)
        return Courier(tier, sources, Deliveries(self.history), way, lambda: self.now_ms, 400)

    def tell(self, ts_ms: int, car: int = 0, code: int | None = None, **values: float) -> None:
        matrix = np.full((1, len(VOCAB)), np.nan, np.float32)
        for name, value in values.items():
            matrix[0, VOCAB.index(name)] = value
        one, late = np.array([car], np.int32), np.array([False])
        batch = TelemetryBatch(one, np.array([ts_ms]), matrix, late)
        if code is not None:
            numbers = np.array([code], np.int32)
            batch.messages = MessageRows(
                one, np.array([ts_ms]), numbers, np.array([STATE_ON], np.int8), late
            )
        self.history.append(batch, ts_ms + 50, {})
        self.now_ms = max(self.now_ms, ts_ms + 50)


@pytest.fixture
def world(tmp_path: Path, house: House) -> Iterator[World]:
    history = History(tmp_path / "history", VOCAB)
    yield World(tmp_path, house, history)
    history.close()


def http(webhook: Webhook, more: str = "") -> str:
    return (
        f'[[tier]]\nname = "city"\nmap = "chongqing"\nstatus_s = 60\n{more}\n'
        f'[tier.http]\nurl = "{webhook.url}/{{kind}}"\nsecret = "city"\n'
    )


def told(webhook: Webhook, kind: str) -> list[dict[str, Any]]:
    return [one for r in webhook.accepted if r.path == f"/hook/{kind}" for one in r.json]


def keys(those: list[Received]) -> list[str]:
    return [one.headers["idempotency-key"] for one in those]


def test_everything_after_the_first_day_in_their_codes(world: World, webhook: Webhook) -> None:
    courier = world.courier(http(webhook), city="hush")
    world.tell(T0, service_mode=1.0, car_position=3.0)
    assert not courier.bring_some(), "a new tier begins with what comes from now on"
    for second in range(1, 180):
        world.tell(T0 + second * 1000, car_position=float(second // 10), total_running_time=5.0)
    world.tell(T0 + 180_000, car=1, code=43)
    one = raised(rule="1", at_ms=T0 + 30_000)
    world.house.raise_(one)
    world.house.raise_(cleared(one, T0 + 90_000))
    world.now_ms = T0 + 240_000
    while courier.bring_some():
        pass
    status = told(webhook, "status")
    assert [s["Car_Position"] for s in status if s["Registration_Code"] == CAR] == [5, 11, 17]
    messages = told(webhook, "message")
    assert {"Registration_Code": CAR_2, "Message_Code": 43}.items() <= messages[-1].items()
    assert courier.behind()["alarms"] == courier.behind()["events"] == 0
    first = webhook.accepted[0]
    stamp, signed = first.headers[TIMESTAMP.lower()], first.headers[SIGNATURE_V2.lower()]
    assert check("hush", first.body, stamp, signed, world.now_ms) is None
    assert len(set(keys(webhook.accepted))) == len(webhook.accepted)
    world.now_ms = T0 // DAY * DAY + 2 * DAY + SETTLE_MS
    assert courier.bring_some()
    (day,) = told(webhook, "statistics")
    assert (day["Registration_Code"], day["Total_Running_Time"]) == (CAR, 5)


def test_an_alarm_between_the_start_and_the_first_turn_is_told(
    world: World, webhook: Webhook
) -> None:
    courier = world.courier(http(webhook).replace("chongqing", "provincial"), city="hush")
    world.house.raise_(raised(rule="1", at_ms=T0))
    courier.open()
    world.house.raise_(raised(rule="1", at_ms=T0 + 1000, subject=CAR_2))
    assert courier.bring_some()
    assert len(told(webhook, "message")) == 1, "the second; the first was there before"


def test_an_alarm_is_told_and_its_end_but_no_exercise(world: World, webhook: Webhook) -> None:
    courier = world.courier(http(webhook).replace("chongqing", "provincial"), city="hush")
    assert not courier.bring_some()
    one = raised(rule="1", at_ms=T0)
    world.house.raise_(one)
    world.house.raise_(cleared(one, T0 + 90_000))
    assert courier.bring_some()
    said = [(m["fault_type"], m["deal_status"]) for m in told(webhook, "message")]
    assert said == [("11", "01"), ("11", "00")], "困人 there, and that its signal ended"


def test_an_outage_of_the_platform_loses_nothing(world: World, webhook: Webhook) -> None:
    courier = world.courier(http(webhook, 'wants = ["events"]\nrows = 7'), city="hush")
    assert not courier.bring_some()
    webhook.always(503)
    for i in range(20):
        world.tell(T0 + i * 1000, code=8 if i % 2 else 40)
    with pytest.raises(SendError, match="HTTP 503"):
        courier.bring_some()
    for i in range(20, 40):
        world.tell(T0 + i * 1000, code=8 if i % 2 else 40)
    tried = keys(webhook.requests)
    webhook.always(200)
    while courier.bring_some():
        pass
    assert len(told(webhook, "message")) == 40
    assert keys(webhook.accepted)[0] == tried[0], "the same message under the same key"


def test_a_proof_that_was_lost_is_asked_for_again(world: World, webhook: Webhook) -> None:
    """The platform took the first part of a delivery; the crash came before the second."""
    text = http(webhook, 'wants = ["events"]\nrows = 7')
    courier = world.courier(text, city="hush")
    assert not courier.bring_some()
    for i in range(10):
        world.tell(T0 + i * 1000, code=8)
    webhook.fail(0)
    webhook.slow(0.0, 1)
    webhook.fail(1, 500)
    with pytest.raises(SendError):
        courier.bring_some()
    taken = webhook.accepted[0]
    world.tell(T0 + 60_000, code=40)  # the next process finds more than the first one meant
    courier = world.courier(text, city="hush")
    while courier.bring_some():
        pass
    again = [one for one in webhook.accepted if keys([one]) == keys([taken])]
    assert len(again) == 2 and again[0].body == again[1].body
    by_key = {keys([one])[0]: one.json for one in webhook.accepted}
    assert sum(len(rows) for rows in by_key.values()) == 11, "each once, by key"


def test_only_the_streets_it_is_for(world: World, webhook: Webhook) -> None:
    street = next(lift.street_office for lift in registry().lifts)
    other = f'wants = ["events"]\nstreets = ["not-{street}"]'
    courier = world.courier(http(webhook, other), city="hush")
    assert not courier.bring_some()
    world.tell(T0, code=8)
    assert courier.bring_some()
    assert not webhook.requests and courier.behind() == {"events": 0}


def test_by_mqtt_to_their_topic(world: World, mosquitto: TestBroker) -> None:
    heard: list[tuple[str, Any]] = []
    up: list[int] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_subscribe = lambda *_: up.append(1)
    client.on_message = lambda _c, _d, m: heard.append((m.topic, json.loads(m.payload)))
    client.connect(mosquitto.host, mosquitto.port)
    client.loop_start()
    client.subscribe("gbt24476/#", qos=1)
    until(lambda: up)
    where = f'[tier.mqtt]\nhost = "{mosquitto.host}"\nport = {mosquitto.port}\n'
    text = f'[[tier]]\nname = "city"\nas = "district-07"\nmap = "chongqing"\n{where}'
    courier = world.courier(text)
    assert not courier.bring_some()
    world.tell(T0, code=8)
    assert courier.bring_some()
    until(lambda: heard)
    client.loop_stop()
    ((topic, rows),) = heard
    assert topic == "gbt24476/chongqing/district-07/message"
    assert rows[0]["Message_Code"] == 8
    (proof,) = Deliveries(world.history).latest("city")[0].proofs
    assert "PUBACK" in proof
    mosquitto.stop()
    world.tell(T0 + 1000, code=8)
    with pytest.raises(SendError):
        courier.bring_some()
    mosquitto.start()
    assert courier.bring_some()


def test_what_history_may_have_dropped_is_said(world: World, webhook: Webhook) -> None:
    courier = world.courier(http(webhook, 'wants = ["events"]'), city="hush")
    assert not courier.bring_some()
    world.tell(T0 + 401 * DAY, code=8)
    assert courier.bring_some()
    assert Deliveries(world.history).latest("city")[0].gone == 1


def test_a_missing_secret_is_named(world: World, webhook: Webhook) -> None:
    courier = world.courier(http(webhook, 'wants = ["events"]'))
    assert not courier.bring_some()
    world.tell(T0, code=8)
    with pytest.raises(SendError, match="LIFTWATCH_KEY_CITY"):
        courier.bring_some()
    assert not webhook.requests


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[tier]]\nname = "x"\nmap = "chongqing"\n', "tier"),
        ('[[tier]]\nname = "x"\nmap = "nowhere"\n[tier.http]\nurl = "http://a/"\n', "codes"),
        ('[[tier]]\nname = "x"\nmap = "chongqing"\n[tier.http]\nurl = "ftp://a/"\n', "http.url"),
        (
            '[[tier]]\nname = "x"\nmap = "chongqing"\n[tier.http]\nurl = "http://a"\n'
            'token = "Bearer abc"\n',
            "http.token",
        ),
        ('[[tier]]\nname = "x"\nwants = ["all"]\nmap = "chongqing"\n', "wants"),
    ],
)
def test_mistakes_in_the_file_are_told(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(ConfigError) as told_:
        load_tiers(tmp_path, VOCAB)
    assert key in told_.value.key or key in str(told_.value)
    assert "abc" not in str(told_.value)


def test_all_streams_unless_told() -> None:
    assert set(STREAMS) == {"status", "events", "alarms", "statistics"}
