"""Pages to browsers by Web Push (RFC 8030), encrypted for that browser alone (RFC 8291).

The address of an item is the number of a subscription; what the browser gave for it is looked up
when the page leaves. 201 = the push service has the page; 404 and 410 = the person has switched
it off, which ends the subscription. The push service sees when a page comes and how long it is,
and nothing of what it says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from py_vapid import Vapid02  # type: ignore[import-untyped]
from pywebpush import WebPusher, WebPushException  # type: ignore[import-untyped]

from alerts.notify.channel import DeliveryError, Item, Receipt
from alerts.notify.http_post import BadAddress, Poster, PostFailed, proxied, target_of
from alerts.notify.subscriptions import Browser, Subscriptions, allowed

LONGEST: Final = 2800  # bytes of text; a push service takes 4096 of cipher text, padding included
TOKEN_S: Final = 12 * 3600  # RFC 8292: at most 24 h
FINAL: Final = frozenset({400, 401, 403, 404, 410, 413})
GONE: Final = frozenset({404, 410})


def notice(page: Mapping[str, Any], lang: str, key: str) -> dict[str, Any]:
    """Return what is shown of a page: title, text, where a tap leads, and nobody's name.

    The link itself is not shown: it is where a tap leads. Of a page in many lines the last ones
    are cut when it is too long to be pushed.
    """
    side = "zh" if lang.startswith("zh") else "en"
    lines = [line for line in str(page["text"][side]).splitlines() if page["link"] not in line]
    parts = urlsplit(str(page["link"]))
    while len("\n".join(lines).encode()) > LONGEST:
        lines = [*lines[:-2], "…"] if len(lines) > 2 else [lines[0][: LONGEST // 4]]
    return {
        "v": 1,
        "key": key,
        "alert": page["alert"],
        "severity": page["severity"],
        "lang": side,
        "title": page["title"][side],
        "body": "\n".join(lines),
        "path": parts.path or "/",
        "sent_ms": page["sent_ms"],
    }


@dataclass
class WebPushChannel:
    """Pushes to browsers. `signer` holds the site's VAPID pair, `subject` says whom a push service
    may write to (RFC 8292), `clock_ms` is true wall time: the push service judges by it."""

    subscriptions: Subscriptions
    signer: Vapid02
    subject: str
    clock_ms: Callable[[], int]
    ttl_s: int = 3600
    timeout_s: float = 10.0
    concurrency: int = 16
    _poster: Poster | None = field(default=None, init=False, repr=False)
    _client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        browser = await asyncio.to_thread(self._browser, item.address)
        if browser is None:
            raise DeliveryError("the subscription has ended", final=True)
        host = urlsplit(browser.endpoint).hostname or "?"
        if not allowed(browser.endpoint, self.subscriptions.services):
            raise DeliveryError(f"{host}: not among notify.push.services", final=True)
        body = await asyncio.to_thread(self._sealed, browser, item)
        try:
            async with asyncio.timeout(self.timeout_s):
                status = await self._post(browser.endpoint, body, self._headers(browser, item))
        except TimeoutError:
            text = f"{host}: no answer within {self.timeout_s:g} s"
            raise DeliveryError(text) from None
        except (BadAddress, httpx.InvalidURL):
            raise DeliveryError(f"{host}: no address", final=True) from None
        except (PostFailed, httpx.HTTPError) as error:
            raise DeliveryError(f"{host}: {type(error).__name__}") from None
        if status in (200, 201, 202):
            return Receipt(f"HTTP {status} {host}")
        if status in GONE:
            await asyncio.to_thread(
                self.subscriptions.end, int(item.address), f"HTTP {status}", self.clock_ms()
            )
            raise DeliveryError(f"{host}: HTTP {status}: the subscription has ended", final=True)
        raise DeliveryError(f"{host}: HTTP {status}", final=status in FINAL)

    def _browser(self, address: str) -> Browser | None:
        return self.subscriptions.find(int(address)) if address.isdigit() else None

    def _sealed(self, browser: Browser, item: Item) -> bytes:
        told = {
            "endpoint": browser.endpoint,
            "keys": {"p256dh": browser.p256dh, "auth": browser.auth},
        }
        try:
            data = orjson.dumps(notice(item.page, item.lang, item.key))
            return bytes(WebPusher(told).encode(data)["body"])
        except (WebPushException, ValueError, UnsupportedAlgorithm) as error:
            text = f"the browser's key is of no use: {type(error).__name__}"
            raise DeliveryError(text, final=True) from None

    def _headers(self, browser: Browser, item: Item) -> dict[str, str]:
        parts = urlsplit(browser.endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "sub": self.subject,
            "exp": self.clock_ms() // 1000 + TOKEN_S,
        }
        grave = item.page["severity"] in ("critical", "major")
        return {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(self.ttl_s),
            "Urgency": "high" if grave else "normal",
            **self.signer.sign(claims),
        }

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        if proxied(target_of(url).host):  # only the general client knows how
            if self._client is None:
                self._client = httpx.AsyncClient(timeout=self.timeout_s)
            return (await self._client.post(url, content=body, headers=dict(headers))).status_code
        if self._poster is None:
            self._poster = Poster(self.concurrency)
        return await self._poster.post(url, body, headers)

    def show(self, item: Item) -> str:
        """Return what would be shown on the device; whose it is stays out of it."""
        told = notice(item.page, item.lang, item.key)
        return f"PUSH #{item.address}\n{told['title']}\n\n{told['body']}\n\n{told['path']}"

    async def close(self) -> None:
        """Let go of connections."""
        if self._poster is not None:
            await self._poster.close()
            self._poster = None
        if self._client is not None:
            await self._client.aclose()
            self._client = None
