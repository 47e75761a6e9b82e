"""Reads a site's directory.toml. A refusal names file, key, value and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.directory import (
    CHANNELS,
    POSTS,
    TOPIC,
    UNIT_KINDS,
    WEEKDAYS,
    Contact,
    Directory,
    Duty,
    Unit,
)
from alerts.notify.addresses import KEYS, more_addresses
from config.errors import ConfigError
from config.text import Text
from config.toml_file import read_toml


def load_directory(file: Path) -> Directory:
    """Read `directory.toml`. Raises ConfigError with file, key, value and what would be right."""
    data = read_toml(file, Text("站点文件夹需要这个文件", "the site folder needs this file"))
    unknown = sorted(set(data) - {"unit", "contact", "duty"})
    if unknown:
        _refuse(file, unknown[0], data[unknown[0]], "unit | contact | duty")
    units: dict[str, Unit] = {}
    for i, row in enumerate(_rows(file, data, "unit")):
        unit = _unit(_Row(file, f"unit[{i}]", row), units)
        units[unit.id] = unit
    contacts: dict[str, Contact] = {}
    for i, row in enumerate(_rows(file, data, "contact")):
        contact = _contact(_Row(file, f"contact[{i}]", row), units, contacts)
        contacts[contact.id] = contact
    duties: dict[str, Duty] = {}
    for i, row in enumerate(_rows(file, data, "duty")):
        duty = _duty(_Row(file, f"duty[{i}]", row), units, contacts)
        duties[duty.unit] = duty
    return Directory(units, contacts, duties)


def _refuse(file: Path, key: str, value: object, right: str) -> None:
    raise ConfigError(file, key, value, Text(f"应为：{right}", f"should be: {right}"))


def _rows(file: Path, data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = data.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        _refuse(file, name, rows, f"[[{name}]]")
    return list(rows)


@dataclass(frozen=True)
class _Row:
    """One table of the file; every getter refuses with the key's full name."""

    file: Path
    at: str
    row: Mapping[str, Any]

    def only(self, *names: str) -> None:
        unknown = sorted(set(self.row) - set(names))
        if unknown:
            self.refuse(unknown[0], self.row[unknown[0]], " | ".join(names))

    def refuse(self, key: str, value: object, right: str) -> None:
        _refuse(self.file, f"{self.at}.{key}", value, right)

    def word(self, key: str, default: str | None = None) -> str:
        value = self.row.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.refuse(key, value, "text / 文字")
        return str(value)

    def one_of(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self.word(key, default)
        if value not in allowed:
            self.refuse(key, value, " | ".join(allowed) or "(none known)")
        return value

    def words(self, key: str, allowed: Sequence[str]) -> tuple[str, ...]:
        values = self.row.get(key, [])
        if not isinstance(values, list):
            self.refuse(key, values, "a list / 列表")
        for value in values:
            if value not in allowed:
                self.refuse(key, value, " | ".join(allowed) or "(none known)")
        return tuple(values)

    def degrees(self, key: str, limit: float) -> float | None:
        value = self.row.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > limit:
            self.refuse(key, value, f"-{limit:g}..{limit:g}")
        return float(value)


def _unit(row: _Row, known: Mapping[str, Unit]) -> Unit:
    row.only("id", "kind", "name_zh", "name_en", "phone", "lat", "lon")
    ident = _new_id(row, known)
    name = Text(row.word("name_zh"), row.word("name_en"))
    kind = row.one_of("kind", UNIT_KINDS)
    lat, lon = row.degrees("lat", 90), row.degrees("lon", 180)
    return Unit(ident, kind, name, row.word("phone", ""), lat, lon)


def _new_id(row: _Row, known: Mapping[str, object]) -> str:
    ident = row.word("id")
    if ident in known:
        row.refuse("id", ident, "unique / 不可重复")
    if any(sign in ident for sign in "/+#: ") or len(ident) > 64:
        row.refuse("id", ident, "1–64 characters without / + # : or blank / 不含 / + # : 与空格")
    return ident


def _contact(row: _Row, units: Mapping[str, Unit], known: Mapping[str, Contact]) -> Contact:
    row.only(
        "id", "unit", "name", "phone", "email", "webhook", "mqtt", "lang", "channels", "post", *KEYS
    )  # fmt: skip
    ident = _new_id(row, known)
    unit = row.one_of("unit", list(units))
    addresses = _addresses(row, unit, ident)
    if "channels" in row.row:
        order = row.words("channels", CHANNELS)
    else:
        order = tuple(name for name in CHANNELS if name in addresses)
    for name in order:
        if name not in addresses:
            row.refuse("channels", name, f"a channel with an address ({name} = … is missing)")
    if not order:
        row.refuse("channels", list(order), f"at least one of {', '.join(CHANNELS)} / 至少一种")
    lang = row.one_of("lang", ("zh", "en"), "zh")
    post = row.one_of("post", POSTS, "member")
    channels = {name: addresses[name] for name in dict.fromkeys(order)}
    return Contact(ident, unit, row.word("name"), row.word("phone", ""), lang, post, channels)


def _addresses(row: _Row, unit: str, ident: str) -> dict[str, str]:
    found: dict[str, str] = {}
    mqtt = row.row.get("mqtt", False)
    if mqtt is True:
        found["mqtt"] = TOPIC.format(unit=unit, contact=ident)
    elif isinstance(mqtt, str) and mqtt and not set(mqtt) & set("+#"):
        found["mqtt"] = mqtt
    elif mqtt is not False:
        row.refuse("mqtt", mqtt, "true, false or a topic without + and # / 主题不含 + #")
    webhook = row.word("webhook", "")
    if webhook:
        if not webhook.startswith(("http://", "https://")):
            row.refuse("webhook", webhook, "http://… or https://…")
        found["webhook"] = webhook
    email = row.word("email", "")
    if email:
        name, _, domain = email.partition("@")
        if not name or not domain or any(sign.isspace() for sign in email):
            row.refuse("email", email, "name@domain")
        found["email"] = email
    return found | more_addresses(row.row, row.refuse)


def _duty(row: _Row, units: Mapping[str, Unit], contacts: Mapping[str, Contact]) -> Duty:
    row.only("unit", "contacts", "deputies", "weekday", "time", "tz", "start")
    unit = row.one_of("unit", list(units))
    own = [c.id for c in contacts.values() if c.unit == unit]
    return Duty(
        unit,
        row.words("contacts", own),
        row.words("deputies", own),
        WEEKDAYS.index(row.one_of("weekday", WEEKDAYS, "monday")),
        _hand_over(row),
        _zone(row),
        _start(row),
    )


def _hand_over(row: _Row) -> time:
    value = row.row.get("time", "08:00")
    try:
        return value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        row.refuse("time", value, "HH:MM")
        raise


def _zone(row: _Row) -> tzinfo:
    name = row.word("tz", "Asia/Shanghai")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        row.refuse("tz", name, "an IANA zone such as Asia/Shanghai / IANA 时区名")
        raise


def _start(row: _Row) -> date:
    value = row.row.get("start", date(2024, 1, 1))
    if not isinstance(value, date) or isinstance(value, datetime):
        row.refuse("start", value, "a date such as 2026-01-05 / 日期")
    return date(value.year, value.month, value.day)
