"""What docs/decisions and deploy/ claim of the brokers, asked of the brokers themselves."""

from __future__ import annotations

import threading
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from config.settings import load_settings
from tests.support.brokers import BrokerFactory, TestBroker
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[2]
Got = list[tuple[str, bytes]]


def _connect(
    broker: TestBroker, name: str, *topics: str, user: str | None = None, clean: bool = True
) -> tuple[paho.Client, Got]:
    """A connected client that acknowledges nothing by itself, and what it receives."""
    got: Got = []
    ready = threading.Event()
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean, manual_ack=True
    )
    if user is not None:
        client.username_pw_set(user, "secret")

    def on_connect(*_: object) -> None:
        if topics:
            client.subscribe([(topic, 1) for topic in topics])
        else:
            ready.set()

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _c, _u, message: got.append((message.topic, bytes(message.payload)))
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert ready.wait(10), f"{name} was not let in"
    return client, got


def _forge(broker: TestBroker, topic: str) -> None:
    """Publish as the wrong gateway; mosquitto 2.0.11 acknowledges that or hangs up."""
    answered = threading.Event()
    client, _ = _connect(broker, "forger", user="GW-2")
    client.on_publish = client.on_disconnect = lambda *_: answered.set()
    client.publish(topic, "forged", qos=1)
    assert answered.wait(10)
    _leave(client)


def _leave(*clients: paho.Client) -> None:
    for client in clients:
        client.disconnect()
        client.loop_stop()


def test_what_was_not_acknowledged_comes_again(any_broker: TestBroker) -> None:
    first, got = _connect(any_broker, "service", "t/#", clean=False)
    sender, _ = _connect(any_broker, "sender")
    for number in range(5):
        sender.publish("t/x", str(number), qos=1).wait_for_publish(10)
    until(lambda: len(got) == 5, what="five messages, none acknowledged")
    _leave(first)
    second, again = _connect(any_broker, "service", "t/#", clean=False)
    until(lambda: len(again) >= 5, what="the same five again")
    assert again[:5] == got
    _leave(second, sender)


def test_the_embedded_broker_forgets_over_its_own_restart(embedded_broker: TestBroker) -> None:
    """Decision 0001: this is what the gateway's store is for."""
    client, _ = _connect(embedded_broker, "service", "t/#", clean=False)
    _leave(client)
    sender, _ = _connect(embedded_broker, "sender")
    sender.publish("t/x", "lost", qos=1).wait_for_publish(10)
    _leave(sender)
    embedded_broker.restart()
    client, got = _connect(embedded_broker, "service", "t/#", clean=False)
    sender, _ = _connect(embedded_broker, "sender")
    sender.publish("t/x", "new", qos=1).wait_for_publish(10)
    until(lambda: got, what="the new message")
    assert got == [("t/x", b"new")]
    _leave(client, sender)


def test_the_acl_keeps_gateways_apart(broker_factory: BrokerFactory) -> None:
    acl = (ROOT / "deploy" / "mosquitto.acl").read_text("utf-8")
    users = dict.fromkeys(("liftwatch", "GW-1", "GW-2"), "secret")
    broker = broker_factory("mosquitto", users=users, acl=acl)
    service, heard = _connect(broker, "service", "lift/v1/+/telemetry", user="liftwatch")
    own, answers = _connect(broker, "one", "lift/v1/GW-1/ack", user="GW-1")
    other, overheard = _connect(broker, "two", "lift/v1/+/ack", "lift/v1/#", user="GW-2")
    _forge(broker, "lift/v1/GW-1/telemetry")
    _forge(broker, "lift/v1/GW-1/ack")
    own.publish("lift/v1/GW-1/telemetry", "true", qos=1).wait_for_publish(10)
    service.publish("lift/v1/GW-1/ack", "answer", qos=1).wait_for_publish(10)
    until(lambda: heard and answers, what="what is allowed")
    assert heard == [("lift/v1/GW-1/telemetry", b"true")]
    assert answers == [("lift/v1/GW-1/ack", b"answer")]
    assert overheard == []
    _leave(service, own, other)


def test_the_example_site_is_a_valid_configuration() -> None:
    settings = load_settings(ROOT / "deploy" / "site.toml")
    conf = (ROOT / "deploy" / "mosquitto.conf").read_text("utf-8")
    assert settings.mqtt.tls
    assert f"max_inflight_messages {settings.mqtt.window}\n" in conf
