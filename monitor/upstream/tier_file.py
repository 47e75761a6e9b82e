"""A site's upstream.toml: the platforms above that are told, and what each of them wants.

[[tier]]
name = "city"                          # ours, for logs and proofs
map = "chongqing"                      # a code map: shipped, or a file beside upstream.toml
wants = ["status", "events", "alarms", "statistics"]
as = "district-07"                     # what we are called there: {gateway} of the map's topic
status_s = 60                          # a lift's state at most this often
streets = ["jiefangbei"]               # only the lifts of these street offices; all if empty
rows = 200                             # at most so many objects a message
[tier.mqtt]                            # or [tier.http]
host = "10.0.0.5"
port = 8883
tls = true
ca_file = "city-ca.pem"
username = "district-07"
password = "city_mqtt"                 # the NAME of a secret, never the secret itself
[tier.http]
url = "https://platform.example/{kind}"
secret = "city_http"                   # name of the secret that signs the body
token = "city_token"                   # name of a bearer token
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from config.errors import ConfigError
from config.secrets import NAME as SECRET_NAME
from config.section import Section
from config.settings import refused
from config.text import Text
from config.toml_file import read_toml
from devices.codes import CodeMap, find_code_map
from devices.vocabulary import Vocabulary

FILE = "upstream.toml"
Stream = Literal["status", "events", "alarms", "statistics"]
STREAMS: tuple[Stream, ...] = ("alarms", "events", "status", "statistics")  # the order of service
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def _secret(value: str | None) -> str | None:
    if value is not None and not SECRET_NAME.fullmatch(value):
        raise ValueError("the name of a secret (a–z, 0–9, _) / 密钥的名称，而非密钥本身")
    return value


class ByMqtt(Section):
    """Another broker. QoS 1; its PUBACK is the proof."""

    host: str
    port: int = Field(1883, ge=1, le=65535)
    tls: bool = False
    ca_file: Path | None = None
    username: str | None = None
    password: str | None = None
    client_id: str | None = None

    _named = field_validator("password")(_secret)


class ByHttp(Section):
    """An address that takes POST; its 2xx answer is the proof."""

    url: str
    secret: str | None = None
    token: str | None = None

    _named = field_validator("secret", "token")(_secret)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "{" in parts.netloc:
            raise ValueError("http(s)://HOST/…, {kind} allowed in the path / http(s) 地址")
        if re.sub(r"\{kind\}", "", value).count("{"):
            raise ValueError("only {kind} may stand in it / 只能含 {kind}")
        return value


class _Row(Section):
    name: str
    map: str
    wants: tuple[Stream, ...] = STREAMS
    as_: str | None = Field(None, alias="as")
    status_s: float = Field(60, ge=1, le=86_400)
    streets: tuple[str, ...] = ()
    rows: int = Field(200, ge=1, le=5000)
    timeout_s: float = Field(20, ge=1, le=300)
    mqtt: ByMqtt | None = None
    http: ByHttp | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not _NAME.fullmatch(self.name):
            raise ValueError("name: a–z, 0–9, - and _ / 名称只能用小写字母、数字、- _")
        if (self.mqtt is None) == (self.http is None):
            raise ValueError("one of [tier.mqtt] and [tier.http] / 二者须有且仅有其一")
        if not self.wants or len(set(self.wants)) != len(self.wants):
            raise ValueError("wants: each stream once / wants 每项一次，至少一项")
        return self


@dataclass(frozen=True, slots=True)
class Tier:
    """A platform above. `called`: what we are called there."""

    name: str
    codes: CodeMap
    wants: tuple[Stream, ...]
    called: str
    status_ms: int
    streets: frozenset[str]
    rows: int
    timeout_s: float
    by: ByMqtt | ByHttp


def load_tiers(site: Path, vocab: Vocabulary) -> list[Tier]:
    """Read upstream.toml of a site folder; no file, no tiers. Raises ConfigError."""
    file = site / FILE
    if not file.exists():
        return []
    data = read_toml(file)
    for key in data:
        if key != "tier":
            raise ConfigError(file, key, "…", Text("只有 [[tier]]", "only [[tier]] stands here"))
    rows = data.get("tier", [])
    if not isinstance(rows, list):
        raise ConfigError(file, "tier", rows, Text("写作 [[tier]]", "is written [[tier]]"))
    tiers = [_tier(file, row, vocab) for row in rows]
    names = [tier.name for tier in tiers]
    for name in names:
        if names.count(name) > 1:  # the name is the key of cursor and proofs
            raise ConfigError(file, "tier.name", name, Text("名称重复", "stands here twice"))
    return tiers


def _tier(file: Path, raw: object, vocab: Vocabulary) -> Tier:
    try:
        row = _Row.model_validate(raw)
    except ValidationError as error:
        raise refused(file, error) from None
    codes = find_code_map(row.map, vocab, file.parent)
    by = row.mqtt or row.http
    assert by is not None
    if isinstance(by, ByMqtt) and by.ca_file is not None:
        by = by.model_copy(update={"ca_file": file.parent / by.ca_file})
    return Tier(
        row.name,
        codes,
        tuple(stream for stream in STREAMS if stream in row.wants),
        row.as_ or row.name,
        round(row.status_s * 1000),
        frozenset(row.streets),
        row.rows,
        row.timeout_s,
        by,
    )
