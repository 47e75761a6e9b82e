"""A site's channels.toml: how its SMS and voice gateways are asked by HTTP, and how they answer.

[sms]                      or [voice]; all strings may hold placeholders (notify/template.py)
url = "https://…"          method = "POST", headers = {…}, timeout_s, concurrency
json = {…} | form = {…} | xml = "…" | body = "…"
[sms.success]              status = [200], path = "code", values = ["0"], contains = "OK",
                           never = ["isv.MOBILE_NUMBER_ILLEGAL"], ref = "data.id"
[sms.receipt]              status = "report.state", ref = "report.id", reached / read / failed =
                           […], at = "time", reply = "digits", replies = {"1" = "accept"},
                           secret = "name", say = "OK"
[sms.receipt.poll]         url = "https://…/{ref}", after_s, every_s, for_s and a body as above
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from xml.etree import ElementTree

from pydantic import Field, ValidationError, model_validator

from alerts.model import Step
from alerts.notify import template
from config.errors import ConfigError
from config.secrets import Secrets
from config.section import Section
from config.settings import refused
from config.text import Text
from config.toml_file import read_toml

FILE = "channels.toml"
GATEWAYS = ("sms", "voice")


class Request(Section):
    """One HTTP request as a template; at most one of json, form, xml and body."""

    method: Literal["GET", "POST", "PUT"] = "POST"
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    json_: Any = Field(None, alias="json")
    form: dict[str, str] | None = None
    xml: str | None = None
    body: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if sum(one is not None for one in (self.json_, self.form, self.xml, self.body)) > 1:
            raise ValueError("one of json, form, xml, body / json、form、xml、body 只能有一个")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "{" in parts.netloc:
            raise ValueError("url: http(s)://HOST/… without a placeholder in HOST / 主机须写明")
        known = {name: "" for name in template.NAMES}
        for text in self.strings():
            for name in template.names_in(text):
                if name not in known and not name.startswith(template.SECRET):
                    raise ValueError(
                        f"{{{name}}} is not known; known / 已知占位符: "
                        + ", ".join((*template.NAMES, "secret:NAME"))
                    )
        if self.xml is not None:
            ElementTree.fromstring(template.render(self.xml, lambda _: "x"))  # noqa: S314 - own file
        return self

    def strings(self) -> Iterator[str]:
        """Yield every text in which placeholders may stand."""
        yield self.url
        yield from self.headers.values()
        yield from _strings(self.json_)
        yield from (self.form or {}).values()
        yield from (text for text in (self.xml, self.body) if text is not None)

    def secrets(self) -> set[str]:
        """Return the names of the secrets it needs."""
        names = (name for text in self.strings() for name in template.names_in(text))
        return {n.removeprefix(template.SECRET) for n in names if n.startswith(template.SECRET)}


class Success(Section):
    """What an answer must be for the page to count as taken. Nothing said: any 2xx."""

    status: list[int] = Field(default_factory=list)
    path: str | None = None
    values: list[str] = Field(default_factory=list)
    contains: str | None = None
    never: list[str] = Field(default_factory=list)
    ref: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if bool(self.values or self.never) != (self.path is not None):
            raise ValueError("path goes with values or never / path 须与 values 或 never 同写")
        return self


class Poll(Request):
    """How the gateway is asked; `{ref}` is its number of the message."""

    method: Literal["GET", "POST", "PUT"] = "GET"
    after_s: float = Field(10, ge=0.1, le=3600)
    every_s: float = Field(30, ge=0.1, le=3600)
    for_s: float = Field(3600, ge=1, le=86_400)


class ReceiptSpec(Section):
    """Where in a call-back (JSON, form or query) or an answered poll stands what became of it."""

    status: str | None = None
    ref: str | None = None
    at: str | None = None
    reached: list[str] = Field(default_factory=list)
    read: list[str] = Field(default_factory=list)
    failed: list[str] = Field(default_factory=list)
    reply: str | None = None
    replies: dict[str, Step] = Field(default_factory=dict)
    secret: str | None = None
    say: str = "OK"
    poll: Poll | None = None


class GatewaySpec(Request):
    """One gateway."""

    timeout_s: float | None = Field(None, ge=0.5, le=120)
    concurrency: int = Field(4, ge=1, le=256)
    success: Success = Success()
    receipt: ReceiptSpec | None = None


class _File(Section):
    sms: GatewaySpec | None = None
    voice: GatewaySpec | None = None


def load_gateways(site: Path, secrets: Secrets) -> dict[str, GatewaySpec]:
    """Return the gateways of a site by name; none without the file.

    Raises ConfigError for a mistake, an unknown placeholder, or a secret that is not there.
    """
    file = site / FILE
    if not file.exists():
        return {}
    try:
        read = _File(**read_toml(file))
    except (ValidationError, ElementTree.ParseError) as error:
        if isinstance(error, ValidationError):
            raise refused(file, error) from None
        raise ConfigError(file, "xml", str(error), Text("应为合法的 XML", "not XML")) from None
    found = {name: spec for name in GATEWAYS if (spec := getattr(read, name)) is not None}
    for name, spec in found.items():
        for secret in sorted(_secrets(spec)):
            if secrets.get(secret) is None:
                way_out = Text(
                    f"没有这个密钥：请设置 {secrets.where(secret)}",
                    f"there is no such secret: set {secrets.where(secret)}",
                )
                raise ConfigError(file, f"{name} {{secret:{secret}}}", "", way_out)
    return found


def _secrets(spec: GatewaySpec) -> set[str]:
    found = spec.secrets()
    if spec.receipt is not None:
        found |= spec.receipt.poll.secrets() if spec.receipt.poll else set()
        found |= {spec.receipt.secret} if spec.receipt.secret else set()
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
