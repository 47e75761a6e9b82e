"""Pages by web hook: JSON by POST, signed, with the idempotency key as a header."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import httpx
import orjson

from alerts.notify import alertmanager
from alerts.notify.channel import DeliveryError, Item, Receipt
from alerts.notify.http_post import BadAddress, Poster, PostFailed, proxied, target_of
from alerts.notify.signing import signed_headers

# The receiver understood and will never take it; 408 and 429 only ask for another time.
FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})


@dataclass
class WebhookChannel:
    """POSTs `{"key", "lang", "page"}`, or with `format` "alertmanager" the body that Prometheus
    Alertmanager posts. Any 2xx is a receipt; redirects are not followed.

    `clock_ms` (wall time, epoch ms) dates the signature; without it only the undated one is sent.
    """

    secret: str | None = None
    timeout_s: float = 10.0
    concurrency: int = 32
    format: Literal["liftwatch", "alertmanager"] = "liftwatch"
    clock_ms: Callable[[], int] | None = None
    _client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)
    _poster: Poster | None = field(default=None, init=False, repr=False)

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        body = self._body(item)
        headers = self._headers(item, body)
        try:
            async with asyncio.timeout(self.timeout_s):
                status = await self._post(item.address, body, headers)
        except TimeoutError:
            text = f"{item.address}: no answer within {self.timeout_s:g} s"
            raise DeliveryError(text) from None
        except (BadAddress, httpx.InvalidURL) as error:
            raise DeliveryError(f"{item.address}: {error}", final=True) from None
        except PostFailed as error:
            raise DeliveryError(f"{item.address}: {error}") from None
        except httpx.HTTPError as error:
            text = f"{item.address}: {type(error).__name__}: {error}".rstrip(": ")
            raise DeliveryError(text) from None
        if 200 <= status < 300:
            return Receipt(f"HTTP {status}")
        raise DeliveryError(f"{item.address}: HTTP {status}", final=status in FINAL)

    async def _post(self, address: str, body: bytes, headers: dict[str, str]) -> int:
        if proxied(target_of(address).host):  # only the general client knows how
            answer = await self._general().post(address, content=body, headers=headers)
            return answer.status_code
        if self._poster is None:
            self._poster = Poster(self.concurrency)
        return await self._poster.post(address, body, headers)

    def show(self, item: Item) -> str:
        """Return the request as text; the signatures are masked."""
        body = self._body(item)
        lines = [f"POST {item.address}"]
        lines += [
            f"{name}: {'***' if 'Signature' in name else value}"
            for name, value in self._headers(item, body).items()
        ]
        return "\n".join([*lines, "", body.decode()])

    def _body(self, item: Item) -> bytes:
        if self.format == "alertmanager":
            return orjson.dumps(alertmanager.message(item.page, item.lang))
        return orjson.dumps({"key": item.key, "lang": item.lang, "page": item.page})

    def _headers(self, item: Item, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": item.key}
        if self.secret:
            at_ms = self.clock_ms() if self.clock_ms else None
            headers |= signed_headers(self.secret, body, at_ms)
        return headers

    def _general(self) -> httpx.AsyncClient:
        if self._client is None:
            limits = httpx.Limits(max_connections=self.concurrency)
            self._client = httpx.AsyncClient(timeout=self.timeout_s, limits=limits)
        return self._client

    async def close(self) -> None:
        """Let go of connections."""
        if self._poster is not None:
            await self._poster.close()
            self._poster = None
        if self._client is not None:
            await self._client.aclose()
            self._client = None
