"""The fixtures themselves: a test server that lies would make every other test worthless."""

from __future__ import annotations

import smtplib
import ssl
import sys
import threading
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Page

from tests.support.brokers import BrokerFactory, TestBroker
from tests.support.certs import make_certs
from tests.support.process import Spawn
from tests.support.smtp import SmtpServer
from tests.support.wait import until
from tests.support.webhook import Webhook


def _client(name: str, clean: bool = True) -> paho.Client:
    return paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)


def _listen(broker: TestBroker, name: str, clean: bool) -> tuple[paho.Client, list[bytes]]:
    got: list[bytes] = []
    subscribed = threading.Event()
    client = _client(name, clean)
    client.on_message = lambda _c, _u, message: got.append(bytes(message.payload))
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(broker.host, broker.port)
    client.subscribe("t/#", qos=1)
    client.loop_start()
    assert subscribed.wait(10)
    return client, got


def _publish(broker: TestBroker, payload: bytes) -> None:
    client = _client("publisher")
    client.connect(broker.host, broker.port)
    client.loop_start()
    client.publish("t/x", payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def _leave(client: paho.Client) -> None:
    client.disconnect()
    client.loop_stop()


def test_each_broker_delivers_and_keeps_for_an_absent_session(any_broker: TestBroker) -> None:
    client, got = _listen(any_broker, "listener", clean=False)
    _publish(any_broker, b"one")
    until(lambda: got == [b"one"], what="the first message")
    _leave(client)
    _publish(any_broker, b"x" * 300_000)
    client, got = _listen(any_broker, "listener", clean=False)
    until(lambda: [len(body) for body in got] == [300_000], what="the message kept meanwhile")
    _leave(client)


def test_each_broker_comes_back_on_its_port_after_a_kill(any_broker: TestBroker) -> None:
    port, first = any_broker.port, any_broker.pid
    any_broker.kill()
    assert not any_broker.running
    any_broker.start()
    assert any_broker.port == port
    assert any_broker.pid != first
    client, got = _listen(any_broker, "again", clean=True)
    _publish(any_broker, b"back")
    until(lambda: got == [b"back"])
    _leave(client)


def test_mosquitto_keeps_its_queue_over_a_restart(mosquitto: TestBroker) -> None:
    client, _ = _listen(mosquitto, "keeper", clean=False)
    _leave(client)
    _publish(mosquitto, b"kept")
    mosquitto.restart()
    client, got = _listen(mosquitto, "keeper", clean=False)
    until(lambda: got == [b"kept"], what="the message kept on disk")
    _leave(client)


def test_mosquitto_with_tls_and_users_refuses_strangers(
    broker_factory: BrokerFactory, tmp_path: Path
) -> None:
    certs = make_certs(tmp_path / "certs")
    broker = broker_factory("mosquitto", users={"gw": "secret"}, certs=certs)
    codes: list[bool] = []
    for password in ("secret", "wrong"):
        answered = threading.Event()
        client = _client(f"with-{password}")
        client.username_pw_set("gw", password)
        client.tls_set(str(certs.ca), tls_version=ssl.PROTOCOL_TLS_CLIENT)

        def on_connect(_c: object, _u: object, _f: object, reason: object, _p: object) -> None:
            codes.append(bool(reason.is_failure))  # type: ignore[attr-defined]
            answered.set()  # noqa: B023 - joined below, within the same turn

        client.on_connect = on_connect
        client.connect(broker.host, broker.port)
        client.loop_start()
        assert answered.wait(10)
        _leave(client)
    assert codes == [False, True]


def test_webhook_records_fails_and_hangs(webhook: Webhook) -> None:
    webhook.fail(times=1, status=503)
    assert httpx.post(webhook.url, json={"n": 1}).status_code == 503
    assert httpx.post(webhook.url, json={"n": 2}, headers={"Idempotency-Key": "k"}).is_success
    assert [one.json["n"] for one in webhook.accepted] == [2]
    assert webhook.accepted[0].headers["idempotency-key"] == "k"
    webhook.hang()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(webhook.url, json={"n": 3}, timeout=0.3)
    assert [one.status for one in webhook.requests] == [503, 200, 0]
    webhook.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.post(webhook.url)
    webhook.start()
    assert httpx.post(webhook.url, json={"n": 4}).is_success


def test_smtp_server_keeps_and_refuses(smtp_server: SmtpServer) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.example", "c@d.example", "困人"
    message.set_content("三号楼")
    smtp_server.fail(1)
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        with pytest.raises(smtplib.SMTPDataError):
            client.send_message(message)
        client.send_message(message)
    assert [one["Subject"] for one in smtp_server.messages] == ["困人"]
    assert smtp_server.attempts == 2


def test_spawn_keeps_output_and_ends_by_own_id(spawn: Spawn) -> None:
    program = spawn(sys.executable, "-c", "import time; print('up'); time.sleep(600)")
    until(lambda: "up" in program.output)
    assert program.running
    program.kill()
    assert program.returncode == -9


def test_page_runs_javascript(page: Page) -> None:
    page.set_content("<h1>电梯</h1>")
    assert page.evaluate("document.querySelector('h1').textContent") == "电梯"


def test_until_says_what_it_waited_for() -> None:
    answer: Callable[[], bool] = lambda: False  # noqa: E731
    with pytest.raises(AssertionError, match="the moon"):
        until(answer, timeout_s=0.05, what="the moon")
