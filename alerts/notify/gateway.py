"""Pages by an SMS or voice gateway that a site has described as an HTTP template.

Nothing of a provider is built in: channels.toml says how to ask, how success is told, and how the
gateway tells later what became of the page (gateway_file.py has its form).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import orjson

from alerts.notify import answer, template
from alerts.notify.channel import DeliveryError, Item, Receipt
from alerts.notify.gateway_file import GatewaySpec, ReceiptSpec, Request
from alerts.notify.receipts import Fate
from alerts.notify.webhook import FINAL
from config.secrets import Secrets

_SAID = 300  # characters of an answer that are kept


@dataclass(frozen=True, slots=True)
class Rendered:
    """A request ready to be sent, or, with masked secrets, to be shown."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None

    def text(self) -> str:
        """Return it as text."""
        lines = [f"{self.method} {self.url}", *(f"{n}: {v}" for n, v in self.headers.items())]
        return "\n".join([*lines, "", (self.body or b"").decode("utf-8", "replace")]).rstrip()


@dataclass(frozen=True, slots=True)
class Report:
    """What a gateway told: what became of a page, and what the person keyed in or wrote."""

    fate: Fate
    said: str
    ref: str | None = None
    at: str | None = None
    reply: str | None = None


@dataclass
class GatewayChannel:
    """Asks the gateway by HTTP. `callback` returns the address it may tell later what became of
    an item; `tz` is the site's zone."""

    spec: GatewaySpec
    secrets: Secrets
    tz: tzinfo
    callback: Callable[[Item], str] = lambda item: ""
    timeout_s: float = 10.0
    _client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)

    @property
    def concurrency(self) -> int:
        """How many pages it is handed at once."""
        return self.spec.concurrency

    async def send(self, item: Item) -> Receipt:
        """Deliver one page, or raise DeliveryError."""
        spec = self.spec
        got = await self._ask(self.rendered(spec, self._values(item)))
        text = self._masked(got.text[:_SAID])
        data, success = answer.parsed(got.content), spec.success
        told = answer.at(data, success.path)
        if told is not None and told in success.never:
            raise DeliveryError(f"{success.path} = {told}: {text}", final=True)
        if not (got.status_code in success.status if success.status else got.is_success):
            final = got.status_code in FINAL
            raise DeliveryError(f"HTTP {got.status_code}: {text}", final=final)
        if success.values and told not in success.values:
            right = " | ".join(success.values)
            raise DeliveryError(f"{success.path} = {told}, not {right}: {text}")
        if success.contains is not None and success.contains not in got.text:
            raise DeliveryError(f"answer without {success.contains!r}: {text}")
        poll = spec.receipt.poll if spec.receipt else None
        ref = answer.at(data, success.ref)
        return Receipt(
            f"HTTP {got.status_code} {text}".rstrip(), ref, poll.after_s if poll else None
        )

    async def ask(self, item: Item, ref: str) -> Report | None:
        """Ask what became of a page; None where the gateway cannot be asked or does not answer."""
        receipt = self.spec.receipt
        if receipt is None or receipt.poll is None:
            return None
        try:
            got = await self._ask(self.rendered(receipt.poll, self._values(item, ref)))
        except DeliveryError:
            return None
        return report(receipt, answer.parsed(got.content)) if got.is_success else None

    def show(self, item: Item) -> str:
        """Return the request as text, secrets masked."""
        return self.rendered(self.spec, self._values(item), masked=True).text()

    def rendered(
        self, request: Request, values: Mapping[str, str], masked: bool = False
    ) -> Rendered:
        """Return a template filled in."""

        def fill(name: str) -> str:
            if not name.startswith(template.SECRET):
                return values[name]
            secret = self.secrets.get(name.removeprefix(template.SECRET))
            if secret is None:
                raise DeliveryError(f"{name}: there is no such secret")
            return template.MASK if masked else secret

        url = template.render(request.url, fill, template.for_url)
        headers = {
            name: template.render(text, fill, template.for_header)
            for name, text in request.headers.items()
        }
        body, kind = _body(request, fill)
        if kind and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = kind
        return Rendered(request.method, url, headers, body)

    def _values(self, item: Item, ref: str = "") -> dict[str, str]:
        return template.values_of(item, self.tz, self.callback(item), ref)

    async def _ask(self, request: Rendered) -> httpx.Response:
        if self._client is None:
            limits = httpx.Limits(max_connections=self.concurrency)
            self._client = httpx.AsyncClient(timeout=self.timeout_s, limits=limits)
        try:
            return await self._client.request(
                request.method, request.url, headers=request.headers, content=request.body
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            host = urlsplit(self.spec.url).netloc  # the whole address may hold a secret
            told = self._masked(f"{type(error).__name__}: {error}").rstrip(": ")
            raise DeliveryError(f"{host}: {told}") from None

    def _masked(self, text: str) -> str:
        """An answer or error may repeat what it was sent."""
        for name in self.spec.secrets():
            secret = self.secrets.get(name)
            if secret:
                for form in (secret, template.for_url(secret)):
                    text = text.replace(form, template.MASK)
        return " ".join(text.split())

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def report(receipt: ReceiptSpec, data: Any) -> Report:
    """Return what a call-back or an answered poll says, by the site's own words for it."""
    told = answer.at(data, receipt.status)
    fate = Fate.PENDING
    for words, meant in (
        (receipt.reached, Fate.REACHED),
        (receipt.read, Fate.READ),
        (receipt.failed, Fate.FAILED),
    ):
        if told is not None and told in words:
            fate = meant
    reply = answer.at(data, receipt.reply)
    return Report(
        fate, told or "", answer.at(data, receipt.ref), answer.at(data, receipt.at), reply
    )


def _body(request: Request, fill: template.Fill) -> tuple[bytes | None, str | None]:
    if request.json_ is not None:
        return orjson.dumps(template.render_json(request.json_, fill)), "application/json"
    if request.form is not None:
        fields = {name: template.render(text, fill) for name, text in request.form.items()}
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    if request.xml is not None:
        text = template.render(request.xml, fill, template.for_xml)
        return text.encode(), "application/xml; charset=utf-8"
    if request.body is not None:
        return template.render(request.body, fill).encode(), "text/plain; charset=utf-8"
    return None, None
