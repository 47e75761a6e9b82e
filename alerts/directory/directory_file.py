"""Reads a site's directory.toml. A refusal names file, key, value and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alerts.directory.roster_file import contract, rosters
from alerts.directory.table_row import Row, refuse, rows
from alerts.directory.units import CHANNELS, POSTS, TOPIC, UNIT_KINDS, Contact, Directory, Unit
from alerts.notify.addresses import KEYS, more_addresses
from config.text import Text
from config.toml_file import read_toml

UNIT_KEYS = ("id", "kind", "name_zh", "name_en", "phone", "lat", "lon")
CONTACT_KEYS = (
    "id", "unit", "name", "phone", "email", "webhook", "mqtt", "lang", "channels", "post", *KEYS,
)  # fmt: skip
TABLES = ("unit", "contact", "contract", "duty", "holiday", "swap")
ZONE = "Asia/Shanghai"


def load_directory(file: Path, zone: str = ZONE) -> Directory:
    """Read `directory.toml`. Raises ConfigError with file, key, value and what would be right.

    `zone`: the site's time zone, for what names none of its own.
    """
    data = read_toml(file, Text("站点文件夹需要这个文件", "the site folder needs this file"))
    return parse_directory(data, file, file.parent, zone)


def parse_directory(
    data: Mapping[str, Any], file: Path | str, folder: Path, zone: str = ZONE
) -> Directory:
    """Make the directory of tables as in directory.toml; `folder` is where calendars lie.

    Raises ConfigError as load_directory does, `file` in its text.
    """
    unknown = sorted(set(data) - set(TABLES))
    if unknown:
        refuse(file, unknown[0], data[unknown[0]], " | ".join(TABLES))
    units: dict[str, Unit] = {}
    for i, row in enumerate(rows(file, data, "unit")):
        unit = _unit(Row(file, f"unit[{i}]", row), units)
        units[unit.id] = unit
    contacts: dict[str, Contact] = {}
    for i, row in enumerate(rows(file, data, "contact")):
        contact = _contact(Row(file, f"contact[{i}]", row), units, contacts)
        contacts[contact.id] = contact
    contracts = tuple(
        contract(Row(file, f"contract[{i}]", row), units, zone)
        for i, row in enumerate(rows(file, data, "contract"))
    )
    return Directory(units, contacts, rosters(data, file, folder, units, contacts, zone), contracts)


def _unit(row: Row, known: Mapping[str, Unit]) -> Unit:
    row.only(*UNIT_KEYS)
    ident = _new_id(row, known)
    name = Text(row.word("name_zh"), row.word("name_en"))
    kind = row.one_of("kind", UNIT_KINDS)
    lat, lon = row.degrees("lat", 90), row.degrees("lon", 180)
    return Unit(ident, kind, name, row.word("phone", ""), lat, lon)


def _new_id(row: Row, known: Mapping[str, object]) -> str:
    ident = row.word("id")
    if ident in known:
        row.refuse("id", ident, "unique / 不可重复")
    if any(sign in ident for sign in "/+#: ") or len(ident) > 64:
        row.refuse("id", ident, "1–64 characters without / + # : or blank / 不含 / + # : 与空格")
    return ident


def _contact(row: Row, units: Mapping[str, Unit], known: Mapping[str, Contact]) -> Contact:
    row.only(*CONTACT_KEYS)
    ident = _new_id(row, known)
    unit = row.one_of("unit", units)
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


def _addresses(row: Row, unit: str, ident: str) -> dict[str, str]:
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
