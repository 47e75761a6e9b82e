"""Pages through apprise: WeCom, DingTalk and Feishu robots, and the long tail of services.

The address is apprise's own URL, `wecombot://{secret:wecom_night}` for example; only schemes that
the settings allow are used, since such a URL may also name a program or a file of this machine.
apprise blocks, so it runs in a thread of its own pool.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import apprise

from alerts.notify import template
from alerts.notify.channel import DeliveryError, Item, Receipt
from config.secrets import Secrets

SCHEMES = ("wecombot", "dingtalk", "feishu", "lark")
"""Allowed unless the settings say otherwise: the robots of the three that firms here use."""
_LOG = logging.getLogger("apprise")
_LOG.propagate = False  # what it says may hold an address with its key: we tell it masked
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")


class _Heard(logging.Handler):
    """Keeps what apprise says in this thread: its answer is only yes or no."""

    def __init__(self, thread: int) -> None:
        super().__init__(logging.WARNING)
        self.thread, self.said = thread, list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.said.append(record.getMessage())


@dataclass
class LongTailChannel:
    """Sends title and text in the reader's language by apprise."""

    secrets: Secrets
    schemes: tuple[str, ...] = SCHEMES
    timeout_s: float = 10.0
    concurrency: int = 4
    _pool: ThreadPoolExecutor | None = field(default=None, init=False, repr=False)

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.concurrency, "apprise")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._send, item)

    def _send(self, item: Item) -> Receipt:
        service, hidden = self._service(item.address)
        side = "zh" if item.lang.startswith("zh") else "en"
        heard = _Heard(threading.get_ident())
        _LOG.addHandler(heard)
        try:
            taken = service.notify(
                body=item.page["text"][side],
                title=item.page["title"][side],
                notify_type=_kind(item.page["severity"]),
            )
        except TypeError as error:  # apprise's own word for a message it cannot send
            raise DeliveryError(f"{service.service_name}: {error}", final=True) from None
        finally:
            _LOG.removeHandler(heard)
        if taken:
            return Receipt(str(service.service_name))
        said = "; ".join(heard.said) or "not taken"
        raise DeliveryError(_masked(f"{service.service_name}: {said}", hidden))

    def _service(self, address: str) -> tuple[Any, list[str]]:
        """Return apprise's object for an address, and what of it must not be told."""
        found = _SCHEME.match(address)
        scheme = found[1] if found else ""
        if scheme not in self.schemes:
            allowed = ", ".join(self.schemes) or "none"
            raise DeliveryError(
                f"scheme {scheme or '?'}:// is not allowed; allowed: {allowed} "
                "(notify.apprise_schemes)",
                final=True,
            )
        hidden = [part for part in re.split(r"[/?&=@:]+", address.partition("://")[2]) if part]
        filled: list[str] = []

        def fill(name: str) -> str:
            secret = self.secrets.get(name.removeprefix(template.SECRET))
            if secret is None or not name.startswith(template.SECRET):
                raise DeliveryError(f"{{{name}}}: there is no such secret", final=True)
            filled.append(secret)
            return secret

        service = apprise.Apprise.instantiate(
            template.render(address, fill, template.for_url), suppress_exceptions=True
        )
        if service is None:
            raise DeliveryError(f"{scheme}://…: not an address of this service", final=True)
        service.socket_connect_timeout = service.socket_read_timeout = self.timeout_s * 0.45
        return service, filled + hidden

    def show(self, item: Item) -> str:
        """Return service, masked address and text."""
        service, _ = self._service(item.address)
        side = "zh" if item.lang.startswith("zh") else "en"
        address = service.url(privacy=True).partition("?")[0]
        head = f"apprise {service.service_name}: {address}"
        return "\n".join([head, "", item.page["title"][side], "", item.page["text"][side]])

    async def close(self) -> None:
        """Let go of the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _kind(severity: str) -> apprise.NotifyType:
    return apprise.NotifyType.FAILURE if severity == "critical" else apprise.NotifyType.WARNING


def _masked(text: str, hidden: list[str]) -> str:
    for secret in sorted(hidden, key=len, reverse=True):
        if len(secret) >= 6:
            text = text.replace(secret, template.MASK)
    return text
