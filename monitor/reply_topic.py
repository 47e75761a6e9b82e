"""Answers by MQTT: `liftwatch/v1/replies/{unit}/{contact}`, told back on `…/answer`.

The payload is JSON: `token` (the last part of the page's link), `step` or `text`, with `cause`,
`comment` and a `key` of the sender's own as wanted. Only the token proves anything: who may publish
to a topic is the broker's affair, and a page's key can be guessed. A message is acknowledged after
its effect and its answer are out; one that was not comes again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import orjson
import paho.mqtt.client as mqtt
import structlog
from sqlalchemy.exc import SQLAlchemyError

from alerts.pages.links import LinkClaim
from alerts.replies import words
from alerts.replies.answers import Answer, Replies, step_said
from config.settings import Mqtt
from config.text import Text
from monitor.receive import client

log = structlog.get_logger("liftwatch.replies")
PREFIX = "liftwatch/v1/replies"
LONGEST = 4096
RETRY_S = 1.0


class ReplyTopic:
    """The service's subscriber to answers; a session of its own, so that it holds up nothing."""

    def __init__(self, settings: Mqtt, replies: Replies, clock: Callable[[], int]) -> None:
        self._replies, self._clock = replies, clock
        self._address = (settings.host, settings.port)
        self.connected = threading.Event()  # and subscribed
        self.failures = 0
        self._stopping = threading.Event()
        self._client = client(settings, f"{settings.client_id}-replies")
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self.connected.set()
        self._client.on_disconnect = lambda *_: self.connected.clear()
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Connect in the background and keep trying."""
        self._client.connect_async(*self._address, keepalive=30)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker; the session stays there and keeps what comes."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            log.error("broker.refused", reason=str(reason))
            return
        client.subscribe(f"{PREFIX}/+/+", qos=1)

    def _on_message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.retain:  # said once and kept by the broker: nobody says it now
            log.warning("retained reply ignored", topic=message.topic)
            client.ack(message.mid, message.qos)
            return
        taken = self._take(message.topic, bytes(message.payload))
        if taken is None:
            return  # not acknowledged: the next connection brings it again
        answer, key = taken
        body = answer.as_json() | {"key": key}
        client.publish(f"{message.topic}/answer", orjson.dumps(body), qos=1)
        client.ack(message.mid, message.qos)

    def _take(self, topic: str, payload: bytes) -> tuple[Answer, str] | None:
        """Try until the database takes it; None when we are told to stop before.

        Meanwhile no other answer is read: they wait at the broker.
        """
        while True:
            try:
                return take(self._replies, topic, payload, self._clock())
            except SQLAlchemyError as error:
                self.failures += 1
                log.error("reply not taken, trying again", error=str(error))
                if self._stopping.wait(RETRY_S):
                    return None


def take(replies: Replies, topic: str, payload: bytes, now_ms: int) -> tuple[Answer, str]:
    """Act on one message; return the answer and the key it carried."""
    said = _parsed(payload)
    if isinstance(said, Text):
        return Answer("not_understood", said), ""
    key = str(said.get("key") or "")[:128]
    contact = topic.rsplit("/", 1)[-1]
    claim = replies.claim(str(said.get("token") or ""), now_ms)
    if isinstance(claim, LinkClaim) and claim.contact != contact:
        claim = Text(
            f"令牌不属于 {contact}：请用该联系人的主题",
            f"the token is not {contact}'s: use that contact's own topic",
        )
    if said.get("step"):
        asked = step_said(str(said["step"]), _word(said, "cause"), _word(said, "comment"))
    else:
        asked = words.understand(_word(said, "text") or "")
    return replies.take("mqtt", key, claim, asked, now_ms), key


def _parsed(payload: bytes) -> dict[str, Any] | Text:
    if len(payload) > LONGEST:
        return Text(
            f"消息 {len(payload)} 字节，上限 {LONGEST}",
            f"the message has {len(payload)} bytes, limit {LONGEST}",
        )
    try:
        data = orjson.loads(payload)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        return Text(
            '应为 JSON 对象，例如 {"token": "…", "step": "accept"}',
            'a JSON object such as {"token": "…", "step": "accept"}',
        )
    return data


def _word(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    return str(value)[: words.LONGEST] if value is not None else None
