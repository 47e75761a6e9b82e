"""One message to a platform above, and the proof that it was taken."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable
from typing import Protocol

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from alerts.notify.signing import signed_headers
from config.secrets import Secrets
from monitor.upstream.tier_file import ByHttp, ByMqtt, Tier

KEY = "Idempotency-Key"
SHOWN = 120  # characters of an answer that a proof or a trouble quotes


class SendError(Exception):
    """The message was not proven to be taken; it is sent again under the same key."""


class Sender(Protocol):
    """The way to one platform."""

    def send(self, kind: str, key: str, body: bytes) -> str:
        """Deliver one message and return the proof. Raises SendError."""

    def where(self, kind: str) -> str:
        """Tell where a message of a kind goes."""

    def close(self) -> None:
        """Let go of the connection."""


def sender(tier: Tier, secrets: Secrets, clock: Callable[[], int]) -> Sender:
    """Return the way to a tier's platform; nothing is connected yet."""
    if isinstance(tier.by, ByMqtt):
        return MqttSender(tier, tier.by, secrets)
    return HttpSender(tier, tier.by, secrets, clock)


def digest(body: bytes) -> str:
    """Return the first 16 hex digits of a body's SHA-256: enough to find it by."""
    return hashlib.sha256(body).hexdigest()[:16]


def _secret(secrets: Secrets, name: str) -> str:
    value = secrets.get(name)
    if value is None:
        raise SendError(f"the secret {name} is missing: {secrets.where(name)} / 缺少密钥 {name}")
    return value


class MqttSender:
    """QoS 1 to the topic of the platform's code map. PUBACK proves that its broker has it."""

    def __init__(self, tier: Tier, by: ByMqtt, secrets: Secrets) -> None:
        self._tier, self._by, self._secrets = tier, by, secrets
        self._client: mqtt.Client | None = None

    def where(self, kind: str) -> str:
        """Return broker and topic."""
        scheme = "mqtts" if self._by.tls else "mqtt"
        return f"{scheme}://{self._by.host}:{self._by.port} {self._topic(kind)}"

    def _topic(self, kind: str) -> str:
        named = self._tier.codes.topic.replace("{gateway}", self._tier.called)
        return named.replace("{kind}", kind)

    def send(self, kind: str, key: str, body: bytes) -> str:
        """Publish and wait for PUBACK. Raises SendError."""
        client = self._client or self._connect()
        try:
            told = client.publish(self._topic(kind), body, qos=1)
            told.wait_for_publish(self._tier.timeout_s)
        except (ValueError, RuntimeError, OSError) as error:
            self.close()
            raise SendError(str(error)) from None
        if not told.is_published():
            self.close()
            raise SendError(f"no PUBACK within {self._tier.timeout_s:g} s / 未收到 PUBACK")
        return f"{key} PUBACK {told.mid} sha256 {digest(body)}"

    def _connect(self) -> mqtt.Client:
        by, up = self._by, threading.Event()
        refused: list[str] = []
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=by.client_id or f"liftwatch-upstream-{self._tier.name}",
            clean_session=True,
            protocol=mqtt.MQTTv311,
        )
        if by.username is not None:
            password = _secret(self._secrets, by.password) if by.password else None
            client.username_pw_set(by.username, password)
        if by.tls:
            ca = str(by.ca_file) if by.ca_file else None
            client.tls_set_context(ssl.create_default_context(cafile=ca))

        def on_connect(_c: object, _d: object, _f: object, reason: object, _p: object) -> None:
            if getattr(reason, "is_failure", False):
                refused.append(str(reason))
            up.set()

        client.on_connect = on_connect
        try:
            client.connect(by.host, by.port, keepalive=30)
        except (OSError, ValueError) as error:
            raise SendError(f"{by.host}:{by.port}: {error}") from None
        client.loop_start()
        if not up.wait(self._tier.timeout_s) or refused:
            client.loop_stop()
            raise SendError(f"{by.host}:{by.port}: {refused[0] if refused else 'no CONNACK'}")
        self._client = client
        return client

    def close(self) -> None:
        """Disconnect; the next message connects anew."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()


class HttpSender:
    """POST, signed where a secret is set. A 2xx answer proves that the platform has it."""

    def __init__(self, tier: Tier, by: ByHttp, secrets: Secrets, clock: Callable[[], int]) -> None:
        self._tier, self._by, self._secrets, self._clock = tier, by, secrets, clock
        self._client = httpx.Client(timeout=tier.timeout_s, follow_redirects=False)

    def where(self, kind: str) -> str:
        """Return the address."""
        return self._by.url.replace("{kind}", kind)

    def send(self, kind: str, key: str, body: bytes) -> str:
        """Post and read the answer. Raises SendError."""
        headers = {"Content-Type": "application/json", KEY: key}
        if self._by.secret is not None:
            secret = _secret(self._secrets, self._by.secret)
            headers |= signed_headers(secret, body, self._clock())
        if self._by.token is not None:
            headers["Authorization"] = f"Bearer {_secret(self._secrets, self._by.token)}"
        try:
            answer = self._client.post(self.where(kind), content=body, headers=headers)
        except httpx.HTTPError as error:
            raise SendError(f"{type(error).__name__} {error}".strip()) from None
        said = " ".join(answer.text[:SHOWN].split())
        if not answer.is_success:
            raise SendError(f"HTTP {answer.status_code} {said}".strip())
        return f"{key} HTTP {answer.status_code} sha256 {digest(body)} {said}".strip()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
