"""Pages by MQTT, QoS 1, to `liftwatch/v1/pages/{unit}/{contact}`, for apps and duty boards.

One long-lived connection is shared by all pages and opened anew after it broke. The broker's
PUBACK is the receipt: it says that the broker has the page, not that somebody read it.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field

import aiomqtt
import orjson

from alerts.notify.channel import DeliveryError, Item, Receipt


@dataclass
class MqttChannel:
    """Publishes `{"key", "page"}` to the address as topic."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    client_id: str | None = None
    tls: ssl.SSLContext | None = None
    timeout_s: float = 10.0
    concurrency: int = 64
    _client: aiomqtt.Client | None = field(default=None, init=False, repr=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        body = orjson.dumps({"key": item.key, "lang": item.lang, "page": item.page})
        client: aiomqtt.Client | None = None
        try:
            client = await self._connected()
            await client.publish(item.address, body, qos=1, timeout=self._half_s)
        except (aiomqtt.MqttError, OSError) as error:
            await self._drop(client)
            raise DeliveryError(f"{self.host}:{self.port}: {error}") from None
        except ValueError as error:
            raise DeliveryError(f"topic {item.address}: {error}", final=True) from None
        return Receipt(f"PUBACK {self.host}:{self.port}")

    def show(self, item: Item) -> str:
        """Return topic and payload."""
        body = orjson.dumps({"key": item.key, "lang": item.lang, "page": item.page})
        return f"PUBLISH {self.host}:{self.port} QoS 1\n{item.address}\n\n{body.decode()}"

    async def _connected(self) -> aiomqtt.Client:
        async with self._lock:
            if self._client is None:
                client = aiomqtt.Client(
                    self.host,
                    self.port,
                    username=self.username,
                    password=self.password,
                    identifier=self.client_id,
                    tls_context=self.tls,
                    timeout=self._half_s,
                    keepalive=20,
                )
                client.pending_calls_threshold = 2 * self.concurrency  # it warns of ours else
                await client.__aenter__()
                self._client = client
            return self._client

    @property
    def _half_s(self) -> float:
        """Connecting and publishing share one attempt: each ends before the whole is cut off,
        so that a silent broker is noticed here and its connection dropped."""
        return self.timeout_s * 0.45

    async def _drop(self, broken: aiomqtt.Client | None) -> None:
        """Forget a broken connection; only the first of several pages that met it does so."""
        async with self._lock:
            if broken is None or broken is not self._client:
                return
            self._client = None
        with suppress(aiomqtt.MqttError, OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await broken.__aexit__(None, None, None)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._drop(self._client)
