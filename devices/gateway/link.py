"""The gateway's connection: paho, a fresh client for every connection, last will, status.

A fresh client each time, because what was in flight when a connection broke is sent again from
the store, in order; paho's own resending would send it twice.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from config.text import Text
from devices.codecs.status import encode_status
from devices.codecs.topics import ACK, topic
from devices.gateway.errors import GatewayError

_SHORTEST_WAIT_S = 0.2
_SETTLED_S = 5.0  # a connection that broke sooner has not ended the trouble
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and how to sign in there."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @staticmethod
    def of(url: str, **sign_in: Any) -> Address:
        """Read `mqtt://HOST[:PORT]` or `mqtts://…`. Raises GatewayError for anything else."""
        try:
            parts = urlsplit(url)
            host, port, tls = parts.hostname, parts.port, parts.scheme == "mqtts"
        except ValueError:
            host, port, tls = None, None, False
        if host is None or parts.scheme not in ("mqtt", "mqtts"):
            raise GatewayError(
                Text(
                    f"url = {url!r}：应为 mqtt://主机:端口 或 mqtts://主机:端口",
                    f"url = {url!r}: must be mqtt://HOST:PORT or mqtts://HOST:PORT",
                )
            )
        return Address(host, port or (8883 if tls else 1883), tls, **sign_in)


class Link:
    """Keeps one gateway connected until `stop`; tells when it is up, down and what came."""

    def __init__(
        self,
        gateway: str,
        address: Address,
        boot: Callable[[], int],
        clock_ms: Callable[[], int],
        *,
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        on_ack: Callable[[bytes], None],
        client_id: str,
        clock_off_ms: Callable[[], int | None] = lambda: None,
        announce: bool = True,
        keepalive_s: int = 30,
        in_flight: int = 100,
        longest_wait_s: float = 30.0,
    ) -> None:
        self._gateway, self._address, self._boot, self._clock_ms = gateway, address, boot, clock_ms
        self._on_up, self._on_down, self._on_ack = on_up, on_down, on_ack
        self._keepalive_s, self._in_flight = keepalive_s, in_flight
        self._longest_wait_s = longest_wait_s
        self._client_id, self._announce = client_id, announce
        self._clock_off_ms = clock_off_ms
        self._stopped = threading.Event()
        self._broken = threading.Event()
        self._client: mqtt.Client | None = None
        self._thread = threading.Thread(target=self._run, name=f"link-{gateway}", daemon=True)
        self.connected = False
        self.trouble: str | None = None

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Say offline, disconnect, and end the thread."""
        client = self._client
        if self.connected and client is not None and self._announce:
            said = self._say(client, online=False)
            try:
                said.wait_for_publish(timeout_s)
            except (RuntimeError, ValueError):
                _log.warning("gateway %s: could not say goodbye", self._gateway)
        self._stopped.set()
        self._broken.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s + 5.0)

    def publish(self, kind: str, payload: bytes) -> bool:
        """Hand one message to paho, QoS 1. False: there is no connection now."""
        client = self._client
        if not self.connected or client is None:
            return False
        info = client.publish(topic(self._gateway, kind), payload, qos=1)
        return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def say_again(self) -> None:
        """Publish the status anew: something that stands in it has changed."""
        client = self._client
        if self.connected and client is not None and self._announce:
            self._say(client, online=True)

    def _run(self) -> None:
        wait_s = _SHORTEST_WAIT_S
        while not self._stopped.is_set():
            self._broken.clear()
            begun = time.monotonic()
            if self._connect_once() and time.monotonic() - begun > _SETTLED_S:
                wait_s = _SHORTEST_WAIT_S
            if not self._stopped.is_set():
                # spread, so that a thousand gateways do not all come back in the same second
                self._stopped.wait(wait_s * random.uniform(0.5, 1.0))  # noqa: S311
                wait_s = min(wait_s * 2, self._longest_wait_s)

    def _connect_once(self) -> bool:
        """Connect and stay until the connection breaks; True if it had come up."""
        client = self._client = self._new_client()
        try:
            client.connect(self._address.host, self._address.port, self._keepalive_s)
        except (OSError, ValueError) as error:
            self._note(str(error))
            return False
        client.loop_start()
        self._broken.wait()
        was_up, self.connected = self.connected, False
        client.disconnect()
        client.loop_stop()
        if was_up:
            self._on_down()
        return was_up

    def _new_client(self) -> mqtt.Client:
        address = self._address
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(self._in_flight)
        client.max_queued_messages_set(0)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            paths = (address.ca_file, address.cert_file, address.key_file)
            ca, cert, key = (None if path is None else str(path) for path in paths)
            client.tls_set(ca, cert, key, cert_reqs=ssl.CERT_REQUIRED)
        if self._announce:
            will = encode_status(False, self._boot(), self._clock_ms())
            client.will_set(topic(self._gateway, "status"), will, qos=1, retain=True)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        return client

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._note(str(reason))
            self._broken.set()
        else:
            client.subscribe(topic(self._gateway, ACK), qos=1)

    def _subscribed(
        self, client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _rest: Any
    ) -> None:
        """Only now: an acknowledgement sent before we listen would be lost."""
        if any(reason.is_failure for reason in reasons):
            self._note(f"may not subscribe to {topic(self._gateway, ACK)}")
            self._broken.set()
            return
        if self._announce:
            self._say(client, online=True)
        self.connected, self.trouble = True, None
        self._on_up()

    def _disconnected(self, _client: mqtt.Client, _data: Any, _flags: Any, *rest: Any) -> None:
        if not self._stopped.is_set():
            self._note(f"connection lost ({rest[0]}); is client id {self._client_id!r} used twice?")
        self._broken.set()

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._on_ack(bytes(message.payload))

    def _say(self, client: mqtt.Client, online: bool) -> mqtt.MQTTMessageInfo:
        status = encode_status(online, self._boot(), self._clock_ms(), self._clock_off_ms())
        return client.publish(topic(self._gateway, "status"), status, qos=1, retain=True)

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble:
            host, port = self._address.host, self._address.port
            _log.warning("gateway %s: %s:%d: %s", self._gateway, host, port, trouble)
        self.trouble = trouble
