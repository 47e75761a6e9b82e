"""Reading a plan: what a site writes about its controllers (docs/gateway-run.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.secrets import NAME as SECRET
from config.text import Text
from config.toml_file import read_toml
from devices.codecs.mapping.table import Table
from devices.codecs.mapping.units import OF_RATED, conversion, units
from devices.codes import read_values
from devices.fieldbus.plan import KINDS, AlarmRule, ChannelRule, Plan, Point, Source, SourceKind
from devices.registry import NAME
from devices.vocabulary import Vocabulary

GATEWAY = ("name", "url", "store", "username", "password", "ca_file", "cert_file", "key_file")
COMMON = ("name", "kind", "lift", "period_s", "heartbeat_s", "timeout_s", "point", "alarm")
WHERE: Mapping[str, tuple[str, ...]] = {
    "modbus-tcp": ("host", "port", "unit"),
    "modbus-rtu": ("port", "baud", "parity", "stopbits", "unit"),
    "bacnet": ("address", "local"),
    "opcua": ("url", "user", "password"),
}
NEEDED = {"modbus-tcp": "host", "modbus-rtu": "port", "bacnet": "address", "opcua": "url"}
POINT = ("at", "type", "bit", "words", "channel", "scale", "offset", "unit", "values")
ALARM = ("at", "type", "bit", "words", "code", "on")
TYPES = ("int16", "uint16", "int32", "uint32", "float32", "int64", "uint64", "float64")
_AT = {
    "modbus": (re.compile(r"(coil|discrete|input|holding):\d{1,5}"), "holding:100, coil:3"),
    "bacnet": (
        re.compile(r"[a-z-]+,\d{1,7}( [a-z0-9-]+(\[\d+\])?)?"),
        "lift,1 car-position; analog-value,3",
    ),
    "opcua": (re.compile(r"(ns=\d+;)?[isgb]=.+"), "ns=2;s=Lift1.Speed"),
}
_LIFT = re.compile(r"\d{20}")
_MOST_BIT = 15


def load_plan(file: Path, vocab: Vocabulary) -> Plan:
    """Read a plan. Raises ConfigError with file, line, key, value and what would be right."""
    top = Table(file, "", read_toml(file), ("gateway", "source"))
    gateway = top.table("gateway", GATEWAY)
    name = gateway.word("name")
    if not NAME.fullmatch(name):
        way_out = Text("应为网关编号，如 gw-01", "must be the gateway's id, such as gw-01")
        raise gateway.wrong("name", name, way_out)
    sources = [_source(one, vocab) for one in top.tables("source", (*COMMON, *_keys()))]
    if not sources:
        raise top.wrong("source", None, Text("至少一个 [[source]]", "needs a [[source]]"))
    _once(top, [one.name for one in sources])
    password = _optional(gateway, "password")
    if password is not None and not SECRET.fullmatch(password):
        way_out = Text("应为密钥名称，而非密钥本身", "the NAME of a secret, never the secret")
        raise gateway.wrong("password", "(secret)", way_out)
    return Plan(
        file,
        name,
        gateway.word("url"),
        file.parent / gateway.word("store", f"{name}.db"),
        _optional(gateway, "username"),
        password,
        _path(gateway, "ca_file"),
        _path(gateway, "cert_file"),
        _path(gateway, "key_file"),
        tuple(sources),
    )


def _keys() -> list[str]:
    return list(dict.fromkeys(key for keys in WHERE.values() for key in keys))


def _optional(table: Table, key: str) -> str | None:
    return table.word(key) if key in table.data else None


def _path(table: Table, key: str) -> Path | None:
    word = _optional(table, key)
    return None if word is None else table.file.parent / word


def _once(top: Table, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise top.wrong("source", name, Text("名称重复", "this name stands twice"))


def _source(table: Table, vocab: Vocabulary) -> Source:
    kind: SourceKind = table.word("kind", among=KINDS)  # type: ignore[assignment]
    for key in table.data:
        if key not in (*COMMON, *WHERE[kind]):
            listed = ", ".join((*COMMON, *WHERE[kind]))
            way_out = Text(f"{kind} 可用：{listed}", f"{kind} has: {listed}")
            raise table.wrong(key, table.data[key], way_out)
    if NEEDED[kind] not in table.data:
        way_out = Text(f"{kind} 必填", f"{kind} needs it")
        raise table.wrong(NEEDED[kind], None, way_out)
    lift = table.word("lift")
    if not _LIFT.fullmatch(lift):
        way_out = Text("应为 20 位注册代码", "must be the 20 digits of the registration code")
        raise table.wrong("lift", lift, way_out)
    where: dict[str, Any] = {k: table.data[k] for k in WHERE[kind] if k in table.data}
    channels = tuple(
        _channel(_inner(table, "point", i, row, POINT), kind, vocab)
        for i, row in enumerate(table.data.get("point", []))
    )
    alarms = tuple(
        _alarm(_inner(table, "alarm", i, row, ALARM), kind, vocab)
        for i, row in enumerate(table.data.get("alarm", []))
    )
    if not channels and not alarms:
        way_out = Text("至少一个 [[source.point]]", "needs a [[source.point]]")
        raise table.wrong("point", None, way_out)
    return Source(
        table.word("name", f"{kind}-{lift[-4:]}"),
        kind,
        lift,
        _positive(table, "period_s", 1.0),
        _positive(table, "heartbeat_s", 60.0),
        _positive(table, "timeout_s", 3.0),
        where,
        channels,
        alarms,
    )


def _inner(table: Table, name: str, i: int, row: object, keys: Sequence[str]) -> Table:
    return Table(table.file, f"{table.name}.{name}[{i}]", row, keys)


def _positive(table: Table, key: str, default: float) -> float:
    value = table.number(key, default)
    if not 0.05 <= value <= 86_400:
        raise table.wrong(key, value, Text("应为 0.05–86400 秒", "must be 0.05–86400 s"))
    return value


def _point(table: Table, kind: str) -> Point:
    at = table.word("at")
    pattern, example = _AT[kind.split("-", maxsplit=1)[0]]
    if not pattern.fullmatch(at):
        raise table.wrong("at", at, Text(f"{kind} 应如 {example}", f"{kind}: such as {example}"))
    options: dict[str, Any] = {}
    if "type" in table.data:
        options["type"] = table.word("type", among=TYPES)
    if "words" in table.data:
        options["words"] = table.word("words", among=("big", "little"))
    if "bit" in table.data:
        bit = table.number("bit", 0)
        if bit != int(bit) or not 0 <= bit <= _MOST_BIT:
            raise table.wrong("bit", bit, Text("应为 0–15", "must be 0–15"))
        options["bit"] = int(bit)
    return Point(at, options)


def _channel(table: Table, kind: str, vocab: Vocabulary) -> ChannelRule:
    name = table.word("channel")
    channel = vocab.by_name.get(name)
    if channel is None:
        near = table.near(name, [one.name for one in vocab.channels])
        way_out = Text(f"没有此通道；相近：{near}", f"no such channel; near: {near}")
        raise table.wrong("channel", name, way_out)
    scale, offset = table.number("scale", 1.0), table.number("offset", 0.0)
    if "unit" in table.data:
        unit = table.word("unit", among=[u for u in units(channel) if u != OF_RATED])
        by, plus = conversion(channel, unit) or (1.0, 0.0)
        scale, offset = scale * by, offset * by + plus
    values = None
    if "values" in table.data:
        values = read_values(table.file, f"{table.name}.values", table.data["values"], channel)
    return ChannelRule(_point(table, kind), channel, scale, offset, values)


def _alarm(table: Table, kind: str, vocab: Vocabulary) -> AlarmRule:
    code = table.data.get("code")
    if code not in vocab.messages:
        way_out = Text("应为代码表中的代码", "must be a code of messages.toml")
        raise table.wrong("code", code, way_out)
    on = table.data.get("on", [True, 1])
    words = on if isinstance(on, list) else [on]
    if not words or not all(isinstance(word, bool | int | float | str) for word in words):
        way_out = Text(
            '应为值或值的数组，如 [1, "OPEN"]', 'a value or several, such as [1, "OPEN"]'
        )
        raise table.wrong("on", on, way_out)
    told = frozenset(("true" if w else "false") if isinstance(w, bool) else str(w) for w in words)
    return AlarmRule(_point(table, kind), int(str(code)), told)
