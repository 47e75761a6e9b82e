"""Receiving from the broker: a persistent session, acknowledged by hand after the commit."""

from __future__ import annotations

import itertools
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from config.settings import Mqtt
from devices.codecs import OURS, Routes
from devices.codecs.topics import BACKFILL
from monitor.intake import Intake
from monitor.metrics import Metrics
from monitor.subscriptions import no_longer_wanted

log = structlog.get_logger()


def tls_context(settings: Mqtt) -> ssl.SSLContext:
    """Return a verifying TLS context with the site's CA and, where set, our certificate."""
    context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    if settings.cert_file:
        key = str(settings.key_file) if settings.key_file else None
        context.load_cert_chain(str(settings.cert_file), key)
    return context


def client(settings: Mqtt, client_id: str) -> mqtt.Client:
    """Return a client that acknowledges when told to, with the service's account; not connected."""
    made = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=False,
        protocol=mqtt.MQTTv311,
        manual_ack=True,
    )
    if settings.username is not None:
        password = settings.password.get_secret_value() if settings.password else None
        made.username_pw_set(settings.username, password)
    if settings.tls:
        made.tls_set_context(tls_context(settings))
    made.reconnect_delay_set(min_delay=1, max_delay=15)
    return made


class Receiver:
    """A subscriber to what gateways send: one for what is live, one for back-fill.

    clean_session is off and acknowledgement manual: what was not committed comes again, to
    this process or to the next one. Two sessions, because a broker hands out a session's messages
    in order: live ones would wait behind a backlog in its queue, and in its in-flight window.
    """

    def __init__(
        self,
        settings: Mqtt,
        intake: Intake,
        metrics: Metrics,
        routes: Routes = OURS,
        known: Path | None = None,
        *,
        epochs: Iterator[int] | None = None,
        backfill: bool = False,
    ) -> None:
        """`known`: where the filters are noted that the broker holds for our session; `epochs`:
        numbers for connections, shared by receivers whose receipts are mixed."""
        self._intake, self._metrics, self._routes = intake, metrics, routes
        self._known, self._backfill = known, backfill
        self._host, self._port = settings.host, settings.port
        # Packet ids are only worth something on the connection they came by.
        self._epochs = epochs or itertools.count(1)
        self._epoch = 0
        self.connected = threading.Event()
        self.listening = threading.Event()  # the broker let us subscribe to all of it
        name = f"{settings.client_id}-{BACKFILL}" if backfill else settings.client_id
        self._client = client(settings, name)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Connect in the background and keep trying; the service runs on meanwhile."""
        self._client.connect_async(self._host, self._port, keepalive=30)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker; the session stays there and keeps what comes."""
        self._client.disconnect()
        self._client.loop_stop()
        self.connected.clear()
        self.listening.clear()

    def acknowledge(self, receipts: Sequence[tuple[int, int]]) -> None:
        """Send PUBACK for messages of the present connection; earlier ones come again."""
        for epoch, packet_id in receipts:
            if packet_id and epoch and epoch == self._epoch:
                self._client.ack(packet_id, 1)

    def _on_connect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.error("broker.refused", host=self._host, port=self._port, reason=str(reason))
            return
        self._epoch = next(self._epochs)
        self._subscribe()
        if not self._backfill:
            self._metrics.broker_up.set(1)
        self.connected.set()
        log.info("broker.connected", host=self._host, port=self._port, backfill=self._backfill)

    def routes_changed(self) -> None:
        """Ask the broker for what the routes want now; without a connection, at the next one."""
        if self.connected.is_set():
            self._subscribe()

    def _subscribe(self) -> None:
        wanted = self._routes.subscriptions(self._backfill)
        if self._known is not None:
            stale = no_longer_wanted(self._known, [name for name, _ in wanted])
            if stale:
                self._client.unsubscribe(stale)
        self._client.subscribe(wanted)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: Sequence[Any], _rest: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("broker.no_subscription", backfill=self._backfill)
        else:
            self.listening.set()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._epoch = 0
        self.connected.clear()
        self.listening.clear()
        if not self._backfill:
            self._metrics.broker_up.set(0)
        log.warning("broker.disconnected", reason=str(reason))

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        # A QoS 0 message has no packet id (mid 0) and nothing to acknowledge here; the answer on
        # the gateway's `ack` topic holds for it all the same.
        self._intake.offer(message.topic, bytes(message.payload), (self._epoch, message.mid))
