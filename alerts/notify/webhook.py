"""Pages by web hook: JSON by POST, signed, with the idempotency key as a header."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

import httpx
import orjson

from alerts.notify.channel import DeliveryError, Item, Receipt

SIGNATURE = "X-Liftwatch-Signature"
# The receiver understood and will never take it; 408 and 429 only ask for another time.
_FINAL = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})


def sign(secret: str, body: bytes) -> str:
    """Return `sha256=<hex>`: HMAC-SHA256 of the raw body with the site's secret."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class WebhookChannel:
    """POSTs `{"key", "page"}`. Any 2xx is a receipt; redirects are not followed."""

    secret: str | None = None
    timeout_s: float = 10.0
    concurrency: int = 8
    _client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        body = orjson.dumps({"key": item.key, "lang": item.lang, "page": item.page})
        headers = {"Content-Type": "application/json", "Idempotency-Key": item.key}
        if self.secret:
            headers[SIGNATURE] = sign(self.secret, body)
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
        raise DeliveryError(text, final=answer.status_code in _FINAL)

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
