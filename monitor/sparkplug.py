"""The service as a Sparkplug B host application: a session of its own with the broker.

Clean session, STATE as its last will, subscriptions first and then STATE online, by which edge
nodes know that somebody listens. What comes in goes the way of every message; what the codec
has to ask for comes back through the batch. Here only what time alone makes due is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from config.settings import Mqtt, Settings, Sparkplug
from devices.batch import LinkFact, Said
from devices.codecs import Routes
from devices.codecs.routes import Dialect
from devices.codecs.sparkplug import NAME
from devices.codecs.sparkplug.codec import rebirth_request
from devices.codecs.sparkplug.say import read_state, state
from devices.codecs.sparkplug.session import Sessions
from devices.codecs.sparkplug.topics import state_topic
from monitor.intake import Intake
from monitor.metrics import Metrics
from monitor.receive import tls_context

log = structlog.get_logger()
Say = Callable[[Sequence[Said], Sequence[tuple[str, LinkFact]]], None]
LOOP_S = 0.25
FAREWELL_S = 2.0
WAIT_S = (1.0, 15.0)
NO_PACKET = (0, 0)  # the session is clean: nothing is acknowledged by hand, nothing comes again


class SparkplugHost:
    """Runs in a thread of its own from `start` to `stop`."""

    def __init__(
        self,
        mqtt_settings: Mqtt,
        settings: Sparkplug,
        dialect: Dialect,
        intake: Intake,
        say: Say,
        clock: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._metrics = metrics
        self._mqtt, self._dialect = mqtt_settings, dialect
        self._intake, self._say, self._clock = intake, say, clock
        self._topic = state_topic(settings.host_id)
        self._stopping = threading.Event()
        self._since_ms = 0  # of this connection: in its will and in its STATE alike
        self._asked: int | None = None  # the subscription that STATE waits for
        self.online = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sparkplug", daemon=True)

    def start(self) -> None:
        """Connect in the background and keep trying."""
        self._thread.start()

    def stop(self) -> None:
        """Say that nobody listens any more, then leave."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=FAREWELL_S + 5)

    # -- the connection -----------------------------------------------------------------

    def _run(self) -> None:
        wait_s = WAIT_S[0]
        while not self._stopping.is_set():
            client = self._client()
            try:
                client.connect(self._mqtt.host, self._mqtt.port, keepalive=30)
                self._serve(client)
            except OSError as error:
                log.warning("sparkplug.unreachable", reason=str(error))
            was_online = self.online.is_set()
            self.online.clear()
            wait_s = WAIT_S[0] if was_online else min(2 * wait_s, WAIT_S[1])
            self._stopping.wait(wait_s)

    def _client(self) -> mqtt.Client:
        """Return a client that is not connected yet; a new one each time, because its will
        carries the time of the connection."""
        self._since_ms = self._clock()
        made = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{self._mqtt.client_id}-sparkplug",
            clean_session=True,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        if self._mqtt.username is not None:
            password = self._mqtt.password.get_secret_value() if self._mqtt.password else None
            made.username_pw_set(self._mqtt.username, password)
        if self._mqtt.tls:
            made.tls_set_context(tls_context(self._mqtt))
        made.will_set(self._topic, state(False, self._since_ms), 1, True)
        made.on_connect = self._on_connect
        made.on_subscribe = self._on_subscribe
        made.on_message = self._on_message
        return made

    def _serve(self, client: mqtt.Client) -> None:
        while client.loop(LOOP_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._look_after()
            if self._stopping.is_set():
                self._farewell(client)
                return
        log.warning("sparkplug.disconnected", host=self._mqtt.host)

    def _farewell(self, client: mqtt.Client) -> None:
        """Publish STATE offline and wait a little until the broker has it."""
        if self.online.is_set():
            sent = client.publish(self._topic, state(False, self._clock()), 1, True)
            for _ in range(round(FAREWELL_S / LOOP_S)):
                if sent.is_published() or client.loop(LOOP_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    break
        client.disconnect()
        client.loop(LOOP_S)

    # -- what comes ---------------------------------------------------------------------

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.error("sparkplug.refused", host=self._mqtt.host, reason=str(reason))
            return
        wanted = [(one.subscription, one.qos) for one in self._dialect.routes]
        wanted.append((self._topic, 1))
        self._asked = client.subscribe(wanted)[1]

    def _on_subscribe(
        self, client: mqtt.Client, _data: Any, mid: int, reasons: Any, _properties: Any
    ) -> None:
        if mid != self._asked:
            return
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            log.error("sparkplug.not_subscribed", reason=refused[0])
            return
        self._announce(client)
        self.online.set()
        log.info("sparkplug.online", topic=self._topic)

    def _announce(self, client: mqtt.Client) -> None:
        client.publish(self._topic, state(True, self._since_ms), 1, True)

    def _on_message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == self._topic:
            said = read_state(message.payload)
            # the will of an older connection of ours came late, or somebody else uses our name
            listens = self.online.is_set() and not self._stopping.is_set()
            if said is not None and not said[0] and listens:
                self._announce(client)
        elif message.retain:  # a birth is never retained: this one is of another day
            log.info("sparkplug.retained", topic=message.topic)
        else:
            self._intake.offer(message.topic, bytes(message.payload), NO_PACKET)

    def _look_after(self) -> None:
        """Ask for rebirths where what was missing did not come within the reorder time."""
        sessions, now_ms, known = self._dialect.routes[0].memory, self._clock(), self._metrics
        if not isinstance(sessions, Sessions):
            return
        told = (known.sparkplug_nodes, known.sparkplug_gaps, known.sparkplug_rebirths)
        for gauge, figure in zip(told, sessions.figures(), strict=True):
            gauge.set(figure)
        said = [
            rebirth_request(node.group, node.name, now_ms)
            for gateway, node in sessions.overdue(now_ms)
            if sessions.rebirths.ask(gateway, now_ms)
        ]
        if said:
            self._say(said, [])


def sparkplug_host(
    settings: Settings,
    routes: Routes,
    intake: Intake,
    say: Say,
    clock: Callable[[], int],
    metrics: Metrics,
) -> SparkplugHost | None:
    """Return the host, None where the site has not switched the dialect on."""
    dialect = next((one for one in routes.dialects if one.name == NAME), None)
    if dialect is None:
        return None
    named = settings.ingest.sparkplug
    return SparkplugHost(settings.mqtt, named, dialect, intake, say, clock, metrics)
