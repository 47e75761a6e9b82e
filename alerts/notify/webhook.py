"""Pages by web hook: JSON by POST, signed, with the idempotency key as a header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import httpx
import orjson

from alerts.notify import alertmanager
from alerts.notify.channel import DeliveryError, Item, Receipt
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
    concurrency: int = 8
    format: Literal["liftwatch", "alertmanager"] = "liftwatch"
    clock_ms: Callable[[], int] | None = None
    _client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        body = self._body(item)
        headers = self._headers(item, body)
        try:
            answer = await self._open().post(item.address, content=body, headers=headers)
        except httpx.InvalidURL as error:
            raise DeliveryError(f"{item.address}: {error}", final=True) from None
        except httpx.HTTPError as error:
            text = f"{item.address}: {type(error).__name__}: {error}".rstrip(": ")
            raise DeliveryError(text) from None
        if answer.is_success:
            return Receipt(f"HTTP {answer.status_code}")
        text = f"{item.address}: HTTP {answer.status_code}"
        raise DeliveryError(text, final=answer.status_code in FINAL)

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

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            limits = httpx.Limits(max_connections=self.concurrency)
            self._client = httpx.AsyncClient(timeout=self.timeout_s, limits=limits)
        return self._client

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
