"""Somebody at a broker, with what a gateway was given."""

from __future__ import annotations

import ssl
from typing import Any, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.wait import until


class Listening(Protocol):
    """Any broker."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


class Client:
    """Somebody at the broker; `got` are the messages that reached it."""

    def __init__(self, broker: Listening, user: str, password: str | None = None,
                 tls: ssl.SSLContext | None = None, name: str = "") -> None:  # fmt: skip
        self.got: list[tuple[str, bytes]] = []
        self.reason: Any = None
        self.lost = False
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name or f"c-{user}", reconnect_on_failure=False
        )
        if password is not None:
            self.client.username_pw_set(user, password)
        if tls is not None:
            self.client.tls_set_context(tls)
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._left
        self.client.on_message = lambda _c, _u, m: self.got.append((m.topic, m.payload))
        self.subscribed: list[Any] = []
        self.client.on_subscribe = lambda *args: self.subscribed.append(args)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def _connected(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self.reason = reason

    def _left(self, *_: Any) -> None:
        self.lost = True

    def up(self) -> Client:
        until(lambda: self.reason is not None, what="an answer to CONNECT")
        assert not self.reason.is_failure, self.reason
        return self

    def hear(self, *topics: str) -> Client:
        before = len(self.subscribed)
        self.client.subscribe([(topic, 1) for topic in topics])
        until(lambda: len(self.subscribed) > before, what="SUBACK")
        return self

    def say(self, topic: str, text: str = "x") -> None:
        self.client.publish(topic, text, qos=1).wait_for_publish(5)

    def forge(self, topic: str) -> None:
        """Try to say what is not allowed; mosquitto 2.0 may throw the sender out for it."""
        done = self.client.publish(topic, "forged", qos=1)
        until(lambda: self.lost or done.is_published(), what="how it takes a forged message")
        self.close()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
